"""A teleop node that tests step beat by beat, the graph around it, and a gamepad that SDL itself pretends to have."""

from __future__ import annotations

import ctypes

import pytest


@pytest.fixture
def teleop(ros, spin):
    """``teleop(device=..., ...)`` starts a teleop node with these parameters."""
    from rclpy.parameter import Parameter

    from muse_ros.nodes.teleop import TeleopNode

    nodes = []

    def start(spinning=True, **parameters):
        node = TeleopNode(parameter_overrides=[Parameter(name, value=value) for name, value in parameters.items()])
        nodes.append(node)
        if spinning:
            spin(node)
        return node

    yield start
    for node in nodes:
        if node.executor is not None:
            node.executor.shutdown()
        node.close()
        node.destroy_node()


@pytest.fixture
def world(make_node, spin):
    """The other side of the graph; it collects actions, labels, events and diagnostics of the teleop node."""
    from diagnostic_msgs.msg import DiagnosticArray

    from muse_ros.bridge import ACTION_QOS, EVENT_QOS
    from muse_ros.msg import Action, EpisodeEvent

    node = make_node("world")
    node.actions, node.labels, node.events, node.diagnostics = [], [], [], []
    node.create_subscription(Action, "action/teleop", node.actions.append, ACTION_QOS)
    node.create_subscription(Action, "action/teleop_label", node.labels.append, ACTION_QOS)
    node.create_subscription(EpisodeEvent, "collect/events", node.events.append, EVENT_QOS)
    node.create_subscription(DiagnosticArray, "diagnostics", node.diagnostics.append, 10)
    return spin(node)


class Rig:
    """A teleop node without a window, spun by the test; topics reach it before the beat that is to see them."""

    def __init__(self, node, world, wait_until):
        self.node, self.world, self._wait_until = node, world, wait_until
        self._publishers = {}
        wait_until(lambda: self._spun() and world.actions, what="the first action")

    def beat(self):
        """The Action of one more heartbeat, as the world received it."""
        before = self.node.beats
        self._wait_until(lambda: self._spun() and self.node.beats > before, what="a heartbeat")
        stamp = self.node._last.header.stamp
        return self._wait_until(
            lambda: next((a for a in reversed(self.world.actions) if a.header.stamp == stamp), None), what="its action"
        )

    def until(self, true, what, topic="", message=None):
        """Beat until `true(action)`, saying `message` on `topic` before each beat; returns that action."""
        found = []

        def fits():
            if topic:
                self.say(topic, message)
            found.append(self.beat())
            return true(found[-1])

        self._wait_until(fits, what=what)
        return found[-1]

    def say(self, topic, message):
        """Publish, and return once the node's subscription is there to hear it."""
        if topic not in self._publishers:
            self._publishers[topic] = self.world.create_publisher(type(message), topic, 10)
            self._wait_until(self._publishers[topic].get_subscription_count, what=f"a subscription to {topic}")
        self._publishers[topic].publish(message)

    def told(self):
        """What the node last said about its device."""
        return self.node.report.problem or self.node.report.hint

    def _spun(self):
        import rclpy

        rclpy.spin_once(self.node, timeout_sec=0.05)
        return True


@pytest.fixture
def rig(teleop, world, wait_until):
    """``rig(device=..., ...)`` makes a :class:`Rig`."""
    # A real pad may be plugged in here, and a busy machine may pause a test.
    basics = {"spinning": False, "window": "false", "pad": "virtual", "stale_s": 0.5}
    return lambda **parameters: Rig(teleop(**basics | parameters), world, wait_until)


class VirtualPad:
    """A gamepad inside SDL, by pygame's own library: what reads it is what reads a real one."""

    def __init__(self):
        import pygame  # its library must be loaded before it can be found

        with open("/proc/self/maps") as maps:
            library = next((line.split()[-1] for line in maps if "libSDL2-2" in line), None)
        if library is None or not pygame.joystick:
            pytest.skip("pygame's SDL library is not where it can be reached")
        self._sdl = ctypes.CDLL(library)
        if not hasattr(self._sdl, "SDL_JoystickAttachVirtual"):
            pytest.skip("this SDL has no virtual joysticks")
        self._sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self._sdl.SDL_JoystickSetVirtualAxis.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int16]
        self._sdl.SDL_JoystickSetVirtualButton.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint8]
        self._index = None

    def plug(self, axes=6, buttons=15, kind=1):
        """Attach it; kind 1 is a game controller, 0 a joystick that SDL does not know."""
        self._index = self._sdl.SDL_JoystickAttachVirtual(kind, axes, buttons, 0)
        assert self._index >= 0
        self._pad = self._sdl.SDL_JoystickOpen(self._index)
        for trigger in (4, 5) if kind == 1 else ():
            self._sdl.SDL_JoystickSetVirtualAxis(self._pad, trigger, -32768)

    def unplug(self):
        """Detach it."""
        if self._index is not None:
            self._sdl.SDL_JoystickDetachVirtual(self._index)
            self._index = None

    def axis(self, index, value):
        """Deflect an axis, -1 .. 1; triggers rest at -1."""
        full = 32768 if value < 0 else 32767
        self._sdl.SDL_JoystickSetVirtualAxis(self._pad, index, round(full * value))

    def button(self, index, down=True):
        """Press a button, or let it go."""
        self._sdl.SDL_JoystickSetVirtualButton(self._pad, index, int(down))


@pytest.fixture
def virtual_pad():
    """A :class:`VirtualPad`, not yet plugged in."""
    pygame = pytest.importorskip("pygame")
    import muse_ros.teleop.gamepad  # noqa: F401  it tells SDL what must be told before joysticks are looked for

    pygame.joystick.init()
    pad = VirtualPad()
    yield pad
    pad.unplug()
