"""What the doctor says of clocks, devices, disk, GPU, kernel, screen and packages, by facts given by hand."""

import pytest

from muse_ros.doctor.clock_checks import check_clock, check_stamps
from muse_ros.doctor.computer_checks import (
    check_disk_rate,
    check_gpu,
    check_kernel,
    check_screen,
    check_space,
)
from muse_ros.doctor.device_checks import check_cameras, check_devices
from muse_ros.doctor.package_checks import check_packages

MS = 1_000_000


def test_a_clock_that_jumps_by_two_milliseconds_is_not_steady(machine, verdicts):
    pairs = [(0, 0), (100 * MS, 100 * MS), (202 * MS, 200 * MS)]
    assert verdicts(check_clock(machine(pairs=pairs)))["steady"] == "warn"
    pairs[2] = (200 * MS + 900_000, 200 * MS)
    assert verdicts(check_clock(machine(pairs=pairs)))["steady"] == "ok"


@pytest.mark.parametrize(
    ("lags", "verdict", "said"),
    [
        ({"/a": 0.004, "/b": 0.019}, "ok", "2 topics, at most 19 ms old"),
        ({"/a": 0.004, "/b": -0.75}, "fail", "from the future: /b -0.750 s"),
        ({"/a": 0.5}, "warn", "/a +0.500 s"),
        ({"/a": 1.7e9}, "ok", "simulated time"),
        ({}, "skip", "no stamped topic"),
    ],
)
def test_stamps_show_the_clock_of_another_computer(lags, verdict, said):
    finding = check_stamps({"lags_s": lags})
    assert finding.verdict.value.lower() == verdict and said in finding.found


FORMATS = """
  [0]: 'MJPG' (Motion-JPEG, compressed)
     Size: Discrete 640x480
     Size: Discrete 1920x1080
  [1]: 'YUYV' (YUYV 4:2:2)
     Size: Discrete 640x480
"""


def test_a_camera_is_shown_with_its_formats_and_its_lasting_name(machine):
    files = {
        "/dev/video0": "",
        "/sys/class/video4linux/video0/name": "HD Pro Webcam",
        "/dev/v4l/by-id/usb-x-video-index0": "",
    }
    findings = check_cameras(machine(files=files, programs={"v4l2-ctl -d /dev/video0": (0, FORMATS)}))
    assert [finding.verdict.value for finding in findings] == ["ok", "ok", "ok"]
    assert findings[1].found == "/dev/v4l/by-id/usb-x-video-index0"
    assert findings[2].found == "HD Pro Webcam: MJPG, YUYV, up to 1920x1080"


def test_a_camera_without_permission_fails_with_the_group_to_join(machine):
    finding = check_cameras(machine(files={"/dev/video0": ""}, shut={"/dev/video0"}))[1]
    assert finding.verdict.value == "FAIL" and finding.cure.startswith("sudo usermod -aG video $USER")


@pytest.mark.parametrize(
    ("says", "verdict"),
    [(("", ""), "fail"), (("4.9", "FFMPEG: YES\nv4l/v4l2: NO"), "warn"), (("4.9", "v4l/v4l2: YES"), "ok")],
)
def test_opencv_is_judged_by_what_it_was_built_with(machine, verdicts, says, verdict):
    assert verdicts(check_cameras(machine(opencv_says=says)))["OpenCV"] == verdict


def test_a_spacemouse_without_permission_gets_its_udev_rule_and_a_keyboard_none(machine, verdicts):
    files = {
        "/sys/class/hidraw/hidraw3/device/uevent": "HID_ID=0003:0000256F:0000C635\nHID_NAME=3Dconnexion SpaceMouse",
        "/sys/class/hidraw/hidraw4/device/uevent": "HID_ID=0003:0000046D:0000C31C\nHID_NAME=Logitech Keyboard",
        "/dev/hidraw3": "",
        "/dev/hidraw4": "",
    }
    findings = check_devices(machine(files=files, shut={"/dev/hidraw3"}))
    assert [finding.name for finding in findings] == ["gamepad", "SpaceMouse"]
    assert findings[1].found == "3Dconnexion SpaceMouse at /dev/hidraw3 may not be read"
    assert 'ATTRS{idVendor}=="256f"' in findings[1].cure
    assert verdicts(check_devices(machine(files=files)))["SpaceMouse"] == "ok"


