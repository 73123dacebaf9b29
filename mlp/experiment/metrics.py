"""How good the answers are.

Raw outputs come with a leading population, if any, as (*population, n, n_out); every metric keeps it. Knows arrays
only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.backprop import predict
from mlp.experiment.build import Head
from mlp.experiment.prepare import Part
from mlp.network import Network


def quiet() -> np.errstate:
    """Numbers that overflow, or are none, are a finding or a metric; NumPy need not warn of them as well."""
    return np.errstate(over="ignore", invalid="ignore", divide="ignore")


def raw_outputs(network: Network, part: Part) -> Array:
    """(*population, n, n_out)."""
    return np.concatenate([predict(network, block) for block in part.blocks(network.dtype)], axis=-2)


def evaluate(network: Network, head: Head, task: str, part: Part) -> dict[str, Any]:
    """Loss, and accuracy for classes or r2 and rmse for numbers; (*population,) each. Rows count by their weights."""
    return judged(head, task, raw_outputs(network, part), part)


def judged(head: Head, task: str, raw: Array, part: Part) -> dict[str, Any]:
    """The same of raw outputs (*population, n, n_out)."""
    found = {"loss": _loss(head, raw, part.y, part.weights)}
    if task == "regression":
        return found | regression(values(head, raw), part.y, part.weights)
    right = decide(head, task, raw) == part.y
    right = right.all(-1) if task == "multilabel" else right
    return found | {"accuracy": (right * counts(part.weights)).mean(-1)}


def counts(weights: Array | None) -> Any:
    """What rows of these weights count, 1 on average; 1 where there are none."""
    return 1 if weights is None else weights / weights.mean()


def _loss(head: Head, raw: Array, y: Array, weights: Array | None) -> Any:
    return head.loss.value(raw.swapaxes(-1, -2), target(head, y, raw.dtype).T, weights)


def target(head: Head, y: Array, dtype: Any) -> Array:
    """Codes or values as the loss takes them: labels (n,), or values (n,) or (n, n_out), scaled where the head is."""
    if head.targets is not None:
        return head.targets.apply(y.reshape(len(y), -1), dtype).reshape(y.shape)
    if head.labels:
        return y.astype(np.intp)
    if y.dtype.kind in "iu" and head.n_out > 1:
        return np.eye(head.n_out, dtype=dtype)[y]
    return y.astype(dtype)


def values(head: Head, raw: Array) -> Array:
    """The numbers that raw outputs stand for, in the units of the targets as they were given."""
    found = head.loss.predict(raw.swapaxes(-1, -2)).swapaxes(-1, -2)
    return found if head.targets is None else head.targets.undo(found)


def decide(head: Head, task: str, raw: Array) -> Array:
    """What the network answers: class codes (*population, n), or 0 and 1 for each label (*population, n, k)."""
    if task == "multilabel":
        return (raw > head.threshold).astype(np.int64)
    if head.n_out == 1:
        return (raw[..., 0] > head.threshold).astype(np.int64)
    return np.asarray(raw.argmax(-1))


def recall(network: Network, head: Head, n_classes: int, part: Part) -> Array:
    """The share of each class's rows that is found, (*population, n_classes); 1 for a class without rows."""
    right = decide(head, "classification", raw_outputs(network, part)) == part.y
    of = np.eye(n_classes)[part.y] * np.reshape(counts(part.weights), (-1, 1))
    return np.asarray((right @ of + 1e-12) / (of.sum(0) + 1e-12))


def probabilities(head: Head, task: str, raw: Array) -> Array | None:
    """A probability for each class (*population, n, n_classes) or label; None where the outputs are only scores."""
    if not head.certain:
        return None
    p = head.loss.predict(raw.swapaxes(-1, -2)).swapaxes(-1, -2)
    if task == "multilabel":
        return p
    if head.n_out == 1:
        return np.concatenate([1 - p, p], axis=-1)
    total = p.sum(-1, keepdims=True)
    return np.asarray(p / np.where(total > 0, total, 1))


def regression(answers: Array, y: Array, weights: Array | None = None) -> dict[str, Any]:
    """r² (mean over outputs; 0 for answers no better than the mean) and the root of the mean squared error.

    Of several outputs the root is that of the mean over all; scikit-learn takes one for each output, then the mean.
    Rows count by their `weights` (n,), if there are any.
    """
    truth, each = y.reshape(len(y), -1).astype(np.float64), np.reshape(counts(weights), (-1, 1))
    squares = np.square(answers - truth) * each
    spread = (np.square(truth - (truth * each).mean(0)) * each).sum(0)
    missed = squares.sum(-2)
    r2 = np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1), (missed == 0) * 1.0)
    return {"r2": r2.mean(-1), "rmse": np.sqrt(squares.mean((-2, -1)))}


def named(part: str, values: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """("validation_loss", 0.1), ...: as plain numbers."""
    for name, value in values.items():
        yield f"{part}_{name}", float(value)


def weights(part: Part, class_weight: str | Array | None) -> Array | None:
    """What each row counts in training, (n,); None where all count the same.

    `class_weight`: "balanced", or a number for each class (n_classes,), or anything else for none.
    """
    if isinstance(class_weight, np.ndarray):
        factors = class_weight[part.y]
        return factors if part.weights is None else part.weights * factors
    return balanced(part.y, part.weights) if class_weight == "balanced" else part.weights


def balanced(y: Array, weights: Array | None = None) -> Array:
    """N / (n_classes · n_c) for a row of class c: every class weighs the same in sum, and the mean weight is 1.

    With `weights` (n,) those of a row of class c times W / (n_classes · W_c), W being their sums.
    """
    if weights is None:
        counts = np.bincount(y)
        return np.asarray(len(y) / (np.count_nonzero(counts) * counts[y]))
    sums = np.bincount(y, weights)
    return np.asarray(weights * weights.sum() / (np.count_nonzero(sums) * sums[y]))
