"""An arm that was driven into a wall of the workspace can be driven out again."""

import numpy as np

from muse_core.control.kinematics import PandaKinematics
from muse_core.control.limits import default_limits
from muse_core.control.safety import SafetyFilter


def test_an_arm_that_stands_on_the_floor_of_the_workspace_can_be_lifted() -> None:
    # Limiting each joint's acceleration by itself turns the first step from here to 0.07 mm below the floor.
    q = np.array([-0.05510066, 0.41368443, -0.01907896, -2.59059274, 0.04464939, 3.00724823, 0.6145598])
    up = np.array([-0.03839377, -0.10225889, -0.00078654, -0.04465932, -0.01350262, -0.06057099, -0.03687784])
    limits = default_limits()
    safety = SafetyFilter(PandaKinematics(limits), limits, 0.01)
    safety.reset(q)
    start = safety.transform[2, 3]
    for _ in range(100):
        safety.move(q + up, np.zeros(7))
    assert safety.transform[2, 3] > start + 0.02
