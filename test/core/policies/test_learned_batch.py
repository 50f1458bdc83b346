"""A checkpoint that runs several episodes side by side, and one whose model predicts chunks."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from muse_core.configs import ACTConfig, BCRNNConfig, DiffusionConfig, HydraConfig, TrainConfig, UnetConfig  # noqa: E402
from muse_core.models import MODELS  # noqa: E402
from muse_core.policies.learned import LearnedPolicy  # noqa: E402
from muse_core.policies.untrained import untrained_checkpoint  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402

SPEC = Spec({"x": ArraySpec((2,)), "action": ArraySpec((1,), role="action")})


def checkpoint(model):
    return untrained_checkpoint(TrainConfig(observations=("x",), horizon=4, model=model), SPEC, None, rate_hz=10.0)


def observation(*seeds: int) -> dict[str, np.ndarray]:
    return {"x": np.stack([SPEC["x"].sample(np.random.default_rng(seed)) for seed in seeds])}


SMALL = {"width": 16, "feedforward": 16, "layers": 1, "attention_heads": 2}
KINDS = {
    "sliding": BCRNNConfig(hidden_size=8, layers=1),
    "flush": BCRNNConfig(hidden_size=8, layers=1, memory="flush"),
    "act": ACTConfig(**SMALL, ensemble=0.1),
    "act in chunks": ACTConfig(**SMALL, execute=4, ensemble=None),
    "diffusion": DiffusionConfig(denoiser=UnetConfig(channels=(8, 16), step_width=8, groups=2), execute=3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_of_episodes_acts_as_each_would_alone_even_after_one_begins_anew(kind):
    made = checkpoint(KINDS[kind])
    batch, first, second = LearnedPolicy(made, batch_size=2), LearnedPolicy(made), LearnedPolicy(made)
    for step in range(11):
        if step == 7:  # in the middle of the second's horizon, and of its chunk
            batch.reset(np.array([False, True]))
            second.reset()
        actions = batch.act(observation(step, 100 + step))["action"]
        alone = [p.act({"x": observation(s)["x"][0]}) for p, s in ((first, step), (second, 100 + step))]
        np.testing.assert_allclose(actions, [each["action"] for each in alone], atol=1e-6)


class Counter(torch.nn.Module):
    """Predicts from the age t of each episode 100 t, 100 t + 1, 100 t + 2, 100 t + 3."""

    def start(self, batch_size: int) -> SimpleNamespace:
        ages = torch.zeros(batch_size)
        return SimpleNamespace(ages=ages, asked=0, forget=lambda which: ages.masked_fill_(which, 0))

    def observe(self, observation: dict, memory: SimpleNamespace) -> None:
        memory.ages += 1

    def predict(self, memory: SimpleNamespace) -> dict[str, torch.Tensor]:
        memory.asked += 1
        return {"action": (100 * memory.ages[:, None] + torch.arange(4.0))[..., None]}


@pytest.fixture
def chunks(monkeypatch):
    """Makes the policy of a model that predicts chunks of four."""

    def make(execute: int, ensemble: float | None, batch_size: int | None = None) -> LearnedPolicy:
        config = ACTConfig(execute=execute, ensemble=ensemble)
        monkeypatch.setitem(sys.modules, "counting", SimpleNamespace(build=lambda *_: Counter()))
        monkeypatch.setitem(MODELS, "act", "counting")
        return LearnedPolicy(checkpoint(config), batch_size=batch_size)

    return make


def test_a_model_of_chunks_is_asked_when_its_actions_are_used_up_and_sees_every_step(chunks):
    policy = chunks(execute=3, ensemble=None)
    actions = [float(policy.act({"x": np.zeros(2, np.float32)})["action"][0]) for _ in range(7)]
    assert actions == [100, 101, 102, 400, 401, 402, 700]
    assert policy._memory.asked == 3


def test_ensembling_averages_what_was_planned_for_the_step(chunks):
    policy = chunks(execute=1, ensemble=0.0)  # all weights equal
    actions = [float(policy.act({"x": np.zeros(2, np.float32)})["action"][0]) for _ in range(3)]
    assert actions == [100, (101 + 200) / 2, (102 + 201 + 300) / 3]


def test_an_episode_that_begins_anew_in_the_middle_of_its_chunk_leaves_the_others_theirs(chunks):
    policy = chunks(execute=3, ensemble=None, batch_size=3)
    zeros = {"x": np.zeros((3, 2), np.float32)}
    for _ in range(2):
        policy.act(zeros)
    policy.reset(np.array([False, True, False]))
    got = [policy.act(zeros)["action"][:, 0].tolist() for _ in range(3)]
    assert got == [[102, 100, 102], [400, 101, 400], [401, 102, 401]]


def test_a_goal_reaches_the_model_whether_observed_or_set(monkeypatch):
    spec = Spec({"x": ArraySpec((2,)), "action": ArraySpec((2,), role="action")})
    config = TrainConfig.from_dict(
        {"observations": ["x"], "horizon": 4, "goal": {"keys": ["x"]}, "model": {"kind": "bc_rnn", "hidden_size": 8}}
    )
    policy = LearnedPolicy(untrained_checkpoint(config, spec, None, 10.0))
    here, goals = np.zeros(2, np.float32), (np.ones(2, np.float32), -np.ones(2, np.float32))
    observed, given = [], []
    for goal in goals:
        policy.reset()
        observed.append(policy.act({"x": here, "goal/x": goal})["action"])
        policy.reset()
        policy.set_goal({"x": goal})
        given.append(policy.act({"x": here})["action"])
        offline = torch.from_numpy(np.stack([here])[None]), torch.from_numpy(goal[None])
        with torch.no_grad():
            encoded = policy._model({"x": offline[0], "goal/x": offline[1]})
            np.testing.assert_allclose(policy._model.actions.decode(encoded)["action"][0, 0], given[-1], atol=1e-6)
    np.testing.assert_array_equal(observed, given)
    assert np.abs(observed[0] - observed[1]).max() > 1e-5


@pytest.mark.parametrize("batch_size", [None, 2])
def test_warming_up_is_done_at_a_pose_that_waypoints_can_be_reached_from(batch_size):
    spec = Spec(
        {
            "ee_position": ArraySpec((3,), unit="m"),
            "ee_orientation": ArraySpec((4,), unit="quaternion xyzw"),
            "action": ArraySpec((7,), role="action"),
        }
    )
    config = TrainConfig(observations=("ee_position", "ee_orientation"), horizon=4, model=HydraConfig(hidden_size=8))
    policy = LearnedPolicy(untrained_checkpoint(config, spec, None, 10.0), batch_size=batch_size)
    with torch.no_grad():
        policy._model.mode[-1].bias += torch.tensor([9.0, 0.0])  # always sparse
    policy.warm_up()
    assert (policy._memory.held == 0).all()
