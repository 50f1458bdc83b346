"""Control periods of 10 ms against clocks that the test turns by hand."""

from muse_ros.arm.pace import RealTimePace, SimulatedPace

MS = 1_000_000


class Clocks:
    """A system clock and a steady one that pass time only while somebody sleeps, or when told."""

    def __init__(self, system_ms):
        self.system_ns, self.steady_ns = system_ms * MS, 500 * MS
        self.drift = 0.0

    def sleep(self, time_s):
        self.steady_ns += round(time_s * 1e9)
        self.system_ns += round(time_s * 1e9 * (1.0 + self.drift))

    def pace(self):
        return RealTimePace(10 * MS, lambda: self.system_ns, lambda: self.steady_ns, self.sleep)


def test_stamps_are_consecutive_multiples_of_the_period_at_the_systems_time():
    clocks = Clocks(1003)
    pace = clocks.pace()
    stamps = [pace.wait() for _ in range(3)]
    assert stamps == [1010 * MS, 1020 * MS, 1030 * MS]
    assert clocks.system_ns == 1030 * MS


def test_a_late_period_is_made_up_for():
    clocks = Clocks(1000)
    pace = clocks.pace()
    pace.wait()
    clocks.sleep(0.035)  # the loop was busy until 1035
    assert [pace.wait() for _ in range(4)] == [1010 * MS, 1020 * MS, 1030 * MS, 1040 * MS]
    assert clocks.system_ns == 1040 * MS
    assert pace.skipped == 0


def test_periods_are_skipped_and_counted_after_a_long_delay():
    clocks = Clocks(1000)
    pace = clocks.pace()
    pace.wait()  # 1000
    clocks.sleep(0.205)  # the next was 1010; 1210 is the next to come
    assert pace.wait() == 1210 * MS
    assert pace.skipped == 20


def test_a_step_of_the_systems_clock_is_followed():
    clocks = Clocks(1000)
    pace = clocks.pace()
    pace.wait()
    clocks.system_ns += 3_600_000 * MS
    assert pace.wait() == 3_601_010 * MS


def test_a_drift_of_the_systems_clock_is_followed_without_skipping():
    clocks = Clocks(1000)
    clocks.drift = 200e-6
    pace = clocks.pace()
    for _ in range(60_000):  # ten minutes: 120 ms of drift
        stamp = pace.wait()
    assert abs(clocks.system_ns - stamp) < 1 * MS
    assert pace.skipped == 0


def test_the_clock_runs_ahead_of_the_grid_while_periods_are_made_up_for():
    clocks = Clocks(1000)
    pace = clocks.pace()
    pace.wait()
    clocks.sleep(0.035)
    assert (pace.wait(), pace.now_ns()) == (1010 * MS, 1035 * MS)


def test_simulated_time_is_always_on_the_grid():
    clocks = Clocks(0)
    pace = SimulatedPace(10 * MS, 1000 * MS, 5.0, lambda: clocks.steady_ns, clocks.sleep)
    pace.wait()
    clocks.sleep(0.035)
    assert pace.now_ns() == 1000 * MS


def test_simulated_time_goes_at_most_its_factor_faster():
    clocks = Clocks(0)
    pace = SimulatedPace(10 * MS, 1000 * MS, 5.0, lambda: clocks.steady_ns, clocks.sleep)
    before = clocks.steady_ns
    stamps = [pace.wait() for _ in range(501)]
    assert stamps[0] == 1000 * MS and stamps[-1] == 6000 * MS
    assert clocks.steady_ns - before == 1000 * MS


def test_simulated_time_is_not_held_back_where_it_is_not_bounded():
    clocks = Clocks(0)
    pace = SimulatedPace(10 * MS, 1000 * MS, 5.0, lambda: clocks.steady_ns, clocks.sleep)
    before = clocks.steady_ns
    for _ in range(500):
        pace.wait(bounded=False)
    assert clocks.steady_ns == before
    pace.wait()
    pace.wait()
    assert clocks.steady_ns - before == 2 * MS  # nothing of the time saved is owed
