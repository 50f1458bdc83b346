"""The U-Net over time: its shape, its size, and that it listens to its condition."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from muse_core.models.networks.unet import ConditionedBlock, TemporalUnet  # noqa: E402


def small(**changes):
    torch.manual_seed(0)
    return TemporalUnet(3, 5, **{"channels": (8, 16, 32), "groups": 4, **changes})


@pytest.mark.parametrize("length", [4, 8, 16])
def test_it_keeps_the_length(length):
    assert small()(torch.zeros(2, length, 3), torch.zeros(2, 5)).shape == (2, length, 3)


@pytest.mark.parametrize(("length", "near"), [(10, "8 or 12"), (3, "use 4")])
def test_a_length_that_cannot_be_halved_twice_is_refused_with_the_nearest_that_can(length, near):
    with pytest.raises(ValueError, match=f"multiple of 4 steps, got {length}.*{near}"):
        small()(torch.zeros(2, length, 3), torch.zeros(2, 5))


def test_one_level_takes_any_length():
    assert small(channels=(8,))(torch.zeros(1, 7, 3), torch.zeros(1, 5)).shape == (1, 7, 3)


def test_groups_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ValueError, match="channels \\(8, 12\\), kernel 5 and groups 8"):
        TemporalUnet(3, 5, channels=(8, 12))


def test_the_condition_scales_and_shifts_each_channel_alike_at_all_steps():
    block = ConditionedBlock(4, 4, 2, kernel=1, groups=2)
    linear = block.condition[1]
    torch.nn.init.zeros_(linear.weight)
    linear.bias.data = torch.tensor([2.0, 2.0, 2.0, 2.0, 0.5, 0.5, 0.5, 0.5])
    x = torch.randn(1, 4, 6)
    expected = block.second(2.0 * block.first(x) + 0.5) + x
    assert torch.allclose(block(x, torch.randn(1, 2)), expected)


def test_every_step_depends_on_the_condition_and_on_the_far_end_of_the_sequence():
    model = small()
    x = torch.randn(1, 16, 3, requires_grad=True)
    condition = torch.randn(1, 5, requires_grad=True)
    gradients = torch.autograd.grad(model(x, condition)[0, 0].sum(), (x, condition))
    assert gradients[0][0, -1].abs().sum() > 0
    assert gradients[1].abs().min() > 0


def test_every_parameter_learns():
    model = small()
    model(torch.randn(2, 8, 3), torch.randn(2, 5)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_the_size_of_the_paper_s_push_t_network():
    # Two numbers an action; the condition is a step embedding of 256 and two observations of five numbers. The authors'
    # notebook prints 6.535322e+07 parameters, which includes the embedding's two layers, 256 to 1024 and back.
    with torch.device("meta"):
        model = TemporalUnet(2, 256 + 2 * 5)
    embedding = (256 + 1) * 1024 + (1024 + 1) * 256
    assert sum(p.numel() for p in model.parameters()) + embedding == 65_353_218


def test_outputs_are_those_of_the_papers_own_code_for_the_same_weights():
    # ConditionalUnet1D of real-stanford/diffusion_policy at 5ba07ac, with scales predicted, was given these weights;
    # the first 8 numbers of the condition took the place of its step embedding.
    model = TemporalUnet(3, 13, channels=(16, 32, 64)).double()
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            wave = torch.sin(torch.arange(parameter.numel(), dtype=torch.float64) * 1.7 + number)
            parameter.copy_((wave * 0.3).reshape(parameter.shape))
        x = torch.sin(torch.arange(48, dtype=torch.float64) * 0.9).reshape(2, 8, 3)
        step = torch.sin(torch.arange(16, dtype=torch.float64) * 0.7).reshape(2, 8)
        rest = torch.cos(torch.arange(10, dtype=torch.float64) * 1.3).reshape(2, 5)
        y = model(x, torch.cat((step, rest), dim=-1))
    assert y[0, 0].tolist() == pytest.approx([-0.06333322126874076, -0.4169145622085153, 0.49920710680549674], rel=1e-6)
    assert y.sum().item() == pytest.approx(0.34963978349636254, rel=1e-6)
