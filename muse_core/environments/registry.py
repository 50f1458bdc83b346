"""The table of environments by name. Adding one is a file with the class, and a line here.

What an environment needs (MuJoCo, gymnasium) is imported when it is made.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from muse_core.configs import suggestion
from muse_core.environments.environment import Environment

GYMNASIUM = "gymnasium:"  # before an id that gymnasium knows


@dataclass(frozen=True)
class Entry:
    """Where an environment comes from.

    Attributes:
        module: To import.
        name: Of the class in it.
        options: Arguments that belong to the name.
    """

    module: str
    name: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> type:
        """The class."""
        return getattr(import_module(self.module), self.name)


PANDA_TASKS = ("reach", "lift", "place", "coffee")
ENVIRONMENTS: dict[str, Entry] = {
    "point_mass": Entry("muse_core.environments.point_mass", "PointMass"),
    **{task: Entry("muse_core.environments.simulated_panda", "SimulatedPanda", {"task": task}) for task in PANDA_TASKS},
}


def find_environment(name: str) -> Entry:
    """The entry of an environment's name; ``gymnasium:<id>`` names any of gymnasium's.

    Raises:
        ValueError: when there is none; the message suggests one.
    """
    if name.startswith(GYMNASIUM) and name != GYMNASIUM:
        module = "muse_core.environments.gymnasium_adapter"
        return Entry(module, "GymnasiumEnvironment", {"environment": name.removeprefix(GYMNASIUM)})
    if name not in ENVIRONMENTS:
        known = [*ENVIRONMENTS, f"{GYMNASIUM}<id>"]
        raise ValueError(f"no environment named {name!r}{suggestion(name, known)}")
    return ENVIRONMENTS[name]


def make_environment(name: str, **options: Any) -> Environment:
    """The environment of this name.

    Args:
        name: ``point_mass``, a task of the simulated Panda (``reach``, ``lift``, ``place``, ``coffee``), or
            ``gymnasium:<id>``, such as ``gymnasium:CartPole-v1``.
        options: Arguments of its class.

    Raises:
        ValueError: on an unknown name or option, with a suggestion, or a value that the class refuses.
        ModuleNotFoundError: when what it needs is not installed.
    """
    entry = find_environment(name)
    cls = entry.load()
    parameters = inspect.signature(cls).parameters
    known = [each for each, p in parameters.items() if p.kind is not p.VAR_KEYWORD and each not in entry.options]
    takes_more = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    for option in options:
        if option in entry.options or (option not in known and not takes_more):
            raise ValueError(f"environment {name!r} has no option {option!r}{suggestion(option, known)}")
    return cls(**entry.options, **options)
