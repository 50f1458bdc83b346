"""Noise schedules and samplers: by hand, and against what the diffusers package gives."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from muse_core.models.diffusion.schedule import (  # noqa: E402
    NoiseSchedule,
    linear_betas,
    sample,
    squared_cosine_betas,
)

NOISY = torch.tensor([[0.3, -1.2, 0.7]])
OUTPUT = torch.tensor([[0.5, -0.4, 0.1]])
FRESH = torch.tensor([[1.0, -0.5, 0.25]])
BETAS = {"linear": linear_betas(100), "cosine": squared_cosine_betas(100)}

# What diffusers 0.42.1 gives for these inputs on a process of 100 steps with clip_sample, run once and written down:
# DDPMScheduler(variance_type="fixed_small") from step t to t - 1 with FRESH as its noise, and DDIMScheduler with ten
# steps and use_clipped_model_output=True from t to t - 10, eta = 0.
DDPM = [
    ("linear", "epsilon", 99, [0.4309783, -1.2635281, 0.7391751]),
    ("linear", "epsilon", 50, [0.3899263, -1.2413636, 0.7262090]),
    ("linear", "epsilon", 0, [0.2950144, -1.0, 0.6990348]),
    ("linear", "sample", 50, [0.4066736, -1.2180915, 0.7012562]),
    ("cosine", "epsilon", 99, [0.9932948, -0.5531955, 0.2875434]),
    ("cosine", "epsilon", 50, [0.4575981, -1.2756196, 0.7506068]),
    ("cosine", "epsilon", 1, [0.3068894, -1.0822580, 0.7027436]),
    ("cosine", "sample", 99, [1.0166473, -0.5438545, 0.2735319]),
    ("cosine", "sample", 1, [0.4478811, -0.6988809, 0.3216486]),
    ("cosine", "sample", 0, [0.5, -0.4, 0.1]),
]
DDIM = [
    ("linear", "epsilon", 90, [0.2645779, -1.2189825, 0.7512211]),
    ("linear", "epsilon", 0, [0.2950144, -1.0, 0.6990348]),
    ("linear", "sample", 50, [0.3455330, -1.0653889, 0.5950816]),
    ("cosine", "epsilon", 90, [0.1330349, -1.3159144, 0.8329312]),
    ("cosine", "epsilon", 50, [0.2327721, -1.2220140, 0.7825606]),
    ("cosine", "sample", 90, [0.3681673, -1.2218612, 0.6918518]),
    ("cosine", "sample", 0, [0.5, -0.4, 0.1]),
]


@pytest.mark.parametrize(("betas", "prediction", "step", "expected"), DDPM)
def test_a_ddpm_step_is_that_of_diffusers(betas, prediction, step, expected):
    schedule = NoiseSchedule(BETAS[betas], prediction)
    back = schedule.take_noise(NOISY, OUTPUT, step, step - 1, eta=1.0, fresh=FRESH if step else None)
    assert back[0].tolist() == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize(("betas", "prediction", "step", "expected"), DDIM)
def test_a_ddim_step_is_that_of_diffusers(betas, prediction, step, expected):
    back = NoiseSchedule(BETAS[betas], prediction).take_noise(NOISY, OUTPUT, step, step - 10)
    assert back[0].tolist() == pytest.approx(expected, abs=2e-5)


def test_the_schedules_and_the_noising_are_those_of_diffusers():
    linear, cosine = NoiseSchedule(BETAS["linear"]), NoiseSchedule(BETAS["cosine"])
    at = [0, 10, 50, 98, 99]
    assert linear.kept[at].tolist() == pytest.approx(
        [0.999899983, 0.987909138, 0.769291282, 0.370982915, 0.36356324], rel=1e-5
    )
    assert cosine.kept[at].tolist() == pytest.approx(
        [0.999368727, 0.966716647, 0.47826457, 0.000242857204, 2.42854071e-07], rel=1e-4
    )
    step = torch.tensor([50])
    assert linear.add_noise(NOISY, OUTPUT, step)[0].tolist() == pytest.approx([0.5032885, -1.2446395, 0.6619969])
    assert cosine.add_noise(NOISY, OUTPUT, step)[0].tolist() == pytest.approx([0.5686263, -1.1188052, 0.5563280])


def test_the_squared_cosine_keeps_half_the_variance_where_the_cosine_of_the_paper_does():
    # f(t) = cos((t/T + 0.008) / 1.008 * pi/2)^2, kept after step t is f(t + 1) / f(0): at t + 1 = T/2, by hand
    by_hand = math.cos(0.508 / 1.008 * math.pi / 2) ** 2 / math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    assert NoiseSchedule(squared_cosine_betas(100)).kept[49].item() == pytest.approx(by_hand, rel=1e-6)
    assert squared_cosine_betas(100).max().item() == 0.999


def test_one_step_of_ddpm_by_hand():
    # betas 0.1 and 0.2: kept 0.9 and 0.72. From step 1 with the clean sample 0.5 and noisy 0.6, Ho et al. equation 7:
    # mean = (sqrt(.9) * .2 / .28) * 0.5 + (sqrt(.8) * .1 / .28) * 0.6 = 0.5304785, variance = .1 / .28 * .2 = 0.0714286
    schedule = NoiseSchedule(torch.tensor([0.1, 0.2]), "sample")
    args = (torch.tensor([0.6]), torch.tensor([0.5]), 1, 0)
    assert schedule.take_noise(*args, eta=1.0).item() == pytest.approx(0.5304785, abs=1e-6)
    drawn = schedule.take_noise(*args, eta=1.0, fresh=torch.ones(1)).item() - 0.5304785
    assert drawn == pytest.approx(math.sqrt(0.0714286), abs=1e-5)


@pytest.mark.parametrize("prediction", ["epsilon", "sample"])
@pytest.mark.parametrize(("steps", "eta"), [(2, 0.0), (10, 0.0), (50, 0.0), (50, 1.0)])
def test_given_the_truth_every_sampler_comes_back_to_the_clean_sample(prediction, steps, eta):
    torch.manual_seed(0)
    schedule = NoiseSchedule(squared_cosine_betas(50), prediction)
    clean = torch.tensor([[0.9, -0.3, 0.0], [-1.0, 1.0, 0.25]])

    def truth(noisy, step):
        kept = schedule.kept[step][:, None]
        return clean if prediction == "sample" else (noisy - kept.sqrt() * clean) / (1 - kept).sqrt()

    noise = torch.randn(2, steps if eta else 1, 3)
    assert torch.allclose(sample(schedule, truth, noise, steps, eta), clean, atol=1e-4)


def test_ddim_takes_known_noise_away_step_by_step():
    # the network gives the very noise that was added: each step lands on add_noise of the next
    schedule = NoiseSchedule(squared_cosine_betas(100), clip=None)
    clean, noise = torch.tensor([[0.4, -0.8]]), torch.tensor([[1.3, 0.2]])
    noisy = schedule.add_noise(clean, noise, torch.tensor([70]))
    assert torch.allclose(
        schedule.take_noise(noisy, noise, 70, 20), schedule.add_noise(clean, noise, torch.tensor([20])), atol=1e-6
    )
    assert torch.allclose(schedule.take_noise(noisy, noise, 70, -1), clean, atol=1e-6)


def test_ddim_without_eta_draws_nothing():
    schedule = NoiseSchedule(squared_cosine_betas(100))
    noise = torch.randn(2, 1, 3)
    first, second = (sample(schedule, lambda noisy, step: torch.tanh(noisy), noise, 10) for _ in range(2))
    assert torch.equal(first, second)


def test_the_steps_of_a_short_sampler_lie_evenly_and_end_at_the_cleanest():
    schedule = NoiseSchedule(squared_cosine_betas(100))
    assert schedule.steps_back(10) == [90, 80, 70, 60, 50, 40, 30, 20, 10, 0]
    assert schedule.steps_back(100) == list(range(99, -1, -1))
    assert schedule.steps_back(60)[:3] == [98, 96, 95]
    for count in (1, 101):
        with pytest.raises(ValueError, match=f"between 2 and the process's 100, got {count}"):
            schedule.steps_back(count)


def test_an_estimate_of_the_clean_sample_is_clipped():
    schedule = NoiseSchedule(squared_cosine_betas(100), "sample", clip=1.0)
    assert schedule.take_noise(torch.tensor([0.2]), torch.tensor([7.0]), 50, -1).item() == 1.0
    assert NoiseSchedule(squared_cosine_betas(100), "sample", clip=None).take_noise(
        torch.tensor([0.2]), torch.tensor([7.0]), 50, -1
    ).item() == pytest.approx(7.0)


def test_betas_and_predictions_that_make_no_process_are_refused():
    with pytest.raises(ValueError, match="betas must be a list of numbers between 0 and 1"):
        NoiseSchedule(torch.tensor([0.1, 1.0]))
    with pytest.raises(ValueError, match="prediction must be one of epsilon, sample, got 'velocity'"):
        NoiseSchedule(torch.tensor([0.1]), "velocity")
