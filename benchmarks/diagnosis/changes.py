"""What can be done to a case: other weights, other rules, other rows.

A change is a function from case to case; those with an argument are made by a function of it. Faults and look-alikes
are chains of them. What a change draws comes from the case's own seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from case import SGD, Case, Change, changed, having
from data_sets import HELD_OUT

from mlp import data


def normal(std: float) -> Change:
    """First weights from N(0, std²)."""
    return having(network={"init": {"name": "normal", "std": std}})


def layers(activation: str, *hidden: int) -> Change:
    """Hidden layers of these widths."""
    return having(network={"activation": activation, "hidden": list(hidden)})


def rule(name: str, learning_rate: float, **own: float) -> Change:
    """Another rule."""
    return having(optimizer={"name": name, "learning_rate": learning_rate, **own})


def all_of(*each: Change) -> Change:
    """Several as one."""
    return lambda case: changed(case, each)


def among(name: str, *choices: Change) -> Change:
    """One of several changes, by the case's seed."""
    return lambda case: choices[int(case.rng(name).integers(len(choices)))](case)


UNSCALED = having(data={"scale": "none"})
SGD_RULE = having(optimizer=SGD)


Affine = tuple[np.ndarray | float, np.ndarray | float]
"""A factor and an offset for each column."""


def inputs(fit: Callable[[np.ndarray], Affine]) -> Change:
    """Inputs times a factor plus an offset, those held out likewise: how a feature is measured, not an error in a row.

    `fit` finds both from the rows that the run gets.
    """

    def change(case: Case) -> Case:
        factor, offset = fit(case.X)
        return replace(case, X=case.X * factor + offset, X_held=case.X_held * factor + offset)

    return change


def targets(factor: float, offset: float = 0.0) -> Change:
    """Likewise targets."""
    return lambda case: replace(case, y=case.y * factor + offset, y_held=case.y_held * factor + offset)


def standard(X: np.ndarray) -> Affine:
    """Mean 0 and deviation 1."""
    factor = 1 / np.where(X.std(0) > 0, X.std(0), 1)
    return factor, -X.mean(0) * factor


def spread_over(width: float) -> Callable[[np.ndarray], Affine]:
    """From 0 to `width`."""

    def fit(X: np.ndarray) -> Affine:
        span = np.ptp(X, axis=0)
        factor = width / np.where(span > 0, span, 1)
        return factor, -X.min(0) * factor

    return fit


def mixed(X: np.ndarray) -> Affine:
    """Features in units from 1 to 10⁴."""
    factor, offset = standard(X)
    units = np.logspace(0, 4, X.shape[1])
    return factor * units, offset * units


def far(X: np.ndarray) -> Affine:
    """Deviation 1 around 100."""
    factor, offset = standard(X)
    return factor, offset + 100


def shuffled(case: Case) -> Case:
    """Targets that belong to other rows."""
    return replace(case, y=case.rng("shuffled").permutation(case.y))


def off_by_one(case: Case) -> Case:
    """Targets that belong to the row before, the rows being in no order."""
    return replace(case, y=np.roll(case.y, 1))


def outliers(share: float, factor: float) -> Change:
    """Some cells of the inputs far too large: a missing decimal point."""

    def change(case: Case) -> Case:
        hit = case.rng("outliers").random(case.X.shape) < share
        return replace(case, X=np.where(hit, factor * (case.X + 1), case.X))

    return change


def target_outliers(share: float, factor: float) -> Change:
    """Likewise some targets."""

    def change(case: Case) -> Case:
        hit = case.rng("outliers").random(len(case.y)) < share
        return replace(case, y=np.where(hit, factor * (case.y + 1), case.y))

    return change


def noisy(share: float) -> Change:
    """A share of the targets replaced by those of other rows."""

    def change(case: Case) -> Case:
        rng = case.rng("noisy")
        hit = rng.random(len(case.y)) < share
        return replace(case, y=np.where(hit, rng.permutation(case.y), case.y))

    return change


def numbers_noisy(deviation: float) -> Change:
    """Normal noise on numbers of deviation 1."""
    return lambda case: replace(case, y=case.y + deviation * case.rng("noise").standard_normal(len(case.y)))


def contradictory(case: Case) -> Case:
    """Three rows for each of a third of the inputs, two of them with targets of other rows."""
    rng = case.rng("contradictory")
    kept = rng.permutation(len(case.X))[: len(case.X) // 3]
    y = np.concatenate([case.y[kept], rng.permutation(case.y[kept]), rng.permutation(case.y[kept])])
    return replace(case, X=np.tile(case.X[kept], (3, 1)), y=y)


def meaningless(case: Case) -> Case:
    """Inputs that are pure noise."""
    return replace(case, X=case.rng("meaningless").standard_normal(case.X.shape))


def constant_columns(share: float) -> Change:
    """The columns with most spread hold one number, a share of all of them."""

    def change(case: Case) -> Case:
        n_lost = max(1, round(share * case.X.shape[1]))
        lost = np.argsort(-case.X.std(0))[:n_lost]
        X, X_held = case.X.copy(), case.X_held.copy()
        X[:, lost] = X_held[:, lost] = 1.0
        return replace(case, X=X, X_held=X_held)

    return change


def imbalanced(case: Case) -> Case:
    """Class 0 left with one row in a hundred, three at least."""
    rare = np.flatnonzero(case.y == 0)
    n_rare = max(3, round(0.01 * (len(case.y) - len(rare))))
    kept = np.sort(np.concatenate([np.flatnonzero(case.y != 0), rare[:n_rare]]))
    return replace(case, X=case.X[kept], y=case.y[kept])


def few_rows(n: int) -> Change:
    """Only n rows to train on; as many again to validate on."""

    def change(case: Case) -> Case:
        kept = case.rng("few").permutation(len(case.X))[: 2 * n]
        return having(data={"validation": 0.5})(replace(case, X=case.X[kept], y=case.y[kept]))

    return change


def by_class(case: Case) -> Case:
    """Rows sorted by target."""
    order = np.argsort(case.y, kind="stable")
    return replace(case, X=case.X[order], y=case.y[order])


def parity(n_bits: int) -> Change:
    """Random rows of bits, the class whether an odd number is set."""

    def change(case: Case) -> Case:
        rng = case.rng("parity")
        X = rng.integers(0, 2, (len(case.X) + HELD_OUT, n_bits)).astype(float)
        y, n = X.astype(int).sum(1) % 2, len(case.X)
        return replace(case, X=X[:n], y=y[:n], X_held=X[n:], y_held=y[n:])

    return change


def xor(case: Case) -> Case:
    """The four rows of exclusive or, all of them to train and to score on."""
    X, y = data.synthetic.xor().X, data.synthetic.xor().y
    start = having(data={"validation": 0.0, "test": 0.0}, training={"batch_size": "full", "epochs": 1500})
    return start(replace(case, X=X, y=y, X_held=X, y_held=y))


def some_frozen(case: Case) -> Case:
    """All hidden layers frozen, as in a network whose head alone is to be tuned."""
    return having(network={"frozen": [f"dense{i + 1}" for i in range(len(case.hidden))]})(case)


def all_frozen(case: Case) -> Case:
    """Nothing may move."""
    return having(network={"frozen": [f"dense{i + 1}" for i in range(len(case.hidden) + 1)]})(case)
