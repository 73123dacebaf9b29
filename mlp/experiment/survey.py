"""What is known before the first step.

Measures the data as the network will see it, the weights as they start, and one dry pass forward and backward. All of
it goes into the history, as columns with one record each, so that whoever judges a run reads nothing but a history.
Nothing is trained or changed, and nothing is drawn from the run's generators.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.backprop import value_and_grad
from mlp.data.batches import Batch, as_batch
from mlp.data.blocks import row_blocks
from mlp.data.scale import is_constant
from mlp.experiment import metrics
from mlp.experiment.build import Head
from mlp.experiment.prepare import BLOCK, Part, Preprocessing
from mlp.history import History
from mlp.instruments import CHECKS, DETAILED, START
from mlp.losses import SigmoidCrossEntropy
from mlp.network import Network, Workspace
from mlp.objective import Objective
from mlp.training import Step

DRY = 512  # rows of the dry pass: enough for a profile by layer, cheap beside one epoch
SCAN = 5 * BLOCK  # rows that are looked through for constant columns and contradictions


def survey(
    history: History, network: Network, head: Head, part: Part, about: Preprocessing, weights: Array | None = None
) -> None:
    """Write to `history` what is known of the data, the start and the first pass.

    `weights` (n,): what each row of the part counts in the loss, and so in that of a constant answer. Means, deviations
    and counts of rows go by `part.weights` alone, which do not know classes.
    """
    X = np.concatenate(list(islice(part.blocks(network.dtype), SCAN // BLOCK)))
    y, weights = part.y[: len(X)], None if weights is None else weights[: len(X)]
    counts = None if part.weights is None else part.weights[: len(X)] / part.weights[: len(X)].mean()
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what is no number is judged, not warned of
        target = metrics.target(head, y, np.dtype(np.float64))
        note(history, "scanned_rows", len(X))
        _data(history, X, y, target, about, counts)
        note(history, "reference_loss", reference_loss(head, target, weights))
        if not head.labels and not isinstance(head.loss, SigmoidCrossEntropy) and y.dtype.kind in "iu":
            note(history, "classes_as_numbers", 1.0)
        some = None if weights is None else weights[:DRY]
        batch = as_batch(X[:DRY], metrics.target(head, y[:DRY], network.dtype), some, dtype=network.dtype)
        note(history, "dry_rows", len(X[:DRY]))
        _dry_pass(history, network, head, batch)


def note(history: History, name: str, value: Any, labels: Sequence[str] = ()) -> None:
    """A column with one record, at step 0, in the place of an earlier one."""
    numbers = np.asarray(value, float)
    if not numbers.size:
        return
    column = history.column(name, numbers.shape, "", tuple(labels))
    column.shared = True
    del column.values[:], column.steps[:]
    column.values.extend(numbers.ravel().tolist())
    column.steps.append(0)


def _data(
    history: History, X: Array, y: Array, target: Array, about: Preprocessing, counts: Array | None = None
) -> None:
    """Inputs by feature, targets as the network is to give them, and rows that say two things at once.

    `counts` (n,) is what each row counts, 1 on average; None: all the same.
    """
    mean, spread = _moments(X, counts)
    known = about.scaling.constant  # scaled, they are what rounding left
    spread[is_constant(spread, mean, X.dtype) | (False if known is None else known)] = 0
    note(history, "input_mean", mean, about.feature_names)
    note(history, "input_std", spread, about.feature_names)
    note(history, "input_tail", np.median(tail(X[:DRY], spread)))
    note(history, "contradictory_rows", contradictory(X, y))
    if about.task != "regression":
        note(history, "n_classes", about.n_targets)
        _, patterns = np.unique(y, axis=0, return_inverse=True)
        note(history, "guess_accuracy", np.bincount(patterns.ravel(), counts).max() / len(y))
    if about.task == "classification":
        note(history, "class_counts", np.bincount(y, counts, minlength=about.n_targets), about.class_names or ())
    else:
        for name, value in zip(("target_mean", "target_std"), _moments(target, counts), strict=True):
            note(history, name, value)
    if about.task == "regression":
        note(history, "target_tail", tail(y.reshape(len(y), -1), np.std(y, 0)).max())


def _moments(values: Array, counts: Array | None) -> tuple[Array, Array]:
    """Mean and deviation of each column, in float64."""
    if counts is None:
        return values.mean(0, dtype=np.float64), values.std(0, dtype=np.float64)
    mean = counts @ values / len(values)
    return mean, np.sqrt(counts @ np.square(values - mean) / len(values))


def tail(X: Array, spread: Array) -> Array:
    """By column: its deviation `spread` over that of the middle two thirds of the rows X; 1 for normal numbers.

    1 too where the middle does not vary but for rounding: a pixel that is seldom lit has no outliers.
    """
    low, high = np.quantile(X, (0.159, 0.841), axis=0)
    varies = (spread > 0) & ~is_constant(high - low, low, X.dtype)
    return np.asarray(np.where(varies, spread / np.where(varies, (high - low) / 2, 1), 1.0))


def contradictory(X: Array, y: Array) -> float:
    """The share of rows whose inputs stand elsewhere with another target.

    >>> contradictory(np.array([[1.0], [1.0], [2.0]]), np.array([0, 1, 1]))
    0.6666666666666666
    """
    _, group = np.unique(_fingerprints(X), return_inverse=True)
    targets = np.unique(y.reshape(len(y), -1), axis=0, return_inverse=True)[1].ravel()
    pairs = np.unique(np.stack([group, targets]), axis=1)
    answers = np.bincount(pairs[0])
    return float((answers[group] > 1).mean())


def _fingerprints(X: Array) -> Array:
    """A whole number for each row, the same for equal rows only: a random sum of its bits, modulo 2⁶⁴.

    Whole numbers, because a floating-point product may round equal rows differently, depending on where they stand.
    """
    factors = np.random.default_rng(0).integers(1, 2**63, X.shape[1], dtype=np.uint64)
    blocks = (np.asarray(X[part], np.float64) + 0.0 for part in row_blocks(*X.shape))  # -0.0 is 0.0
    return np.concatenate([_mixed(block.view(np.uint64)) @ factors for block in blocks])


def _mixed(bits: Array) -> Array:
    """Every bit on many others. 1 and -1 differ in their highest bit alone, of which a product keeps only parity."""
    return np.asarray(bits ^ (bits >> np.uint64(29)) ^ (bits >> np.uint64(53)))


def reference_loss(head: Head, target: Array, weights: Array | None = None) -> float:
    """The loss of a network that ignores its inputs: the best of a few constant answers.

    Mean, median and quantile of the targets are best for the losses of numbers; their logarithms and log-odds for those
    of counts and classes. For losses in between (Huber, focal) the best of them is close, and never too low. `weights`
    (n,) are those of the loss.
    """
    width = head.n_out
    values = np.eye(width)[target] if head.labels else target.reshape(len(target), -1).astype(np.float64)
    mean = values.mean(0) if weights is None else np.average(values, 0, weights)
    share = np.clip(mean, 1e-12, 1 - 1e-12)
    quantile = getattr(head.loss, "quantile", 0.5)
    candidates = [
        mean,
        _quantile(values, quantile, weights),
        np.log(np.maximum(mean, 1e-12)),
        np.log(share / (1 - share)),
    ]
    answers = [np.repeat(candidate[:, None], len(target), axis=1) for candidate in candidates]
    return min(float(head.loss.value(answer, target.T, weights)) for answer in answers)


def _quantile(values: Array, share: float, weights: Array | None) -> Array:
    """Of each column; with weights the first value that they, added up, reach it at."""
    if weights is None:
        return np.asarray(np.quantile(values, share, axis=0))
    return np.asarray(np.quantile(values, share, axis=0, weights=weights, method="inverted_cdf"))


def _dry_pass(history: History, network: Network, head: Head, batch: Batch) -> None:
    """Loss, and by layer gradient, gain, activations, saturated and dead units, before anything has moved."""
    own = network.member(0) if network.population else network
    first = own.at(own.params)  # with statistics of its own, and below a generator of its own
    first.rng = np.random.default_rng(0)
    workspace = Workspace(first, batch.x.n_samples)
    value = value_and_grad(first, head.loss, batch, workspace)
    step = Step(0, 0, batch, value, first, workspace, np.zeros_like(first.params), None, Objective(first, head.loss))
    note(history, "initial_loss", value)
    for instrument in (*START, *CHECKS):
        labels = instrument.labels(step) if instrument.labels else ()
        if (labels or not instrument.labels) and (found := instrument.read(step)) is not None:
            note(history, instrument.name, found, labels)
    for instrument in DETAILED:
        labels = instrument.labels(step) if instrument.labels else ()
        if labels and instrument.measure and instrument.period and not instrument.name.startswith("update"):
            note(history, f"initial_{instrument.name}", instrument.read(step), labels)
