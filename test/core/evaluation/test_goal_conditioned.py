"""Goal-conditioned policies, from demonstrations without any label of their goal to goals that were never seen."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("tensorboard")

from muse_core.configs import BCConfig, BCRNNConfig, GoalConfig, TrainConfig  # noqa: E402
from muse_core.environments.point_mass import PointMass  # noqa: E402
from muse_core.evaluation.rollout import run_episode  # noqa: E402
from muse_core.policies.learned import LearnedPolicy  # noqa: E402
from muse_core.spec import SpecError  # noqa: E402
from muse_core.trainers.train import run  # noqa: E402

MODELS = {
    "bc": {"horizon": 1, "model": BCConfig(hidden_sizes=(64, 64))},
    "bc_rnn": {"horizon": 4, "model": BCRNNConfig(hidden_size=48, layers=1)},
}


@pytest.fixture(scope="module", params=MODELS)
def policy(request, ways, tmp_path_factory) -> LearnedPolicy:
    config = TrainConfig(
        dataset=str(ways),
        observations=("position", "velocity"),
        goal=GoalConfig(keys=("position",)),
        batch_size=64,
        max_steps=1500,
        learning_rate=3e-3,
        images_every=0,
        validate_every=1500,
        device="cpu",
        threads=1,
        experiments_dir=str(tmp_path_factory.mktemp("experiments")),
        **MODELS[request.param],
    )
    assert run(config) == 0
    return LearnedPolicy.from_checkpoint(config.experiment_path / "models" / "model.pt")


def test_it_reaches_goals_that_it_has_never_seen(policy):
    results = [run_episode(PointMass(), policy, seed) for seed in range(1000, 1010)]
    assert sum(result.success for result in results) >= 9, [r.success for r in results]


class WithoutGoal:
    """Hides the goal in the observation from a policy that is told of it otherwise."""

    def __init__(self, policy: LearnedPolicy, goal: np.ndarray) -> None:
        self._policy = policy
        policy.set_goal({"position": goal})

    def reset(self) -> None:
        self._policy.reset()

    def act(self, observation: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return self._policy.act({name: array for name, array in observation.items() if not name.startswith("goal/")})


def test_a_goal_that_is_set_counts_as_one_that_is_observed(policy):
    environment = PointMass()
    goal = environment.reset(seed=1000)[0]["goal/position"]
    told = run_episode(environment, WithoutGoal(policy, goal), 1000)
    assert told.success
    assert told.steps == run_episode(environment, policy, 1000).steps


def test_the_goal_changes_what_it_does_and_must_be_there(policy):
    observation, _ = PointMass().reset(options={"preset": {"start": [0.0, 0.0], "target": [0.8, 0.0]}}, seed=0)
    policy.reset()
    right = policy.act(observation)["action"]
    policy.reset()
    left = policy.act(observation | {"goal/position": np.array([-0.8, 0.0], np.float32)})["action"]
    assert right[0] > 0.2
    assert left[0] < -0.2
    policy.set_goal({})
    with pytest.raises(SpecError, match="missing goal/position"):
        policy.act({name: observation[name] for name in ("position", "velocity")})
