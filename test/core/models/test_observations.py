"""What the network sees of an observation: the crop, the size, the cameras together, the goal beside."""

from __future__ import annotations

import pytest

from muse_core.spec import ArraySpec, Spec

torch = pytest.importorskip("torch")

from muse_core.models.observations import ObservationEncoder  # noqa: E402


class Corners(torch.nn.Module):
    """A camera encoder that gives the first and the last pixel's red, and notes how many pictures came at once."""

    size = 2

    def __init__(self):
        super().__init__()
        self.batches: list[int] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(images))
        return torch.stack([images[:, 0, 0, 0], images[:, -1, -1, 0]], dim=-1).float()


def picture(height: int, width: int) -> ArraySpec:
    return ArraySpec((height, width, 3), "uint8")


def rising(*shape: int) -> torch.Tensor:
    """Pictures whose pixel in row r and column c is 10 r + c."""
    *lead, height, width, channels = shape
    values = 10 * torch.arange(height)[:, None] + torch.arange(width)
    return values[..., None].to(torch.uint8).expand(*lead, height, width, channels)


def test_a_whole_picture_loses_its_border_alike_in_training_and_evaluation():
    encoder = ObservationEncoder(Spec({"image": picture(10, 10)}), Corners, crop=0.6)
    for training in (True, False):  # what is random about crops is the loader's
        encoder.train(training)
        seen = encoder.frames("image", rising(2, 3, 10, 10, 3))
        assert torch.equal(seen, rising(6, 10, 10, 3)[:, 2:8, 2:8])
        assert encoder({"image": rising(2, 3, 10, 10, 3)}).tolist() == [[[22, 77]] * 3] * 2


def test_a_picture_that_was_cropped_at_random_is_left_as_it_is():
    encoder = ObservationEncoder(Spec({"image": picture(10, 10)}), Corners, crop=0.6)
    cropped = rising(1, 1, 10, 10, 3)[..., 4:10, 0:6, :]
    assert encoder({"image": cropped}).tolist() == [[[40, 95]]]


def test_a_picture_smaller_than_the_crop_is_refused():
    encoder = ObservationEncoder(Spec({"image": picture(10, 10)}), Corners, crop=0.6)
    with pytest.raises(ValueError, match=r"'image': expected at least 6x6 pixels, got \(5, 8\)"):
        encoder({"image": rising(1, 1, 5, 8, 3)})


def test_pictures_are_resized_by_the_mean_of_what_a_pixel_covers():
    encoder = ObservationEncoder(Spec({"image": picture(4, 4)}), Corners, image_size=(2, 2))
    assert encoder({"image": rising(1, 1, 4, 4, 3)}).tolist() == [[[5.5, 27.5]]]  # (0 + 1 + 10 + 11) / 4, ...


def test_cameras_that_share_an_encoder_go_through_it_at_once_where_their_sizes_agree():
    for sizes, batches in (((4, 4), [12]), ((4, 6), [6, 6])):
        spec = Spec({"image": picture(sizes[0], 4), "ego_image": picture(sizes[1], 4)})
        encoder = ObservationEncoder(spec, Corners, shared=True)
        seen = encoder({name: rising(2, 3, *array.shape) for name, array in spec.items()})
        assert encoder.cameras["all"].batches == batches
        last = 10 * (sizes[1] - 1) + 3
        assert seen[1, 2].tolist() == [0, 33, 0, last]


def test_the_goal_stands_beside_every_step():
    spec = Spec({"position": ArraySpec((2,)), "image": picture(4, 4)})
    encoder = ObservationEncoder(spec, Corners, goals=("position", "image"))
    batch = {"position": torch.tensor([[[1.0, 2.0], [3.0, 4.0]]]), "goal/position": torch.tensor([[9.0, 8.0]])}
    batch |= {"image": rising(1, 2, 4, 4, 3), "goal/image": rising(1, 4, 4, 3) + 1}
    assert encoder.size == 8
    assert encoder(batch).tolist() == [[[1, 2, 9, 8, 0, 33, 1, 34], [3, 4, 9, 8, 0, 33, 1, 34]]]
