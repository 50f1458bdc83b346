"""How a policy is asked: at each tick, by a schedule, or planning in a thread of its own while ticks go on."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from muse_core.configs.model_settings import Execution
from muse_core.policies.policy import Readiness
from muse_ros.contract.contract import load_contract
from muse_ros.policy.actors import NotReady, OutOfActions, choose_way, make_actor
from muse_ros.policy.fit import PolicyMismatch

MS = 1_000_000
PERIOD_NS = 100 * MS
PANDA = load_contract("panda_sim")
LENGTH = 6


def at(tick):
    return 5_000 * MS + tick * PERIOD_NS


class Planning:
    """Plans 100 times the last observation plus 0, 1, ...; each plan waits until the test lets it."""

    execution = Execution(execute=4)

    def __init__(self, gated=False):
        self.seen, self.resets, self.replans, self.error = [], 0, 0, None
        self.gate, self.begun = threading.Semaphore(0 if gated else 10**6), threading.Semaphore(0)

    def reset(self):
        self.resets += 1
        self.seen = []

    def observe(self, observation):
        self.seen.append(int(observation["q"][0]))

    def plan(self):
        self.begun.release()
        assert self.gate.acquire(timeout=20)
        if self.error:
            raise self.error
        numbers = 100.0 * self.seen[-1] + np.arange(LENGTH, dtype=np.float32)
        return {"action": np.repeat(numbers[:, None], 7, axis=1)}

    def replan(self):
        self.replans += 1

    def act(self, observation):
        self.observe(observation)
        return {"action": self.plan()["action"][0]}


def seen_at(tick):
    return {"q": np.full(7, tick)}


def actor_of(policy, inference, chunk=LENGTH, inference_s=0.01, latency_s=0.0):
    return make_actor(policy, PANDA, Readiness(chunk, inference_s), inference, latency_s)


@pytest.fixture
def asynchronous():
    """An asynchronous actor, its policy held back, and a wait until nothing is being planned."""
    policy = Planning(gated=True)
    actor = actor_of(policy, "asynchronous", inference_s=0.15)
    actor.begin()

    def settle(plans):
        for _ in range(plans):
            policy.gate.release()
        done = threading.Event()
        for _ in range(2000):
            if not actor._worker.busy and not actor._worker._tasks:
                return
            done.wait(0.005)
        pytest.fail("the worker did not come to rest")

    yield actor, policy, settle
    for _ in range(100):
        policy.gate.release()
    actor.close()


def test_a_synchronous_chunk_is_planned_where_it_is_due_and_every_tick_is_observed():
    policy = Planning()
    actor = actor_of(policy, "synchronous")
    actor.begin()
    found = [actor.act(at(n), seen_at(n))[0] for n in range(6)]
    assert found == [0, 1, 2, 3, 400, 401] and policy.seen == [0, 1, 2, 3, 4, 5] and policy.resets == 1


def test_replanning_forgets_the_chunk_and_not_what_was_seen():
    policy = Planning()
    actor = actor_of(policy, "synchronous")
    actor.begin()
    assert actor.act(at(0), seen_at(0))[0] == 0
    actor.look_on(at(1), seen_at(1))
    actor.replan()
    assert actor.act(at(2), seen_at(2))[0] == 200 and policy.seen == [0, 1, 2] and policy.resets == 1


def test_a_model_that_answers_one_action_at_a_time_is_asked_at_each_tick_and_told_to_plan_anew():
    policy = Planning()
    actor = actor_of(policy, "synchronous", chunk=1)
    actor.begin()
    assert [actor.act(at(n), seen_at(n))[0] for n in (0, 1)] == [0, 100]
    actor.look_on(at(2), seen_at(2))
    actor.replan()
    assert policy.seen == [0, 1, 2] and policy.replans == 1


def test_ticks_never_wait_for_an_asynchronous_policy(asynchronous):
    actor, policy, settle = asynchronous
    for n in range(3):
        with pytest.raises(NotReady):
            actor.act(at(n), seen_at(n))
    settle(1)
    assert policy.seen == [0, 1, 2], "every observation was taken in, in order, also while it planned"
    assert actor.act(at(3), seen_at(3))[0] == 3 and actor.dropped == 3, "the actions for ticks 0, 1 and 2 were over"
    assert len(actor.planned_s) == 1 and actor.planned_s[0] > 0.0


def test_the_next_plan_is_asked_for_early_and_taken_over_without_a_gap(asynchronous):
    actor, policy, settle = asynchronous
    with pytest.raises(NotReady):
        actor.act(at(0), seen_at(0))
    settle(1)
    # 0.15 s are 2 periods; 4 steps of a plan are carried out: the next is asked for after 2
    assert [actor.act(at(n), seen_at(n))[0] for n in (1, 2, 3)] == [1, 2, 3]
    assert policy.begun.acquire(timeout=20) and policy.begun.acquire(timeout=20), "planned at 0 and from 2 on"
    settle(1)
    assert actor.act(at(4), seen_at(4))[0] == 202


def test_an_asynchronous_policy_that_is_too_slow_runs_out_of_actions(asynchronous):
    actor, _, settle = asynchronous
    with pytest.raises(NotReady):
        actor.act(at(0), seen_at(0))
    settle(1)
    assert [actor.act(at(n), seen_at(n))[0] for n in range(1, 6)] == [1, 2, 3, 4, 5]
    with pytest.raises(OutOfActions, match="expected to take 2 periods"):
        actor.act(at(6), seen_at(6))


def test_what_an_asynchronous_policy_raises_comes_out_at_the_next_tick_and_it_is_asked_again(asynchronous):
    actor, policy, settle = asynchronous
    policy.error = RuntimeError("no more memory")
    with pytest.raises(NotReady):
        actor.act(at(0), seen_at(0))
    settle(1)
    policy.error = None
    with pytest.raises(RuntimeError, match="no more memory"):
        actor.act(at(1), seen_at(1))
    settle(1)
    assert actor.act(at(2), seen_at(2))[0] == 101


def test_a_plan_from_before_a_release_or_an_episode_is_never_heard_of(asynchronous):
    actor, policy, settle = asynchronous
    with pytest.raises(NotReady):
        actor.act(at(0), seen_at(0))
    assert policy.begun.acquire(timeout=20)
    actor.look_on(at(1), seen_at(1))
    actor.replan()
    with pytest.raises(NotReady):
        actor.act(at(2), seen_at(2))
    policy.gate.release()  # the plan of tick 0 comes, and that of tick 2 is begun
    assert policy.begun.acquire(timeout=20)
    with pytest.raises(NotReady):
        actor.act(at(3), seen_at(3))
    settle(1)
    assert actor.act(at(4), seen_at(4))[0] == 202 and policy.resets == 1
    actor.begin()
    with pytest.raises(NotReady):
        actor.act(at(10), seen_at(10))
    settle(1)
    assert actor.act(at(11), seen_at(11))[0] == 1001 and policy.resets == 2 and policy.seen[0] == 10


def test_the_way_is_chosen_by_what_the_model_showed():
    chunk_of = lambda ms: Readiness(16, ms / 1000)  # noqa: E731
    assert choose_way("auto", None, 0.1, False).inference == "synchronous"
    assert choose_way("auto", Readiness(1, 0.09), 0.1, False).inference == "synchronous"
    assert choose_way("auto", chunk_of(50), 0.1, False).inference == "synchronous"
    slow = choose_way("auto", chunk_of(60), 0.1, False)
    assert slow.inference == "asynchronous" and slow.why == "planning 16 actions takes 60 ms of a period of 100"
    assert choose_way("auto", chunk_of(60), 0.1, True).inference == "synchronous", "simulated time waits"
    assert choose_way("asynchronous", chunk_of(1), 0.1, True).inference == "asynchronous"
    with pytest.raises(PolicyMismatch, match="answers one at a time"):
        choose_way("asynchronous", Readiness(1, 0.2), 0.1, False)


def test_a_compensation_that_no_action_reaches_is_refused():
    with pytest.raises(PolicyMismatch, match="it has none to take ahead"):
        actor_of(Planning(), "synchronous", chunk=1, latency_s=0.1)
    with pytest.raises(PolicyMismatch, match="leave none of them in time"):
        actor_of(Planning(), "synchronous", latency_s=0.6)
    with pytest.raises(PolicyMismatch, match="leave none of them in time"):
        actor_of(Planning(), "asynchronous", inference_s=0.5, latency_s=0.1)
    with pytest.raises(PolicyMismatch, match=r"it may be 0\.15 at most"):
        actor_of(Planning(), "synchronous", latency_s=0.2)
    actor_of(Planning(), "synchronous", latency_s=0.15)
