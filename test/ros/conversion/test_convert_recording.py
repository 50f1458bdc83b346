"""Conversion of one recording: which rows come out, with which numbers, and which recordings are refused and why."""

import numpy as np
import pytest

from muse_ros.contract.contract import load_contract
from synthetic import (
    START_NS,
    Sent,
    Shape,
    action,
    action_values,
    episode,
    event,
    grey,
    status,
)
from synthetic import write_episode as write

MS = 1_000_000
CONTRACT = load_contract("panda_sim")
SHAPE = Shape(duration_s=1.0, state_hz=50.0)
CAMERA = "/cameras/front/image/compressed"


def at(milliseconds):
    """A stamp so long after the start event."""
    return START_NS + milliseconds * MS


def without(messages, topic, start_ms, stop_ms):
    """The messages but those of a topic stamped in ``[start, stop)``."""
    return [each for each in messages if each.topic != topic or not at(start_ms) <= each.stamp_ns < at(stop_ms)]


def test_rows_hold_the_samples_and_the_action_of_their_tick(convert):
    result, dataset = convert(episode(SHAPE))
    assert result.refused is None and result.episodes == ["session-episode_0000"] and result.rows == 11
    arrays = dataset.get_episode(0).arrays
    times = np.arange(11) * 0.1
    np.testing.assert_array_equal(arrays["stamp_ns"], START_NS + np.arange(11) * 100 * MS)
    np.testing.assert_allclose(arrays["ee_position"], np.stack([times, 0 * times + 2, 0 * times + 3], 1), atol=1e-6)
    np.testing.assert_allclose(arrays["q"][:, 6], 7 + times, atol=1e-6)
    np.testing.assert_allclose(arrays["gripper_width"], 0.03, atol=1e-7)
    np.testing.assert_allclose(arrays["gripper_pos"], 1 - 0.03 / 0.08, atol=1e-6)
    greys = np.array([10 * (4 + 2 * row) % 250 for row in range(11)])
    assert np.abs(arrays["image"][:, 5, 5, 0].astype(int) - greys).max() <= 1
    expected = np.stack([action_values(2 + row) for row in range(11)]).astype(np.float32)
    np.testing.assert_array_equal(arrays["action"], expected)


def test_the_shipped_contract_labels_a_row_with_all_that_a_keyboard_asked_for_in_it(convert):
    sent = [each for each in episode(SHAPE) if not each.topic.endswith("/action")]
    keys = [Sent("/action", action(at(20 * k), [0.001, 0, 0, 0, 0, 0, 1], "teleop"), at(20 * k)) for k in range(52)]
    result, dataset = convert([*sent, *keys])
    assert result.refused is None
    np.testing.assert_allclose(dataset.get_episode(0).arrays["action"][:10, 0], 0.005, atol=1e-7)
    np.testing.assert_array_equal(dataset.get_episode(0).arrays["action"][:, 6], 1.0)


def test_done_and_reward_lie_on_the_last_row_of_a_success(convert):
    _, dataset = convert()
    arrays = dataset.get_episode(0).arrays
    assert arrays["done"].tolist() == [False] * 10 + [True]
    assert arrays["reward"][:, 0].tolist() == [0.0] * 10 + [1.0]
    assert arrays["rollout_timestep"].tolist() == list(range(11))
    assert set(arrays["policy_type"].ravel()) == {255} and not arrays["policy_switch"].any()


@pytest.mark.parametrize(("outcome", "label"), [("failure", False), ("fault", False), ("unlabelled", None)])
def test_only_a_success_is_rewarded(convert, outcome, label):
    _, dataset = convert(outcome=outcome)
    assert not dataset.get_episode(0).arrays["reward"].any() and dataset.metadata(0)["success"] is label


def test_what_the_recorder_knew_is_in_the_metadata(convert):
    _, dataset = convert(task="lift", operator="ada", seed=7)
    metadata = dataset.metadata(0)
    assert (metadata["task"], metadata["operator"], metadata["seed"], metadata["session"]) == (
        "lift",
        "ada",
        7,
        "session",
    )
    assert metadata["parent"] == "session-episode_0000" and metadata["policy_name"] == ["teleop"]
    assert metadata["source"]["contract"] == CONTRACT.digest()


