"""ResNet: torchvision's names, sizes and outputs, without torchvision."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from muse_core.models.networks.resnet import BasicBlock, ResNet, load_resnet  # noqa: E402

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    kinds = ("weight", "bias", "running_mean", "running_var")
    return {f"{name}.{kind}": (channels,) for kind in kinds} | {f"{name}.num_batches_tracked": ()}


def layout(depth: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes in torchvision's state dicts."""
    shapes = {"conv1.weight": (64, 3, 7, 7), **norm("bn1", 64)}
    before = 64
    for layer, blocks in enumerate(BLOCKS[depth], start=1):
        width = 32 * 2**layer
        for block in range(blocks):
            name = f"layer{layer}.{block}"
            shapes |= {f"{name}.conv1.weight": (width, before, 3, 3), **norm(f"{name}.bn1", width)}
            shapes |= {f"{name}.conv2.weight": (width, width, 3, 3), **norm(f"{name}.bn2", width)}
            if before != width:
                shapes |= {f"{name}.downsample.0.weight": (width, before, 1, 1), **norm(f"{name}.downsample.1", width)}
            before = width
    return shapes | {"fc.weight": (1000, 512), "fc.bias": (1000,)}


def fill(network: ResNet) -> None:
    """Weights that follow from their place in the state dict alone."""
    for number, (name, value) in enumerate(network.state_dict().items()):
        if not value.is_floating_point():
            continue
        wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 0.7 + number).reshape(value.shape)
        if name.endswith("running_var"):
            wave = 1.5 + wave
        elif value.dim() == 1:
            wave = 1 + wave / 2 if name.endswith("weight") else wave / 4
        else:
            wave = wave * (2 / value[0].numel()) ** 0.5
        value.copy_(wave)


@pytest.mark.parametrize(("depth", "parameters"), [(18, 11_689_512), (34, 21_797_672)])
def test_names_shapes_and_size_are_torchvisions(depth, parameters):
    network = ResNet(depth, classes=1000)
    assert {name: tuple(value.shape) for name, value in network.state_dict().items()} == layout(depth)
    assert sum(p.numel() for p in network.parameters()) == parameters


# What torchvision 0.29.2 gave for the same weights and picture, in evaluation (running statistics) and in training
# (statistics of the batch): the first three logits of ten.
RECORDED = {
    (18, False): [769216.2161550625, 2085953.0881566317, 3264142.922211722],
    (18, True): [-5.134192864099365, -3.1099199037895544, -0.9530613607781848],
    (34, False): [362144839168.3753, 1069797499151.9125, 1706395255544.3438],
    (34, True): [-9.048393509029443, -6.398608454908605, -3.242884739666695],
}


@pytest.mark.parametrize(("depth", "training"), RECORDED)
def test_outputs_are_torchvisions_for_the_same_weights(depth, training):
    network = ResNet(depth, classes=10).double().train(training)
    fill(network)
    image = torch.sin(torch.arange(2 * 3 * 40 * 56, dtype=torch.float64) * 0.01).reshape(2, 3, 40, 56)
    with torch.no_grad():
        logits = network(image)[0, :3]
    assert logits.tolist() == pytest.approx(RECORDED[depth, training], rel=1e-6)


def test_group_norm_keeps_the_names_and_has_sixteen_channels_a_group():
    network = ResNet(18, "group")
    names = {name for name in layout(18) if not name.startswith("fc.") and name.endswith(("weight", "bias"))}
    assert set(network.state_dict()) == names
    assert (network.bn1.num_groups, network.layer4[1].bn2.num_groups) == (4, 32)


def test_with_group_norm_a_picture_gives_the_same_whatever_is_beside_it():
    torch.manual_seed(0)
    network = ResNet(18, "group").train()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.allclose(network(images)[:1], network(images[:1]), atol=1e-4)


def test_torchvisions_weights_load_into_a_trunk_and_others_are_refused_by_name(tmp_path):
    theirs = ResNet(18, classes=1000)
    fill(theirs)
    path = tmp_path / "resnet18.pth"
    torch.save(theirs.state_dict(), path)
    trunk = ResNet(18)
    load_resnet(trunk, path)
    assert torch.equal(trunk.layer4[1].conv2.weight, theirs.layer4[1].conv2.weight)
    with pytest.raises(
        ValueError, match=r"resnet18.pth: not .*layer1.2.conv1.weight: expected and found \(64, 64, 3, 3\) and none"
    ):
        load_resnet(ResNet(34), path)
    # 20 norms, each with a running mean and variance and a count that group norm lacks.
    with pytest.raises(ValueError, match=r"60 of its arrays differ, the first is bn1\.running_mean"):
        load_resnet(ResNet(18, "group"), path)


def test_a_file_that_is_missing_or_something_else_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.pth: no such file"):
        load_resnet(ResNet(18), tmp_path / "nowhere.pth")
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(ValueError, match=r"text\.pth: not a state dict"):
        load_resnet(ResNet(18), tmp_path / "text.pth")


def test_a_map_of_one_pixel_has_a_finite_gradient_in_half_precision():
    torch.manual_seed(0)
    block = BasicBlock(256, 512, 2, "group")
    x = torch.randn(4, 256, 1, 1)
    assert torch.equal(block._shrink(x), block.conv1(x))
    for _ in range(10):
        # What torch allocates next lies where these were.
        sizes = (block.conv1.weight.numel() // 2, block.conv1.weight.numel(), 2**20)
        junk = [torch.full((size,), torch.nan) for size in sizes for _ in range(10)]
        del junk
        block.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = block(x).float().square().sum()
        loss.backward()
        assert all(torch.isfinite(parameter.grad).all() for parameter in block.parameters())


def test_another_depth_is_refused():
    with pytest.raises(ValueError, match="18 or 34, got 50"):
        ResNet(50)
