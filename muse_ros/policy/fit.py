"""Whether a policy and a contract go together: said before anything may move, with both sides named."""

from __future__ import annotations

from muse_ros.contract.contract import Contract


class PolicyMismatch(ValueError):
    """A checkpoint does not fit the contract; the message names the key and both sides."""


def check_fit(observation_keys: dict[str, tuple[int, ...]], action_shape: tuple[int, ...], contract: Contract) -> None:
    """Raise unless a contract gives all that a policy reads, and takes what it answers.

    Args:
        observation_keys: Key to shape of what the policy reads.
        action_shape: Shape of what it answers.
        contract: The contract.

    Raises:
        PolicyMismatch: naming the first key that does not fit, and both sides.
    """
    if len(contract.actions) != 1:
        raise PolicyMismatch(f"the contract must have one action, it has {', '.join(contract.actions) or 'none'}")
    for key, shape in observation_keys.items():
        if key not in contract.observations:
            known = ", ".join(contract.observations)
            raise PolicyMismatch(f"the policy reads {key!r}, which the contract does not have; it has {known}")
        if tuple(shape) != contract.observations[key].shape:
            found = list(contract.observations[key].shape)
            raise PolicyMismatch(f"the policy reads {key!r} as {list(shape)}, the contract gives {found}")
    key, stream = next(iter(contract.actions.items()))
    if tuple(action_shape) != stream.shape:
        raise PolicyMismatch(f"the policy answers {list(action_shape)}, the contract's {key!r} is {list(stream.shape)}")
