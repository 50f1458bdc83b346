"""What the configs of the behaviour-cloning models and their heads refuse, and the windows they ask for."""

from __future__ import annotations

import pytest

from muse_core.configs import (
    BCConfig,
    BCRNNConfig,
    BCTransformerConfig,
    ConfigError,
    DiscretizedHeadConfig,
    GaussianHeadConfig,
    MixtureHeadConfig,
    TrainConfig,
)


@pytest.mark.parametrize("model", [BCConfig, BCRNNConfig, BCTransformerConfig])
def test_means_within_one_need_actions_within_one(model):
    head = MixtureHeadConfig(bounded=True)
    with pytest.raises(ConfigError, match="normalization must be min_max with a bounded mixture head, got 'mean_std'"):
        model(head=head)
    assert model(head=head, normalization="min_max").head == head


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BCConfig(hidden_sizes=(256, 0)), r"model.hidden_sizes must be positive, got \(256, 0\)"),
        (lambda: BCConfig(dropout=1.0), r"model.dropout must be in \[0, 1\), got 1.0"),
        (lambda: BCRNNConfig(mlp_sizes=(-1,)), "model.mlp_sizes must be positive"),
        (lambda: BCRNNConfig(cell="rnn"), "cell must be one of 'lstm', 'gru', got 'rnn'"),
        (lambda: BCTransformerConfig(width=10, attention_heads=4), "model.width must be a multiple of 4 heads, got 10"),
        (lambda: GaussianHeadConfig(min_std=0.0), "head.min_std must be between 0 and 10.0, got 0.0"),
        (lambda: MixtureHeadConfig(components=0), "head.components must be at least 1, got 0"),
        (lambda: DiscretizedHeadConfig(act_by="dice"), "act_by must be one of 'likeliest', 'mean', got 'dice'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_bc_sees_one_step_and_says_so():
    with pytest.raises(ConfigError, match="horizon must be 1 for model bc, which sees one step, got 10"):
        TrainConfig(model=BCConfig())


@pytest.mark.parametrize("model", [BCRNNConfig(), BCTransformerConfig()])
def test_models_with_a_memory_begin_at_every_step_of_an_episode(model):
    window = model.window(10)
    assert (window.observation_steps, window.pad_start, window.pad_end) == (10, 0, 9)


def test_heads_and_encoders_come_back_from_plain_data():
    config = TrainConfig(
        model=BCRNNConfig(head=MixtureHeadConfig(components=3, bounded=True), normalization="min_max", cell="gru")
    )
    assert TrainConfig.from_dict(config.to_dict()) == config
