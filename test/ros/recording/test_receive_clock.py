"""Times of reception on the graph's clock."""

from muse_ros.recording.receive_clock import ReceiveClock


def test_without_a_simulated_clock_times_stay_as_they_are():
    assert ReceiveClock(simulated=False).at(123) == 123


def test_a_silent_clock_has_no_time():
    assert ReceiveClock(simulated=True).at(123) is None


def test_a_reception_takes_the_newest_clock_time_heard_by_then():
    clock = ReceiveClock(simulated=True)
    for received, said in ((100, 1000), (200, 2000), (300, 3000)):
        clock.note(received, said)
    assert [clock.at(t) for t in (100, 199, 200, 299, 300, 999)] == [1000, 1000, 2000, 2000, 3000, 3000]


def test_a_reception_before_the_first_clock_time_takes_the_first():
    clock = ReceiveClock(simulated=True)
    clock.note(100, 1000)
    assert clock.at(50) == 1000


def test_a_system_clock_that_jumps_back_starts_afresh():
    clock = ReceiveClock(simulated=True)
    clock.note(500, 5000)
    clock.note(100, 5001)
    assert clock.at(200) == 5001
