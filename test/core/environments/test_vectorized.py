"""Environments in processes: the same episodes as alone, errors that say whose, nothing left behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from muse_core.environments.point_mass import PointMass
from muse_core.environments.registry import make_environment
from muse_core.environments.vectorized import EnvironmentFailedError, VectorizedEnvironment
from muse_core.spec import SpecError

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def three():
    with VectorizedEnvironment(partial(PointMass, image_size=(16, 24), max_steps=8), 3) as environments:
        yield environments


def some_actions(environments: VectorizedEnvironment, seed: int) -> dict[str, np.ndarray]:
    return environments.action_spec.sample(np.random.default_rng(seed), len(environments))


def assert_rows_equal_single_environments(environments: VectorizedEnvironment, make, seeds: list[int], steps: int):
    """Step the batch and one environment for each of its rows with the same actions."""
    singles = [make() for _ in seeds]
    batch, infos = environments.reset(seeds)
    alone = [single.reset(seed=seed) for single, seed in zip(singles, seeds, strict=True)]
    for step in range(steps):
        for i, (observation, *_, info) in enumerate(alone):
            assert infos[i]["success"] == info["success"]
            for key, array in observation.items():
                assert batch[key].dtype == array.dtype
                np.testing.assert_array_equal(batch[key][i], array)
        actions = some_actions(environments, step)
        batch, rewards, terminated, truncated, infos = environments.step(actions)
        alone = [single.step({key: array[i] for key, array in actions.items()}) for i, single in enumerate(singles)]
        assert [(r, bool(t), bool(u)) for r, t, u in zip(rewards, terminated, truncated, strict=True)] == [
            one[1:4] for one in alone
        ]
    for single in singles:
        single.close()


def test_each_row_is_the_episode_that_one_environment_gives(three):
    assert_rows_equal_single_environments(three, partial(PointMass, image_size=(16, 24), max_steps=8), [5, 6, 5], 8)


def test_two_simulated_pandas_give_the_episodes_that_each_gives_alone():
    pytest.importorskip("muse_core.environments.panda.mujoco_gl")
    camera = {"image": {"camera": "front", "size": (32, 32)}}
    make = partial(make_environment, "reach", camera_size=(32, 32), images=camera)
    with VectorizedEnvironment(make, 2) as environments:
        assert_rows_equal_single_environments(environments, make, [3, 4], 4)


def test_it_knows_what_one_environment_knows(three):
    single = PointMass(image_size=(16, 24))
    assert (three.observation_spec, three.action_spec) == (single.observation_spec, single.action_spec)
    assert (len(three), three.rate_hz, three.presets) == (3, 10.0, single.presets)
    assert three.render(1).shape == (256, 256, 3)


def test_some_environments_are_reset_and_stepped_while_others_wait(three):
    first, _ = three.reset([1, 2, 3])
    middle = np.array([False, True, False])
    moved, rewards, terminated, truncated, infos = three.step(some_actions(three, 0), middle)
    assert [bool(info) for info in infos] == [False, True, False]
    assert not (rewards.any() or terminated.any() or truncated.any())
    for i, changes in enumerate(middle):
        assert np.array_equal(first["position"][i], moved["position"][i]) != changes
    again, infos = three.reset([9, 2, 9], middle)
    assert [bool(info) for info in infos] == [False, True, False]
    np.testing.assert_array_equal(again["position"], first["position"])


def test_an_episode_that_ends_waits_for_its_reset(three):
    three.reset([1, 2, 3])
    still = three.action_spec.zeros(3)
    truncated = [three.step(still)[3].tolist() for _ in range(8)]
    assert truncated == [[False] * 3] * 7 + [[True] * 3]
    with pytest.raises(EnvironmentFailedError, match="environment 0 of 3 failed in step: EpisodeOverError: no episode"):
        three.step(still)


def test_observations_are_not_written_to_by_later_steps(three):
    given = [three.reset([1, 2, 3])[0], three.step(some_actions(three, 0))[0]]
    kept = [{key: array.copy() for key, array in each.items()} for each in given]
    three.step(some_actions(three, 1))
    for each, copies in zip(given, kept, strict=True):
        for key, array in each.items():
            np.testing.assert_array_equal(array, copies[key])


def test_workers_do_not_hear_an_interrupt_even_while_they_start(three):
    for process, _ in three._resources.workers:
        blocked = re.search(r"SigBlk:\s*(\w+)", Path(f"/proc/{process.pid}/status").read_text())[1]
        assert int(blocked, 16) & 1 << (signal.SIGINT - 1)


def test_rows_that_are_not_stepped_may_hold_anything(three):
    three.reset([1, 2, 3])
    actions = some_actions(three, 0)
    actions["action"][1] = np.nan
    three.step(actions, np.array([True, False, True]))
    with pytest.raises(SpecError, match="not finite"):
        three.step(actions)
    three.step(some_actions(three, 1))


def test_presets_are_for_all_or_one_for_each(three):
    same, _ = three.reset([1, 2, 3], options={"preset": "start_04"})
    assert len({row.tobytes() for row in same["position"]}) == 1
    each = [{"preset": {"start": [0.5, 0.0]}}, None, {"preset": {"start": [0.0, 0.5]}}]
    different, _ = three.reset([1, 2, 3], options=each)
    np.testing.assert_array_equal(different["position"][[0, 2]], np.float32([[0.5, 0.0], [0.0, 0.5]]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda e: e.reset([1, 2]), "seeds: one is needed for each of 3 environments, got 2"),
        (lambda e: e.reset(7), "seeds: one is needed for each of 3 environments, got 7"),
        (lambda e: e.reset([1, 2, 3], [0, 2]), r"which must be \(3,\) bool, got int64 \(2,\)"),
        (lambda e: e.reset([1, 2, 3], options=[None]), "options: one is needed for each of 3 environments, got 1"),
        (lambda e: e.step({"action": np.zeros((2, 2), np.float32)}), "action: one is needed for each of 3"),
        (lambda e: e.step({}), "missing action"),
    ],
)
def test_calls_that_do_not_fit_the_batch_are_refused(three, call, message: str):
    with pytest.raises(ValueError, match=message):
        call(three)


def test_an_error_in_one_environment_says_which_and_where_and_the_others_go_on(three):
    three.reset([1, 2, 3])
    with pytest.raises(EnvironmentFailedError) as caught:
        three.reset([1, 2, 3], options=[None, {"preset": {"goal": [0, 0]}}, None])
    message = str(caught.value)
    assert message.startswith("environment 1 of 3 failed in reset: ValueError: preset: nothing named 'goal'")
    assert "Traceback (most recent call last)" in message and "in check_names" in message
    three.reset([1, 2, 3])
    three.step(some_actions(three, 0))


def test_an_environment_that_cannot_be_made_is_reported_and_leaves_no_process():
    before = set(multiprocessing.active_children())
    with pytest.raises(
        EnvironmentFailedError, match="environment 0 of 2 failed in make: ValueError: max_steps must be"
    ):
        VectorizedEnvironment(partial(PointMass, max_steps=0), 2)
    assert set(multiprocessing.active_children()) == before


@pytest.mark.parametrize("waiting", [False, True], ids=["before the step", "during the step"])
def test_a_killed_process_is_reported(waiting: bool):
    with VectorizedEnvironment(PointMass, 2) as environments:
        environments.reset([1, 2])
        pid = environments._resources.workers[1][0].pid
        os.kill(pid, signal.SIGSTOP)
        killer = ["sh", "-c", f"kill -9 {pid}"]
        killed = subprocess.Popen(killer) if waiting else subprocess.run(killer)
        with pytest.raises(EnvironmentFailedError, match=r"environment 1 of 2 failed in step: .* ended by SIGKILL"):
            environments.step(environments.action_spec.zeros(2))
        with pytest.raises(EnvironmentFailedError, match=r"environment 1 of 2 failed in reset: .* ended by SIGKILL"):
            environments.reset([1, 2])
        if waiting:
            killed.wait()


def test_closing_twice_is_safe_and_leaves_neither_process_nor_memory():
    environments = VectorizedEnvironment(PointMass, 2)
    pids = [process.pid for process, _ in environments._resources.workers]
    block = environments._resources.shared.name
    environments.close()
    environments.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not Path("/dev/shm", block.lstrip("/")).exists()
    with pytest.raises(EnvironmentFailedError, match="these environments are closed"):
        environments.reset([1, 2])


def test_a_forgotten_batch_gives_its_processes_back():
    environments = VectorizedEnvironment(PointMass, 1)
    process = environments._resources.workers[0][0]
    pid = process.pid
    del environments, process
    gc.collect()
    assert not Path(f"/proc/{pid}").exists()


def test_what_cannot_be_sent_to_a_process_is_refused_with_advice():
    with pytest.raises(ValueError, match=r"cannot be sent to another process .* functools.partial\(make_environment"):
        VectorizedEnvironment(lambda: PointMass(), 1)
    with pytest.raises(ValueError, match="count must be at least 1, got 0"):
        VectorizedEnvironment(PointMass, 0)


INTERRUPTED = """
import os, signal
from muse_core.environments.point_mass import PointMass
from muse_core.environments.vectorized import VectorizedEnvironment

