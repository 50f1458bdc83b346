import numpy as np
import pytest

pytest.importorskip("torch")

from running_controller import POSE, load

from muse_ros.polymetis.set_points import SetPointArchive


def test_every_archive_holds_its_own_set_point():
    packed = SetPointArchive()
    archives = [packed.pack(POSE + n, 0.1 * POSE, 0.02, n) for n in (1, 2)]
    first, second = (load(archive).forward() for archive in archives)
    assert first["position"].numpy() == pytest.approx(POSE + 1)
    assert second["position"].numpy() == pytest.approx(POSE + 2)
    assert second["velocity"].numpy() == pytest.approx(0.1 * POSE)
    assert (first["duration"].item(), first["number"].item(), second["number"].item()) == (0.02, 1.0, 2.0)


def test_an_archive_travels_in_a_few_chunks():
    assert len(SetPointArchive().pack(POSE, POSE, 0.02, 10**9)) < 4_096


@pytest.mark.parametrize(
    "wrong",
    [
        (POSE[:6], POSE, 0.02, 1),
        (POSE, POSE[None], 0.02, 1),
        (POSE * np.nan, POSE, 0.02, 1),
        (POSE, POSE + np.inf, 0.02, 1),
        (POSE, POSE, 0.0, 1),
        (POSE, POSE, np.nan, 1),
        (POSE, POSE, 1.1, 1),
        (POSE, POSE, 0.02, -1),
    ],
)
def test_what_is_no_set_point_is_refused_here_already(wrong):
    with pytest.raises(ValueError, match="set-point"):
        SetPointArchive().pack(*wrong)
