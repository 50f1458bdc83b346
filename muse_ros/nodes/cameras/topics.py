"""What a camera node publishes: pictures with their CameraInfo, the settings that they were taken with, diagnostics.

Encoding and publishing have a thread of their own, which does not hold the capture up. The settings are latched: every
recording begins with them.
"""

from __future__ import annotations

import array
import json
import threading
import time
from typing import Any

import cv2
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage
from std_msgs.msg import String

from muse_ros.bridge import SENSOR_QOS, STATUS_QOS, time_message
from muse_ros.cameras.calibration import Calibration, fitting
from muse_ros.cameras.capture_thread import CaptureStatus, CaptureThread, Frame
from muse_ros.cameras.freeze_watch import FreezeWatch
from muse_ros.cameras.health import Published, judge
from muse_ros.cameras.picture import published_size, to_jpeg
from muse_ros.cameras.settings import CameraError, CameraSettings
from muse_ros.nodes.diagnostics_topic import DiagnosticsTopic, diagnostic

TAKE_S = 0.1
NS_PER_S = 1_000_000_000


class CameraTopics:
    """Publishes what a capture brings.

    Attributes:
        failure: Why nothing can be published; empty where all is well.
    """

    def __init__(self, node: Node, settings: CameraSettings, calibration: Calibration | None) -> None:
        """Make the publishers."""
        self.failure = ""
        self._node, self._settings, self._calibration = node, settings, calibration
        self._frame_id = f"{settings.name}_camera_optical_frame"
        prefix = f"cameras/{settings.name}"
        self._images = node.create_publisher(CompressedImage, f"{prefix}/image/compressed", SENSOR_QOS)
        self._infos = node.create_publisher(CameraInfo, f"{prefix}/camera_info", SENSOR_QOS)
        self._said = node.create_publisher(String, f"{prefix}/settings", STATUS_QOS)
        self._publishers = (self._images, self._infos, self._said)
        self._diagnostics: DiagnosticsTopic | None = DiagnosticsTopic(node)
        self._info: CameraInfo | None = None
        self._capture: CaptureThread | None = None
        self._thread: threading.Thread | None = None
        self._freeze = FreezeWatch(settings.frozen_s)
        self._lock = threading.Lock()
        self._published, self._last_stamp_ns = Published(), 0
        self._before = (time.monotonic_ns(), CaptureStatus(), 0)
        self._last_said = ""

    def begin(self, capture: CaptureThread) -> None:
        """Publish what `capture` brings, until :meth:`end`."""
        self._capture = capture
        self._before = (time.monotonic_ns(), CaptureStatus(), self._published.count)
        self._freeze = FreezeWatch(self._settings.frozen_s)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(capture, self._ending), daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Publish no more."""
        if self._thread is not None:
            self._ending.set()
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Take the topics back."""
        self.end()
        for publisher in self._publishers:
            self._node.destroy_publisher(publisher)
        self._publishers = ()
        if self._diagnostics is not None:
            self._diagnostics.close()
            self._diagnostics = None

    def report(self, status: CaptureStatus) -> None:
        """Publish diagnostics about the time since the last report, and the settings where they have changed."""
        steady_ns = time.monotonic_ns()
        before_ns, before, count = self._before
        with self._lock:
            published = self._published
        self._before = (steady_ns, status, published.count)
        elapsed_s = max(1e-3, (steady_ns - before_ns) / NS_PER_S)
        rate_hz = (published.count - count) / elapsed_s
        health = judge(self._settings, before, status, published, rate_hz, elapsed_s, steady_ns)
        name, source = f"{self._node.get_name()}: pictures", self._settings.source
        line = diagnostic(bytes([health.level]), name, health.message, health.values, source)
        self._diagnostics.publish(self._node.get_clock().now().nanoseconds, [line])
        self._say(status)

    def _run(self, capture: CaptureThread, ending: threading.Event) -> None:
        try:
            while not ending.is_set():
                frame = capture.take(TAKE_S)
                if frame is not None:
                    self._publish(frame, capture)
        except CameraError as error:
            self.failure = str(error)
        except Exception as error:  # a thread's death must be the node's
            self.failure = f"publishing ended: {type(error).__name__}: {error}"
            raise

    def _publish(self, frame: Frame, capture: CaptureThread) -> None:
        self._freeze.see(frame.picture, frame.steady_ns / NS_PER_S)
        changes: dict[str, Any] = {"same_for_s": self._freeze.same_for_s, "frozen": self._freeze.frozen}
        if self._freeze.frozen and self._settings.stop_when_frozen:
            self._count(withheld=1, **changes)
            return
        if frame.stamp_ns in (0, self._last_stamp_ns):  # /clock has said nothing yet, or stands still
            self._count(unstamped=1, **changes)
            return
        if self._info is None:
            self._info = self._make_info(capture.status())
            self._say(capture.status())
        began_ns = time.monotonic_ns()
        data = to_jpeg(self._settings, frame.picture)
        encode_ms = (time.monotonic_ns() - began_ns) / 1e6
        image = CompressedImage(format="jpeg")
        image.header.stamp, image.header.frame_id = time_message(frame.stamp_ns), self._frame_id
        image.data = array.array("B", data)  # an array goes through at once; bytes would be checked one by one
        self._info.header.stamp = image.header.stamp
        self._images.publish(image)
        self._infos.publish(self._info)
        self._last_stamp_ns = frame.stamp_ns
        self._count(count=1, encode_ms=encode_ms, bytes=len(data), **changes)

    def _count(self, count: int = 0, withheld: int = 0, unstamped: int = 0, **changes: Any) -> None:
        with self._lock:
            now = self._published
            counts = (now.count + count, now.withheld + withheld, now.unstamped + unstamped)
            rest = {name: getattr(now, name) for name in ("same_for_s", "frozen", "encode_ms", "bytes")}
            self._published = Published(*counts, **(rest | changes))

    def _make_info(self, status: CaptureStatus) -> CameraInfo:
        """The CameraInfo of every picture.

        Raises:
            CameraSettingError: where the crop or the calibration does not fit the pictures.
        """
        height, width = published_size(self._settings, status.camera.size)
        calibration = Calibration((height, width))
        if self._calibration is not None:
            calibration = fitting(self._calibration, self._settings.calibration_file, (height, width))
        info = CameraInfo(height=height, width=width, distortion_model=calibration.model)
        info.header.frame_id = self._frame_id
        info.d, info.k, info.r, info.p = (
            list(each) for each in (calibration.d, calibration.k, calibration.r, calibration.p)
        )
        return info

    def _say(self, status: CaptureStatus) -> None:
        """Publish the settings, where they are not what was published last."""
        if status.camera is None:
            return
        camera = status.camera
        said = {
            "asked_for": self._settings.to_dict(),
            "source": {
                "kind": camera.kind,
                "height": camera.size[0],
                "width": camera.size[1],
                "rate_hz": camera.rate_hz,
                "fourcc": camera.fourcc,
                "passes_jpeg_on": camera.sends_jpeg,
            },
            "controls": status.controls,
            "locked": status.locked,
            "calibrated": self._calibration is not None,
            "warnings": list(status.warnings),
            "opencv": cv2.__version__,
        }
        text = json.dumps(said)
        with self._lock:
            if text == self._last_said:
                return
            self._last_said = text
        self._said.publish(String(data=text))
