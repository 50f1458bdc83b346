"""The ResNet encoder: the original's size, its scaling of pictures, its keypoints."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from muse_core.configs import ResNetConfig  # noqa: E402
from muse_core.models.resnet_encoder import ResNetEncoder  # noqa: E402
from muse_core.models.vision import build_camera_encoder  # noqa: E402


def test_the_originals_coffee_encoder_has_its_map_and_its_11192928_parameters():
    encoder = ResNetEncoder(18, "batch", 32)
    images = torch.zeros(1, 216, 288, 3, dtype=torch.uint8)  # 240x320, 0.9 of it kept
    assert encoder.features(images).shape == (1, 512, 7, 9)
    assert encoder(images).shape == (1, 64)
    assert encoder.size == 64
    assert sum(p.numel() for p in encoder.parameters()) == 11_192_928


def test_keypoints_are_where_the_map_is_brightest():
    encoder = ResNetEncoder(18, "group", 1).eval()
    encoder.features = lambda images: torch.zeros(1, 512, 3, 5).index_put_(
        (torch.tensor(0), torch.tensor(0), torch.tensor(2), torch.tensor(4)), torch.tensor(100.0)
    )
    torch.nn.init.ones_(encoder.to_keypoints.weight)
    x, y = encoder(torch.zeros(1, 96, 160, 3, dtype=torch.uint8))[0].tolist()
    assert (x, y) == pytest.approx((1.0, 1.0), abs=1e-5)


def test_without_keypoints_the_map_is_averaged():
    encoder = ResNetEncoder(18, "group", 0).eval()
    images = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.allclose(encoder(images), encoder.features(images).mean((2, 3)))
    assert encoder.size == 512


@pytest.mark.parametrize(
    ("imagenet", "black", "white"),
    [
        (False, [-1.0] * 3, [1.0] * 3),
        # (0 - 0.485) / 0.229 and (1 - 0.485) / 0.229, and so on for green and blue.
        (True, [-2.117904, -2.035714, -1.804444], [2.248908, 2.428571, 2.640000]),
    ],
)
def test_bytes_are_scaled_before_the_first_convolution(imagenet, black, white):
    encoder = ResNetEncoder(18, "group", 4, imagenet_colors=imagenet).eval()
    seen = []
    encoder.trunk.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    for value in (0, 255):
        encoder(torch.full((1, 32, 32, 3), value, dtype=torch.uint8))
    assert seen[0][0, :, 7, 7].tolist() == pytest.approx(black, abs=1e-5)
    assert seen[1][0, :, 7, 7].tolist() == pytest.approx(white, abs=1e-5)


def test_pretrained_weights_fill_the_trunk_and_leave_the_rest(tmp_path):
    torch.manual_seed(0)
    donor, encoder = ResNetEncoder(18), ResNetEncoder(18, imagenet_colors=True)
    before = encoder.to_keypoints.weight.clone()
    torch.save(donor.trunk.state_dict(), tmp_path / "resnet18.pth")
    encoder.load_pretrained(tmp_path / "resnet18.pth")
    assert torch.equal(encoder.trunk.conv1.weight, donor.trunk.conv1.weight)
    assert torch.equal(encoder.to_keypoints.weight, before)


def test_the_state_dict_holds_only_what_is_learnt():
    names = {name.split(".")[0] for name in ResNetEncoder(18, imagenet_colors=True).state_dict()}
    assert names == {"trunk", "to_keypoints"}


def test_a_config_names_its_weights_and_only_a_new_model_reads_them(tmp_path):
    torch.manual_seed(0)
    donor = ResNetEncoder(18)
    torch.save(donor.trunk.state_dict(), tmp_path / "resnet18.pth")
    config = ResNetConfig(weights=str(tmp_path / "resnet18.pth"))
    new = build_camera_encoder(config)
    assert torch.equal(new.trunk.conv1.weight, donor.trunk.conv1.weight)
    assert new.imagenet_colors
    (tmp_path / "resnet18.pth").unlink()
    deployed = build_camera_encoder(config, fresh=False)  # a robot has the checkpoint, not that file
    deployed.load_state_dict(new.state_dict())
    assert deployed.imagenet_colors
    with pytest.raises(FileNotFoundError, match="resnet18"):
        build_camera_encoder(config)


def test_a_config_without_weights_scales_pictures_to_minus_one_to_one():
    encoder = build_camera_encoder(ResNetConfig(depth=34, norm="group", keypoints=0))
    assert not encoder.imagenet_colors
    assert (encoder.size, len(encoder.trunk.layer3), encoder.trunk.bn1.num_groups) == (512, 6, 4)
