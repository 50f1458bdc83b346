"""LSTM and GRU behind one interface."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from muse_core.models.networks.mlp import MLP  # noqa: E402
from muse_core.models.networks.recurrent import Recurrent  # noqa: E402

CELLS = pytest.mark.parametrize("cell", ["lstm", "gru"])


@CELLS
def test_step_by_step_gives_what_the_sequence_gives(cell):
    torch.manual_seed(0)
    network = Recurrent(3, 8, 2, cell)
    x, state = torch.randn(2, 5, 3), None
    whole, last = network(x)
    for t in range(5):
        y, state = network(x[:, t : t + 1], state)
        assert torch.allclose(y[:, 0], whole[:, t], atol=1e-6)
    assert all(torch.allclose(ours, theirs, atol=1e-6) for ours, theirs in zip(state, last, strict=True))


@CELLS
def test_an_episode_that_is_reset_begins_anew_and_its_neighbour_goes_on(cell):
    torch.manual_seed(0)
    network = Recurrent(3, 8, 2, cell)
    x = torch.randn(2, 4, 3)
    state = network(x)[1]
    following = torch.randn(2, 1, 3)
    y = network(following, network.reset(state, torch.tensor([True, False])))[0]
    assert torch.allclose(y[0], network(following[:1])[0][0], atol=1e-6)
    assert torch.allclose(y[1], network(following, state)[0][1], atol=1e-6)
    assert network.reset(None, torch.tensor([True, False])) is None


def test_an_lstm_step_worked_by_hand():
    # All weights and biases are 0 but one of the candidate's, 1: the gates are a half each, so the cell is tanh(1) / 2
    # and the output tanh of that, halved.
    network = Recurrent(1, 1, 1)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    with torch.no_grad():
        network.cells.bias_ih_l0[2] = 1.0
    y, (hidden, cell) = network(torch.zeros(1, 1, 1))
    assert cell.item() == pytest.approx(math.tanh(1) / 2)
    assert y.item() == hidden.item() == pytest.approx(math.tanh(math.tanh(1) / 2) / 2)


def test_another_cell_is_refused():
    with pytest.raises(ValueError, match="lstm or gru, got 'rnn'"):
        Recurrent(1, 1, 1, "rnn")


def test_an_mlp_worked_by_hand():
    network = MLP(2, (1, 1))
    for parameter in network.parameters():
        torch.nn.init.ones_(parameter)
    # relu(1 + 2 + 1) = 4, relu(4 + 1) = 5; and relu(-3 - 4 + 1) = 0, relu(0 + 1) = 1.
    assert network(torch.tensor([[1.0, 2.0], [-3.0, -4.0]])).tolist() == [[5.0], [1.0]]


def test_an_mlp_without_layers_hands_through():
    network = MLP(3, ())
    assert network.size == 3
    assert network(torch.tensor([1.0, 2.0, 3.0])).tolist() == [1.0, 2.0, 3.0]


def test_an_mlp_drops_in_training_only():
    network = MLP(4, (64,), dropout=0.5)
    x = torch.ones(1, 4)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))
