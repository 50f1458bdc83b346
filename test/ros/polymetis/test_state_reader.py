"""Reading states through everything that can happen to a server."""

from __future__ import annotations

import math
import threading
import time

import numpy as np
import pytest

pytest.importorskip("grpc")

from muse_ros.polymetis.arm_client import ArmClient
from muse_ros.polymetis.arm_state import ArmState
from muse_ros.polymetis.errors import PolymetisError
from muse_ros.polymetis.state_reader import StateReader
from polymetis_servicer import ArmServicer, serving
from tcp_proxy import TcpProxy

THEIRS_AHEAD_NS = 3_600_000_000_000
LONGEST_WAIT_S = 30.0


def wait_for(condition) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture
def servicer():
    return ArmServicer(lambda: time.time_ns() + THEIRS_AHEAD_NS)


@pytest.fixture(params=["poll", "stream"])
def reader(request, servicer):
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        reader = StateReader(client, source=request.param)
        reader.start()
        yield reader
        reader.close()
        client.close()


def test_states_come_in_order_with_stamps_of_our_clock(reader):
    wait_for(lambda: len(reader.since(0)) > 200)
    found = reader.since(0)
    assert (np.diff([each.stamp_ns for each in found]) > 0).all()
    assert (np.diff([each.state.stamp_ns for each in found]) > 0).all()
    for each in found:
        assert each.stamp_ns <= each.received_ns
        off_ns = each.stamp_ns - (each.state.stamp_ns - THEIRS_AHEAD_NS)
        assert abs(off_ns) < 50_000_000  # of an hour; test_server_clock.py says how exactly
    assert reader.error is None


class Exchanges:
    """A client whose answers, and our clock, are known: (asked, received, stamp) each [ms]; then it is gone."""

    def __init__(self, exchanges):
        self._stamps = iter([stamp for _, _, stamp in exchanges])
        self._times = iter([time_ms for asked, received, _ in exchanges for time_ms in (asked, received)])
        self.ended = threading.Event()

    def clock(self) -> int:
        return round(next(self._times, 0) * 1e6)

    def state(self) -> ArmState:
        stamp_ms = next(self._stamps, None)
        if stamp_ms is None:
            self.ended.set()
            raise PolymetisError("unreachable", "the exchanges are over")
        return state_of(stamp_ms)


def state_of(stamp_ms: float) -> ArmState:
    return ArmState(round(stamp_ms * 1e6), *[np.zeros(7)] * 4, 0, True, 0.5)


def test_stamps_are_the_servers_by_our_clock_and_get_better():
    slow = [(0, 10, 100), (10, 30, 110)]  # the second lies 20 ms - 110 ms = -90 ms away, half a cycle taken off
    quick = [(40 + 4 * n, 40.4 + 4 * n, 139.2 + 4 * n) for n in range(100)]  # -99 ms
    client = Exchanges([*slow, *quick])
    reader = StateReader(client, 1000.0, clock=client.clock)
    reader.start()
    assert client.ended.wait(LONGEST_WAIT_S)
    reader.close()
    found = reader.since(0)
    stamps_ms = [each.stamp_ns * 1e-6 for each in found]
    assert stamps_ms[0] == pytest.approx(110 - 90 - 0.5)
    assert (np.diff(stamps_ms) > 0).all()
    assert stamps_ms[-1] == pytest.approx(139.2 + 4 * 99 - 99 - 0.5)
    assert found[-1].received_ns * 1e-6 == pytest.approx(40.4 + 4 * 99)


def test_states_of_a_burst_stay_in_order_where_the_offset_changes_among_them():
    ms = 1_000_000
    reader = StateReader(Exchanges([]), source="stream")
    reader.server_clock.note(0, 20 * ms, 100 * ms)  # -90 ms, half a cycle taken off
    reader._take(state_of(120), 40 * ms)
    reader.server_clock.note(30 * ms, 30 * ms, 125 * ms)  # -95 ms, and certain
    reader._take(state_of(121), 40 * ms)
    reader._take(state_of(127), 40 * ms)
    assert [each.stamp_ns for each in reader.since(0)] == [29_500_000, 29_500_001, 31_500_000]


def test_since_gives_what_is_newer_and_waiting_gives_the_next(reader):
    first = reader.wait_newer(0, LONGEST_WAIT_S)
    second = reader.wait_newer(first.stamp_ns, LONGEST_WAIT_S)
    assert second.stamp_ns > first.stamp_ns
    found = reader.since(first.stamp_ns)
    assert min(each.stamp_ns for each in found) > first.stamp_ns
    assert reader.wait_newer(time.time_ns() + 10**12, 0.01) is None


