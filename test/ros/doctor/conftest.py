"""A machine by hand: everything that a check may ask has an answer, healthy unless a test says otherwise."""

import fnmatch

import pytest

BUILD = "  FFMPEG:  YES\n  GStreamer:  NO\n  v4l/v4l2:  YES (linux/videodev2.h)\n"


class FakeMachine:
    """Facts by hand. ``programs`` maps the beginning of a command line to (exit code, what it says)."""

    python = "/venv/bin/python"

    def __init__(self, **facts):
        self.environment = {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "AMENT_PREFIX_PATH": "/ros"}
        self.files = {
            "/proc/sys/net/core/rmem_default": "4194304",
            "/proc/sys/net/ipv4/ipfrag_time": "3",
            "/proc/sys/net/ipv4/ipfrag_high_thresh": "134217728",
        }
        self.shut = set()
        self.programs = {}
        self.missing = set()
        self.versions = {"rclpy": "1.0"}
        self.free = 100e9
        self.rate = 500e6
        self.pairs = [(second * 10**8, second * 10**8) for second in range(11)]
        self.real_time_priority = 99
        self.kernel_name = "6.8.1-1015-realtime #16 SMP PREEMPT_RT"
        self.opencv_says = ("4.6.0", BUILD)
        for name, value in facts.items():
            setattr(self, name, value)

    def read(self, path):
        return self.files.get(path)

    def paths(self, pattern):
        return sorted(path for path in self.files if fnmatch.fnmatch(path, pattern))

    def may(self, path, write=False):
        return path in self.files and path not in self.shut

    def run(self, command, timeout_s=10.0):
        line = " ".join(command)
        return next((said for start, said in self.programs.items() if line.startswith(start)), (-1, "not installed"))

    def has_package(self, name):
        return name not in self.missing

    def version(self, distribution):
        return self.versions.get(distribution, "")

    def free_bytes(self, folder):
        return self.free

    def existing(self, folder):
        return "/data"

    def write_rate(self, folder, size):
        if isinstance(self.rate, Exception):
            raise self.rate
        return self.rate

    def clock_pairs(self, seconds, count=11):
        return self.pairs

    def limit(self, name):
        return self.real_time_priority

    def kernel(self):
        return self.kernel_name

    def opencv(self):
        return self.opencv_says


@pytest.fixture
def machine():
    return FakeMachine


@pytest.fixture
def verdicts():
    """``verdicts(findings)``: name to verdict, in lower case."""

    def read(findings):
        findings = findings if isinstance(findings, list) else [findings]
        return {finding.name: finding.verdict.value.lower() for finding in findings}

    return read
