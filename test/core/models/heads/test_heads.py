"""Heads: losses worked by hand, what they act by, what they draw."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal  # noqa: E402

from muse_core.models.heads import (  # noqa: E402
    DeterministicHead,
    DiscretizedHead,
    GaussianHead,
    MixtureHead,
    build_head,
)

HALF_LOG_2_PI = 0.9189385332046727
ONE = torch.ones(1, 1, 1)  # one step of one episode, whose features are a single 1


def says(head, *numbers: float):
    """The head with a layer that gives these numbers whatever comes in."""
    torch.nn.init.zeros_(head.output.weight)
    with torch.no_grad():
        head.output.bias.copy_(torch.tensor(numbers))
    return head


def raw_std(std: float, min_std: float) -> float:
    """What softplus and the smallest deviation turn into `std`."""
    return math.log(math.expm1(std - min_std))


@pytest.mark.parametrize(("loss", "expected"), [("mse", [0.25, 9.0]), ("l1", [0.5, 3.0]), ("smooth_l1", [0.125, 2.5])])
def test_the_deterministic_losses_worked_by_hand(loss, expected):
    head = says(DeterministicHead(1, 2, loss), 1.0, -2.0)  # errors of 0.5 and 3
    assert head.loss(ONE, torch.tensor([[[1.5, 1.0]]]))[0, 0].tolist() == pytest.approx(expected)
    assert head.act(ONE).flatten().tolist() == [1.0, -2.0]


def test_a_deterministic_head_is_not_squashed():
    assert says(DeterministicHead(1, 1), 7.0).act(ONE).item() == 7.0


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValueError, match="mse, l1, smooth_l1, got 'l2'"):
        DeterministicHead(1, 1, "l2")


def test_the_gaussian_nll_worked_by_hand():
    # Mean 1, deviation 0.5, target 2: two deviations off, so 2^2 / 2 + ln 0.5 + ln(2 pi) / 2.
    head = says(GaussianHead(1, 1), 1.0, raw_std(0.5, 1e-3))
    assert head.loss(ONE, 2 * ONE).item() == pytest.approx(2 + math.log(0.5) + HALF_LOG_2_PI, rel=1e-5)
    assert head.act(ONE).item() == 1.0


def test_the_gaussians_deviation_stays_between_its_limits():
    for raw, std in ((-1000.0, 0.01), (1000.0, 2.0)):
        head = says(GaussianHead(1, 1, min_std=0.01, max_std=2.0), 0.0, raw)
        assert head.moments(ONE)[1].item() == pytest.approx(std)


def two_humps(**options) -> MixtureHead:
    """Three quarters at -1 with deviation 0.5, a quarter at 2 with deviation 1."""
    raw = [raw_std(0.5, 1e-3), raw_std(1.0, 1e-3)]
    return says(MixtureHead(1, 1, 2, **options), -1.0, 2.0, *raw, math.log(3.0), 0.0)


def test_the_mixtures_nll_worked_by_hand():
    # At 0: two deviations from the first hump and two from the second.
    density = 0.75 * math.exp(-2) / 0.5 + 0.25 * math.exp(-2)
    assert two_humps().loss(ONE, 0 * ONE).item() == pytest.approx(HALF_LOG_2_PI - math.log(density), rel=1e-5)


def test_the_mixture_acts_by_the_likeliest_component_and_not_by_the_mean_between():
    assert two_humps().act(ONE).item() == -1.0
    assert two_humps(bounded=True).act(ONE).item() == pytest.approx(math.tanh(-1.0))


def test_the_mixtures_nll_is_torch_distributions_own():
    torch.manual_seed(0)
    head = MixtureHead(6, 7, 5, bounded=True)
    features, target = torch.randn(4, 3, 6), torch.randn(4, 3, 7)
    log_weights, means, stds = head.mixture(features)
    reference = MixtureSameFamily(Categorical(logits=log_weights), Independent(Normal(means, stds), 1))
    assert torch.allclose(head.loss(features, target), -reference.log_prob(target), rtol=1e-5)


def test_a_mixture_far_from_the_target_has_a_finite_loss_and_gradient():
    head = two_humps()
    head.loss(ONE, 1e4 * ONE).sum().backward()
    assert torch.isfinite(head.output.bias.grad).all()


def four_bins(**options) -> DiscretizedHead:
    """Bins from -1 to 1 in steps of a half, with probabilities 0.1, 0.2, 0.3 and 0.4; and a dimension that is still."""
    head = DiscretizedHead(1, torch.tensor([-1.0, 3.0]), torch.tensor([1.0, 3.0]), 4, **options)
    return says(head, *(math.log(p) for p in (0.1, 0.2, 0.3, 0.4)), 0.0, 0.0, 0.0, 9.0)


def test_the_cross_entropy_worked_by_hand():
    loss = four_bins().loss(ONE, torch.tensor([[[-0.25, 3.0]]]))[0, 0]
    assert loss[0].item() == pytest.approx(-math.log(0.2), rel=1e-5)


def test_numbers_fall_into_their_bins_and_outliers_into_the_nearest():
    numbers = torch.tensor([[-5.0, 3], [-1.0, 3], [-0.51, 3], [-0.5, 3], [0.99, 3], [1.0, 3], [5.0, 3]])
    assert four_bins().to_bins(numbers)[:, 0].tolist() == [0, 0, 0, 1, 3, 3, 3]


def test_it_acts_by_the_centre_of_the_likeliest_bin_or_by_the_mean_of_all():
    likeliest, mean = (four_bins(act_by=by).act(ONE)[0, 0] for by in ("likeliest", "mean"))
    assert likeliest[0].item() == pytest.approx(0.75)
    assert mean[0].item() == pytest.approx(0.1 * -0.75 + 0.2 * -0.25 + 0.3 * 0.25 + 0.4 * 0.75)
    assert likeliest[1].item() == pytest.approx(3.0, abs=1e-3)  # the dimension that never moved


def test_where_the_bins_lie_travels_with_the_weights():
    fresh = DiscretizedHead(1, torch.full((2,), -torch.inf), torch.full((2,), torch.inf), 4)
    fresh.load_state_dict(four_bins().state_dict())
    assert torch.equal(fresh.act(ONE), four_bins().act(ONE))


def test_draws_follow_the_distribution_and_their_generator():
    many = torch.ones(20_000, 1)
    gaussian = says(GaussianHead(1, 1), 1.0, raw_std(0.5, 1e-3))
    for head, mean, std in (
        (gaussian, 1.0, 0.5),
        # Variance of the mixture: 0.75 (0.25 + 1) + 0.25 (1 + 4) - 0.25^2.
        (two_humps(), -0.25, math.sqrt(0.9375 + 1.25 - 0.0625)),
        (four_bins(), 0.25, 0.5),
    ):
        draws = [head.sample(many, torch.Generator().manual_seed(seed))[:, 0] for seed in (0, 0, 1)]
        assert torch.equal(draws[0], draws[1])
        assert not torch.equal(draws[0], draws[2])
        assert draws[0].mean().item() == pytest.approx(mean, abs=0.02)
        assert draws[0].std().item() == pytest.approx(std, abs=0.02)


@pytest.mark.parametrize(
    ("config", "kind", "shape"),
    [
        (SimpleNamespace(kind="deterministic", loss="l1"), DeterministicHead, (2, 3, 4)),
        (SimpleNamespace(kind="gaussian", min_std=0.1, max_std=1.0), GaussianHead, (2, 3, 4)),
        (SimpleNamespace(kind="mixture", components=3, min_std=0.1, bounded=False), MixtureHead, (2, 3)),
        (SimpleNamespace(kind="discretized", bins=8, act_by="mean"), DiscretizedHead, (2, 3, 4)),
    ],
)
def test_each_config_builds_its_head(config, kind, shape):
    head = build_head(config, 5, 4, (-torch.ones(4), torch.ones(4)))
    assert type(head) is kind
    features = torch.randn(2, 3, 5)
    assert head.loss(features, torch.zeros(2, 3, 4)).shape == shape
    assert head.act(features[:, 0]).shape == head.sample(features[:, 0]).shape == (2, 4)


def test_a_discretised_head_without_bounds_is_refused():
    with pytest.raises(ValueError, match="bounds of the actions"):
        build_head(SimpleNamespace(kind="discretized", bins=8, act_by="mean"), 5, 4)