def test_a_stream_brings_every_cycle_a_poll_the_newest_at_its_rate(servicer):
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        stream, poll = StateReader(client, source="stream"), StateReader(client, 50.0)
        for each in (stream, poll):
            each.start()
        wait_for(lambda: len(poll.since(0)) >= 20 and len(stream.since(0)) >= 300)
        every = np.diff([each.state.stamp_ns for each in stream.since(0)])
        some = np.diff([each.state.stamp_ns for each in poll.since(0)])
        for each in (stream, poll):
            each.close()
        client.close()
    assert set(every) == {1_000_000}
    assert some.mean() > 15_000_000  # 20 ms apart, however unevenly a busy computer does it


def test_the_buffer_is_bounded(servicer):
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        reader = StateReader(client, kept=10)
        reader.start()
        wait_for(lambda: len(reader.since(0)) == 10)
        oldest = reader.since(0)[0].stamp_ns
        wait_for(lambda: reader.since(0)[0].stamp_ns > oldest)
        assert len(reader.since(0)) == 10
        reader.close()
        client.close()


def test_the_state_of_an_arm_that_is_gone_is_not_taken_for_fresh(servicer):
    servicer.robot_present = False  # its newest state may be an hour old: the clocks alone cannot tell
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        reader = StateReader(client)
        reader.start()
        wait_for(lambda: reader._seen is not None)
        assert reader.newest() is None
        assert reader.age_s() == math.inf
        assert reader.error is None
        servicer.robot_present = True
        wait_for(lambda: reader.newest() is not None)
        assert reader.age_s() < LONGEST_WAIT_S
        servicer.robot_present = False
        wait_for(lambda: reader.age_s() > 0.3)
        reader.close()
        client.close()


def test_a_restarted_server_is_found_by_itself(servicer):
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        reader = StateReader(client)
        reader.start()
        wait_for(lambda: reader.newest() is not None)
    wait_for(lambda: reader.error is not None)
    assert reader.error.kind == "unreachable"
    last = reader.newest().stamp_ns
    with serving(servicer, address):
        assert reader.wait_newer(last, LONGEST_WAIT_S) is not None
        assert (reader.error, reader.losses) == (None, 1)
        reader.close()
        client.close()


@pytest.mark.parametrize("source", ["poll", "stream"])
def test_a_connection_that_a_pulled_cable_left_dead_is_replaced(servicer, source):
    with serving(servicer) as address, TcpProxy(address) as proxy:
        client = ArmClient(proxy.address, timeout_s=0.3)
        other = ArmClient(proxy.address, timeout_s=0.3)  # does not notice, and must not lend its dead connection
        other.state()
        reader = StateReader(client, source=source)
        reader.start()
        wait_for(lambda: reader.newest() is not None)
        proxy.forget_connections()  # no answer on it for ever, and no error either
        wait_for(lambda: reader.error is not None)
        assert reader.error.kind == "late"
        last = reader.newest().stamp_ns
        assert reader.wait_newer(last, LONGEST_WAIT_S) is not None
        assert proxy.connections >= 3
        reader.close()
        client.close()
        other.close()


def test_a_server_that_does_not_answer_is_told_from_an_arm_that_does_not_move_on(servicer):
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        reader = StateReader(client)
        reader.start()
        reader.wait_newer(0, LONGEST_WAIT_S)
        servicer.robot_present = False
        wait_for(lambda: reader.age_s() > 0.3)
        assert reader.unanswered_s() < 0.3 and reader.error is None
        servicer.answers.clear()
        wait_for(lambda: reader.unanswered_s() > 0.3)
        servicer.answers.set()
        wait_for(lambda: reader.unanswered_s() < 0.3)
        reader.close()
        client.close()


def test_a_stream_that_falls_silent_is_opened_anew(servicer):
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        reader = StateReader(client, source="stream")
        reader.start()
        wait_for(lambda: reader.newest() is not None)
        stream = reader._stream
        servicer.streams.clear()
        wait_for(lambda: reader._stream is not stream)
        last = reader.newest().stamp_ns
        servicer.streams.set()
        assert reader.wait_newer(last, LONGEST_WAIT_S) is not None
        reader.close()
        client.close()


def test_a_reader_that_never_read_can_be_closed():
    client = ArmClient("127.0.0.1:1")
    reader = StateReader(client)
    reader.close()
    with pytest.raises(ValueError, match="rate_hz"):
        StateReader(client, 0.0)
    client.close()


def test_who_waits_for_a_server_that_is_not_there_learns_why():
    client = ArmClient("127.0.0.1:1", timeout_s=5.0)
    reader = StateReader(client)
    reader.start()
    wait_for(lambda: reader.error is not None)
    assert isinstance(reader.error, PolymetisError)
    reader.close()
    client.close()
