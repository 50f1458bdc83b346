"""The arguments of all graphs, ``name:=value``: what each is, which values are legal, what it is where none is given.

Imports neither ROS nor launch. What follows from the values is in ``muse_ros.launching.nodes``.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from muse_core.environments.registry import PANDA_TASKS

Value = bool | int | float | str


class GraphError(ValueError):
    """An argument or a graph is not known, or a value does not fit; the message lists what would."""


@dataclass(frozen=True)
class Argument:
    """One argument of a graph, given as ``name:=value``.

    Attributes:
        name: Its name.
        default: Its value where none is given; it also sets the type.
        description: What it is, in one line, with its unit.
        choices: Legal values; any where empty.
    """

    name: str
    default: Value
    description: str
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        """The value that a text from a command line or a launch file stands for.

        Raises:
            GraphError: naming the argument, what was given and what is legal.
        """
        if self.choices and text not in self.choices:
            raise GraphError(f"{self.name}:={text}: must be one of {', '.join(self.choices)}")
        if isinstance(self.default, str):
            return text
        if isinstance(self.default, bool):
            if text.lower() not in ("true", "false"):
                raise GraphError(f"{self.name}:={text}: must be true or false")
            return text.lower() == "true"
        kind = type(self.default)
        try:
            return kind(text)
        except ValueError:
            wanted = "a whole number" if kind is int else "a number"
            raise GraphError(f"{self.name}:={text}: must be {wanted}") from None

    @property
    def default_text(self) -> str:
        """The default as one would type it."""
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)


def suggest(name: str, known: Mapping[str, object]) -> str:
    """The end of a message about an unknown name: the nearest known one, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(known)}"


ROBOTS = ("sim", "polymetis", "ros2_control", "none")
RESETS = ("auto", "none", "home", "sim", "home_sim")
DEVICES = ("auto", "keyboard", "gamepad", "joy", "spacemouse", "twist", "pose", "joint", "expert", "none")

COMMON = (
    Argument("robot", "sim", "the arm's driver; none: no arm is driven, as beside a played bag", ROBOTS),
    Argument("robot_ip", "", "robot:=polymetis: address of the computer that runs the arm's server; needed"),
    Argument("robot_port", 0, "and the port of its arm; 0: 50051"),
    Argument("hand_port", -1, "and of its hand; 0: there is none; -1: 50052"),
    Argument("loopback", False, "robot:=polymetis without an arm: a server of its own, the simulated world behind it"),
    Argument("task", "lift", "what is done, and what the simulated world holds", PANDA_TASKS),
    Argument("seed", 0, "seed of the simulated world and of the first automatic episode"),
    Argument("wide", False, "spread the simulated objects wider"),
    Argument("clock", False, "the simulator publishes /clock and runs as fast as it can, all nodes on its time"),
    Argument("lockstep", True, "with clock: the simulator waits for the action of each tick of an episode"),
    Argument("use_sim_time", False, "all nodes live by a /clock from elsewhere, such as `ros2 bag play --clock`"),
    Argument("namespace", "", "puts all nodes and topics below this name, such as left"),
    Argument(
        "autostart", True, "false: lifecycle nodes (the arm, cameras, policy) wait to be configured and activated"
    ),
    Argument("cameras", "", "a YAML file of cameras, such as config/cameras/two_usb.yaml; default: the robot's own"),
    Argument("params_file", "", "a YAML file of parameters, laid over Muse's own in config/nodes"),
    Argument("discovery", "machine", "who can see the nodes: this machine, or its network", ("machine", "network")),
)
TELEOP = (
    Argument("teleop", "auto", "the device that leads the arm; auto: the keyboard where there is a display", DEVICES),
    Argument("mapping", "", "what the device's axes and buttons mean: a name in config/teleop, or a file"),
    Argument("window", "auto", "the operator's window; auto: where there is a display", ("auto", "true", "false")),
)
EPISODES = (
    Argument("contract", "", "the contract whose streams must arrive: a file, or a name; default: the robot's"),
    Argument("root_dir", "recordings", "folder of all sessions"),
    Argument("session", "", "name of this session's folder; default: made from date and time"),
    Argument("operator", "", "who is showing the task"),
    Argument(
        "reset", "auto", "after each decision; auto: the simulation's next seed, or the arm home, or both", RESETS
    ),
    Argument("episodes", 0, "run this many episodes automatically, then end; 0: an operator decides"),
    Argument("max_episode_s", 15.0, "an automatic episode without success ends as a failure after this [s]"),
)
POLICY = (
    Argument("model_file", "", "the checkpoint to run, such as experiments/NAME/models/model.pt; needed"),
    Argument("execute", True, "false: the policy only shows what it would do (shadow mode)"),
    Argument("goal_file", "", "where a policy with a goal is to get to: an .npz, or an episode's folder in data/"),
)
RECORD = Argument("record", True, "false: no recorder; a played bag has the episodes already")
REPLAY = (
    Argument("path", "", "the episode: a bag, or an episode of a dataset; needed"),
    Argument("episode", "", "which episode, where path is a dataset of several"),
    Argument("what", "actions", "what is played: what was asked for, or what was applied", ("actions", "set_points")),
    Argument("speed", 1.0, "share of the recorded speed: 0.5 takes twice the time"),
    Argument("reset_scene", False, "simulation: put the scene to the recorded seed first"),
    Argument("home", False, "move home first"),
    Argument("approach", False, "move to the recorded start first, slowly"),
    Argument("record", False, "record the replay as an episode of its own"),
)
CALIBRATION = (
    Argument("bag", "", "folder of the bag to be written; needed"),
    Argument("contract", "", "the contract whose cameras are calibrated: a file, or a name; default: the robot's"),
    Argument("state", "", "its key that tells where the arm is; default: the joints"),
    Argument("duration", 20.0, "how long the arm sways [s]"),
    Argument("size", 1.0, "how far: share of 4 cm to both sides and 3 cm up"),
)
INTERACTIVE = (
    Argument("model_file", "", "the checkpoint that acts, or random; default: a person leads the arm"),
    Argument("dataset", "", "folder of the converted episodes; default: data/SESSION"),
    Argument("save_file", "", "what the kept episodes are assembled into; default: data/SESSION.npz"),
    Argument("max_steps", 1_000_000, "end when so many rows are kept"),
    Argument("max_eps", 0, "end when so many episodes are kept; 0: not by them"),
    Argument("save_episodic", False, "a file for each episode instead of one"),
    Argument("save_start_ep", 0, "number of the first of these files"),
    Argument("returns", "none", "print each return: rewards reduced so", ("none", "sum", "mean", "max", "min")),
    Argument("print_policy_name", False, "print who acts, at every episode"),
    Argument("print_last_obs", False, "print each kept episode's last observation"),
)
