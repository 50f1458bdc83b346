"""The panda node as a process: a signal ends it."""

import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("muse_core.environments.panda.mujoco_gl")
pytest.importorskip("muse_ros.msg")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_cleanly(number, tmp_path):
    code = "import sys; from muse_ros.nodes.panda import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["--ros-args", "-p", "camera_width:=32", "-p", "camera_height:=32"]
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    line = ""
    while "panda: robot sim" not in line:
        line = process.stdout.readline()
        assert line, "the node ended before it had started"
    process.send_signal(number)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 0, output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    "text, said",
    [
        (
            "/**/panda:\n  ros__parameters:\n    sped_limit: 0.1\n",
            "no parameter 'sped_limit'; did you mean 'speed_limit'?",
        ),
        ("/**/panda:\n  ros__parameters:\n    seed: -5\n", "parameter seed must be between 0 and"),
        ("{{", "Couldn't parse params file"),
    ],
)
def test_a_wrong_file_of_parameters_ends_the_process_with_what_is_wrong(text, said, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    code = "import sys; from muse_ros.nodes.panda import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["--ros-args", "--params-file", str(file)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert said in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
