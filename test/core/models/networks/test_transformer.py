"""The Transformer: who sees whom, and that it is the block that everybody means."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from muse_core.models.networks.positions import LearnedPositions, SinusoidalEmbedding  # noqa: E402
from muse_core.models.networks.transformer import (  # noqa: E402
    Attention,
    Transformer,
    TransformerBlock,
    attention_mask,
)


def transformer(**changes):
    torch.manual_seed(0)
    return Transformer(**{"width": 16, "heads": 2, "layers": 2, **changes})


def copy_into_torch(
    block: TransformerBlock, theirs: torch.nn.TransformerDecoderLayer | torch.nn.TransformerEncoderLayer
):
    """Our weights in torch's own layer."""
    pairs = [(block.attention, theirs.self_attn)]
    norms = [(block.attention_norm, theirs.norm1), (block.mlp_norm, theirs.norm2)]
    if block.cross_attention is not None:
        pairs.append((block.cross_attention, theirs.multihead_attn))
        norms = [*norms[:1], (block.cross_norm, theirs.norm2), (block.mlp_norm, theirs.norm3)]
    with torch.no_grad():
        for our, their in pairs:
            their.in_proj_weight.copy_(torch.cat([our.query.weight, our.key_value.weight]))
            their.in_proj_bias.copy_(torch.cat([our.query.bias, our.key_value.bias]))
            their.out_proj.load_state_dict(our.output.state_dict())
        for our, their in [*norms, (block.mlp[0], theirs.linear1), (block.mlp[3], theirs.linear2)]:
            their.load_state_dict(our.state_dict())


def test_attention_worked_by_hand():
    # Identity projections, two steps of width 1 with values 0 and 1: step 0 weighs both alike (scores 0), step 1 has
    # scores 0 and 1, so it gives e / (1 + e).
    attention = Attention(1, 1)
    for parameter in attention.parameters():
        torch.nn.init.ones_(parameter) if parameter.dim() == 2 else torch.nn.init.zeros_(parameter)
    x = torch.tensor([[[0.0], [1.0]]])
    assert attention(x, x).flatten().tolist() == pytest.approx([0.5, math.e / (1 + math.e)])


def test_a_block_is_torchs_own_pre_norm_encoder_layer():
    torch.manual_seed(0)
    ours = TransformerBlock(16, 4).eval()
    theirs = torch.nn.TransformerEncoderLayer(16, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True).eval()
    copy_into_torch(ours, theirs)
    x, later = torch.randn(3, 5, 16), torch.ones(5, 5, dtype=torch.bool).triu(1)
    assert torch.allclose(ours(x, ~later), theirs(x, src_mask=later), atol=1e-5)


def test_a_block_with_a_context_is_torchs_own_pre_norm_decoder_layer():
    torch.manual_seed(0)
    ours = TransformerBlock(16, 4, cross=True).eval()
    theirs = torch.nn.TransformerDecoderLayer(16, 4, 64, 0.0, "gelu", batch_first=True, norm_first=True).eval()
    copy_into_torch(ours, theirs)
    x, context = torch.randn(3, 5, 16), torch.randn(3, 7, 16)
    assert torch.allclose(ours(x, None, context), theirs(x, context), atol=1e-5)


def test_the_future_changes_no_earlier_output():
    model = transformer(causal=True).eval()
    x = torch.randn(2, 6, 16)
    changed = x.clone()
    changed[:, 4] = torch.randn(2, 16)
    before, after = model(x), model(changed)
    assert torch.equal(before[:, :4], after[:, :4])
    assert not torch.allclose(before[:, 4:], after[:, 4:])


def test_without_causality_the_future_is_seen():
    model = transformer().eval()
    x = torch.randn(2, 6, 16)
    changed = x.clone()
    changed[:, 4] = torch.randn(2, 16)
    assert not torch.allclose(model(x)[:, 0], model(changed)[:, 0])


@pytest.mark.parametrize("causal", [True, False])
def test_padding_is_seen_by_no_real_step_and_gives_no_nan(causal):
    model = transformer(causal=causal)
    real = torch.tensor([[False, False, True, True], [True, True, True, False]])
    x = torch.randn(2, 4, 16)
    changed = torch.where(real.unsqueeze(-1), x, torch.full_like(x, 7.0))
    gradients = []
    for inputs in (x, changed):
        model.zero_grad()
        output = model(inputs, real)
        output[real].square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in model.parameters()]))
    assert torch.isfinite(output).all()
    assert torch.allclose(model(x, real)[real], model(changed, real)[real], atol=1e-6)
    assert torch.allclose(*gradients, atol=1e-5)
    assert torch.isfinite(gradients[0]).all()


def test_what_a_step_may_look_at_row_by_row():
    real = torch.tensor([[False, True, True]])
    assert attention_mask(3, real, causal=True)[0, 0].int().tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 1]]
    assert attention_mask(3, real, causal=False)[0, 0].int().tolist() == [[1, 1, 1], [0, 1, 1], [0, 1, 1]]
    assert attention_mask(3, None, causal=False) is None


def test_dropout_is_for_training_only():
    model = transformer(dropout=0.5)
    x = torch.randn(2, 4, 16)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(ValueError, match="10 cannot be split among 4"):
        Transformer(10, 4, 1)


def test_positions_tell_steps_apart_and_end():
    positions = LearnedPositions(4, 8)
    steps = positions(torch.zeros(1, 3, 8))[0]
    assert not torch.equal(steps[0], steps[1])
    with pytest.raises(ValueError, match="5 steps, but positions for 4"):
        positions(torch.zeros(1, 5, 8))


def test_a_sinusoidal_embedding_of_width_four_worked_by_hand():
    # Frequencies 1 and 1/10000.
    expected = [math.sin(3.0), math.sin(3e-4), math.cos(3.0), math.cos(3e-4)]
    assert SinusoidalEmbedding(4)(torch.tensor([3])).tolist()[0] == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="even and at least 4, got 5"):
        SinusoidalEmbedding(5)
