"""Our environments as gymnasium's: its own checker, spaces, the way there and back."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from muse_core.environments.gymnasium_adapter import GymnasiumEnvironment  # noqa: E402
from muse_core.environments.gymnasium_export import ExportedEnvironment  # noqa: E402
from muse_core.environments.point_mass import PointMass  # noqa: E402


def panda():
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    from muse_core.environments.simulated_panda import SimulatedPanda

    return SimulatedPanda("reach", camera_size=(32, 32), images={"image": {"camera": "front", "size": (16, 16)}})


@pytest.mark.parametrize("make", [PointMass, lambda: PointMass("acceleration", (16, 16)), panda])
@pytest.mark.parametrize("bare_action", [False, True])
def test_gymnasiums_own_checker_is_content(make, bare_action: bool):
    exported = ExportedEnvironment(make(), "rgb_array", bare_action)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # advice on symmetric limits and on ids; errors are raised
        check_env(exported)
    exported.close()


def test_specs_become_spaces():
    exported = ExportedEnvironment(PointMass(image_size=(4, 5)))
    assert exported.observation_space["goal/position"] == gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    assert exported.observation_space["image"] == gymnasium.spaces.Box(0, 255, (4, 5, 3), np.uint8)
    assert exported.action_space == gymnasium.spaces.Dict({"action": gymnasium.spaces.Box(-0.5, 0.5, (2,))})
    assert exported.metadata["render_fps"] == 10.0
    bare = ExportedEnvironment(PointMass(), bare_action=True)
    assert bare.action_space == gymnasium.spaces.Box(-0.5, 0.5, (2,))


def test_there_and_back_is_the_same_environment():
    plain, back = PointMass(max_steps=20), GymnasiumEnvironment(ExportedEnvironment(PointMass(max_steps=20)))
    assert back.action_spec["action"] == replace(plain.action_spec["action"], unit="")  # a space has no units
    assert back.rate_hz == 10.0
    rng = np.random.default_rng(0)
    plain.reset(seed=3)
    back.reset(seed=3)
    over = False
    while not over:
        action = plain.action_spec.sample(rng)
        one, other = plain.step(action), back.step(action)
        assert one[1:] == other[1:]
        for key, array in one[0].items():
            np.testing.assert_array_equal(array, other[0][key])
        over = one[2] or one[3]


def test_a_preset_passes_through():
    exported = ExportedEnvironment(PointMass())
    observation, _ = exported.reset(seed=0, options={"preset": {"start": [0.5, 0.25]}})
    np.testing.assert_array_equal(observation["position"], np.float32([0.5, 0.25]))


def test_pictures_come_only_when_asked_for():
    quiet, seen = ExportedEnvironment(PointMass()), ExportedEnvironment(PointMass(), "rgb_array")
    quiet.reset(seed=0)
    seen.reset(seed=0)
    assert quiet.render() is None and seen.render().shape == (256, 256, 3)
    with pytest.raises(ValueError, match="no render mode 'human'; there is rgb_array"):
        ExportedEnvironment(PointMass(), "human")
