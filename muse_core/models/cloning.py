"""What behaviour cloning has in common, whatever network looks at the observations: a head acts on each step."""

from __future__ import annotations

from torch import Tensor, nn

from muse_core.models.actions import ActionCodec
from muse_core.models.heads import Head
from muse_core.models.losses import action_terms
from muse_core.models.model import Tensors, Terms
from muse_core.models.observations import ObservationEncoder


class Cloning(nn.Module):
    """An encoder, whatever a kind of it puts behind that, and a head."""

    def __init__(self, encoder: ObservationEncoder, head: Head, actions: ActionCodec) -> None:
        """Put the parts together.

        Args:
            encoder: Observations to features.
            head: Features to actions.
            actions: Between actions and what the head gives.
        """
        super().__init__()
        self.encoder, self.head, self.actions = encoder, head, actions

    def features(self, batch: Tensors) -> Tensor:
        """What the head sees: (B, H, ...) observations to (B, H, F)."""
        raise NotImplementedError

    def forward(self, batch: Tensors) -> Tensor:
        """Normalised actions: (B, H, ...) observations to (B, H, A)."""
        return self.head.act(self.features(batch))

    def loss(self, batch: Tensors) -> Terms:
        """The head's loss on normalised actions, over the real steps."""
        error = self.head.loss(self.features(batch), self.actions.encode(batch))
        return action_terms(error, batch["mask"], self.actions.labels())

    def action(self, features: Tensor) -> Tensors:
        """From (B, F) of the present step to its action, (B, 1, ...), in the units of the spec."""
        return self.actions.decode(self.head.act(features).unsqueeze(1))
