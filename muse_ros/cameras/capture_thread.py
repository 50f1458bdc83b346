"""Takes pictures from a camera in a thread of its own, for ever: the newest one wins, and a lost camera is reopened.

Whoever wants pictures takes the newest; one that nobody took in time is counted as dropped and gone. Imports no ROS;
clocks and the opening of the camera come in as arguments.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from muse_core.images import ImageError
from muse_ros.cameras.exposure_lock import ExposureLock
from muse_ros.cameras.opening import OpenCamera
from muse_ros.cameras.picture import jpeg_within
from muse_ros.cameras.settings import CameraError, CameraSettingError, CameraSettings
from muse_ros.cameras.source_kind import DEVICE

FIRST_RETRY_S = 0.05
NS_PER_S = 1_000_000_000
BROKEN_IN_A_ROW = 10
OLD_PERIODS = 1.5  # a picture that waited in the driver for longer than this has a fresher one behind it
FORGOTTEN_S = 10.0  # a larger age is no age: the driver's stamps are on another clock


@dataclass(frozen=True)
class Frame:
    """One picture.

    Attributes:
        number: Counted from 0 since the start.
        stamp_ns: The node's clock right after it was grabbed [ns].
        steady_ns: The steady clock at the same instant [ns].
        picture: (H, W, 3) uint8 BGR, or the camera's own JPEG.
    """

    number: int
    stamp_ns: int
    steady_ns: int
    picture: np.ndarray | bytes


@dataclass(frozen=True)
class CaptureStatus:
    """How the capture goes.

    Attributes:
        camera: What was opened last; None before the first time.
        is_open: Pictures are expected now.
        problem: Why there is no camera now; empty where there is one.
        captured: Pictures grabbed so far.
        dropped: Of these, replaced by a newer one before anybody took them.
        skipped: Pictures that had waited in the driver for too long, so far.
        broken: Pictures that could not be read, so far.
        opened: How often the camera was opened.
        newest_ns: When the newest picture came, on the steady clock [ns]; 0 before the first.
        ended: It is a film that has been played.
        controls: Exposure and so on, as the device says.
        warnings: What is not as it was asked for.
        locked: Exposure and white balance are as they stay.
    """

    camera: OpenCamera | None = None
    is_open: bool = False
    problem: str = ""
    captured: int = 0
    dropped: int = 0
    skipped: int = 0
    broken: int = 0
    opened: int = 0
    newest_ns: int = 0
    ended: bool = False
    controls: dict[str, float | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    locked: bool = True


class CaptureThread:
    """Captures until it is closed.

    Args:
        settings: The camera.
        open_camera: Opens it; raises :class:`CameraError` where that fails.
        now_ns: The clock that stamps [ns].
        steady_ns: A clock that never jumps [ns]; on Linux also that of V4L2's stamps.
        changed: Called in the capture's thread when a camera was opened, lost or locked.
    """

    def __init__(
        self,
        settings: CameraSettings,
        open_camera: Callable[[], OpenCamera],
        now_ns: Callable[[], int],
        steady_ns: Callable[[], int],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.refused = ""  # why it cannot work at all, or ended; empty where it goes on
        self._settings, self._open_camera = settings, open_camera
        self._now_ns, self._steady_ns, self._changed = now_ns, steady_ns, changed
        self._lock = ExposureLock(settings)
        self._status = CaptureStatus()
        self._arrived = threading.Condition()
        self._newest: Frame | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"capture {settings.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, patience_s: float = 5.0) -> bool:
        """End; whether the thread has ended in time (a driver may hold it)."""
        self._stop.set()
        with self._arrived:
            self._arrived.notify_all()
        if self._thread.is_alive():
            self._thread.join(patience_s)
        return not self._thread.is_alive()

    def take(self, timeout_s: float) -> Frame | None:
        """The newest picture that nobody has taken yet; None where none came in time."""
        with self._arrived:
            if self._newest is None and not self._stop.is_set():
                self._arrived.wait(timeout_s)
            frame, self._newest = self._newest, None
        return frame

    def status(self) -> CaptureStatus:
        """How it goes now."""
        with self._arrived:
            return self._status

    def _run(self) -> None:
        try:
            self._keep_capturing()
        except Exception as error:  # a thread's death must be the node's
            self.refused = f"the capture ended: {type(error).__name__}: {error}"
            raise

    def _keep_capturing(self) -> None:
        retry_s = 0.0
        while not self._stop.wait(retry_s):
            before = self._status.captured
            try:
                camera = self._open_camera()
            except CameraError as error:
                if isinstance(error, CameraSettingError) and not self._status.opened:
                    self.refused = str(error)
                self._report(is_open=False, problem=str(error))
                if self.refused:
                    return
            else:
                try:
                    problem = self._capture(camera)
                except cv2.error as error:
                    problem = f"OpenCV gave up: {error}"
                camera.capture.release()
                self._report(is_open=False, problem=problem, ended=camera.ended)
                if camera.ended:
                    return
            works = self._status.captured > before
            retry_s = FIRST_RETRY_S if works else min(self._settings.retry_max_s, max(FIRST_RETRY_S, 2.0 * retry_s))

    def _capture(self, camera: OpenCamera) -> str:
        """Capture until that fails or all is closed; returns what is wrong."""
        began_ns = self._steady_ns()
        if camera.kind == DEVICE:
            self._lock.begin(camera.capture)
        else:
            self._lock.settled = True
        self._report(camera=camera, is_open=True, problem="", opened=self._status.opened + 1)
        broken = 0
        while not self._stop.is_set():
            if not camera.capture.grab():
                return "" if camera.ended or self._stop.is_set() else "no picture came: unplugged, or its driver stalls"
            stamp_ns, steady_ns = self._now_ns(), self._steady_ns()
            if camera.kind == DEVICE and self._is_old(camera, steady_ns):
                self._report_quietly(skipped=self._status.skipped + 1)
                continue
            picture = self._retrieve(camera)
            if picture is None:
                broken += 1
                self._report_quietly(broken=self._status.broken + 1)
                if broken >= BROKEN_IN_A_ROW:
                    return f"{broken} pictures in a row could not be read: a bad cable, or a USB bus that is too busy"
                continue
            broken = 0
            self._put(Frame(self._status.captured, stamp_ns, steady_ns, picture))
            if self._lock.after(camera.capture, (steady_ns - began_ns) / NS_PER_S):
                self._report()
        return ""

    def _is_old(self, camera: OpenCamera, steady_ns: int) -> bool:
        """Whether a picture lay in the driver's queue: the program was held up, and fresher ones wait behind it."""
        taken_s = camera.capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        age_s = steady_ns / NS_PER_S - taken_s
        period_s = 1.0 / camera.rate_hz if camera.rate_hz else 1.0 / 30.0
        return taken_s > 0.0 and OLD_PERIODS * period_s + 0.02 < age_s < FORGOTTEN_S

    def _retrieve(self, camera: OpenCamera) -> np.ndarray | bytes | None:
        done, picture = camera.capture.retrieve()
        if not done or picture is None or picture.size == 0:
            return None
        if not camera.sends_jpeg:
            return picture
        try:
            data, unusual = jpeg_within(picture, camera.size)
        except ImageError:
            return None
        if unusual:
            camera.decode_from_now_on(unusual)
            self._report()
        return data or cv2.imdecode(np.frombuffer(picture.tobytes(), np.uint8), cv2.IMREAD_COLOR)

    def _put(self, frame: Frame) -> None:
        with self._arrived:
            dropped = self._status.dropped + (self._newest is not None)
            self._newest = frame
            self._status = replace(self._status, captured=frame.number + 1, dropped=dropped, newest_ns=frame.steady_ns)
            self._arrived.notify_all()

    def _report(self, **changes: object) -> None:
        self._report_quietly(**changes)
        self._changed()

    def _report_quietly(self, **changes: object) -> None:
        with self._arrived:
            camera = changes.get("camera", self._status.camera)
            warnings = (*(camera.warnings if camera else ()), *self._lock.warnings)
            lock = {"controls": dict(self._lock.values), "warnings": warnings, "locked": self._lock.settled}
            self._status = replace(self._status, **changes, **lock)
