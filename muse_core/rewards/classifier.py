"""A success classifier as a reward: whether an observation looks like the end of a successful episode.

The labels are those that episodes have anyway, one each. What successful episodes end with is success; what comes long
before, and all that failures show, is not. The idea is that of Fu et al., "Variational Inverse Control with Events",
2018, without its negatives from a policy in training. Importing this module does not import torch; using it does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from muse_core.files import replacing
from muse_core.spec import Arrays, Spec

if TYPE_CHECKING:
    from muse_core.rewards.success_network import SuccessNetwork

FORMAT, VERSION = "muse success classifier", 1
BATCH = 256


class ClassifierError(ValueError):
    """A file that holds no success classifier; the message says why."""


class SuccessClassifier:
    """A trained classifier.

    Attributes:
        spec: The observations that it looks at.
        hidden_sizes: Widths of its perceptron's layers.
    """

    def __init__(self, spec: Spec, hidden_sizes: Sequence[int], network: SuccessNetwork) -> None:
        self.spec = spec
        self.hidden_sizes = tuple(hidden_sizes)
        self._network = network.eval()

    def probabilities(self, observations: Arrays) -> np.ndarray:
        """How likely each observation is one of success.

        Args:
            observations: Arrays (N, ...) as `spec` describes them; further keys are ignored.

        Returns:
            (N,) float64 in 0 .. 1.

        Raises:
            SpecError: naming an array that is missing or not as described.
        """
        import torch

        self.spec.check(observations, leading=1)
        count = len(observations[next(iter(self.spec))])
        found = []
        with torch.inference_mode():
            for start in range(0, count, BATCH):
                rows = {k: torch.from_numpy(np.array(observations[k][start : start + BATCH])) for k in self.spec}
                found.append(torch.sigmoid(self._network(rows)).double().numpy())
        return np.concatenate(found) if found else np.zeros(0)

    def save(self, path: str | Path) -> None:
        """Write it as plain data, whole or not at all."""
        import torch

        content: dict[str, Any] = {"format": FORMAT, "version": VERSION, "spec": self.spec.to_dict()}
        content |= {"hidden_sizes": list(self.hidden_sizes), "network": self._network.state_dict()}
        with replacing(path) as partial:
            torch.save(content, partial)

    @classmethod
    def load(cls, path: str | Path) -> SuccessClassifier:
        """Read what :meth:`save` wrote. No code in the file is run.

        Raises:
            FileNotFoundError: when there is no such file.
            ClassifierError: when it holds something else.
        """
        import torch

        from muse_core.rewards.success_network import SuccessNetwork

        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"{path}: no such success classifier; train_success_classifier(...).save(...) does")
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch's text advises loading it with code: that must not reach the user
            raise ClassifierError(
                f"{path} cannot be read: no torch file, cut short, or more than plain data"
            ) from error
        if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
            raise ClassifierError(f"{path} holds no success classifier of version {VERSION}")
        spec = Spec.from_dict(content["spec"])
        network = SuccessNetwork(spec, content["hidden_sizes"])
        network.load_state_dict(content["network"])
        return cls(spec, content["hidden_sizes"], network)


class ClassifierReward:
    """Pays the probability that the next observation is one of success.

    Args:
        classifier: Who judges.
        threshold: Pay 1 from this probability on and else 0, rather than the probability.
    """

    def __init__(self, classifier: SuccessClassifier, threshold: float | None = None) -> None:
        self._classifier = classifier
        self._threshold = threshold

    def reset(self) -> None:
        """Nothing is remembered."""

    def __call__(
        self,
        observation: dict[str, np.ndarray],
        action: dict[str, np.ndarray],
        next_observation: dict[str, np.ndarray],
        info: dict[str, Any],
    ) -> float:
        """See :meth:`muse_core.rewards.reward.Reward.__call__`."""
        seen = {key: np.asarray(next_observation[key])[None] for key in self._classifier.spec}
        probability = float(self._classifier.probabilities(seen)[0])
        return probability if self._threshold is None else float(probability >= self._threshold)
