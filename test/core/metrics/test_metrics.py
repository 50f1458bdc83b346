"""Metrics, whole and by group, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from muse_core.metrics.groups import group_means, worst
from muse_core.metrics.metric import BatchMetric, ElementwiseMetric
from muse_core.metrics.metrics import absolute_error, accuracy, episode_return, extract, squared_error, success

WANTED = {"action": np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])}
GIVEN = {"action": np.array([[1.0, 3.0], [1.0, 1.0], [2.0, -2.0]])}
# squared errors by element: (1 + 9) / 2 = 5, 0, 16 / 2 = 8


def test_a_metric_over_a_batch_is_called_all():
    assert squared_error().compute({}, WANTED, GIVEN) == {"action_squared_error_all": pytest.approx(13 / 3)}
    assert absolute_error().compute({}, WANTED, GIVEN) == {"action_absolute_error_all": pytest.approx((2 + 0 + 2) / 3)}


def test_groups_report_mean_count_and_the_worst():
    groups = np.array([3, 0, 0])
    assert squared_error(name="mse").compute_group_wise({}, WANTED, GIVEN, groups, 4) == {
        "mse_group:0": 4.0, "count_group:0": 2,
        "mse_group:1": 0.0, "count_group:1": 0,
        "mse_group:2": 0.0, "count_group:2": 0,
        "mse_group:3": 5.0, "count_group:3": 1,
        "mse_wg": 5.0,
    }  # fmt: skip


def test_the_worst_of_what_should_be_high_is_the_lowest_and_no_empty_group():
    outputs = {"success": np.array([True, True, False])}
    found = success().compute_group_wise({}, outputs, {}, np.array([1, 2, 2]), 3)
    assert (found["success_group:0"], found["success_group:1"], found["success_group:2"]) == (0.0, 1.0, 0.5)
    assert found["success_wg"] == 0.5
    assert worst(np.array([-3.0, 0.0]), np.array([2, 0]), higher_is_better=False) == -3.0
    assert worst(np.zeros(2), np.zeros(2), higher_is_better=False) == 0.0


def test_both_kinds_of_metric_agree_by_group():
    rng = np.random.default_rng(0)
    outputs = {"x": rng.normal(size=(50, 3))}
    groups = rng.integers(0, 5, 50)
    whole = BatchMetric("x", lambda inputs, outputs, model_outputs: outputs["x"].mean())
    by_element = ElementwiseMetric("x", lambda inputs, outputs, model_outputs: outputs["x"].mean(axis=1))
    for found in (
        (whole.compute({}, outputs, {}), by_element.compute({}, outputs, {})),
        (
            whole.compute_group_wise({}, outputs, {}, groups, 7),
            by_element.compute_group_wise({}, outputs, {}, groups, 7),
        ),
    ):
        assert found[0] == pytest.approx(found[1])
    assert len(by_element.compute_group_wise({}, outputs, {}, groups, 7)) == 7 + 7 + 1


def test_an_element_is_computed_once_for_all_groups():
    calls = []

    def elements(inputs, outputs, model_outputs):
        calls.append(len(outputs["x"]))
        return outputs["x"]

    ElementwiseMetric("x", elements).compute_group_wise({}, {"x": np.arange(4)}, {}, np.arange(4), 9)
    assert calls == [4]


def test_nothing_is_zero():
    assert squared_error(name="mse").compute({}, {}, {}) == {"mse_all": 0.0}
    assert extract("x", name="x").compute({}, {"x": np.zeros((0, 2))}, {}) == {"x_all": 0.0}
    assert squared_error(name="mse").compute_group_wise({}, {}, {}, np.zeros(0, int), 1) == {
        "mse_group:0": 0.0, "count_group:0": 0, "mse_wg": 0.0
    }  # fmt: skip


def test_padded_steps_do_not_count():
    # errors 1 and 2 at real steps, 100 and not-a-number at padded ones
    wanted = {"action": np.zeros((2, 2, 1))}
    given = {"action": np.array([[[1.0], [100.0]], [[2.0], [np.nan]]])}
    mask = {"mask": np.array([[True, False], [True, False]])}
    assert squared_error(name="mse").compute(mask, wanted, given) == {"mse_all": (1 + 4) / 2}
    assert episode_return().compute(mask, {"reward": np.array([[1.0, 5.0], [2.0, 5.0]])}, {}) == {"return_all": 1.5}
    with pytest.raises(ValueError, match=r"the mask \(2, 3\) does not fit windows of shape \(2, 2, 1\)"):
        squared_error().compute({"mask": np.ones((2, 3), bool)}, wanted, given)


def test_accuracy_takes_labels_or_scores():
    outputs = {"mode": np.array([0, 1, 1, 2])}
    assert accuracy("mode").compute({}, outputs, {"mode": np.array([0, 1, 2, 2])}) == {"mode_accuracy_all": 0.75}
    scores = {"mode": np.array([[3.0, 1, 1], [3, 1, 1], [0, 1, 0], [0, 0, 1]])}
    assert accuracy("mode", "right").compute({}, outputs, scores) == {"right_all": 0.75}
    windows = {"mode": np.array([[0, 1], [1, 1]])}
    found = accuracy("mode").compute({"mask": np.array([[1, 0], [1, 1]])}, windows, {"mode": np.zeros((2, 2), int)})
    assert found == {"mode_accuracy_all": 0.5}


def test_success_counts_at_any_step_and_returns_add_up():
    outputs = {"success": np.array([[0, 1, 0], [0, 0, 0]]), "reward": np.array([[-1.0, -1.0, 0.5], [-2.0, 0.0, 0.0]])}
    assert success().compute({}, outputs, {}) == {"success_all": 0.5}
    assert episode_return().compute({}, outputs, {}) == {"return_all": (-1.5 - 2.0) / 2}


@pytest.mark.parametrize(("reduce", "whole", "first", "second"), [
    ("mean", 2.5, 1.5, 3.5), ("max", 4, 2, 4), ("min", 1, 1, 3), ("sum", 10, 3, 7)
])  # fmt: skip
def test_an_array_is_extracted_by_each_reduction(reduce, whole, first, second):
    given = {"spread": np.array([[1.0, 2.0], [3.0, 4.0]])}
    metric = extract("spread", reduce=reduce)
    assert metric.compute({}, {}, given) == {"spread_all": whole}
    found = metric.compute_group_wise({}, {}, given, np.array([0, 1]), 2)
    assert (found["spread_group:0"], found["spread_group:1"], found["spread_wg"]) == (first, second, second)


def test_what_does_not_fit_is_said():
    with pytest.raises(KeyError, match="no 'spraed' among the model_outputs; there are spread"):
        extract("spraed").compute({}, {}, {"spread": np.zeros(1)})
    with pytest.raises(ValueError, match="one of mean, max, min, sum, got 'outputs' and 'median'"):
        extract("spread", "outputs", "median")
    with pytest.raises(ValueError, match=r"groups must be in 0 \.\. 1, got 0 \.\. 2"):
        group_means(np.zeros(2), np.array([0, 2]), 2)
    with pytest.raises(ValueError, match="one for each element"):
        group_means(np.zeros(2), np.array([0.0, 1.0]), 2)
    with pytest.raises(ValueError, match=r"equally many elements, got \{'a': 1, 'b': 2\}"):
        squared_error().compute({"a": np.zeros(1)}, {"b": np.zeros(2)}, {})
    with pytest.raises(ValueError, match=r"the model gave shape \(3, 1\), recorded is \(3, 2\)"):
        squared_error().compute({}, WANTED, {"action": np.zeros((3, 1))})
    with pytest.raises(ValueError, match=r"expected \(3,\) numbers, one an element, got \(\)"):
        ElementwiseMetric("x", lambda i, o, m: 1.0).compute({}, WANTED, GIVEN)
