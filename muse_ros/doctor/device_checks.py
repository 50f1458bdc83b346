"""What is plugged in: cameras, and what leads the arm. Each with the permission that it needs."""

from __future__ import annotations

import re

from muse_ros.cameras.opencv_build import build_has
from muse_ros.doctor.machine import Machine
from muse_ros.finding import Finding, Verdict

VIDEO_CURE = "sudo usermod -aG video $USER   # then log in anew"
INPUT_CURE = "sudo usermod -aG input $USER   # then log in anew"
SPACEMOUSE_RULE = (
    """printf '%s\\n' 'KERNEL=="hidraw*", ATTRS{idVendor}=="256f", TAG+="uaccess"' """
    """'KERNEL=="hidraw*", ATTRS{idVendor}=="046d", ATTRS{idProduct}=="c6*", TAG+="uaccess"' | """
    "sudo tee /etc/udev/rules.d/70-spacemouse.rules && sudo udevadm control --reload && sudo udevadm trigger"
)
_3DCONNEXION = re.compile(r"HID_ID=[0-9A-F]{4}:(0000256F:|0000046D:0000C6)", re.IGNORECASE)


def check_cameras(machine: Machine) -> list[Finding]:
    """OpenCV's build, and each video device."""
    findings = [_opencv(machine)]
    devices = machine.paths("/dev/video*")
    if not devices:
        findings.append(Finding("cameras", "devices", Verdict.SKIP, "none: no /dev/video*"))
    lasting = [link for link in machine.paths("/dev/v4l/by-id/*") if link.endswith("-video-index0")]
    if lasting:
        findings.append(Finding("cameras", "lasting names", Verdict.OK, ", ".join(lasting)))
    return [*findings, *(_video(machine, device) for device in devices)]


def check_devices(machine: Machine) -> list[Finding]:
    """Gamepads and SpaceMice."""
    return [_gamepads(machine), *_spacemice(machine)]


def _opencv(machine: Machine) -> Finding:
    version, build = machine.opencv()
    if not version:
        return Finding("cameras", "OpenCV", Verdict.FAIL, "cv2 cannot be imported", "pip install -e '.[robot]'")
    has = {name: build_has(name, build) for name in ("v4l/v4l2", "FFMPEG", "GStreamer")}
    found = f"{version}, with {', '.join(name for name, there in has.items() if there) or 'no video input at all'}"
    if not has["v4l/v4l2"]:
        return Finding(
            "cameras", "OpenCV", Verdict.WARN, f"{found}: no USB camera", "pip install opencv-python-headless"
        )
    lacking = "" if has["GStreamer"] else "; without GStreamer (wheels have none), which only pipelines need"
    return Finding("cameras", "OpenCV", Verdict.OK, found + lacking)


def _video(machine: Machine, device: str) -> Finding:
    if not machine.may(device, write=True):
        return Finding("cameras", device, Verdict.FAIL, "may not be opened by this user", VIDEO_CURE)
    name = machine.read(f"/sys/class/video4linux/{device.rpartition('/')[2]}/name") or "a camera"
    code, said = machine.run(["v4l2-ctl", "-d", device, "--list-formats-ext"])
    if code:
        return Finding("cameras", device, Verdict.OK, f"{name}; its formats: sudo apt-get install v4l-utils")
    formats = re.findall(r"'(\w{4})'", said)
    if not formats:
        return Finding("cameras", device, Verdict.SKIP, f"{name}: gives no pictures (metadata of another device)")
    sizes = sorted({(int(w), int(h)) for w, h in re.findall(r"Discrete (\d+)x(\d+)", said)})
    largest = f", up to {sizes[-1][0]}x{sizes[-1][1]}" if sizes else ""
    return Finding("cameras", device, Verdict.OK, f"{name}: {', '.join(dict.fromkeys(formats))}{largest}")


def _gamepads(machine: Machine) -> Finding:
    pads = machine.paths("/dev/input/by-id/*-event-joystick") or machine.paths("/dev/input/js*")
    if not pads:
        return Finding("devices", "gamepad", Verdict.SKIP, "none is plugged in")
    shut = [pad for pad in pads if not machine.may(pad)]
    if shut:
        return Finding(
            "devices", "gamepad", Verdict.FAIL, f"{', '.join(shut)} may not be read by this user", INPUT_CURE
        )
    return Finding("devices", "gamepad", Verdict.OK, ", ".join(pads))


def _spacemice(machine: Machine) -> list[Finding]:
    findings = []
    for event in machine.paths("/sys/class/hidraw/*/device/uevent"):
        described = machine.read(event) or ""
        if not _3DCONNEXION.search(described):
            continue
        device = f"/dev/{event.split('/')[4]}"
        name = next((line[9:] for line in described.splitlines() if line.startswith("HID_NAME=")), "SpaceMouse")
        if machine.may(device, write=True):
            findings.append(Finding("devices", "SpaceMouse", Verdict.OK, f"{name} at {device}"))
        else:
            findings.append(
                Finding("devices", "SpaceMouse", Verdict.FAIL, f"{name} at {device} may not be read", SPACEMOUSE_RULE)
            )
    return findings or [Finding("devices", "SpaceMouse", Verdict.SKIP, "none is plugged in")]
