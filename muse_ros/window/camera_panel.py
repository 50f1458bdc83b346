"""The cameras: each picture decoded and scaled once, with its name, its age where it is stale, and the last start."""

from __future__ import annotations

import contextlib
import math

import pygame

from muse_core.images import ImageError, decode_image, image_size
from muse_ros.window.head_panels import Targets
from muse_ros.window.layout import picture_places
from muse_ros.window.paint import AMBER, BLACK, FAINT, RED, TEXT, Painter
from muse_ros.window.prompt import seconds
from muse_ros.window.view import CameraView, WindowView

NO_PICTURE = (4, 3)  # shape of a place without a picture
MOST_PIXELS = 50_000_000  # decoding more would hold up the heartbeat


class CameraPanel:
    """Remembers the decoded pictures, of each camera the newest and the last start."""

    def __init__(self) -> None:
        self._decoded: dict[tuple[str, str], tuple[bytes, tuple[int, int], pygame.Surface | None]] = {}

    @staticmethod
    def content(view: WindowView) -> tuple[CameraView, ...]:
        """The cameras."""
        return view.cameras

    def draw(self, paint: Painter, area: pygame.Rect, cameras: tuple[CameraView, ...]) -> Targets:
        """All cameras, as large as fits."""
        if not cameras:
            paint.panel(area)
            paint.write("no cameras: the parameter `cameras` names them", area, "text", FAINT, "centre")
            return []
        shapes = [_shape(camera.data) for camera in cameras]
        for camera, place in zip(cameras, picture_places(area, shapes, paint.px(8)), strict=True):
            if place.width > 0 and place.height > 0:
                self._draw_one(paint, place, camera)
        return []

    def _draw_one(self, paint: Painter, place: pygame.Rect, camera: CameraView) -> None:
        picture = None if camera.data is None else self._picture("live", camera.name, camera.data, place.size)
        if picture is None:
            paint.panel(place)
            paint.frame(place, RED)
            what = "no picture yet" if camera.data is None else "the picture cannot be read"
            self._verdict(paint, place, f"{camera.name}: {what}")
            return
        paint.surface.blit(picture, place)
        start = None if camera.start is None else self._picture("start", camera.name, camera.start, place.size)
        if start is not None:
            start.set_alpha(128)
            paint.surface.blit(start, place)
        if camera.age_s is not None:
            shade = pygame.Surface(place.size)
            shade.set_alpha(150)
            paint.surface.blit(shade, place)
            paint.frame(place, RED, 4)
            self._verdict(paint, place, f"{camera.name}: STALE, {seconds(camera.age_s)} old")
        label = f"{camera.name}: live and last start" if start is not None else camera.name
        self._label(paint, place, label, AMBER if start is not None else TEXT)

    @staticmethod
    def _label(paint: Painter, place: pygame.Rect, text: str, colour: tuple[int, int, int]) -> None:
        height = paint.line("small") + paint.px(4)
        width = min(place.width, paint.width(text, "small") + paint.px(14))
        box = pygame.Rect(place.left, place.top, width, min(height, place.height))
        pygame.draw.rect(paint.surface, BLACK, box)
        paint.write(text, box.inflate(-paint.px(10), 0), "small", colour)

    @staticmethod
    def _verdict(paint: Painter, place: pygame.Rect, text: str) -> None:
        box = pygame.Rect(0, 0, place.width, min(place.height, paint.line("large") + paint.px(10)))
        box.center = place.center
        pygame.draw.rect(paint.surface, RED, box)
        inner = box.inflate(-paint.px(10), 0)
        role = "large" if paint.width(text, "large") <= inner.width else "strong"
        paint.write(text, inner, role, BLACK, "centre")

    def _picture(self, kind: str, name: str, data: bytes, size: tuple[int, int]) -> pygame.Surface | None:
        known = self._decoded.get((kind, name))
        if known is not None and known[0] is data and known[1] == size:
            return known[2]
        surface = None
        with contextlib.suppress(ImageError):
            if math.prod(image_size(data)) <= MOST_PIXELS:
                rgb = decode_image(data, (size[1], size[0]))
                surface = pygame.image.frombuffer(rgb, size, "RGB").copy()
        self._decoded[kind, name] = (data, size, surface)
        return surface


def _shape(data: bytes | None) -> tuple[int, int]:
    """(width, height) of a picture [px]."""
    if data is None:
        return NO_PICTURE
    try:
        height, width = image_size(data)
    except ImageError:
        return NO_PICTURE
    return (width, height) if width > 0 and height > 0 else NO_PICTURE