def main():
    with VectorizedEnvironment(PointMass, 2) as environments:
        environments.reset([1, 2])
        second = environments._resources.workers[1][0].pid
        os.kill(second, signal.SIGSTOP)  # its answer cannot come before the interrupt
        try:
            if os.fork() == 0:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                os.killpg(os.getpgrp(), signal.SIGINT)
                os._exit(0)
            while True:
                environments.step(environments.action_spec.zeros(2))
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        os.kill(second, signal.SIGCONT)
        observation, _ = environments.reset([3, 4])
        print(observation["position"].round(3).tolist())
    print(observation["position"].shape)

if __name__ == "__main__":
    main()
"""


def test_an_interrupt_stops_the_parent_alone_and_the_batch_can_go_on(tmp_path: Path):
    (tmp_path / "script.py").write_text(INTERRUPTED)
    result = subprocess.run(
        [sys.executable, str(tmp_path / "script.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    expected = [PointMass().reset(seed=seed)[0]["position"].round(3).tolist() for seed in (3, 4)]
    assert result.stdout.splitlines() == ["interrupted", str(expected), "(2, 2)"]
    assert result.stderr == ""


def test_a_script_without_a_guard_is_told_of_it(tmp_path: Path):
    (tmp_path / "script.py").write_text(INTERRUPTED.split("def main")[0] + "VectorizedEnvironment(PointMass, 1)\n")
    command = [sys.executable, str(tmp_path / "script.py")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert "environment 0 of 1 failed in make" in result.stderr and '`if __name__ == "__main__":`?' in result.stderr