def test_a_gamepad_is_found_and_its_permission_checked(machine, verdicts):
    pad = "/dev/input/by-id/usb-pad-event-joystick"
    assert verdicts(check_devices(machine(files={pad: ""})))["gamepad"] == "ok"
    assert verdicts(check_devices(machine(files={pad: ""}, shut={pad})))["gamepad"] == "fail"
    assert verdicts(check_devices(machine()))["gamepad"] == "skip"


@pytest.mark.parametrize(("free", "verdict"), [(0.9e9, "fail"), (19e9, "warn"), (36e9, "ok")])
def test_free_space_is_told_in_hours_of_recording(machine, verdicts, free, verdict):
    finding = check_space(machine(free=free), "recordings", 10e6)
    assert finding.verdict.value.lower() == verdict
    if free == 36e9:
        assert finding.found == "36 GB free at /data: 1.0 h of recording at 10.0 MB/s"


@pytest.mark.parametrize(
    ("rate", "verdict"), [(59e6, "fail"), (100e6, "warn"), (181e6, "ok"), (OSError("read-only file system"), "fail")]
)
def test_the_disk_has_to_take_three_times_what_recording_needs(machine, rate, verdict):
    finding = check_disk_rate(machine(rate=rate), "recordings", 60e6)
    assert finding.verdict.value.lower() == verdict and (verdict == "ok" or "root_dir:=" in finding.cure)


@pytest.mark.parametrize(
    ("programs", "missing", "verdict", "said"),
    [
        ({}, set(), "skip", "none"),
        ({"nvidia-smi": (0, "H100, 81559 MiB, 550")}, {"torch"}, "warn", "torch is not installed"),
        (
            {"nvidia-smi": (0, "H100"), "/venv": (0, "2.13 None False")},
            set(),
            "warn",
            "torch cannot use it (2.13 None False)",
        ),
        ({"nvidia-smi": (0, "H100"), "/venv": (0, "2.13 12.8 True")}, set(), "ok", "H100; torch 2.13 with CUDA 12.8"),
    ],
)
def test_a_gpu_counts_where_torch_can_use_it(machine, programs, missing, verdict, said):
    finding = check_gpu(machine(programs=programs, missing=missing))
    assert finding.verdict.value == verdict and said in finding.found


def test_a_real_time_kernel_is_known_by_its_name_or_its_file(machine, verdicts):
    plain = "6.8.0-45-generic #45 SMP PREEMPT_DYNAMIC"
    assert verdicts(check_kernel(machine()))["real time"] == "ok"
    assert verdicts(check_kernel(machine(kernel_name=plain)))["real time"] == "warn"
    assert verdicts(check_kernel(machine(kernel_name=plain, files={"/sys/kernel/realtime": "1"})))["real time"] == "ok"


def test_priorities_matter_where_the_kernel_is_real_time(machine, verdicts):
    assert verdicts(check_kernel(machine(real_time_priority=0)))["priorities"] == "warn"
    assert verdicts(check_kernel(machine(real_time_priority=0, kernel_name="generic")))["priorities"] == "ok"


def test_a_processor_that_saves_power_is_a_warning(machine, verdicts):
    governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    for files, verdict in (({governor: "powersave"}, "warn"), ({governor: "performance"}, "ok"), ({}, "skip")):
        assert verdicts(check_kernel(machine(files=files)))["processor clock"] == verdict


def test_drawing_is_tried_and_the_display_named(machine, verdicts):
    works = machine(programs={"/venv/bin/python -c": (0, "")}, environment={"DISPLAY": ":0"})
    assert verdicts(check_screen(works, render=True)) == {"rendering": "ok", "display": "ok"}
    broken = machine(programs={"/venv/bin/python -c": (1, "Traceback\nno EGL")}, environment={})
    assert verdicts(check_screen(broken, render=True)) == {"rendering": "fail", "display": "skip"}
    assert "libegl1" in check_screen(broken, render=True)[0].cure
    assert verdicts(check_screen(broken, render=False))["rendering"] == "skip"
    assert verdicts(check_screen(machine(missing={"mujoco"}), render=True))["rendering"] == "skip"


def test_packages_are_told_by_role_with_what_they_enable(machine, verdicts):
    findings = check_packages(machine(missing={"torch", "ruckig", "rosbags"}), (3, 12, 1))
    assert verdicts(findings) == {
        "python": "ok", "base": "fail", "robot": "skip", "sim": "skip", "train": "skip", "gym": "ok"
    }  # fmt: skip
    train = next(finding for finding in findings if finding.name == "train")
    assert train.found.startswith("without torch no: muse train") and train.cure == "pip install -e '.[train]'"
    assert verdicts(check_packages(machine(), (3, 9, 2)))["python"] == "fail"
