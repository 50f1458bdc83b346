"""From a checkpoint to a policy that may act: does it fit the contract, has it a goal, how fast is it.

Imports torch only when called, and no ROS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from muse_core.policies.learned import LearnedPolicy
from muse_core.policies.policy import Policy, Readiness
from muse_core.policies.random import EE_DELTA_LIMITS, RANDOM, RandomPolicy
from muse_core.spec import Spec
from muse_ros.contract.contract import Contract
from muse_ros.policy.fit import PolicyMismatch, check_fit
from muse_ros.policy.goal import load_goal

WARM_UP_STEPS = 10


@dataclass(frozen=True)
class LoadedPolicy:
    """A policy, ready to act.

    Attributes:
        policy: The policy, warm.
        contract: The contract, with only those observations that the policy reads.
        warning: What the operator should know; empty where there is nothing.
        readiness: What it showed while it was warmed up; None for one that cannot plan ahead.
    """

    policy: Policy
    contract: Contract
    warning: str = ""
    readiness: Readiness | None = None


def load_policy(
    model_file: str, device: str, threads: int, given: Contract | None, goal_file: str = ""
) -> LoadedPolicy:
    """Load a checkpoint and let it act a few times on made-up observations.

    Args:
        model_file: The checkpoint; ``random`` for actions at random.
        device: Where the model runs.
        threads: How many threads one inference may take.
        given: The contract to use instead of the checkpoint's own.
        goal_file: Where a policy that is conditioned on goals is to get to, see :func:`muse_ros.policy.goal.load_goal`.

    Raises:
        FileNotFoundError: where there is no such file.
        PolicyMismatch: where checkpoint and contract do not fit, or a contract or a goal is missing.
        ValueError: where the file is no checkpoint.
    """
    if model_file == RANDOM:
        return random_policy(given)
    if not model_file:
        raise PolicyMismatch("model_file is empty: name a checkpoint, such as experiments/NAME/models/model.pt")
    import torch

    torch.set_num_threads(threads)
    policy = LearnedPolicy.from_checkpoint(model_file, device)
    own = None if policy.contract is None else Contract.from_dict(policy.contract)
    contract = given or own
    if contract is None:
        raise PolicyMismatch(f"{model_file} holds no contract: its data came from no robot; set parameter contract")
    shapes = {key: array.shape for key, array in policy.observation_spec.items()}
    check_fit(shapes, next(iter(policy.action_spec.values())).shape, contract)
    goal = load_goal(goal_file, policy.goal_spec)
    readiness = policy.warm_up(WARM_UP_STEPS)
    policy.set_goal(goal)
    return LoadedPolicy(policy, narrowed(contract, shapes), difference(own, given), readiness)


class AnyEpisode(RandomPolicy):
    """Acts at random, in every episode otherwise."""

    def reset(self) -> None:
        """Begin the stream of the next seed."""
        super().reset()
        self.seed(self._seed + 1)


def random_policy(contract: Contract | None) -> LoadedPolicy:
    """What chance does: uniform actions, of the size that a demonstration's have.

    Raises:
        PolicyMismatch: where there is no contract, or its action is not an ``ee_delta``.
    """
    if contract is None:
        raise PolicyMismatch("model_file random: there is no checkpoint to ask for a contract; set parameter contract")
    key, stream = next(iter(contract.actions.items()))
    check_fit({}, stream.shape, contract)
    if stream.space != "ee_delta":
        raise PolicyMismatch(f"model_file random: acts in ee_delta, the contract's {key!r} is {stream.space}")
    policy = AnyEpisode(Spec({key: stream.array_spec()}), limits={key: EE_DELTA_LIMITS})
    streams = sorted(contract.observations, key=lambda name: contract.observations[name].is_image)
    return LoadedPolicy(
        policy, narrowed(contract, {streams[0]: ()})
    )  # it must observe something: no picture, where it can


def narrowed(contract: Contract, keys: dict[str, tuple[int, ...]]) -> Contract:
    """The contract with only the observations named: a stream that nobody reads costs no time and cannot be missing."""
    return replace(contract, observations={key: contract.observations[key] for key in keys})


def difference(own: Contract | None, given: Contract | None) -> str:
    """What to tell where the contract in use is not the one that the data was made with; empty where it is."""
    if own is None or given is None or own.digest() == given.digest():
        return ""
    return (
        f"contract {given.name!r} ({given.digest()[:12]}) is in use, the checkpoint was trained with {own.name!r} "
        f"({own.digest()[:12]}): leave parameter contract empty to use the checkpoint's"
    )
