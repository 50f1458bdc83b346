"""Whether one or two publishers speak on a topic, from the numbers of their messages; times in milliseconds."""

from muse_ros.arm.speakers import Speakers

MS = 1_000_000


def hear(speakers, *numbers, start_ms=0, source="teleop"):
    for i, number in enumerate(numbers):
        speakers.hear(source, number, (start_ms + 10 * i) * MS)
    return (start_ms + 10 * len(numbers)) * MS


def test_one_publisher_whose_messages_are_lost_now_and_then_is_alone():
    speakers = Speakers()
    assert speakers.doubled(hear(speakers, 1, 2, 3, 7, 8, 12)) == frozenset()


def test_two_publishers_that_speak_in_turn_are_two_whatever_their_numbers():
    for numbers in ((500, 1, 501, 2, 502), (20, 20, 21, 21), (20, 21, 21, 22, 22)):
        speakers = Speakers()
        assert speakers.doubled(hear(speakers, *numbers)) == {"teleop"}


def test_a_publisher_that_was_restarted_is_alone():
    speakers = Speakers()
    assert speakers.doubled(hear(speakers, 500, 501, 1, 2, 3, 4)) == frozenset()


def test_a_second_that_fell_silent_is_forgotten_after_a_second():
    speakers = Speakers()
    hear(speakers, 500, 1, 501, 2)  # the last fall at 30 ms
    assert speakers.doubled(1030 * MS) == {"teleop"}
    assert speakers.doubled(1031 * MS) == frozenset()


def test_two_sources_of_one_publisher_each_are_not_confused():
    speakers = Speakers()
    now_ns = max(hear(speakers, 500, 501, 502), hear(speakers, 1, 2, 3, source="policy"))
    assert speakers.doubled(now_ns) == frozenset()


def test_without_numbers_the_publishers_that_are_listed_count():
    speakers = Speakers()
    hear(speakers, None, None)
    speakers.listed("teleop", 1)
    assert speakers.doubled(0) == frozenset()
    speakers.listed("teleop", 2)
    assert speakers.doubled(0) == {"teleop"}


def test_with_numbers_a_killed_publisher_that_is_still_listed_does_not_count():
    speakers = Speakers()
    now_ns = hear(speakers, 500, 1, 2)
    speakers.listed("teleop", 2)
    assert speakers.doubled(now_ns) == frozenset()
