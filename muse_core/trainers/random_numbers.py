"""The state of torch's random generators: saved in checkpoints, and set aside while something else draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


def random_state() -> dict[str, Any]:
    """State of torch's generators."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def set_random_state(state: dict[str, Any]) -> None:
    """Put torch's generators where :func:`random_state` found them."""
    torch.set_rng_state(state["cpu"])
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])


@contextmanager
def own_random_numbers(seed: int) -> Iterator[None]:
    """Within this context torch draws from `seed`; behind it, as if nothing had been drawn."""
    state = random_state()
    torch.manual_seed(seed)
    try:
        yield
    finally:
        set_random_state(state)
