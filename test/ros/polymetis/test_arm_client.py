"""The client of an arm's server, against servers on loopback."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

pytest.importorskip("grpc")

from muse_ros.polymetis import arm_client
from muse_ros.polymetis.arm_client import ArmClient
from muse_ros.polymetis.errors import PolymetisError
from polymetis_servicer import ArmServicer, serving


@pytest.fixture
def servicer():
    return ArmServicer()


@pytest.fixture
def client(servicer):
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        yield client
        client.close()


def test_metadata_is_what_the_arm_said(client):
    found = client.metadata()
    assert (found.urdf, found.hz, found.dof, found.ee_link) == ("<robot/>", 1000, 7, "panda_link8")
    assert found.Kq.tolist() == [40, 30, 50, 25, 35, 25, 10]
    assert found.version == "v0.0"


def test_a_state_has_its_stamp_in_nanoseconds_and_doubles(client, servicer):
    servicer.robot_present = False
    servicer._begun_ns = servicer._last_ns = 5_000_000_123
    found = client.state()
    assert found.stamp_ns == 5_000_000_123
    assert found.q.dtype == np.float64
    assert found.q.tolist() == [0.5] * 7
    assert (found.error_code, found.command_successful, found.controller_latency_ms) == (0, True, 0.5)


def test_an_archive_arrives_whole_in_pieces_of_1024_bytes(client, servicer):
    archive = bytes(range(256)) * 9 + b"end"
    start = client.set_controller(archive)
    assert start == servicer.interval[0]
    assert servicer.set_archives == [archive]
    assert servicer.largest_piece == 1024
    assert client.controller_runs()


def test_an_archive_too_large_is_refused_before_it_is_sent(client, servicer):
    with pytest.raises(PolymetisError, match="1048577 bytes") as caught:
        client.set_controller(b"x" * ((1 << 20) + 1))
    assert caught.value.kind == "refused"
    client.set_controller(b"x" * (1 << 20))
    assert [len(each) for each in servicer.set_archives] == [1 << 20]


def test_nothing_is_set_while_no_robot_client_calls(client, servicer):
    servicer.robot_present = False
    with pytest.raises(PolymetisError, match="robot client") as caught:
        client.set_controller(b"controller")
    assert caught.value.kind == "no_robot"
    assert servicer.set_archives == []


def test_nothing_is_set_or_ended_while_the_robot_client_only_seems_to_call(client, servicer):
    start = client.set_controller(b"controller")
    servicer.stands = True  # its last call is less than a second ago: the server still vouches for it
    for call in (lambda: client.set_controller(b"another"), client.terminate):
        with pytest.raises(PolymetisError, match="was not sent") as caught:
            call()
        assert caught.value.kind == "no_robot"
    assert servicer.set_archives == [b"controller"]
    servicer.stands = False
    assert client.terminate()[0] == start


def test_what_the_server_cannot_load_is_refused_in_its_words(client, servicer):
    servicer.refusal = "Unknown builtin op"
    with pytest.raises(PolymetisError, match="Unknown builtin op") as caught:
        client.set_controller(b"controller")
    assert caught.value.kind == "refused"


def test_a_server_without_a_controller_is_never_sent_an_update_which_would_kill_it(client, servicer):
    with pytest.raises(PolymetisError) as caught:
        client.update(b"parameters")
    assert caught.value.kind == "no_controller"
    assert servicer.updates == []
    assert not servicer.crashed


def test_updates_on_the_heels_of_each_other_ask_nothing_between(client, servicer, monkeypatch):
    for name in ("PROOF_S", "LOOK_S"):
        monkeypatch.setattr(arm_client, name, 60.0)  # however slow the machine is
    client.set_controller(b"controller")
    asked = servicer.interval_calls
    for number in range(3):
        client.update(b"parameters %d" % number)
    assert servicer.updates == [b"parameters 0", b"parameters 1", b"parameters 2"]
    client.update(b"x" * 3000)
    assert servicer.largest_piece == 3000  # in one piece: a thread and a millisecond less
    assert servicer.interval_calls == asked
    client._proved_s -= 61.0  # as if a minute had passed
    client.update(b"after a pause")
    assert servicer.interval_calls == asked + 1


def test_after_an_update_that_failed_it_asks_before_the_next(client, servicer):
    client.set_controller(b"controller")
    servicer.refusal = "too far"
    with pytest.raises(PolymetisError, match="too far"):
        client.update(b"parameters")
    servicer.refusal, asked = "", servicer.interval_calls
    client.update(b"parameters")
    assert servicer.interval_calls == asked + 1


def test_a_controller_that_ended_meanwhile_is_named(client, servicer):
    client.set_controller(b"controller")
    servicer.interval = (servicer.interval[0], servicer.interval[0] + 5)
    with pytest.raises(PolymetisError) as caught:
        client.update(b"parameters")
    assert caught.value.kind == "no_controller"
    with pytest.raises(PolymetisError) as caught:
        client.terminate()
    assert caught.value.kind == "no_controller"


def test_set_points_do_not_go_to_a_controller_that_another_client_has_set(client, servicer):
    client.set_controller(b"controller")
    another = ArmClient(client.address, timeout_s=5.0)
    servicer._begun_ns -= 1_000_000_000  # as if a second had passed
    another.set_controller(b"another")
    servicer.refusal = "KeyError: leader"
    with pytest.raises(PolymetisError, match="another client has set"):
        client.update(b"parameters")
    servicer.refusal = ""
    client._looked_s -= 1.0
    sent = len(servicer.updates)
    with pytest.raises(PolymetisError, match="another client has set") as caught:
        client.update(b"parameters")
    assert caught.value.kind == "no_controller"
    assert len(servicer.updates) == sent
    another.update(b"parameters")
    with pytest.raises(PolymetisError, match="another client has set"):
        client.terminate()
    assert servicer.interval[1] == -1, "theirs runs on"
    client.set_controller(b"controller")
    client.update(b"parameters")
    another.close()


def test_a_controller_ends_with_its_interval_and_its_log(client):
    start = client.set_controller(b"controller")
    first, last = client.terminate()
    assert first == start
    assert client.interval() == (first, last)
    assert not client.controller_runs()
    states = client.log(max(0, first - 3), first)
    assert np.diff([each.stamp_ns for each in states]).tolist() == [1_000_000] * 3


def test_an_interval_that_the_server_would_count_through_for_ever_is_refused(client):
    for start, end in ((-1, -1), (5, 4)):
        with pytest.raises(PolymetisError, match="no such interval"):
            client.log(start, end)


def test_the_workstations_proxy_is_not_asked_for_the_arm(servicer, monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        assert client.metadata().hz == 1000
        client.close()


def test_nothing_there_is_unreachable_and_said_where():
    client = ArmClient("127.0.0.1:1", timeout_s=5.0)
    with pytest.raises(PolymetisError, match=r"127\.0\.0\.1:1: GetRobotState") as caught:
        client.state()
    assert caught.value.kind == "unreachable"
    client.close()


def test_a_call_without_an_answer_is_late(servicer):
    servicer.answers.clear()
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=0.2)
        with pytest.raises(PolymetisError, match=r"0\.2 s") as caught:
            client.state()
        client.close()
    assert caught.value.kind == "late"


def test_a_closed_client_says_so(client):
    client.close()
    client.close()
    with pytest.raises(PolymetisError, match="closed") as caught:
        client.state()
    assert caught.value.kind == "unreachable"


def test_a_stream_brings_every_state_and_can_be_ended_from_another_thread(client):
    stream = client.stream()
    stamps = [next(stream).stamp_ns for _ in range(50)]
    assert np.diff(stamps).tolist() == [1_000_000] * 49
    ending = threading.Thread(target=stream.cancel)
    ending.start()
    ending.join()
    assert len(list(stream)) < 1000  # what was under way, and then an end


def test_the_same_client_finds_a_restarted_server(servicer):
    with serving(servicer) as address:
        client = ArmClient(address, timeout_s=5.0)
        client.state()
    with pytest.raises(PolymetisError) as caught:
        client.state()
    assert caught.value.kind == "unreachable"
    with serving(servicer, address):
        deadline = time.monotonic() + 30
        found = None
        while found is None and time.monotonic() < deadline:
            try:
                found = client.state()
            except PolymetisError:
                time.sleep(0.02)
    client.close()
    assert found is not None
