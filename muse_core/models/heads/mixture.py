"""A head that gives a mixture of Gaussians: demonstrations that go left or right need no action in the middle.

Bishop, "Mixture Density Networks", 1994; as the head of BC-RNN-GMM in Mandlekar et al., "What Matters in Learning from
Offline Human Demonstrations for Robot Manipulation", 2021.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from muse_core.models.heads.gaussian import normal_nll
from muse_core.models.heads.head import Head


class MixtureHead(Head):
    """Weights, means and standard deviations of some Gaussians; acts by the mean of the likeliest of them.

    Its spread stays out of the actions, as in the low-noise evaluation of Mandlekar et al.; they draw the component
    anew at each step, and here it is not random.
    """

    def __init__(
        self, features: int, size: int, components: int = 5, *, min_std: float = 1e-3, bounded: bool = False
    ) -> None:
        """Make the layer.

        Args:
            features: Numbers that come in for a step.
            size: Numbers in an action, A.
            components: Gaussians, K.
            min_std: Smallest standard deviation, above 0.
            bounded: Whether a tanh keeps the means in -1..1, for actions that lie there.
        """
        super().__init__()
        self.output = nn.Linear(features, components * (2 * size + 1))
        self.components, self.size = components, size
        self.min_std, self.bounded = min_std, bounded

    def mixture(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(..., F) to logarithms of the weights (..., K), means and standard deviations (..., K, A)."""
        parts = [self.components * self.size, self.components * self.size, self.components]
        means, raw, logits = self.output(features).float().split(parts, dim=-1)
        shape = (self.components, self.size)
        means = means.tanh() if self.bounded else means
        stds = F.softplus(raw) + self.min_std
        return logits.log_softmax(dim=-1), means.unflatten(-1, shape), stds.unflatten(-1, shape)

    def loss(self, features: Tensor, target: Tensor) -> Tensor:
        """The negative log-likelihood of the whole action in nats: (B, H, F) and (B, H, A) to (B, H)."""
        log_weights, means, stds = self.mixture(features)
        log_densities = -normal_nll(target.unsqueeze(-2), means, stds).sum(dim=-1)
        return -torch.logsumexp(log_weights + log_densities, dim=-1)

    def act(self, features: Tensor) -> Tensor:
        """(..., F) to the mean of the likeliest component, (..., A)."""
        log_weights, means, _ = self.mixture(features)
        return _pick(means, log_weights.argmax(dim=-1))

    def sample(self, features: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """(..., F) to a draw, (..., A)."""
        log_weights, means, stds = self.mixture(features)
        rows = log_weights.exp().flatten(0, -2)
        chosen = torch.multinomial(rows, 1, generator=generator).reshape(log_weights.shape[:-1])
        noise = torch.randn(means.shape[:-2] + means.shape[-1:], generator=generator, device=means.device)
        return _pick(means, chosen) + _pick(stds, chosen) * noise


def _pick(values: Tensor, component: Tensor) -> Tensor:
    """(..., K, A) and (...) to (..., A)."""
    return values.take_along_dim(component[..., None, None], dim=-2).squeeze(-2)
