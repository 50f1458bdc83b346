"""Training configs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from muse_core.configs import BCRNNConfig, ConfigError, SmallEncoderConfig, TrainConfig, load_config

ROOT = Path(__file__).resolve().parents[3]
SHIPPED = sorted((ROOT / "config" / "train").rglob("*.py"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_every_shipped_config_loads_and_survives_json(path: Path):
    config = load_config(path)
    assert TrainConfig.from_dict(json.loads(config.to_json())) == config


def test_there_is_one_for_each_task_of_the_simulator():
    assert {load_config(p).task for p in SHIPPED if p.parent.name == "sim"} == {
        "reach",
        "lift",
        "place",
        "coffee",
        "point_mass",
    }


def test_a_nested_config_survives_json():
    config = TrainConfig(model=BCRNNConfig(hidden_size=7, encoder=SmallEncoderConfig(channels=(1, 2, 3))))
    assert TrainConfig.from_dict(json.loads(config.to_json())) == config


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"horizonn": 3}, "config: unknown key 'horizonn'; did you mean 'horizon'?"),
        (
            {"model": {"kind": "bc_rnn", "encoder": {"kind": "small", "stride": [2]}}},
            "config.model.encoder: unknown key 'stride'; did you mean 'strides'",
        ),
        ({"horizon": 0}, "horizon must be at least 1, got 0"),
        ({"horizon": "ten"}, "horizon must be int, got 'ten'"),
        ({"horizon": True}, "horizon must be int, got True"),
        ({"max_minutes": "8"}, r"max_minutes must be float or None, got '8'"),
        ({"observations": "image"}, r"observations must be tuple\[str, ...\], got 'image'"),
        ({"model": {"kind": "bc_rn"}}, "config.model: unknown kind 'bc_rn'; did you mean 'bc_rnn'"),
        ({"observations": ["q", "action"]}, r"different keys, each named once, got \['action'\]"),
        ({"observations": ["q", "q"]}, r"different keys, each named once, got \['q'\]"),
        ({"observations": ["q", "goal/q"]}, r"no goals: name KEY in goal.keys, and goal/KEY is seen, got \['goal/q'\]"),
        ({"exp_name": "../elsewhere"}, "exp_name must be a name, without folders"),
        ({"image_size": [0, 32]}, r"image_size must be at least 1 pixel, got \(0, 32\)"),
        ({"dataset": "a", "extra_datasets": ["b", "a"]}, "extra_datasets must be others than dataset, each named once"),
        ({"validation_fraction": 1.0}, r"validation_fraction must be in \[0, 1\), got 1.0"),
    ],
)
def test_a_key_or_value_that_cannot_be_is_named(data: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        TrainConfig.from_dict(data)


def test_encoder_layers_that_disagree_are_refused():
    with pytest.raises(ConfigError, match=r"channels, kernels and strides must be equally many, got \[2, 3\]"):
        SmallEncoderConfig(channels=(1, 2))


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nexport = TrainConfg()", r"c.py:2: NameError: name 'TrainConfg' is not defined"),
        ("export = (", r"c.py:1: SyntaxError: '\(' was never closed"),
        ("import no_such_module", r"c.py:1: ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_a_file_that_does_not_run_is_named_with_its_line(tmp_path: Path, text: str, message: str):
    with pytest.raises(ConfigError, match=message):
        load_config(write(tmp_path / "c.py", text + "\n"))


def test_a_misspelt_field_in_a_file_is_an_error_that_suggests_the_right_one(tmp_path: Path):
    path = write(tmp_path / "c.py", "from muse_core.configs import TrainConfig\nexport = TrainConfig(max_stepz=4)\n")
    with pytest.raises(ConfigError, match=r"c.py:2: TrainConfig has no field 'max_stepz'; did you mean 'max_steps'\?"):
        load_config(path)


def test_a_file_that_exports_no_config_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match="expected a line `export = TrainConfig"):
        load_config(write(tmp_path / "c.py", "exports = 3\n"))


def test_a_misspelt_field_of_any_part_of_a_config_is_named(tmp_path: Path):
    path = tmp_path / "c.py"
    path.write_text("from muse_core.configs import *\nexport = TrainConfig(model=HydraConfig(modee=1))\n")
    with pytest.raises(ConfigError, match=r"HydraConfig has no field 'modee'"):
        load_config(path)


def test_a_missing_file_suggests_its_neighbour(tmp_path: Path):
    write(tmp_path / "lift.py", "")
    with pytest.raises(ConfigError, match=r"lifft.py: no such config file; did you mean '.*lift.py'\?"):
        load_config(tmp_path / "lifft.py")


def test_the_name_of_an_experiment_follows_from_its_config():
    assert TrainConfig(dataset="data/lift", seed=3).experiment_name == "lift_bc_rnn_h10_b16_s3"
    assert TrainConfig(exp_name="mine").experiment_path == Path("experiments/mine")
