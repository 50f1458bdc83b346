"""The assembler: the newest sample by then and no other, never too old, never from the future, bounded when live."""

import random
import struct
from types import SimpleNamespace as Message

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muse_ros.contract.assemble import Assembler
from muse_ros.contract.contract import Contract
from muse_ros.contract.sample_buffer import Codec

MS = 1_000_000
TICK = 1_000_000 * MS
CONTRACT = Contract.from_dict(
    {
        "name": "toy",
        "rate_hz": 10,
        "observations": {
            "fast": {"topic": "fast", "type": "t/msg/T", "fields": ["x"], "shape": [1], "max_age_s": 0.05},
            "late": {
                "topic": "fast",
                "type": "t/msg/T",
                "fields": ["x"],
                "shape": [1],
                "max_age_s": 0.05,
                "latency_s": 0.03,
            },
            "slow": {"topic": "slow", "type": "t/msg/T", "fields": ["x"], "shape": [1], "max_age_s": 0.5},
        },
    }
)


def sample(stamp_ns, x):
    """A stamped number."""
    stamp = Message(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return Message(header=Message(stamp=stamp), x=x)


def assembler(fast=(), slow=((0, 7.0),), **options):
    """An assembler that holds samples given as (milliseconds from the tick, value), received as stamped."""
    made = Assembler(CONTRACT, **options)
    for topic, samples in (("fast", fast), ("slow", slow)):
        for at_ms, x in samples:
            made.ingest(topic, sample(TICK + at_ms * MS, x), TICK + at_ms * MS)
    return made


def test_a_sample_stamped_exactly_at_the_tick_is_used():
    assert assembler([(-10, 1.0), (0, 2.0)]).observe(TICK).arrays["fast"] == [2.0]


def test_a_sample_stamped_a_nanosecond_after_the_tick_is_not():
    made = assembler([(-10, 1.0), (0, 2.0)])
    assert made.observe(TICK - 1).arrays["fast"] == [1.0]


def test_latency_is_taken_off_the_stamp():
    observation = assembler([(0, 1.0), (10, 2.0), (30, 3.0), (31, 4.0)]).observe(TICK)
    assert observation.arrays["fast"] == [1.0] and observation.arrays["late"] == [3.0]
    assert observation.stamps_ns["late"] == TICK


def test_ages_and_stamps_are_those_of_the_samples_used():
    observation = assembler([(-20, 1.0)]).observe(TICK)
    assert observation.stamps_ns["fast"] == TICK - 20 * MS
    assert observation.ages_s["fast"] == pytest.approx(0.02)
    assert observation.ages_s["late"] == pytest.approx(0.05)


def test_a_sample_as_old_as_the_limit_is_used_and_an_older_one_is_missing():
    made = assembler([(-50, 1.0)])
    assert made.observe(TICK).arrays["fast"] == [1.0]
    observation = made.observe(TICK + 1 * MS)
    assert "fast" not in observation.arrays
    assert observation.missing["fast"] == "newest sample of fast is 0.051 s old, max_age_s is 0.05"


def test_a_silent_stream_is_missing_with_the_reason():
    observation = assembler([]).observe(TICK)
    assert observation.missing["fast"] == "nothing received on fast" and observation.arrays["slow"] == [7.0]


def test_samples_only_after_the_tick_are_missing_with_the_reason():
    assert "stamped at or before" in assembler([(40, 1.0)]).observe(TICK).missing["fast"]


def test_zero_stamps_are_refused_with_the_reason():
    made = assembler([])
    made.ingest("fast", sample(0, 1.0), TICK)
    assert made.counts["fast"].zero_stamps == 1
    assert made.observe(TICK).missing["fast"].startswith("every header.stamp on fast is zero")


def test_a_message_without_header_counts_from_its_receipt():
    made = assembler([])
    made.ingest("fast", Message(x=5.0), TICK - 3 * MS)
    assert made.observe(TICK).stamps_ns["fast"] == TICK - 3 * MS


def test_of_two_samples_of_one_stamp_the_first_counts():
    made = assembler([(-10, 1.0), (-10, 2.0)])
    assert made.observe(TICK).arrays["fast"] == [1.0] and made.counts["fast"].duplicates == 1


def test_the_order_of_arrival_does_not_matter():
    samples = [(-40, 1.0), (-30, 2.0), (-20, 3.0), (-10, 4.0), (10, 5.0)]
    expected = assembler(samples).observe(TICK).arrays
    random.Random(0).shuffle(samples)
    made = assembler(samples)
    np.testing.assert_equal(made.observe(TICK).arrays, expected)
    assert made.counts["fast"].out_of_order > 0


def test_a_sample_that_comes_after_its_tick_is_counted_late():
    made = assembler([(-10, 1.0)])
    made.observe(TICK)
    made.ingest("fast", sample(TICK - 5 * MS, 2.0), TICK + 30 * MS)
    made.ingest("fast", sample(TICK + 5 * MS + 30 * MS, 3.0), TICK + 40 * MS)
    assert made.late == 1 and made.counts["fast"].late == 1


def test_a_recorded_tick_uses_the_very_sample_that_the_live_one_used():
    made = assembler([(-20, 1.0), (-10, 2.0)])
    limits = {"fast": TICK - 20 * MS, "slow": TICK}
    assert made.observe(TICK, limits).arrays["fast"] == [1.0]
    assert made.observe(TICK).arrays["fast"] == [2.0]


def test_a_recorded_sample_that_is_not_there_is_missing():
    made = assembler([(-20, 1.0)])
    assert "live tick used is not there" in made.observe(TICK, {"fast": TICK - 15 * MS}).missing["fast"]


def test_a_recorded_sample_from_after_the_tick_is_never_used():
    made = assembler([(-20, 1.0), (10, 2.0)])
    assert "fast" in made.observe(TICK, {"fast": TICK + 10 * MS}).missing


def test_a_message_that_cannot_be_decoded_is_missing_with_the_reason():
    made = assembler([(0, float("nan"))])
    observation = made.observe(TICK)
    assert "not finite" in observation.missing["fast"] and "fast" not in observation.ages_s


def test_bytes_that_are_no_message_are_counted_or_missing_with_the_reason_and_end_nothing():
    def parse(type_name, data):
        raise RuntimeError("failed to deserialize")

    made = Assembler(CONTRACT, codec=Codec(parse, lambda type_name: True))
    made.ingest("fast", b"\x00\x01\x00\x00", TICK)
    assert made.counts["fast"].unreadable == 1 and "fast" in made.observe(TICK).missing
    stamp = struct.pack("<iI", TICK // 10**9, TICK % 10**9)
    made.ingest("fast", b"\x00\x01\x00\x00" + stamp + b"torn", TICK)
    assert "16 bytes that are no message of its type: failed to deser" in made.observe(TICK).missing["fast"]


def test_topics_that_no_observation_names_are_ignored():
    made = assembler([(0, 1.0)])
    made.ingest("elsewhere", sample(TICK, 1.0), TICK)
    assert set(made.counts) == {"fast", "slow"}


def test_memory_is_bounded_over_a_day_without_a_tick():
    made = Assembler(CONTRACT, keep_s=1.0)
    for k in range(20_000):
        made.ingest("fast", sample(TICK + k * 10 * MS, 1.0), TICK + k * 10 * MS)
    assert len(made.buffers["fast"]) <= 200


def test_a_stamp_from_the_future_does_not_stay_for_ever():
    made = Assembler(CONTRACT, keep_s=1.0)
    made.ingest("fast", sample(TICK + 10**15, 9.0), TICK)
    for k in range(500):
        made.ingest("fast", sample(TICK + k * 10 * MS, float(k)), TICK + k * 10 * MS)
    assert made.observe(TICK + 4990 * MS).arrays["fast"] == [499.0]
    assert max(each.stamp_ns for each in made.buffers["fast"]) == TICK + 4990 * MS


def test_a_clock_that_jumps_back_starts_the_buffers_anew():
    made = Assembler(CONTRACT, keep_s=1.0)
    made.ingest("fast", sample(TICK, 1.0), TICK)
    made.ingest("fast", sample(1 * MS, 2.0), 1 * MS)
    assert made.counts["fast"].clock_resets == 1
    assert made.observe(1 * MS).arrays["fast"] == [2.0]


STREAM = st.lists(st.tuples(st.integers(-300, 300), st.floats(-1e3, 1e3)), max_size=30)


@settings(max_examples=200, deadline=None)
@given(past=STREAM, future=STREAM, other=STREAM)
def test_no_change_of_the_future_changes_a_row(past, future, other):
    past = [(at, x) for at, x in past if at <= 0]
    worlds = []
    for later in (future, other):
        samples = past + [(at, x) for at, x in later if at > 30]
        worlds.append(assembler(samples, keep_s=None).observe(TICK))
    np.testing.assert_equal(worlds[0].arrays, worlds[1].arrays)
    assert worlds[0].stamps_ns == worlds[1].stamps_ns
    assert all(stamp <= TICK for stamp in worlds[0].stamps_ns.values())
