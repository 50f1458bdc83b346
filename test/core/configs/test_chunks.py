"""Configs of Diffusion Policy and ACT: what windows they ask for, and what they refuse."""

from __future__ import annotations

import pytest

from muse_core.configs import (
    ACTConfig,
    ConfigError,
    DenoisingTransformerConfig,
    DiffusionConfig,
    TrainConfig,
    UnetConfig,
)
from muse_core.configs.model_settings import Execution, WindowShape
from muse_core.trainers.command_line import swap

TRANSFORMER = DenoisingTransformerConfig()


def test_windows_let_every_step_of_an_episode_be_the_present_once():
    # the present is step 1 of 16: a window may begin one step early, and 14 may lie behind the end
    assert DiffusionConfig().window(16) == WindowShape(observation_steps=2, pad_start=1, pad_end=14)
    assert ACTConfig().window(20) == WindowShape(observation_steps=1, pad_start=0, pad_end=19)


def test_how_chunks_are_carried_out_follows_from_the_config():
    assert DiffusionConfig(execute=4).execution == Execution(4)
    assert ACTConfig(execute=3, ensemble=None).execution == Execution(3)
    assert ACTConfig().execution == Execution(1, 0.01)


@pytest.mark.parametrize("model", [DiffusionConfig(), DiffusionConfig(denoiser=TRANSFORMER), ACTConfig()])
def test_a_config_reads_back_as_what_it_was(model):
    config = TrainConfig(horizon=16, model=model)
    assert TrainConfig.from_dict(config.to_dict()) == config


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: UnetConfig(channels=(30, 64)),
            r"model.denoiser.channels must be multiples of 8 groups, got \(30, 64\)",
        ),
        (lambda: UnetConfig(kernel=4), "model.denoiser.kernel must be odd, got 4"),
        (lambda: UnetConfig(step_width=3), "model.denoiser.step_width must be even, at least 4, got 3"),
        (lambda: DenoisingTransformerConfig(width=30), "model.denoiser.width must be a multiple of 4 heads, got 30"),
        (lambda: DiffusionConfig(sampling_steps=101), "sampling_steps must be from 2 to noise_steps = 100, got 101"),
        (lambda: DiffusionConfig(eta=2.0), r"model.eta must be in \[0, 1\], got 2.0"),
        (lambda: DiffusionConfig(execute=8).window(8), r"execute must be at most horizon - observation_steps \+ 1 = 7"),
        (lambda: DiffusionConfig().window(18), "horizon must be a multiple of 4 for a U-Net of this depth, got 18"),
        (lambda: ACTConfig(width=36, attention_heads=6, latent_size=0), "model.latent_size must be at least 1, got 0"),
        (lambda: ACTConfig(execute=9, ensemble=None).window(8), "model.execute must be at most the horizon, 8, got 9"),
        (lambda: ACTConfig(ensemble=-0.5), "model.ensemble must be at least 0 or None, got -0.5"),
    ],
)
def test_what_cannot_work_is_refused_with_the_field_and_what_would_do(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_transformer_takes_any_horizon():
    assert DiffusionConfig(denoiser=TRANSFORMER).window(17).pad_end == 15


def test_the_denoiser_is_chosen_on_the_command_line():
    config = swap(TrainConfig(horizon=16, model=DiffusionConfig(execute=4)), "model.denoiser", "transformer")
    assert config.model == DiffusionConfig(denoiser=TRANSFORMER, execute=4)
    with pytest.raises(ConfigError, match=r"model act has no denoiser"):
        swap(TrainConfig(model=ACTConfig()), "model.denoiser", "transformer")
