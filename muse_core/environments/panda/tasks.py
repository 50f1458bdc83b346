"""The table of tasks: adding one is a file with a task class, an MJCF model, and a line here."""

from __future__ import annotations

from muse_core.environments.panda.coffee import Coffee
from muse_core.environments.panda.lift import Lift
from muse_core.environments.panda.place import Place
from muse_core.environments.panda.reach import Reach
from muse_core.environments.panda.task import Task

TASKS: dict[str, type[Task]] = {"reach": Reach, "lift": Lift, "place": Place, "coffee": Coffee}


def find_task(name: str) -> Task:
    """The task of this name.

    Raises:
        ValueError: when there is none; the message lists those there are.
    """
    if name not in TASKS:
        raise ValueError(f"no task named {name!r}; there are {', '.join(TASKS)}")
    return TASKS[name]()