def test_ages_of_the_samples_can_be_read_from_the_rows(convert):
    messages = [each.stamped(each.stamp_ns - 7 * MS) if each.topic == CAMERA else each for each in episode(SHAPE)]
    _, dataset = convert(messages)
    arrays = dataset.get_episode(0).arrays
    column = list(CONTRACT.observations).index("image")
    assert set((arrays["stamp_ns"] - arrays["sample_stamp_ns"][:, column]).tolist()) == {7 * MS}
    assert set((arrays["stamp_ns"] - arrays["sample_stamp_ns"][:, 0]).tolist()) == {0}


def test_a_stale_camera_splits_the_episode_and_nothing_is_made_up(convert):
    result, dataset = convert(without(episode(SHAPE), CAMERA, 250, 650))
    assert result.episodes == ["session-episode_0000.s0", "session-episode_0000.s1"]
    first, second = dataset
    # The sample of 200 ms serves up to 400 ms (max_age_s 0.2); at 500 and 600 ms there is none.
    assert (first.arrays["stamp_ns"] - START_NS).tolist() == [n * 100 * MS for n in range(5)]
    assert (second.arrays["stamp_ns"] - START_NS).tolist() == [n * 100 * MS for n in range(7, 11)]
    assert first.metadata["ticks"] == {
        "ticks": 11,
        "rows": 9,
        "leading": 0,
        "trailing": 0,
        "gaps": 2,
        "short": 0,
        "reasons": {"newest sample of cameras/front/image/compressed is too old": 2},
    }
    assert [e.metadata["parent"] for e in dataset] == ["session-episode_0000"] * 2
    assert [e.metadata["segment"] for e in dataset] == [0, 1] and second.arrays["segment"].ravel().tolist() == [1] * 4
    assert first.arrays["done"].tolist() == [False] * 4 + [True] and not first.arrays["reward"].any()
    assert second.arrays["reward"][-1] == 1.0 and second.arrays["rollout_timestep"].tolist() == [0, 1, 2, 3]


def test_a_run_of_one_row_is_no_segment_but_is_counted(convert):
    messages = without(without(episode(SHAPE), "/action", 300, 500), "/action", 600, 700)
    _, dataset = convert(messages)
    assert dataset.lengths.tolist() == [3, 4]
    ticks = dataset.metadata(0)["ticks"]
    assert (ticks["ticks"], ticks["rows"], ticks["gaps"], ticks["short"]) == (11, 7, 3, 1)


def test_rows_before_the_first_action_and_after_the_last_are_dropped_and_counted(convert):
    _, dataset = convert(without(without(episode(SHAPE), "/action", -500, 200), "/action", 900, 2000))
    assert (dataset.get_episode(0).arrays["stamp_ns"] - START_NS).tolist() == [n * 100 * MS for n in range(2, 9)]
    ticks = dataset.metadata(0)["ticks"]
    assert (ticks["leading"], ticks["trailing"], ticks["rows"]) == (2, 2, 7)


def test_an_image_that_cannot_be_decoded_splits_the_episode(convert):
    messages = episode(SHAPE, frame=lambda camera, number: b"broken" if number == 14 else grey(10 * number % 250))
    _, dataset = convert(messages)
    assert dataset.lengths.tolist() == [5, 5]


def test_the_clean_label_is_taken_where_the_teleoperator_has_one(convert):
    shape = Shape(duration_s=1.0, state_hz=50.0, labels=True)
    _, dataset = convert(shape=shape)
    np.testing.assert_array_equal(dataset.get_episode(0).arrays["action"][3], -action_values(5).astype(np.float32))
    assert dataset.metadata(0)["clean_labels"] == 11


def test_a_policys_episode_is_labelled_by_its_own_actions(convert):
    _, dataset = convert(shape=Shape(duration_s=1.0, state_hz=50.0, source="policy"))
    arrays = dataset.get_episode(0).arrays
    assert set(arrays["policy_type"].ravel()) == {253} and arrays["action"][3, 0] == np.float32(0.005)


def test_a_takeover_is_marked_where_it_happens(convert):
    messages = []
    for each in episode(Shape(duration_s=1.0, state_hz=50.0, source="policy")):
        if each.topic == "/action" and each.stamp_ns >= at(600):
            message = action(each.stamp_ns, each.message.values, "teleop")
            each = Sent(each.topic, message, each.received_ns)
        messages.append(each)
    _, dataset = convert(messages)
    arrays = dataset.get_episode(0).arrays
    assert arrays["policy_type"].ravel().tolist() == [253] * 6 + [255] * 5
    assert np.flatnonzero(arrays["policy_switch"]).tolist() == [6]


