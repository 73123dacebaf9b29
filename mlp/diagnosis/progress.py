"""Progress: whether the loss got below that of a network that ignores its inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlp.diagnosis.finding import Cause, Finding
from mlp.history import History


@dataclass(frozen=True)
class NoProgress:
    """A warning at the end of a run whose last epoch's loss is still `share` or more of the reference.

    The reference is the loss of the best constant answer: the entropy of the classes, the variance of the targets.
    """

    share: float = 0.95
    needs: tuple[str, ...] = ("loss", "reference_loss")

    def __call__(self, history: History) -> Iterator[Finding]:
        """At most one finding; none where the loss is no number, which is divergence."""
        reference, reached = float(history["reference_loss"][0]), last_epoch(history)
        if not (np.isfinite(reached) and reference > 0 and reached >= self.share * reference):
            return
        step = int(history.steps("loss")[-1])
        yield Finding(
            "no_progress",
            "warning",
            f"After {step + 1} steps the loss is {reached:.4g}. A network that ignores its inputs and always gives the "
            f"best constant answer has {reference:.4g}: this one is no better.",
            (),
            step,
            {"loss": reached, "reference_loss": reference, "threshold": self.share},
            tuple(_causes(history, reached / reference)),
        )


def last_epoch(history: History) -> float:
    """The mean loss of the last epoch, or of the last tenth of the records where epochs were not recorded."""
    if "train_loss" in history:
        return float(history["train_loss"][-1])
    loss = history["loss"]
    return float(loss[-max(1, len(loss) // 10) :].mean())


def _causes(history: History, excess: float) -> Iterator[Cause]:
    """What the numbers speak for, then what they cannot tell."""
    yield from _of_updates(history, excess)
    yield from _of_weights(history)
    yield from _of_gradients(history)
    if "target_std" in history and float(history["target_std"][0].max()) > 100:
        yield Cause("unscaled_targets", "the targets are far larger than outputs", "divide them by their deviation")
    yield Cause("too_few_epochs", "the run may have been too short", "training.epochs × 5")
    yield Cause("uninformative_labels", "the inputs may say nothing of the targets", "check that rows and labels match")


def _of_updates(history: History, excess: float) -> Iterator[Cause]:
    """Steps that are nothing, too short or too long for the weights they move."""
    if "update_norm" not in history or "param_norm" not in history:
        return
    params = history["param_norm"]
    ratio = float(np.median(history["update_norm"] / np.where(params > 0, params, 1.0)))
    moved = f"a typical update moves the weights by {ratio:.1g} of their size"
    if ratio == 0:
        yield Cause("frozen_layer", "no update moved any weight", "frozen = []")
    elif ratio < 1e-5:
        yield Cause("learning_rate_too_low", moved, "a learning rate a hundred times higher")
    elif ratio > 0.1 or excess > 2:
        yield Cause(
            "learning_rate_too_high", f"{moved}, and the loss is {excess:.2g} times the reference", "a tenth of it"
        )


def _of_weights(history: History) -> Iterator[Cause]:
    """Weights that a penalty has taken away."""
    if "param_norm" not in history or "initial_param_norm_by_layer" not in history:
        return
    left = float(history["param_norm"][-1] / np.linalg.norm(history["initial_param_norm_by_layer"][0]))
    if left < 0.1:
        yield Cause("weight_decay_too_high", f"the weights shrank to {left:.1g} of what they were", "l2 = 1e-4")


def _of_gradients(history: History) -> Iterator[Cause]:
    """A first layer that no gradient reaches."""
    if "initial_grad_norm_by_layer" not in history:
        return
    norms = history["initial_grad_norm_by_layer"][0]
    if len(norms) > 2 and norms[0] < 1e-3 * norms[-1]:
        why = f"the first layer's gradient begins at {norms[0] / norms[-1]:.1g} of the last's"
        yield Cause("saturating_activations", why, 'activation = "relu", or batch_norm = true')
