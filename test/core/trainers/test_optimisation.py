"""One gradient step: from losses to new weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from muse_core.configs import TrainConfig  # noqa: E402
from muse_core.models.model import Term, weighted_loss  # noqa: E402
from muse_core.trainers.ema import AveragedWeights  # noqa: E402
from muse_core.trainers.optimisation import Optimisation, build_optimizer, decayed, read_sums  # noqa: E402


class Net(nn.Module):
    """One of each kind of parameter."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3, 2)
        self.convolution = nn.Conv2d(1, 2, 3)
        self.norm = nn.BatchNorm2d(2)
        self.embedding = nn.Embedding(4, 2)
        self.positions = nn.Parameter(torch.zeros(1, 5, 2))
        self.lstm = nn.LSTM(2, 2)


def test_matrices_and_kernels_decay_and_nothing_else_does():
    net = Net()
    names = {id(p): name for name, p in net.named_parameters()}
    assert {names[id(p)] for p in decayed(net)} == {
        "linear.weight", "convolution.weight", "lstm.weight_ih_l0", "lstm.weight_hh_l0"
    }  # fmt: skip


def test_the_optimizer_has_every_parameter_once_with_its_decay():
    net = Net()
    for kind, expected in (("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)):
        optimizer = build_optimizer(net, TrainConfig(optimizer=kind, weight_decay=0.1))
        assert type(optimizer) is expected
        decays = {id(p): g["weight_decay"] for g in optimizer.param_groups for p in g["params"]}
        assert len(decays) == sum(len(g["params"]) for g in optimizer.param_groups) == len([*net.parameters()])
        assert decays[id(net.linear.weight)] == 0.1
        assert decays[id(net.linear.bias)] == decays[id(net.embedding.weight)] == decays[id(net.positions)] == 0.0


def line(value: float) -> nn.Linear:
    """``y = value * x``."""
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(value)
    return net


def terms(net: nn.Module, x: list[float], aside: list[float]) -> dict[str, Term]:
    """Two terms that count differently, and one that is only logged."""
    inputs, others = (torch.tensor(each, dtype=torch.float32).reshape(-1, 1) for each in (x, aside))
    return {
        "a": Term(net(inputs).square().sum(), torch.tensor(len(x))),
        "b": Term(net(others).sum(), torch.tensor(len(aside)), weight=0.5),
        "logged": Term(net(inputs).abs().sum(), torch.tensor(len(x)), weight=0.0),
    }


def test_adding_up_batches_gives_the_gradient_of_one_batch_with_all_of_them():
    # d/dw of mean((w x)^2) + 0.5 mean(w y) at w = 2: mean(2 w x^2) = 4 (1 + 4 + 9) / 3, and 0.5 (3 + 5 + 1 + 1) / 4.
    net = line(2.0)
    optimisation = Optimisation(net, TrainConfig(accumulate=2, max_gradient_norm=0.0))
    optimisation.add(terms(net, [1.0], [3.0, 5.0, 1.0]))
    optimisation.add(terms(net, [2.0, 3.0], [1.0]))
    figures = optimisation.step()
    assert float(figures[0]) == pytest.approx(4 * 14 / 3 + 0.5 * 10 / 4)
    read = read_sums(["a", "b", "logged"], [1.0, 0.5, 0.0], figures[None])
    assert read["loss/a"] == pytest.approx(4 * 14 / 3) and read["loss/b"] == pytest.approx(2 * 10 / 4)
    assert read["loss"] == pytest.approx(4 * 14 / 3 + 0.5 * 5) and read["loss/logged"] == pytest.approx(2 * 6 / 3)


def test_a_batch_that_counts_nothing_of_a_term_changes_nothing():
    net = line(2.0)
    optimisation = Optimisation(net, TrainConfig(accumulate=2, max_gradient_norm=0.0))
    optimisation.add(terms(net, [], [4.0]))
    optimisation.add(terms(net, [1.0], [2.0]))
    assert float(optimisation.step()[0]) == pytest.approx(4.0 + 0.5 * 3.0)


def test_the_norm_is_logged_as_it_was_before_clipping_and_zero_clips_nothing():
    for limit, moved in ((0.5, 0.5), (0.0, 8.0), (100.0, 8.0)):
        net = line(2.0)
        optimisation = Optimisation(net, TrainConfig(max_gradient_norm=limit))
        optimisation.optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
        optimisation.add({"a": Term(net(torch.tensor([[2.0], [0.0]])).square().sum(), torch.tensor(2))})
        assert float(optimisation.step()[0]) == pytest.approx(8.0)  # 2 w x^2 / 2
        assert net.weight.item() == pytest.approx(2.0 - moved, abs=1e-5)


def test_one_batch_steps_as_a_bare_loop_does():
    ours, theirs = line(2.0), line(2.0)
    optimisation = Optimisation(ours, TrainConfig(learning_rate=0.1, max_gradient_norm=1.0))
    optimizer = torch.optim.Adam(theirs.parameters(), lr=0.1)
    for x in ([1.0, 2.0], [3.0, -1.0]):
        optimisation.add(terms(ours, x, x))
        optimisation.step()
        optimizer.zero_grad()
        weighted_loss(terms(theirs, x, x)).backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), 1.0)
        optimizer.step()
    assert torch.equal(ours.weight, theirs.weight)


def test_half_precision_gradients_that_overflow_are_skipped_and_the_scale_is_saved():
    net = line(2.0)
    optimisation = Optimisation(net, TrainConfig(precision="float16"))
    optimisation.add({"a": Term(net(torch.tensor([[torch.inf]])).sum(), torch.tensor(1))})
    optimisation.step()
    assert net.weight.item() == 2.0
    other = Optimisation(line(2.0), TrainConfig(precision="float16"))
    other.load_state_dict(optimisation.state_dict())
    assert other.state_dict()["scaler"]["scale"] == 65536.0 / 2
    with pytest.raises(ValueError, match="another --precision"):
        Optimisation(line(2.0), TrainConfig()).load_state_dict(optimisation.state_dict())


def test_the_average_follows_the_weights_with_a_decay_that_rises():
    # Decays are (1 + n) / (10 + n), at most 0.15: 0.1, then 2/11 -> 0.15.
    net = line(0.0)
    average = AveragedWeights(net, 0.15)
    for value, expected in ((1.0, 0.9), (2.0, 0.15 * 0.9 + 0.85 * 2.0)):
        with torch.no_grad():
            net.weight.fill_(value)
        average.update()
        with average.applied():
            assert net.weight.item() == pytest.approx(expected)
        assert net.weight.item() == value


def test_batch_norms_statistics_are_averaged_and_constants_are_not():
    net = nn.Sequential(nn.BatchNorm1d(1))
    net.register_buffer("limit", torch.tensor([-torch.inf]))
    average = AveragedWeights(net, 0.5)
    net[0].running_mean += 1.0
    average.update()
    with average.applied():
        assert float(net[0].running_mean) == pytest.approx(0.9)
        assert float(net.limit) == -torch.inf and int(net[0].num_batches_tracked) == 0