def test_a_click_marks_the_row_in_whose_period_it_fell(convert):
    _, dataset = convert(
        [*episode(SHAPE), event(at(399), "click", "episode_0000"), event(at(500), "click", "episode_0000")]
    )
    assert np.flatnonzero(dataset.get_episode(0).arrays["click_state"]).tolist() == [3, 5]


def test_ticks_of_a_live_policy_use_the_samples_that_it_used(convert):
    columns = list(CONTRACT.observations)
    used = {key: at(380) if "image" in key else at(360) for key in columns}
    used |= {"image": at(350), "ego_image": at(300)}
    messages = episode(Shape(duration_s=1.0, state_hz=50.0, source="policy"))
    _, dataset = convert([*messages, status(at(400), used)])
    arrays = dataset.get_episode(0).arrays
    assert arrays["sample_stamp_ns"][4].tolist() == [used[key] for key in columns]
    assert arrays["sample_stamp_ns"][5].tolist() == [at(500)] * len(columns)
    assert arrays["ee_position"][4, 0] == np.float32(0.36) and dataset.metadata(0)["live_ticks"] == 1


def test_a_live_tick_off_the_grid_takes_the_place_of_the_grids(convert):
    used = dict.fromkeys(CONTRACT.observations, at(400))
    messages = without(episode(SHAPE), "/action", 400, 500)
    messages += [status(at(403), used), Sent("/action", action(at(403), [0.5] * 7), at(405))]
    _, dataset = convert(messages)
    arrays = dataset.get_episode(0).arrays
    assert (arrays["stamp_ns"] - START_NS).tolist()[3:6] == [at(n) - START_NS for n in (300, 403, 500)]
    assert arrays["action"][4, 0] == 0.5


def test_a_sample_that_the_live_tick_used_and_the_bag_lost_splits_the_episode(convert):
    used = {**dict.fromkeys(CONTRACT.observations, at(500)), "image": at(499)}
    _, dataset = convert([*episode(SHAPE), status(at(500), used)])
    assert dataset.lengths.tolist() == [5, 5]
    assert any("live tick used" in reason for reason in dataset.metadata(0)["ticks"]["reasons"])


def test_no_change_of_the_future_changes_a_row(convert):
    def world(seed):
        rng = np.random.default_rng(seed)
        messages = []
        for each in episode(SHAPE):
            if each.topic.startswith("/panda/ee_pose") and each.stamp_ns > at(500):
                each.message.pose.position.x = float(rng.normal())
            if each.topic == CAMERA and each.stamp_ns > at(500) and rng.random() < 0.5:
                continue
            messages.append(each)
        _, dataset = convert(messages, folder=f"world{seed}")
        return dataset.get_episode(0).arrays

    one, two = world(1), world(2)
    for key in (*CONTRACT.observations, "action", "stamp_ns", "sample_stamp_ns"):
        np.testing.assert_array_equal(one[key][:6], two[key][:6])


def test_the_order_of_messages_in_the_bag_does_not_matter(convert, tmp_path):
    messages = [each for each in episode(SHAPE) if not each.topic.startswith("/collect")]
    _, sorted_set = convert([*messages, event(at(0), "start", SHAPE.episode), event(at(1000), "stop", SHAPE.episode)])
    jumbled = [messages[n] for n in np.random.default_rng(0).permutation(len(messages))]
    marks = [event(at(0), "start", SHAPE.episode), event(at(1000), "stop", SHAPE.episode)]
    write(tmp_path / "jumbled", SHAPE, [*jumbled, *marks])
    _, jumbled_set = convert.on(tmp_path / "jumbled")
    for key, array in sorted_set.get_episode(0).arrays.items():
        if key != "sample_stamp_ns":
            np.testing.assert_array_equal(array, jumbled_set.get_episode(0).arrays[key])


def test_a_bag_of_which_nothing_can_be_read_is_refused_for_its_damage(convert, tmp_path):
    convert(episode(SHAPE))
    (file,) = (tmp_path / "session" / SHAPE.episode).glob("*.mcap")
    file.write_bytes(b"")
    result, _ = convert.on(tmp_path / "session")
    assert "cut short before its first record" in result.refused
