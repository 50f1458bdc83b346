"""Actions between units and what networks give: quaternions among them."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from muse_core.datasets.statistics import Statistics  # noqa: E402
from muse_core.models.actions import ActionCodec  # noqa: E402
from muse_core.spec import ArraySpec, Spec  # noqa: E402

POSE = Spec({"action": ArraySpec((8,), unit="m, quaternion xyzw, 0 open .. 1 closed", role="action")})


def poses(signs) -> np.ndarray:
    """Positions, tools that point down, turned by up to half a radian, grippers; quaternions of these signs."""
    rng = np.random.default_rng(0)
    half = rng.uniform(-0.25, 0.25, len(signs))
    turned = np.stack([np.cos(half), np.sin(half), 0 * half, 0 * half], axis=-1) * np.reshape(signs, (-1, 1))
    rest = rng.uniform(0, 1, (len(signs), 4))
    return np.concatenate([rest[:, :3], turned, rest[:, 3:]], axis=-1).astype(np.float32)


def codec(rows: np.ndarray, normalization: str) -> ActionCodec:
    seen = Statistics(len(rows), rows.mean(0), rows.std(0), rows.min(0), rows.max(0))
    return ActionCodec(POSE, {"action": seen}, normalization)


@pytest.mark.parametrize("normalization", ["mean_std", "min_max"])
@pytest.mark.parametrize("sign", ["positive", "negative", "mixed"])
def test_a_quaternion_and_its_negative_are_one_target_and_come_back_as_one_rotation(sign, normalization):
    signs = {"positive": np.ones(64), "negative": -np.ones(64), "mixed": np.resize([1, -1], 64)}[sign]
    rows = poses(signs)
    actions = codec(rows, normalization)
    given, other = (torch.from_numpy(poses(each)).unsqueeze(0) for each in (signs, -signs))
    encoded = actions.encode({"action": given})
    assert torch.allclose(encoded, actions.encode({"action": other}), atol=1e-5)
    back = actions.decode(encoded)["action"][0]
    positive = torch.from_numpy(poses(np.ones(64)))
    assert torch.allclose(back, positive, atol=1e-5)


def test_quaternions_from_a_network_are_made_unit_and_nothing_else_is_changed():
    actions = codec(poses(np.ones(64)), "mean_std")
    given = actions.decode(torch.randn(5, 3, 8, generator=torch.Generator().manual_seed(0)))["action"]
    assert torch.allclose(given[..., 3:7].norm(dim=-1), torch.ones(5, 3), atol=1e-6)
    low, high = poses(np.ones(64)).min(0), poses(np.ones(64)).max(0)
    for i in (0, 1, 2, 7):
        assert given[..., i].min() >= low[i] - 1e-6
        assert given[..., i].max() <= high[i] + 1e-6


def test_what_tells_the_sign_travels_with_the_weights():
    trained = codec(poses(-np.ones(64)), "min_max")
    loaded = ActionCodec(POSE, None, "min_max")
    loaded.load_state_dict(trained.state_dict())
    batch = {"action": torch.from_numpy(poses(np.ones(4))).unsqueeze(0)}
    assert torch.equal(loaded.encode(batch), trained.encode(batch))


def test_a_quaternion_of_nothing_is_no_turn():
    given = ActionCodec(POSE).decode(torch.zeros(8))["action"]
    assert given.tolist() == [0, 0, 0, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("shape", "unit", "where"),
    [
        ((4,), "quaternion xyzw", slice(0, 4)),
        ((7,), "m, quaternion xyzw", slice(3, 7)),
        ((8,), "m, quaternion xyzw, 0 open .. 1 closed", slice(3, 7)),
        ((7,), "m, rad (extrinsic xyz), 0 open .. 1 closed", None),
        ((3,), "quaternion xyzw", None),
    ],
)
def test_the_unit_says_where_a_quaternion_lies(shape, unit, where):
    assert ArraySpec(shape, unit=unit).quaternion == where
