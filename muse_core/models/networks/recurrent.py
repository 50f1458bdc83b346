"""LSTM and GRU behind one interface, with a state that can be set to zero for some episodes of a batch.

Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; Cho et al., "Learning Phrase Representations using RNN
Encoder-Decoder", 2014.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

Cell = Literal["lstm", "gru"]
State = tuple[Tensor, ...]
"""Each (layers, B, hidden): the outputs, and for an LSTM its cells."""

CELLS = {"lstm": nn.LSTM, "gru": nn.GRU}


class Recurrent(nn.Module):
    """A stack of recurrent layers.

    Attributes:
        size: Numbers that come out for a step.
    """

    def __init__(
        self, inputs: int, hidden_size: int, layers: int, cell: Cell = "lstm", *, dropout: float = 0.0
    ) -> None:
        """Make the layers.

        Args:
            inputs: Numbers that come in for a step.
            hidden_size: Width of each layer.
            layers: How many.
            cell: ``lstm`` or ``gru``.
            dropout: Share of what goes from one layer to the next that is dropped in training.

        Raises:
            ValueError: for another cell.
        """
        super().__init__()
        if cell not in CELLS:
            raise ValueError(f"cell must be {' or '.join(CELLS)}, got {cell!r}")
        self.cells = CELLS[cell](inputs, hidden_size, layers, batch_first=True, dropout=dropout if layers > 1 else 0.0)
        self.size = hidden_size

    def forward(self, x: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """(B, H, inputs) to (B, H, size), and the state behind the last step; from zero where no state is given."""
        if state is None:
            y, after = self.cells(x)
        else:
            y, after = self.cells(x, state if isinstance(self.cells, nn.LSTM) else state[0])
        return y, after if isinstance(after, tuple) else (after,)

    @staticmethod
    def reset(state: State | None, which: Tensor) -> State | None:
        """The state with zeros for the episodes where `which`, (B,) bool, is True."""
        if state is None:
            return None
        return tuple(part.masked_fill(which.to(part.device).reshape(1, -1, 1), 0.0) for part in state)
