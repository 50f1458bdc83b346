"""Which publishers a subscriber cannot hear, and what is said of it."""

import pytest

from muse_ros.bags.qos import Qos
from muse_ros.recording.qos_match import End, mismatched_policy, mismatches


@pytest.mark.parametrize(
    ("offer", "request_", "policy"),
    [
        (Qos(), Qos(), ""),
        (Qos(), Qos(reliability="best_effort"), ""),
        (Qos(reliability="best_effort"), Qos(), "reliability"),
        (Qos(durability="transient_local"), Qos(), ""),
        (Qos(), Qos(durability="transient_local"), "durability"),
        (Qos(reliability="unknown", durability="unknown"), Qos(durability="transient_local"), ""),
    ],
)
def test_an_offer_serves_what_asks_for_no_more(offer, request_, policy):
    assert mismatched_policy(offer, request_) == policy


def test_the_pair_that_cannot_hear_each_other_is_named_with_the_cure():
    cameras = [End("/front", Qos(reliability="best_effort")), End("/wrist", Qos())]
    assert mismatches(cameras, [End("/rviz", Qos()), End("/collect", Qos(reliability="best_effort"))]) == [
        "/rviz cannot hear /front, which offers reliability best effort where reliable is asked for: "
        "publish it reliable, or subscribe best effort"
    ]
