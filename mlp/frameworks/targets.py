"""What the targets of a PyTorch loop are, and what the best constant answer to them costs by the loop's own loss.

The loss itself is asked, with its weights, its smoothing and its reduction: on the targets that were kept it is given
one answer for all rows. Which answers are worth asking is known for the losses named here. Of others, written by the
user, it is only known where targets are class labels and outputs are one for each class.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array

CLASSES = {"CrossEntropyLoss", "NLLLoss", "cross_entropy", "nll_loss"}
PROBABILITIES = {"BCELoss", "binary_cross_entropy"}
LOGITS = {"BCEWithLogitsLoss", "binary_cross_entropy_with_logits"}
COUNTS = {"PoissonNLLLoss", "poisson_nll_loss"}
NUMBERS = {
    "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss", "mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss",
}  # fmt: skip
MARGINS = {"MultiMarginLoss", "multi_margin_loss"}
KNOWN = {*CLASSES, *PROBABILITIES, *LOGITS, *COUNTS, *NUMBERS}
SQUASHING = {"CrossEntropyLoss", "cross_entropy", *LOGITS}
"""Losses that take raw outputs and have a softmax or a sigmoid of their own."""
TINY = 1e-12


def name_loss(loss: Any) -> str:
    """What a loss is called: the class of a module, the name of a function."""
    return str(getattr(loss, "__name__", type(loss).__name__))


def find_task(loss_name: str, target: Array, n_out: int = 0) -> str:
    """The task: "classification", "multilabel" or "regression"; "" where the targets do not say."""
    if loss_name in CLASSES or is_of_labels(loss_name, target, n_out):
        return "classification" if target.ndim == 1 and target.dtype.kind in "iu" else ""
    if loss_name in PROBABILITIES | LOGITS:
        if not np.isin(target, (0, 1)).all():
            return ""
        return "multilabel" if target.ndim > 1 and target.shape[1] > 1 else "classification"
    return "regression" if loss_name in NUMBERS | COUNTS and target.size else ""


def is_of_labels(loss_name: str, target: Any, n_out: int) -> bool:
    """Whether a loss that is not known is given class labels (n,), and outputs (n, n_out) one for each class."""
    if loss_name in KNOWN | MARGINS or target.ndim != 1 or n_out < 2 or not len(target):
        return False
    is_whole = not (target.is_floating_point() if hasattr(target, "is_floating_point") else target.dtype.kind == "f")
    return bool(is_whole and target.min() >= 0 and target.max() < n_out)


def decide(loss: Any, outputs: Array, target: Array) -> Array:
    """The answers that outputs (n, n_out) stand for, shaped as the targets: classes, or numbers."""
    loss_name = name_loss(loss)
    if loss_name in COUNTS and getattr(loss, "log_input", True):
        outputs = np.exp(outputs)
    if loss_name in CLASSES or is_of_labels(loss_name, target, outputs.shape[-1] if outputs.ndim > 1 else 1):
        return np.asarray(outputs.argmax(1))
    if loss_name in PROBABILITIES | LOGITS:
        return np.asarray(outputs > (0.5 if loss_name in PROBABILITIES else 0.0)).reshape(target.shape)
    return outputs.reshape(target.shape) if outputs.size == target.size else outputs


def best_constant_loss(loss: Any, target: Any, n_out: int) -> float | None:
    """The loss of the best answer that is the same for all rows; None for a loss that is not known.

    `target`: a tensor of kept targets, one row each. The lowest of a few answers: where no formula is exact (weights,
    smoothing, Huber) what it leaves is looked for nearby.
    """
    name = name_loss(loss)
    is_foreign = is_of_labels(name, target, n_out)
    if not len(target) or not (name in KNOWN or is_foreign):
        return None
    best, value = None, np.inf
    for answer in _candidates(name, loss, target.detach().cpu().double().numpy(), n_out):
        found = _ask(loss, answer, target)
        if found is not None and found < value:
            best, value = answer, found
    if best is None:
        return None
    return value if is_foreign or name in ("NLLLoss", "nll_loss") else _descend(loss, best, target, value)


def _candidates(name: str, loss: Any, target: Array, n_out: int) -> list[Array]:
    """Answers (n_out,) that are best for some loss."""
    if name in CLASSES or name not in KNOWN:
        if target.ndim == 1:
            labels = target.astype(int)
            counts = np.bincount(labels[(labels >= 0) & (labels < n_out)], minlength=n_out).astype(float)
        else:
            counts = target.reshape(len(target), -1)[:, :n_out].sum(0)
        weight = getattr(loss, "weight", None)
        weighted = counts if weight is None else counts * weight.detach().cpu().double().numpy()
        return [np.log(np.maximum(c / max(c.sum(), TINY), TINY)) for c in (counts, weighted)]
    values = target.reshape(len(target), -1)
    mean = values.mean(0)
    share = np.clip(mean, 1e-7, 1 - 1e-7)
    if name in PROBABILITIES:
        return [share]
    if name in LOGITS:
        return [np.log(share / (1 - share))]
    if name in COUNTS:
        return [np.log(np.maximum(mean, TINY)), np.maximum(mean, TINY)]
    return [mean, np.median(values, 0)]


def _ask(loss: Any, answer: Array, target: Any) -> float | None:
    """The loss of one answer for all rows, a mean over rows; None where it cannot be had."""
    rows = (len(target), len(answer)) if target.dim() == 1 and len(answer) > 1 else None
    try:
        given = target.new_tensor(answer, dtype=_float_of(target))
        outputs = given.expand(*rows) if rows else given.reshape(-1).expand(len(target), -1).reshape(target.shape)
        found = float(loss(outputs, target).mean())
    except Exception:  # of others: what they raise is theirs
        return None
    if getattr(loss, "reduction", "mean") == "sum":
        found /= len(target)
    return found if np.isfinite(found) else None


def _float_of(target: Any) -> Any:
    """float32, or the dtype of targets that are such numbers."""
    return target.dtype if target.is_floating_point() else target.new_zeros(1).float().dtype


def _descend(loss: Any, answer: Array, target: Any, value: float) -> float:
    """Look nearby for a lower loss, one output after another, with steps that shrink. Losses here are convex."""
    size = 0.1 * (1 + np.abs(answer).max())
    for _ in range(12 if len(answer) <= 16 else 0):
        before = value
        for i in range(len(answer)):
            for sign in (1.0, -1.0):
                trial = answer.copy()
                trial[i] += sign * size
                found = _ask(loss, trial, target)
                if found is not None and found < value:
                    answer, value = trial, found
                    break
        if before - value < 1e-6 * abs(value):
            size /= 3
    return value
