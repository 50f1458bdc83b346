"""The drain on real topics: nothing missed, every publisher heard, executors kept away, the unknown named."""

import pytest

pytest.importorskip("rclpy")

from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

from muse_ros.nodes.recording import topic_drain
from muse_ros.nodes.recording.topic_drain import TopicDrain
from muse_ros.recording.receive_clock import ReceiveClock

RELIABLE = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
BEST_EFFORT = QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT)


class Collected:
    """A sink that remembers."""

    def __init__(self):
        self.samples, self.choices = [], {}

    def use(self, choices):
        self.choices = dict(choices)

    def take(self, samples):
        self.samples += samples

    def words(self, topic):
        return [s.data[8 : 8 + s.data[4] - 1].decode() for s in self.samples if s.topic == topic]


@pytest.fixture
def sink():
    return Collected()


@pytest.fixture
def drain(make_node, spin, sink):
    node = spin(make_node("drain"))  # an executor runs beside the drain, and must not take from it
    made = TopicDrain(node, sink, ReceiveClock(simulated=False), exclude=["/secret"])
    yield made
    made.close()


@pytest.fixture
def talk(make_node, wait_until, drain):
    """``talk(topic, qos)`` makes a publisher that the drain has found and is joined to."""
    node = make_node("talker")

    def publisher(topic, qos=RELIABLE):
        made = node.create_publisher(String, topic, qos)

        def joined():
            drain.discover()
            return topic in drain.chosen.recorded and not drain.connecting() and made.get_subscription_count()

        wait_until(joined)
        return made

    return publisher


def test_every_message_is_taken_in_order(drain, talk, sink, wait_until):
    drain.start()
    publisher = talk("/words")
    for number in range(200):
        publisher.publish(String(data=str(number)))
        wait_until(lambda wanted=number: len(sink.words("/words")) > wanted)
    assert sink.words("/words") == [str(number) for number in range(200)]
    assert sum(sample.lost for sample in sink.samples) == 0


def test_what_has_come_is_there_before_the_next_period_when_asked_for(drain, talk, sink, wait_until):
    publisher = talk("/words")
    publisher.publish(String(data="now"))

    def drained():
        drain.drain()
        return sink.words("/words")

    assert wait_until(drained) == ["now"]


def test_a_best_effort_publisher_that_joins_a_reliable_one_is_heard_too(drain, talk, sink, wait_until):
    drain.start()
    first = talk("/words", RELIABLE)
    assert drain.chosen.recorded["/words"].reliable
    second = talk("/words", BEST_EFFORT)
    assert not drain.chosen.recorded["/words"].reliable
    wait_until(lambda: first.get_subscription_count() and second.get_subscription_count())
    first.publish(String(data="one"))
    second.publish(String(data="two"))
    wait_until(lambda: sorted(sink.words("/words")) == ["one", "two"])


def test_what_is_handed_over_when_a_publisher_joins_is_of_topics_that_the_sink_knows(
    drain, talk, make_node, sink, wait_until, monkeypatch
):
    talk("/words")
    unknown = []
    monkeypatch.setattr(drain, "drain", lambda: unknown.append({*drain._inlets} - {*sink.choices}))
    other = make_node("other")
    joining = [other.create_publisher(String, topic, BEST_EFFORT) for topic in ("/a_new_topic", "/words")]
    wait_until(lambda: [drain._node.count_publishers(each.topic_name) for each in joining] == [1, 2])
    drain.discover()
    assert unknown == [set()]
    assert "/a_new_topic" in sink.choices


def test_a_topic_whose_type_is_not_installed_is_named_and_the_rest_goes_on(drain, talk, sink, wait_until, monkeypatch):
    def unknown(name):
        raise LookupError(f"message type {name!r} is not installed here")

    drain.start()
    publisher = talk("/words")
    monkeypatch.setattr(topic_drain, "message_class", unknown)
    drain._node.create_publisher(String, "/strange", RELIABLE)
    wait_until(lambda: drain.discover() and "/strange" in drain.chosen.left_out)
    assert drain.chosen.left_out["/strange"] == "message type 'std_msgs/msg/String' is not installed here"
    publisher.publish(String(data="still"))
    wait_until(lambda: sink.words("/words") == ["still"])


def test_an_excluded_topic_is_named(drain, make_node, wait_until):
    make_node("spy").create_publisher(String, "/secret", RELIABLE)
    wait_until(lambda: drain.discover() and "/secret" in drain.chosen.left_out)
    assert drain.chosen.left_out["/secret"] == "excluded by '/secret'"


def test_a_drain_that_fails_says_so(drain, talk, sink, wait_until):
    def refuse(samples):
        raise OSError("no room")

    sink.take = refuse
    publisher = talk("/words")
    drain.start()
    publisher.publish(String(data="x"))
    wait_until(lambda: drain.error == "draining the topics failed: OSError: no room")
