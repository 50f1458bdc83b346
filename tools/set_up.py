#!/usr/bin/env python3
"""Makes .venv: all that `make demo` and `make test` need, from nothing, or only what has changed since.

Without ROS 2, its Jazzy wheels are installed into .venv, and this package is built into the same prefix: then
`.venv/bin/muse` and `.venv/bin/python` need nothing sourced. Where ROS 2 is sourced (ROS_DISTRO is set), .venv sees the
system's packages, and `. .venv/local_setup.sh` puts this package on top of that ROS.

Runs on the system's Python with nothing but the standard library.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import prerequisites

ROOT = Path(__file__).resolve().parents[1]
STAMP = "muse_setup.json"  # in .venv: what each step was last done for
EXTRAS = ("robot", "polymetis", "sim", "train", "dev")


class SetupError(RuntimeError):
    """A step failed; the message says which, why, and what to do."""


class Setup:
    """One virtual environment and the steps that fill it.

    Args:
        venv: Folder of the virtual environment.
        ros_distro: Name of the sourced ROS 2 distribution; empty to install ROS from wheels.
    """

    def __init__(self, venv: Path, ros_distro: str) -> None:
        self.venv = venv
        self.ros_distro = ros_distro
        self.python = venv / "bin" / "python"
        self.log = venv / "muse_setup.log"

    def steps(self) -> list[tuple[str, str, Callable[[], None], str]]:
        """The steps in order: name, what it does, the method, and a key that changes when it has to be done again."""
        venv = digest(f"{self.venv} {sys.version} {self.ros_distro}")
        packages = digest(venv, *files("pyproject.toml", "tools/*"))
        # The build links to launch and config files: edits show at once, a new file has to be linked.
        names = " ".join(str(path) for path in files("launch/*", "config/**/*"))
        package = digest(packages, names, *files("package.xml", "CMakeLists.txt", "colcon.meta", "msg/*.msg"))
        source = f"ROS 2 {self.ros_distro} is there" if self.ros_distro else "ROS 2 as wheels"
        return [
            ("venv", f"making {self.venv.name} with Python {sys.version.split()[0]}", self.make_venv, venv),
            ("packages", f"installing packages: PyTorch, MuJoCo ... ({source})", self.install_packages, packages),
            ("build", "building the ROS package and its messages", self.build_package, package),
            ("check", "checking that messages import and the simulator renders", self.check, package),
        ]

    def run(self) -> None:
        """Do the steps whose key has changed, and those after them."""
        stamp = self.venv / STAMP
        try:
            done = json.loads(stamp.read_text())
        except (OSError, ValueError):
            done = {}
        steps = self.steps()
        first = next((i for i, (name, _, _, key) in enumerate(steps) if done.get(name) != key), len(steps))
        if first == len(steps):
            return
        complain(prerequisites.find_missing())
        start = time.monotonic()
        done = {name: key for name, _, _, key in steps[:first]}
        for number, (name, doing, act, key) in enumerate(steps[first:], start=first + 1):
            say(f"[{number}/{len(steps)}] {doing}")
            if self.venv.is_dir():
                stamp.write_text(json.dumps(done))  # a step that is cut short counts as not done
            act()
            done[name] = key
        stamp.write_text(json.dumps(done))
        say(f"set-up done in {time.monotonic() - start:.0f} s")

    def make_venv(self) -> None:
        """Make the virtual environment, in place of an older one."""
        if self.venv.exists() and not (self.venv / "pyvenv.cfg").exists():
            raise SetupError(f"{self.venv} exists and is not a virtual environment. Move it away, then run this again.")
        system = ["--system-site-packages"] if self.ros_distro else []
        command = [sys.executable, "-m", "venv", "--clear", *system, str(self.venv)]
        if subprocess.run(command).returncode:
            raise SetupError(f"This failed: {' '.join(command)}")

    def install_packages(self) -> None:
        """Install this checkout (editable) with its extras; where they are wheels of ROS, mend them."""
        pip = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check"]
        pip += ["--constraint", str(ROOT / "tools" / "constraints.txt")]
        if not self.ros_distro:
            self._run([*pip, "--editable", f"{ROOT}[ros,{','.join(EXTRAS)}]"])
            mend_wheels(self.venv, self.python)
            announce_prefix(self.python)
            return
        self._run([*pip, "--no-deps", "--editable", str(ROOT)])
        wanted = self._requirements()
        # A ROS install's own Python packages were built with the system's OpenCV and major version of numpy.
        if self._query("import cv2; print(cv2.__version__)"):
            wanted = [requirement for requirement in wanted if not requirement.startswith("opencv")]
        major = self._query("import numpy; print(numpy.__version__)").split(".")[0]
        if major:
            wanted.append(f"numpy=={major}.*")
        self._run([*pip, *wanted])

    def build_package(self) -> None:
        """Build the ROS package and install it into the virtual environment, as links to this checkout."""
        environment = dict(os.environ, PATH=f"{self.venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}")
        if not self.ros_distro:
            environment["AMENT_PREFIX_PATH"] = environment["CMAKE_PREFIX_PATH"] = str(self.venv)
        if shutil.which("colcon", path=environment["PATH"]) is None:
            raise SetupError("colcon is missing: apt-get install -y python3-colcon-common-extensions")
        command = ["colcon", "--log-base", f"{self.venv}/colcon/log", "build", "--merge-install", "--symlink-install"]
        command += ["--base-paths", str(ROOT), "--packages-select", "muse_ros", "--metas", f"{ROOT}/colcon.meta"]
        command += ["--build-base", f"{self.venv}/colcon/build", "--install-base", str(self.venv)]
        command += ["--event-handlers", "console_direct+", "--cmake-args", f"-DPython3_EXECUTABLE={self.python}"]
        self._run([*command, "-DMUSE_INSTALL_CORE=OFF", "-DBUILD_TESTING=OFF"], environment)

    def check(self) -> None:
        """Prove that the parts work together: the messages' type support, a rendering context of the simulator."""
        source = f". {self.venv}/local_setup.sh && " if self.ros_distro else ""
        messages = "import rclpy, torch, muse_ros.msg as m; m.Action.__class__.__import_type_support__()"
        self._run(["/bin/sh", "-c", f'{source}exec "$0" -c "$1"', str(self.python), messages])
        render = "import mujoco; c = mujoco.GLContext(16, 16); c.make_current(); c.free()"
        try:
            self._run([str(self.python), "-c", render], dict(os.environ, MUJOCO_GL="egl"))
        except SetupError as error:
            needed = "apt-get install -y libegl1 libopengl0 libgl1 libgl1-mesa-dri"
            raise SetupError(f"{error}\nMuJoCo cannot render without a screen. Debian, Ubuntu: {needed}") from error

    def _requirements(self) -> list[str]:
        """The requirements of Muse and of EXTRAS, without their extra markers."""
        lines = self._query("import importlib.metadata as m; print('\\n'.join(m.requires('muse')))").splitlines()
        found = [re.match(r"([^;]+?)\s*(?:;\s*extra == ['\"](\w+)['\"])?$", line) for line in lines]
        return [match.group(1) for match in found if match and match.group(2) in (None, *EXTRAS)]

    def _query(self, statement: str) -> str:
        """What a statement prints in the virtual environment's Python; empty where it fails."""
        return subprocess.run([self.python, "-c", statement], capture_output=True, text=True).stdout.strip()

    def _run(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        """Run one command: its whole output goes to the log, the telling lines of it to the terminal."""
        environment = dict(os.environ if environment is None else environment)
        environment.pop("_ROS_WHEELS_BOOTSTRAP_COMPLETE", None)  # else the wheels of another venv would be loaded
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
        tail: collections.deque[str] = collections.deque(maxlen=30)
        pipes["close_fds"] = False  # the lock of only_one() is theirs, too
        with open(self.log, "a") as log, subprocess.Popen(command, env=environment, cwd=ROOT, **pipes) as process:
            for line in process.stdout or ():
                log.write(line)
                tail.append(line)
                if telling(line):
                    say("      " + line.strip()[:110])
        if process.returncode:
            raise SetupError(f"{''.join(tail)}\nThis failed: {' '.join(command)}\nIts whole output is in {self.log}")


def telling(line: str) -> bool:
    """Whether a line of pip's or colcon's output is worth showing: large downloads, installing, building."""
    size = re.search(r"Downloading .*\((\d+(?:\.\d+)?) MB\)", line)
    if size:
        return float(size.group(1)) >= 10
    return line.startswith(("Installing collected", "Starting >>>", "Finished <<<")) or " GB)" in line


def mend_wheels(venv: Path, python: Path) -> None:
    """Point the wheels' CMake files at this machine: they name include folders of the one that built them."""
    query = "import numpy, sysconfig; print(sysconfig.get_paths()['include']); print(numpy.get_include())"
    output = subprocess.run([python, "-c", query], check=True, stdout=subprocess.PIPE, text=True).stdout
    python_include, numpy_include = output.split("\n")[:2]
    for path in (venv / "share").glob("*/cmake/*.cmake"):
        text = path.read_text(encoding="utf-8")
        mended = re.sub(r"/opt/python/[^/;\"]+/lib/python3\.\d+/site-packages/numpy/_core/include", numpy_include, text)
        mended = re.sub(r"/opt/python/[^/;\"]+/include/python3\.\d+", python_include, mended)
        if mended != text:
            path.write_text(mended, encoding="utf-8")


def announce_prefix(python: Path) -> None:
    """Let every program of the virtual environment know it as a ROS prefix, as sourcing a setup.bash would.

    The wheels set LD_LIBRARY_PATH at each start of Python; colcon, `ros2 run` and the like want AMENT_PREFIX_PATH too.
    """
    query = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    folder = subprocess.run([python, "-c", query], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    line = (
        "import os, sys; known = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(':') if p]; "
        "os.environ['AMENT_PREFIX_PATH'] = ':'.join(known if sys.prefix in known else [*known, sys.prefix])\n"
    )
    Path(folder, "muse_ros_prefix.pth").write_text(line, encoding="utf-8")


def files(*patterns: str) -> list[Path]:
    """The files of this checkout that match, sorted."""
    found = {path for pattern in patterns for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(path for path in found if "__pycache__" not in path.parts)


def digest(*parts: str | Path) -> str:
    """A hash over texts, and over names and contents of files."""
    total = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        total.update(f"{len(content)} {part if isinstance(part, Path) else ''}\n".encode() + content)
    return total.hexdigest()


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Wait while another call sets this checkout up, or a pip or colcon lives on that it had started."""
    folder = os.open(ROOT, os.O_RDONLY)
    os.set_inheritable(folder, True)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        say("waiting for another set-up of this checkout")
        fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(folder)


def complain(missing: dict[str, str]) -> None:
    """Raise when something is missing on this machine."""
    if missing:
        raise SetupError(prerequisites.explain(missing))


def say(text: str) -> None:
    """Tell the person at the terminal, at once."""
    print(text, flush=True)


def main() -> int:
    """Set up; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="where to make it (default: .venv)")
    parser.add_argument("--missing", action="store_true", help="only print the Debian packages that are missing")
    arguments = parser.parse_args()
    try:
        wrong = prerequisites.explain_python(sys.version_info[:2]) or prerequisites.explain_path(str(ROOT))
        if wrong:
            raise SetupError(wrong)
        if arguments.missing:
            say(" ".join(prerequisites.find_missing()))
        elif arguments.venv.is_symlink():
            say(f"{arguments.venv.name} is a link to {arguments.venv.resolve()}: used as it is")
        else:
            with only_one():
                Setup(arguments.venv.absolute(), os.environ.get("ROS_DISTRO", "")).run()
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up interrupted; the next call goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
