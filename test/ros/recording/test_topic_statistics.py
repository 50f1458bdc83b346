"""Counts, rates, gaps and losses of one topic, by hand."""

from muse_ros.recording.topic_statistics import SequenceLoss, TopicStatistics

MS = 1_000_000


def lost(sequences, publishers=1):
    loss = SequenceLoss()
    loss.publishers = publishers
    return [loss.missing_before(number) for number in sequences]


def test_the_first_number_heard_loses_nothing():
    assert lost([41]) == [0]


def test_a_jump_in_the_numbers_counts_the_missing_ones():
    assert lost([1, 2, 5, 6]) == [0, 0, 2, 0]


def test_two_publishers_interleaved_lose_nothing():
    assert lost([1, 50, 2, 51, 52, 3], publishers=2) == [0, 0, 0, 0, 0, 0]


def test_of_two_publishers_the_one_that_jumped_is_charged():
    assert lost([1, 50, 2, 53], publishers=2) == [0, 0, 0, 2]


def test_a_publisher_that_starts_again_loses_nothing():
    assert lost([7, 8, 1, 2]) == [0, 0, 0, 0]


def test_a_publisher_that_joins_before_the_graph_tells_of_it_loses_nothing():
    assert lost([1, 35_501, 35_502, 2, 35_503, 3], publishers=1) == [0] * 6


def turns(sequences, publishers=2):
    loss = SequenceLoss()
    loss.publishers = publishers
    for number in sequences:
        loss.missing_before(number)
    return loss.turns


def test_two_publishers_that_both_speak_take_turns():
    assert turns([1, 50, 2, 51, 52, 3]) == 3  # at 2, at 51 and at 3


def test_a_publisher_that_is_gone_but_still_in_the_graph_takes_none():
    assert turns([7, 8, 1, 2, 3, 4]) == 0
    assert turns([7, 8, 11, 12], publishers=1) == 0


def test_rate_gap_and_count_of_four_messages():
    figures = TopicStatistics("a/msg/B")
    for time_ms in (0, 100, 200, 500):
        figures.add(time_ms * MS, size=10, lost=0)
    assert figures.to_dict() == {
        "type": "a/msg/B",
        "count": 4,
        "bytes": 40,
        "lost": 0,
        "rate_hz": 6.0,
        "max_gap_s": 0.3,
    }


def test_a_single_message_has_no_rate():
    figures = TopicStatistics("a/msg/B")
    figures.add(5, size=1)
    assert figures.to_dict()["rate_hz"] is None


def test_a_late_message_neither_makes_a_gap_nor_moves_time_back():
    figures = TopicStatistics("a/msg/B")
    for time_ms in (0, 100, 90, 200):
        figures.add(time_ms * MS, size=1)
    assert figures.max_gap_ns == 100 * MS
    assert figures.last_ns == 200 * MS
