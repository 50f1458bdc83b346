"""The automatic mode as a sequencer, played against a small world of numbers."""

from dataclasses import replace

import pytest

from muse_ros.recording.automatic import AutomaticEpisodes, Do, Finish, Plan, Report, View
from muse_ros.recording.episode_events import End, Failed, FileBag, Filed, Gate, OpenBag, Opened, ResetDone, Verb
from muse_ros.recording.episodes import advance
from muse_ros.recording.session import Session

S = 1_000_000_000
PLAN = Plan(episodes=2, seed=7, max_episode_s=3.0, patience_s=5.0)


class World:
    """Runs the sequencer with a state machine, a simulation and two clocks; one step is 0.1 s of each."""

    def __init__(self, plan, success_after_s=lambda seed: 1.0, speed=1.0):
        self.automatic = AutomaticEpisodes(plan)
        self.session = advance(Session(), Gate(())).session
        self.now_ns, self.steady_s, self.speed = 100 * S, 0.0, speed
        self.success_after_s = success_after_s
        self.reset_answers, self.reset_failure = True, ""
        self.incomplete = lambda index: ""
        self.seed = None
        self.commands, self.reports, self.end = [], [], None

    def view(self):
        recording_s = (self.now_ns - self.session.start_ns) / S
        done = self.session.state.name == "RECORDING" and recorded(self.success_after_s(self.seed), recording_s)
        return View(self.now_ns, self.steady_s, self.session, done, self.incomplete(self.session.episode_index))

    def run(self, steps=400):
        for _ in range(steps):
            for command in self.automatic.step(self.view()):
                self.obey(command)
            if self.end is not None:
                return self.end
            self.steady_s += 0.1
            self.now_ns += int(0.1 * S * self.speed)
        return None

    def obey(self, command):
        self.commands.append(command)
        if isinstance(command, Report):
            self.reports.append(command.text)
        elif isinstance(command, Finish):
            self.end = command.error
        else:
            self.session = verb(self.session, command.verb, self.now_ns)
            if command.verb == "reset":
                self.seed = command.seed
                if self.reset_answers:
                    self.session = advance(self.session, ResetDone(self.reset_failure)).session


def recorded(after_s, elapsed_s):
    return after_s is not None and elapsed_s >= after_s - 1e-9


def verb(session, name, now_ns):
    step = advance(session, Verb(name, now_ns))
    assert not step.refusal, step.refusal
    session = step.session
    for effect in step.effects:
        if isinstance(effect, OpenBag):
            session = advance(session, Opened(now_ns)).session
        elif isinstance(effect, FileBag):
            session = advance(session, Filed(effect.kept)).session
    return session


def test_every_episode_is_reset_with_the_next_seed_recorded_labelled_and_kept():
    world = World(PLAN)
    assert world.run() == ""
    assert [c for c in world.commands if not isinstance(c, Report)] == [
        Do("reset", 7),
        Do("start"),
        Do("success"),
        Do("keep"),
        Do("reset", 8),
        Do("start"),
        Do("success"),
        Do("keep"),
        Finish(),
    ]


def test_a_success_counts_once_it_has_held_and_the_tail_is_recorded():
    world = World(replace(PLAN, episodes=1))
    world.run()
    assert world.reports[0] == "episode 1/1 seed 7 success 1.5 s  kept 1  failures 0"


def test_the_summary_counts_everything():
    world = World(PLAN, success_after_s=lambda seed: 1.0 if seed == 7 else None)
    assert world.run() == ""
    assert world.reports[1] == "episode 2/2 seed 8 failure 3.0 s  kept 2  failures 1"
    assert world.reports[2].endswith("kept 2, of these 1 successes; discarded 0")


def test_failures_are_discarded_on_request():
    world = World(replace(PLAN, keep_failures=False), success_after_s=lambda seed: None)
    assert world.run() == ""
    assert Do("discard") in world.commands
    assert world.session.discarded == 2


@pytest.mark.parametrize("speed", [0.5, 5.0])
def test_durations_are_on_the_nodes_clock_however_fast_it_runs(speed):
    world = World(replace(PLAN, episodes=1), speed=speed)
    assert world.run() == ""
    duration_s = (world.session.stop_ns - world.session.start_ns) / S
    assert 1.5 <= duration_s < 1.5 + 3 * 0.1 * speed  # as soon as its grid of steps allows


def test_a_success_that_flickers_is_not_counted():
    world = World(replace(PLAN, episodes=1))
    flicker = iter(range(1000))
    world.success_after_s = lambda seed: 0.0 if next(flicker) % 3 else None
    assert world.run() == ""
    assert "failure" in world.reports[0]


def test_a_reset_that_is_refused_ends_with_its_reason():
    world = World(PLAN)
    world.reset_failure = "sim/reset failed: no world"
    assert world.run() == "sim/reset failed: no world"


def test_a_reset_that_never_answers_is_given_up():
    world = World(PLAN)
    world.reset_answers = False
    assert "episode 1/2, seed 7: waited 5 s in vain: sim/reset has not answered" in world.run()


def test_streams_that_never_come_are_named():
    world = World(PLAN)
    world.session = advance(world.session, Gate(("/pose: nobody publishes it",))).session
    assert "waited 5 s in vain: /pose: nobody publishes it" in world.run()


def test_a_clock_that_stands_still_is_given_up_with_a_hint():
    world = World(PLAN, speed=0.0)
    assert "the clock stands still" in world.run()


def test_a_fault_ends_it():
    world = World(PLAN)
    world.session = advance(world.session, Failed("disk full", 0)).session
    assert world.run() == "fault: disk full"


def test_somebody_else_ending_the_episode_ends_it():
    world = World(PLAN)
    world.run(steps=5)
    world.session = verb(world.session, "discard", world.now_ns)
    assert "ended by somebody else" in world.run()


def test_an_episode_that_lost_messages_is_discarded_and_its_seed_repeated():
    world = World(PLAN)
    world.incomplete = lambda index: "3 messages were lost" if index == 0 else ""
    assert world.run() == ""
    assert [c.seed for c in world.commands if isinstance(c, Do) and c.verb == "reset"] == [7, 7, 8]
    assert world.reports[0] == "episode 1/2 seed 7 is discarded and repeated: 3 messages were lost"
    assert (world.session.kept, world.session.discarded) == (2, 1)


def test_a_machine_that_always_loses_messages_gets_its_episodes_all_the_same():
    world = World(replace(PLAN, episodes=1))
    world.incomplete = lambda index: "3 messages were lost"
    assert world.run() == ""
    assert (world.session.kept, world.session.discarded) == (1, 2)


def test_an_episode_that_ended_by_itself_is_a_failure():
    world = World(replace(PLAN, episodes=1))
    world.run(steps=5)
    world.session = advance(world.session, End("the policy gave up", world.now_ns)).session
    assert world.run() == ""
    assert (world.session.kept, world.session.failures) == (1, 1)
