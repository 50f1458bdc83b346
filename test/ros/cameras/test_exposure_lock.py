"""Exposure and white balance: locked at what was asked for or found, read back, and the same after replugging."""

import cv2

from muse_ros.cameras.exposure_lock import ExposureLock

WEBCAM = {"exposure": 156, "auto_exposure": 3, "wb_temperature": 4000, "auto_wb": 1, "gain": 0, "autofocus": 1}


def test_given_values_are_set_at_once_with_the_automatic_off(settings, fake_device):
    device = fake_device(**WEBCAM)
    lock = ExposureLock(settings(exposure=200, white_balance=4600, gain=5))
    lock.begin(device)
    assert lock.settled and lock.warnings == []
    assert lock.values == {
        "auto_exposure": 1, "exposure": 200, "gain": 5, "auto_white_balance": 0, "white_balance": 4600,
        "auto_focus": 0, "focus": None, "brightness": None,
    }  # fmt: skip


def test_without_values_the_automatic_settles_first_and_then_stays_what_it_found(settings, fake_device):
    device = fake_device(**WEBCAM)
    lock = ExposureLock(settings(lock_after_s=1.0))
    lock.begin(device)
    assert not lock.settled and device.get(cv2.CAP_PROP_AUTO_EXPOSURE) == 3
    assert not lock.after(device, 0.99)
    device.values[cv2.CAP_PROP_EXPOSURE] = 312  # the room is dark
    assert lock.after(device, 1.0) and lock.settled
    assert (lock.values["auto_exposure"], lock.values["exposure"]) == (1, 312)
    assert (lock.values["auto_white_balance"], lock.values["white_balance"]) == (0, 4000)
    assert not lock.after(device, 2.0)


def test_a_replugged_camera_gets_what_was_found_before_at_once(settings, fake_device):
    lock = ExposureLock(settings(lock_after_s=0.0))
    first, again = fake_device(**WEBCAM), fake_device(**{**WEBCAM, "exposure": 20})
    lock.begin(first)
    lock.after(first, 0.0)
    lock.begin(again)
    assert lock.settled and lock.values["exposure"] == 156 and lock.values["auto_exposure"] == 1


def test_an_automatic_that_is_wanted_is_left_on(settings, fake_device):
    device = fake_device(**{**WEBCAM, "auto_exposure": 1})
    lock = ExposureLock(settings(auto_exposure=True, exposure=200, auto_white_balance=True))
    lock.begin(device)
    assert lock.settled and lock.values["auto_exposure"] == 3 and lock.values["auto_white_balance"] == 1


def test_what_a_device_does_not_take_is_a_warning_that_names_both(settings, fake_device):
    stubborn = fake_device(
        **{name: value for name, value in WEBCAM.items() if name not in ("exposure", "auto_exposure")}
    )
    stubborn.fixed |= {cv2.CAP_PROP_EXPOSURE: 156, cv2.CAP_PROP_AUTO_EXPOSURE: 3}
    lock = ExposureLock(settings(exposure=200, focus=30, white_balance=4600))
    lock.begin(stubborn)
    assert lock.warnings == [
        "exposure: 200 was asked for, the device says 156",
        "exposure is not locked: the device's automatic stays on (3)",
        "focus: 30 was asked for, the device has no such control",
    ]
