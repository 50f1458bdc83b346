"""The camera node as a process: a signal ends it well, what can never work ends it with a reason, a loss does not."""

import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("rclpy")
pytest.importorskip("cv2")

from muse_ros.cameras.numbered_picture import write_film

NODE = "import sys; from muse_ros.nodes.camera import main; sys.exit(main())"


@pytest.fixture
def start(tmp_path):
    """``start(*parameters)``: the node as a process, its output in one pipe; killed after the test."""
    write_film(tmp_path / "film.avi", range(20))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    running = []

    def make(*parameters):
        words = [word for parameter in parameters for word in ("-p", parameter)]
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", NODE, "--ros-args", *words],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        running.append(process)
        return process

    yield make
    for process in running:
        process.kill()
        process.wait()


def line_with(process, words):
    return next(line for line in process.stdout if words in line)


def test_a_signal_ends_it_well_while_it_plays_and_while_its_camera_is_lost(start):
    plays, lost = start("source:=film.avi"), start("source:=gone.avi")
    assert "64x48 at 30 Hz MJPG from film.avi" in line_with(plays, "64x48")
    assert "gone.avi is not there; trying again" in line_with(lost, "gone.avi")
    for process in (plays, lost):
        process.send_signal(signal.SIGINT)
    assert [process.wait(20) for process in (plays, lost)] == [0, 0]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        (("source:=film.avi", "width:=640", "height:=480"), "node camera: asked for pictures of 640x480"),
        (("source:=film.avi", "lop:=true"), "there is no parameter 'lop'; did you mean 'loop'?"),
        (("name:=front",), "node camera: source must be given"),
    ],
)
def test_what_can_never_work_ends_it_with_the_reason(start, parameters, said):
    process = start(*parameters)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and said in output
