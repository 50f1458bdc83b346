"""What the sender of set-points sends, with a server that answers when the test lets it."""

import threading

import numpy as np
import pytest

from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.set_point_sender import SetPointSender

DEADLINE_S = 20.0


class Server:
    """Takes set-points as a packer's and a client's other end; waits in each while `gate` is closed."""

    def __init__(self):
        self.taken, self.error = [], None
        self.gate, self.entered = threading.Event(), threading.Semaphore(0)
        self.answered = threading.Semaphore(0)
        self.gate.set()

    def pack(self, position, velocity, duration_s, number):
        return position[0], velocity[0], round(duration_s, 6), number

    def update(self, archive):
        self.entered.release()
        assert self.gate.wait(DEADLINE_S)
        if self.error is None:
            self.taken.append(archive)
        self.answered.release()
        if self.error is not None:
            raise self.error
        return 0


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def sender(server, clock):
    sender = SetPointSender(server, server, lambda: clock[0])
    yield sender
    server.gate.set()
    sender.close()


def put(sender, position, along_s):
    sender.put(np.full(7, position), np.full(7, -position), along_s)


def put_and_wait(sender, server, position, along_s):
    put(sender, position, along_s)
    assert server.answered.acquire(timeout=DEADLINE_S)


def test_each_says_how_far_it_lies_along_the_motion_after_the_one_before(sender, server):
    sender.begin()
    for position, along_s in ((0.1, 0.01), (0.2, 0.03), (0.3, 0.05)):
        put_and_wait(sender, server, position, along_s)
    assert server.taken == [(0.1, -0.1, 0.01, 1), (0.2, -0.2, 0.02, 2), (0.3, -0.3, 0.02, 3)]


def test_of_what_comes_while_the_server_is_busy_the_newest_is_sent_and_takes_the_whole_time(sender, server):
    sender.begin()
    server.gate.clear()
    put(sender, 0.1, 0.02)
    assert server.entered.acquire(timeout=DEADLINE_S)
    for position, along_s in ((0.2, 0.04), (0.3, 0.06), (0.4, 0.08)):
        put(sender, position, along_s)
    server.gate.set()
    for _ in range(2):
        assert server.answered.acquire(timeout=DEADLINE_S)
    assert server.taken == [(0.1, -0.1, 0.02, 1), (0.4, -0.4, 0.06, 2)]
    assert sender.left_out == 2


def test_nothing_is_sent_before_begin_nor_after_end_and_the_motion_begins_anew(sender, server):
    put(sender, 0.1, 0.5)
    sender.begin()
    put_and_wait(sender, server, 0.2, 0.02)
    sender.end()
    put(sender, 0.3, 0.04)
    sender.begin()
    put_and_wait(sender, server, 0.4, 0.02)
    assert server.taken == [(0.2, -0.2, 0.02, 1), (0.4, -0.4, 0.02, 2)]


def test_a_gap_longer_than_the_controller_allows_is_told_as_the_longest_it_allows(sender, server):
    sender.begin()
    put_and_wait(sender, server, 0.1, 3.0)
    assert server.taken == [(0.1, -0.1, 1.0, 1)]


def test_how_long_the_server_takes_nothing_counts_from_the_first_that_it_did_not_take(sender, server, clock):
    sender.begin()
    assert sender.behind_s() == 0.0
    server.error = PolymetisError("unreachable", "gone")
    put_and_wait(sender, server, 0.1, 0.02)
    clock[0] = 100.3
    put_and_wait(sender, server, 0.2, 0.04)
    clock[0] = 100.4
    assert sender.behind_s() == pytest.approx(0.4)
    server.error = None
    put_and_wait(sender, server, 0.3, 0.06)
    sender.end()  # which waits until the answer is noted
    assert (sender.behind_s(), sender.sent) == (0.0, 1)


def test_a_set_point_that_cannot_even_be_packed_is_told_and_the_next_one_goes_out(sender, server, monkeypatch):
    sender.begin()
    monkeypatch.setattr(server, "pack", lambda *_: 1 / 0)
    put(sender, 0.1, 0.02)
    with sender._changed:
        assert sender._changed.wait_for(lambda: sender._error is not None, DEADLINE_S)
    assert sender.error.kind == "refused" and "ZeroDivisionError" in str(sender.error)
    monkeypatch.undo()
    put_and_wait(sender, server, 0.2, 0.04)
    assert server.taken == [(0.2, -0.2, 0.02, 2)]


def test_an_error_stands_until_a_set_point_is_taken(sender, server):
    sender.begin()
    server.error = PolymetisError("no_controller", "it ended")
    put_and_wait(sender, server, 0.1, 0.02)
    sender.end()
    assert sender.error is None, "what ended with the stream is nobody's error"
    sender.begin()
    server.gate.clear()
    put(sender, 0.2, 0.02)
    assert server.entered.acquire(timeout=DEADLINE_S) and server.entered.acquire(timeout=DEADLINE_S)
    put(sender, 0.3, 0.04)
    server.gate.set()
    assert server.answered.acquire(timeout=DEADLINE_S) and server.answered.acquire(timeout=DEADLINE_S)
    assert sender.error.kind == "no_controller"


def test_a_controller_is_replaced_only_when_no_set_point_is_under_way(sender, server):
    sender.begin()
    server.gate.clear()
    put(sender, 0.1, 0.02)
    assert server.entered.acquire(timeout=DEADLINE_S)
    ended = threading.Event()
    waiting = threading.Thread(target=lambda: (sender.end(), ended.set()))
    waiting.start()
    assert not ended.is_set()
    server.gate.set()
    waiting.join(DEADLINE_S)
    assert ended.is_set() and len(server.taken) == 1


def test_delays_are_told_from_put_to_answer(sender, server, clock):
    sender.begin()
    server.gate.clear()
    put(sender, 0.1, 0.02)
    assert server.entered.acquire(timeout=DEADLINE_S)
    clock[0] = 100.008
    server.gate.set()
    sender.end()
    assert sender.delays_ms() == (pytest.approx(8.0), pytest.approx(8.0))
