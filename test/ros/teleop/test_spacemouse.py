"""A SpaceMouse's reports, from recorded bytes: axes, buttons, plugging, permissions; nothing waits for it."""

from __future__ import annotations

import os
import socket
import struct

import pytest

from muse_ros.teleop.input_mapper import InputMapper
from muse_ros.teleop.mapping_file import find_file, load_mapping
from muse_ros.teleop.raw_input import DeviceError, RawInput
from muse_ros.teleop.spacemouse import SpaceMouse, find_spacemice

S = 1_000_000_000


def describe(folder, name, vendor, product):
    (folder / name / "device").mkdir(parents=True)
    (folder / name / "device/uevent").write_text(f"DRIVER=hid-generic\nHID_ID=0003:{vendor:08X}:{product:08X}\n")


class Cable:
    """A device whose reports keep their bounds, as hidraw's do; ``send`` is the hardware."""

    def __init__(self, folder):
        describe(folder, "hidraw3", 0x256F, 0xC635)
        self.opened = []
        self.mouse = SpaceMouse(folder, folder, self.open)

    def open(self, path):
        self.opened.append(path)
        theirs, self.ours = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        theirs.setblocking(False)
        return theirs.detach()

    def send(self, kind, *numbers):
        self.ours.send(struct.pack(f"<B{len(numbers)}h", kind, *numbers))

    def press(self, mask):
        self.ours.send(bytes([3, mask, 0]))


@pytest.fixture
def cable(tmp_path):
    cable = Cable(tmp_path)
    yield cable
    cable.mouse.close()


def test_only_3dconnexions_devices_are_found_in_the_order_of_their_numbers(tmp_path):
    for name, vendor, product in (
        ("hidraw10", 0x256F, 0xC652),
        ("hidraw2", 0x046D, 0xC62B),
        ("hidraw1", 0x046D, 0xC31C),  # a keyboard of the same maker
        ("hidraw0", 0x1A86, 0xE026),
    ):
        describe(tmp_path, name, vendor, product)
    (tmp_path / "hidraw4").mkdir()  # one that goes while we look
    assert find_spacemice(tmp_path) == ["hidraw2", "hidraw10"]


def test_reports_of_three_and_of_six_axes_come_to_the_same(cable):
    assert cable.mouse.read(0) == RawInput((0.0,) * 6, ())
    cable.send(1, 350, -175, 70)
    cable.send(2, 35, -350, 400)
    assert cable.mouse.read(1) == RawInput((1.0, -0.5, 0.2, 0.1, -1.0, 1.0), ())
    cable.send(1, 0, 0, 0, 0, 0, 175)
    assert cable.mouse.read(2).axes == (0.0, 0.0, 0.0, 0.0, 0.0, 0.5)


def test_of_many_reports_since_the_last_look_the_newest_counts_and_the_battery_is_skipped(cable):
    cable.mouse.read(0)
    for x in range(0, 351, 7):
        cable.send(1, x, 0, 0, 0, 0, 0)
    cable.press(0b01), cable.press(0b11), cable.send(23, 90)
    found = cable.mouse.read(1)
    assert found.axes[0] == 1.0 and found.buttons[:3] == (True, True, False)


def test_a_cap_at_rest_may_be_silent_and_a_displaced_one_that_falls_silent_is_lost(cable):
    cable.mouse.read(0)
    assert cable.mouse.read(60 * S).axes == (0.0,) * 6
    cable.send(1, 100, 0, 0, 0, 0, 0)
    cable.mouse.read(61 * S)
    assert cable.mouse.read(61 * S + S // 5).axes[0] > 0
    with pytest.raises(DeviceError, match="fell silent while its cap was displaced"):
        cable.mouse.read(61 * S + S // 3)
    assert cable.mouse.read(62 * S).axes == (0.0,) * 6


def test_an_unplugged_one_is_lost_once_and_found_again(cable):
    cable.mouse.read(0)
    cable.press(0b10)
    assert cable.mouse.read(1).buttons[1]
    cable.ours.close()
    with pytest.raises(DeviceError, match="the SpaceMouse was unplugged"):
        cable.mouse.read(2)
    assert cable.mouse.read(S) == RawInput((0.0,) * 6, ()), "nothing of before is remembered"
    assert len(cable.opened) == 2


def test_a_missing_one_is_looked_for_twice_a_second(tmp_path):
    mouse = SpaceMouse(tmp_path, tmp_path, lambda path: os.open(f"{tmp_path}/dev_hidraw0", os.O_RDONLY | os.O_NONBLOCK))
    with pytest.raises(DeviceError, match=f"there is no SpaceMouse .none of 3Dconnexion's under {tmp_path}"):
        mouse.read(0)
    describe(tmp_path, "hidraw0", 0x256F, 0xC635)
    os.mkfifo(tmp_path / "dev_hidraw0")
    writer = os.open(tmp_path / "dev_hidraw0", os.O_RDWR)
    with pytest.raises(DeviceError, match="there is no SpaceMouse"):
        mouse.read(S // 4)
    assert mouse.read(S // 2) == RawInput((0.0,) * 6, ())
    os.close(writer)
    mouse.close()


def test_one_that_may_not_be_read_names_the_rule_to_install(tmp_path):
    describe(tmp_path, "hidraw0", 0x256F, 0xC635)

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    with pytest.raises(
        DeviceError, match=r"hidraw0 is a SpaceMouse and may not be read: install .*/config/udev/70-muse"
    ):
        SpaceMouse(tmp_path, tmp_path, refuse).read(0)


def test_pushing_lifting_and_twisting_the_cap_come_out_by_rep_103():
    """Away is forward, left is left, up is up; twisting it anticlockwise, seen from above, turns left."""
    mapper = InputMapper(load_mapping(find_file("spacemouse")))
    away, left, lifted, turned = (0, -1, 0, 0, 0, 0), (-1, 0, 0, 0, 0, 0), (0, 0, -1, 0, 0, 0), (0, 0, 0, 0, 0, -1)
    found = [mapper.step(RawInput(tuple(map(float, axes)), ())) for axes in (away, left, lifted, turned)]
    assert [sample.linear for sample in found[:3]] == [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    assert found[3].angular == (0, 0, 1)
