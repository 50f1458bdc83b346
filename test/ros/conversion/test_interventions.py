"""A policy's episode that an operator took over: every row carries the action of who drove it, and can be picked out.

The episode is one of 1 s at 10 rows a second. A policy acts at each tick, 0.1 m along x and its gripper open; from
0.33 s on the operator holds the arm and sends 0.01 m along y at 50 Hz with the gripper closed, until 0.67 s.
"""

from __future__ import annotations

import numpy as np
import pytest

from muse_ros.contract.contract import load_contract
from muse_ros.conversion import convert_cli
from synthetic import START_NS, Sent, Shape, action, episode, status, write_episode

MS = 1_000_000
CONTRACT = load_contract("panda_sim")
SHAPE = Shape(duration_s=1.0, state_hz=50.0, source="policy")
TELEOP, POLICY, ACTING, TAKEN_OVER = 255, 253, 2, 6


def at(milliseconds):
    return START_NS + milliseconds * MS


def taken_over_episode():
    """The messages, with a status for every tick: of those that look on, one used an older picture."""
    messages = [each for each in episode(SHAPE) if each.topic != "/action"]
    for tick in (0, 100, 200, 300, 700, 800, 900, 1000):
        messages.append(Sent("/action", action(at(tick), [0.1, 0, 0, 0, 0, 0, 0], "policy"), at(tick + 30)))
    for stamp in range(330, 670, 20):
        messages.append(Sent("/action", action(at(stamp), [0, 0.01, 0, 0, 0, 0, 1], "teleop"), at(stamp)))
    for tick in range(0, 1001, 100):
        used = dict.fromkeys(CONTRACT.observations, at(tick))
        looks_on = 400 <= tick < 700
        if tick == 500:
            used["image"] = at(450)
        messages.append(status(at(tick), used, TAKEN_OVER if looks_on else ACTING))
    return messages


def test_rows_of_an_intervention_hold_the_operators_sum_and_the_others_the_policys_action_as_it_is(convert):
    result, dataset = convert(taken_over_episode())
    assert result.refused is None
    arrays = dataset.get_episode(0).arrays
    # the operator's stamps 330, 350 .. 650: 410 490 -> 5 a row, 610 630 650 -> 3 in the last
    expected = [[0.1, 0.0]] * 4 + [[0.0, 0.05], [0.0, 0.05], [0.0, 0.03]] + [[0.1, 0.0]] * 4
    np.testing.assert_allclose(arrays["action"][:, :2], expected, atol=1e-7)
    assert arrays["action"][:, 6].tolist() == [0] * 4 + [1] * 3 + [0] * 4
    assert arrays["policy_type"].ravel().tolist() == [POLICY] * 4 + [TELEOP] * 3 + [POLICY] * 4
    assert np.flatnonzero(arrays["policy_switch"]).tolist() == [4, 7]
    metadata = dataset.metadata(0)
    assert metadata["policy_name"] == ["policy", "teleop"] and metadata["displaced"] == 1


def test_rows_of_an_intervention_show_what_the_policy_saw_while_it_looked_on(convert):
    _, dataset = convert(taken_over_episode())
    image = list(CONTRACT.observations).index("image")
    assert dataset.get_episode(0).arrays["sample_stamp_ns"][5, image] == at(450)
    assert dataset.metadata(0)["live_ticks"] == 11


def test_only_the_interventions_can_be_converted_and_nothing_of_their_episode_is_called_a_success(convert):
    _, dataset = convert(taken_over_episode(), only="interventions")
    arrays = dataset.get_episode(0).arrays
    assert (arrays["stamp_ns"] - START_NS).tolist() == [400 * MS, 500 * MS, 600 * MS]
    assert set(arrays["policy_type"].ravel()) == {TELEOP}
    assert arrays["done"].tolist() == [False, False, True] and not arrays["reward"].any()
    ticks = dataset.metadata(0)["ticks"]
    assert (ticks["leading"], ticks["rows"], ticks["trailing"]) == (4, 3, 4)
    assert ticks["reasons"] == {"not driven by a teleoperator": 8}


def test_an_episode_without_an_intervention_gives_none_and_is_not_refused(convert):
    result, dataset = convert(shape=SHAPE, only="interventions")
    assert result.refused is None and len(dataset) == 0
    assert any("no interventions in it" in note for note in result.notes)


def test_a_folder_of_interventions_is_made_on_the_command_line_and_is_up_to_date_afterwards(tmp_path, capsys):
    messages = sorted(taken_over_episode(), key=lambda each: each.received_ns)
    write_episode(tmp_path / "recordings", SHAPE, messages, "failure")
    command = [str(tmp_path / "recordings"), "-o", str(tmp_path / "data"), "--workers", "1", "--contract", "panda_sim"]
    assert convert_cli.main([*command, "--only", "interventions", "--include", "failures"]) == 0
    assert "1 episodes in 1 segments, 0 successes, 3 rows" in capsys.readouterr().out
    assert convert_cli.main([*command, "--only", "interventions", "--include", "failures"]) == 0
    assert "0 recordings converted, 1 up to date" in capsys.readouterr().out
    assert convert_cli.main([*command, "--include", "failures"]) == 0
    assert "1 episodes in 1 segments, 0 successes, 11 rows" in capsys.readouterr().out


def test_training_can_draw_interventions_as_often_as_the_rest(convert):
    """As --sampling weighted --sampling_key policy_type says: half of the windows begin with the operator's action."""
    pytest.importorskip("torch")
    from muse_core.configs import BCRNNConfig, SmallEncoderConfig, TrainConfig
    from muse_core.trainers.data import open_training_data

    _, dataset = convert(taken_over_episode())
    config = TrainConfig(
        dataset=str(dataset.path), horizon=2, sampling="weighted", sampling_key="policy_type", batch_size=400,
        validation_fraction=0.0, model=BCRNNConfig(encoder=SmallEncoderConfig()),
    )  # fmt: skip
    data = open_training_data(config)
    starts = data.parts[0].windows.start[data.sampler.next()]
    types = dataset.get_episode(0).arrays["policy_type"].ravel()[starts]
    assert 140 <= (types == TELEOP).sum() <= 260, "3 of 11 rows, half of the draws"
