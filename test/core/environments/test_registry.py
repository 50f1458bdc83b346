"""Environments by name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from muse_core.environments.registry import ENVIRONMENTS, PANDA_TASKS, find_environment, make_environment


def test_every_task_of_the_simulated_panda_is_in_the_table():
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    from muse_core.environments.panda.tasks import TASKS

    assert set(PANDA_TASKS) == set(TASKS) and set(ENVIRONMENTS) == {"point_mass", *TASKS}
    for task in TASKS:
        environment = make_environment(task, images={}, max_steps=5)
        assert environment.world.task.info.name == task and environment.max_steps == 5


def test_options_go_to_the_class():
    assert "image" in make_environment("point_mass", image_size=(8, 8)).observation_spec


def test_any_environment_of_gymnasium_has_a_name():
    pytest.importorskip("gymnasium")
    environment = make_environment("gymnasium:CartPole-v1", rate_hz=25.0, sutton_barto_reward=True)
    assert environment.rate_hz == 25.0 and list(environment.action_spec) == ["action"]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("pointmass", {}, "no environment named 'pointmass'; did you mean 'point_mass'"),
        ("xyz", {}, "no environment named 'xyz'; known are point_mass, reach, lift, place, coffee, gymnasium:<id>"),
        ("gymnasium:", {}, "no environment named 'gymnasium:'; did you mean 'gymnasium:<id>'"),
        ("point_mass", {"image_sise": (8, 8)}, "'point_mass' has no option 'image_sise'; did you mean 'image_size'"),
        ("gymnasium:CartPole-v1", {"environment": "x"}, "has no option 'environment'; known are rate_hz"),
    ],
)
def test_a_wrong_name_or_option_is_refused_with_a_suggestion(name: str, options: dict, message: str):
    with pytest.raises(ValueError, match=message):
        make_environment(name, **options)


def test_looking_a_name_up_imports_no_simulator():
    script = (
        "import sys; from muse_core.environments.registry import find_environment, make_environment\n"
        "find_environment('lift'); find_environment('gymnasium:CartPole-v1'); make_environment('point_mass')\n"
        "print([name for name in ('mujoco', 'gymnasium', 'torch', 'cv2') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "[]"


def test_an_entry_says_where_the_class_is():
    assert find_environment("point_mass").load().__name__ == "PointMass"
