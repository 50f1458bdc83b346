"""The learning rate and what it follows."""

from __future__ import annotations

import pytest

from muse_core.trainers.schedule import learning_rate_factor, share_done


def test_progress_follows_whichever_limit_is_nearer():
    assert share_done(50, 100) == 0.5
    assert share_done(50, 100, elapsed_s=30.0, max_s=40.0) == 0.75
    assert share_done(50, 100, elapsed_s=1.0, max_s=40.0) == 0.5
    assert share_done(150, 100) == 1.0


def test_the_rate_rises_over_the_warm_up_and_falls_along_half_a_cosine():
    assert learning_rate_factor(0, 0.0, 10, 0.1) == pytest.approx(0.1)
    assert learning_rate_factor(4, 0.0, 10, 0.1) == pytest.approx(0.5)
    assert learning_rate_factor(500, 0.5, 10, 0.1) == pytest.approx(0.1 + 0.9 * 0.5)
    assert learning_rate_factor(1000, 1.0, 10, 0.1) == pytest.approx(0.1)


def test_without_a_warm_up_it_begins_at_the_top():
    assert learning_rate_factor(0, 0.0, 0, 0.1) == 1.0
