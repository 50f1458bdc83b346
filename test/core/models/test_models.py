"""The table of models."""

from __future__ import annotations

from importlib import import_module
from typing import get_args

import pytest

pytest.importorskip("torch")

from muse_core.configs import ModelConfig
from muse_core.models import MODELS


def test_every_model_that_can_be_configured_can_be_built():
    assert set(MODELS) == {config().kind for config in get_args(ModelConfig)}


@pytest.mark.parametrize("module", MODELS.values())
def test_every_model_names_its_paper(module):
    assert any(year in import_module(module).__doc__ for year in map(str, range(1989, 2027)))
