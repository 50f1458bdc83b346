"""The command line of `muse train`: what is overridden, replaced, refused and suggested. No torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tyro")

from muse_core.configs import (
    ACTConfig,
    BCConfig,
    ConfigError,
    MixtureHeadConfig,
    ResNetConfig,
    TrainConfig,
    load_config,
)
from muse_core.trainers.command_line import parse
from muse_core.trainers.train import main

ROOT = Path(__file__).resolve().parents[3]
LIFT = str(ROOT / "config" / "train" / "sim" / "lift.py")
COFFEE = str(ROOT / "config" / "train" / "coffee" / "vis_bc_rnn.py")


def resolved(*arguments: str) -> TrainConfig:
    return parse(arguments).config


def test_the_originals_command_resolves_as_it_is_typed():
    config = resolved("--no_env", COFFEE, "--dataset", "make-coffee_eimgs_100ep")
    assert config.experiment_path == Path("experiments/make-coffee_eimgs_100ep_vis_bc_rnn_b8_h10_s0")
    assert (config.dataset, config.max_steps, config.rollouts.every) == ("make-coffee_eimgs_100ep", 600_000, 0)


def test_flags_go_before_or_after_the_config_with_dashes_or_underscores():
    one = resolved("--max-steps", "3", LIFT, "--model.hidden-size", "7", "--no-env")
    two = resolved(LIFT, "--model.hidden_size=7", "--max_steps=3")
    assert one == two and (one.max_steps, one.model.hidden_size) == (3, 7)


def test_no_env_turns_rollouts_off():
    assert resolved(LIFT, "--rollouts.every", "5").rollouts.every == 5
    assert resolved(LIFT, "--rollouts.every", "5", "--no_env").rollouts.every == 0


def test_a_part_is_replaced_by_another_kind_and_then_has_its_fields():
    config = resolved(LIFT, "--model", "act", "--model.encoder=resnet", "--model.width", "64", "--horizon", "20")
    assert config.model == ACTConfig(encoder=ResNetConfig(), width=64) and config.horizon == 20
    head = resolved(LIFT, "--model.head", "mixture", "--model.head.components", "3", "--model.normalization", "min_max")
    assert head.model.head == MixtureHeadConfig(components=3)
    assert head.model.encoder == load_config(LIFT).model.encoder


def test_parts_are_checked_against_each_other_after_all_flags_are_read(capsys):
    assert resolved(LIFT, "--model", "bc", "--horizon", "1").model == BCConfig()
    with pytest.raises(SystemExit):
        resolved(LIFT, "--model", "bc")
    assert "horizon must be 1 for model bc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "difusion"], "--model: unknown kind 'difusion'; did you mean 'diffusion'?"),
        (["--model.encoder", "resnet18"], "--model.encoder: unknown kind 'resnet18'; did you mean 'resnet'?"),
        (["--model", "act", "--model.head", "mixture"], "--model.head: model act has no head"),
        (["--model"], "--model needs a kind"),
        (["--num_datasets", "2"], "name further datasets with --extra_datasets"),
        (["--do-holdout-env"], "held-out seeds are what --rollouts.every runs"),
        (["--local_rank=1"], "torchrun says it to each process itself"),
        (["%model", "--hidden_size", "3"], "groups are written with dots"),
        (["exp=experiments/one"], "--resume experiments/one"),
        (["--resume", "experiments/one"], "leave"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_do(arguments, message):
    with pytest.raises(ConfigError) as error:
        parse([LIFT, *arguments])
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("flag", "meant"),
    [
        ("--max_stepz", "--max_steps"),
        ("--model.hiden_size", "--model.hidden_size"),
        ("--rollout.every", "--rollouts.every"),
    ],
)
def test_a_misspelt_flag_suggests_the_right_one(flag, meant, capsys):
    with pytest.raises(SystemExit) as stopped:
        parse([LIFT, flag, "3"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert meant in said and flag in said


def test_the_printed_config_reloads_to_the_same_value(capsys):
    assert main([COFFEE, "--dataset", "d", "--model.hidden_size", "7", "--print_config"]) == 0
    printed = TrainConfig.from_dict(json.loads(capsys.readouterr().out))
    assert printed == resolved(COFFEE, "--dataset", "d", "--model.hidden_size", "7")


def test_help_says_what_each_field_and_each_kind_is(capsys):
    with pytest.raises(SystemExit) as stopped:
        parse([LIFT, "--model.encoder", "resnet", "--help"])
    assert stopped.value.code == 0
    said = capsys.readouterr().out
    assert "--model bc|bc_rnn|bc_transformer|hydra|diffusion|act (now bc_rnn)" in said
    assert "--model.encoder.keypoints INT" in said and "--model.encoder.channels" not in said
    for text in ("--learning_rate FLOAT", "Learning rate after the warm-up", "(default: 0.001)"):
        assert text in said


def test_help_imports_no_torch():
    code = f"import sys, muse_core.trainers.train as t\ntry: t.main([{LIFT!r}, '--help'])\nexcept SystemExit: pass\n"
    code += "sys.exit('torch' in sys.modules or 'tensorboard' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 0


def test_a_config_is_composed_of_another_file(tmp_path):
    (tmp_path / "base.py").write_text(
        "from muse_core.configs import TrainConfig\nexport = TrainConfig(dataset='d', max_steps=7)\n"
    )
    (tmp_path / "long.py").write_text(
        "from dataclasses import replace\nfrom pathlib import Path\nfrom muse_core.configs import load_config\n"
        "export = replace(load_config(Path(__file__).with_name('base.py')), max_steps=70)\n"
    )
    assert resolved(str(tmp_path / "long.py")) == TrainConfig(dataset="d", max_steps=70)


def test_the_name_of_an_experiment_is_filled_in_from_its_config(capsys):
    assert resolved(LIFT, "--exp_name", "{model}_lr{learning_rate}").experiment_name == "bc_rnn_lr0.001"
    with pytest.raises(SystemExit):
        parse([LIFT, "--exp_name", "{datasett}"])
    assert "no field 'datasett'" in capsys.readouterr().err
