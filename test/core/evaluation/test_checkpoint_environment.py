"""Any environment as a checkpoint expects it."""

from __future__ import annotations

from typing import Any

import pytest

from muse_core.checkpoints import Checkpoint
from muse_core.configs import TrainConfig
from muse_core.environments.point_mass import PointMass
from muse_core.evaluation.checkpoint_environment import check_task, environment_for
from muse_core.evaluation.config import EvaluationError
from muse_core.spec import ArraySpec, Spec


def a_checkpoint(spec: dict[str, ArraySpec], rate_hz: float | None = None) -> Checkpoint:
    observations = tuple(key for key, array in spec.items() if array.role == "observation")
    config = TrainConfig(dataset="none", observations=observations)
    return Checkpoint(0, config.to_dict(), Spec(spec).to_dict(), {}, rate_hz=rate_hz)


@pytest.mark.parametrize("made", [PointMass(), PointMass("acceleration", (8, 12), rate_hz=20.0)])
def test_a_point_mass_is_the_one_that_the_demonstrations_came_from(made: PointMass):
    spec = {**made.observation_spec, **made.action_spec}
    environment = environment_for("point_mass", a_checkpoint(spec, made.rate_hz), max_steps=7)
    assert (environment.dynamics, environment.rate_hz, environment.max_steps) == (made.dynamics, made.rate_hz, 7)
    assert environment.observation_spec == made.observation_spec and environment.action_spec == made.action_spec


def test_an_environment_of_gymnasium_is_evaluated_too():
    pytest.importorskip("gymnasium")
    spec = {"observation": ArraySpec((4,)), "action": ArraySpec((1,), "int64", role="action")}
    environment = environment_for("gymnasium:CartPole-v1", a_checkpoint(spec, 25.0), max_steps=4)
    environment.reset(seed=0)
    assert environment.rate_hz == 25.0
    with pytest.raises(
        EvaluationError, match=r"'observation': the checkpoint's is \(4,\), that of .*Pendulum-v1' \(3,\)"
    ):
        environment_for("gymnasium:Pendulum-v1", a_checkpoint(spec))


@pytest.mark.parametrize(
    ("task", "overrides", "message"),
    [
        ("point_mass", {"wide": True}, "'point_mass' cannot be what this checkpoint expects: .* no option 'wide'"),
        ("gymnasium:NoSuch-v0", {}, "cannot be what this checkpoint expects: gymnasium cannot make 'NoSuch-v0'"),
    ],
)
def test_what_does_not_go_together_is_said(task: str, overrides: dict[str, Any], message: str):
    pytest.importorskip("gymnasium")
    spec = {**PointMass().observation_spec, **PointMass().action_spec}
    with pytest.raises(EvaluationError, match=message):
        environment_for(task, a_checkpoint(spec), **overrides)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("", "the checkpoint's config names no task; choose one of point_mass, reach, lift, place, coffee by --task"),
        ("cofee", "--task: no environment named 'cofee'; did you mean 'coffee'"),
    ],
)
def test_a_name_that_is_none_is_refused_with_those_there_are(task: str, message: str):
    with pytest.raises(EvaluationError, match=message):
        check_task(task)
    check_task("gymnasium:CartPole-v1")
