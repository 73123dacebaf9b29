"""Twelve public tables with our defaults, beside scikit-learn's usual pipeline; prints Markdown.

    python benchmarks/tables.py [--data FOLDER] [--parts 1] [--seeds 3] [NAME ...]

The tables: adult (texts and missing cells), letter, breast cancer (missing cells), and of Proben1's other sets the nine
with the most rows to test on. Rows to train on and to test on are those of Proben1's first permutation, training and
validation rows together, or with `--parts 3` those of all three; of breast cancer as many draws; adult and letter have
one official part, and are trained from one seed. All models meet the same parts. A score is accuracy, or r² for
numbers: the mean over the seeds, and of several parts the median.

Ours is an estimator with its defaults, and `missing="impute", unseen="ignore"` where the message names them.
scikit-learn's is the best on the *test* rows of MLP, logistic regression or ridge, and histogram boosting, each with
defaults behind SimpleImputer, OneHotEncoder and StandardScaler: a choice that nobody can make, and that favours it.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import mlp

PROBEN1 = ("mushroom", "thyroid", "building", "gene", "flare", "heart", "hearta", "diabetes", "card")
NAMES = ("adult", "letter", "cancer", *PROBEN1)
LARGE = ("adult", "letter")
"""They have one official part, with thousands of rows to test on."""


class Table(NamedTuple):
    """Rows to train and to test on, and whether numbers are to be predicted."""

    X: Any
    y: Any
    X_test: Any
    y_test: Any
    numbers: bool = False


def load(folder: Path, name: str, part: int = 0) -> Table:
    """A table by its name, parted in one of several ways."""
    if name == "adult":
        return load_adult(folder)
    if name == "letter":
        d = np.load(folder / "letter.npz")
        return Table(d["X_train"], d["y_train"], d["X_test"], d["y_test"])
    if name == "cancer":
        d = np.load(folder / "breast_cancer_wisconsin_original.npz")
        order = np.random.default_rng(part).permutation(len(d["y"]))
        train, test = order[:525], order[525:]
        return Table(d["X"][train], d["y"][train], d["X"][test], d["y"][test])
    d = np.load(folder / "proben1" / f"{name}{part + 1}.npz")
    numbers = "y_train" not in d
    key = "T" if numbers else "y"
    X, y = (np.concatenate([d[f"{k}_train"], d[f"{k}_valid"]]) for k in ("X", key))
    y, y_test = (
        values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values for values in (y, d[f"{key}_test"])
    )
    return Table(X, y, d["X_test"], y_test, numbers)


def load_adult(folder: Path) -> Table:
    """Adult as a frame of numbers and texts, None where a cell is missing."""
    d = np.load(folder / "adult.npz")

    def frame(X: Any) -> pd.DataFrame:
        columns = {}
        for j, name in enumerate(d["feature_names"].tolist()):
            if d["categorical"][j]:
                texts = d[f"categories_{name.replace('-', '_').replace('.', '_')}"]
                columns[name] = [None if code < 0 else str(texts[code]) for code in X[:, j]]
            else:
                columns[name] = X[:, j]
        return pd.DataFrame(columns)

    return Table(frame(d["X_train"]), d["y_train"], frame(d["X_test"]), d["y_test"])


def ours(table: Table, seed: int) -> Any:
    """An estimator of ours with its defaults."""
    kind = mlp.MLPRegressor if table.numbers else mlp.MLPClassifier
    return kind(missing="impute", unseen="ignore", random_state=seed)


def theirs(table: Table, seed: int) -> Iterator[tuple[str, Any]]:
    """Their estimators behind the usual pipeline."""
    if table.numbers:
        boosting: Any = HistGradientBoostingRegressor(random_state=seed)
        boosting = MultiOutputRegressor(boosting) if np.ndim(table.y) == 2 else boosting
        known = {"MLP": MLPRegressor(random_state=seed), "ridge": Ridge(), "boosting": boosting}
    else:
        known = {
            "MLP": MLPClassifier(random_state=seed),
            "logistic": LogisticRegression(max_iter=1000),
            "boosting": HistGradientBoostingClassifier(random_state=seed),
        }
    for name, model in known.items():
        yield name, make_pipeline(usual_pipeline(table), model)


def usual_pipeline(table: Table) -> Any:
    """Missing cells filled, texts one-hot, numbers standardised."""
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    if not isinstance(table.X, pd.DataFrame):
        return numbers
    texts = make_pipeline(
        SimpleImputer(strategy="most_frequent", missing_values=np.nan),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")), (texts, make_column_selector(dtype_exclude="number"))
    )


def score(model: Any, table: Table) -> float:
    """Accuracy or r² on the test rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(model.fit(table.X, table.y).score(table.X_test, table.y_test))


def compare(folder: Path, name: str, n_parts: int, n_seeds: int) -> str:
    """A row of the table."""
    own, scores, seconds = [], dict[str, list[float]](), []
    for part in range(1 if name in LARGE else n_parts):
        table, seeds = load(folder, name, part), range(1 if name in LARGE else n_seeds)
        start = time.process_time()
        own.append(np.mean([score(ours(table, part + seed), table) for seed in seeds]))
        seconds.append((time.process_time() - start) / len(seeds))
        for kind in dict(theirs(table, 0)):
            found = [score(dict(theirs(table, part + seed))[kind], table) for seed in seeds]
            scores.setdefault("linear" if kind in ("ridge", "logistic") else kind, []).append(float(np.mean(found)))
    mine, medians = np.median(own), {kind: np.median(values) for kind, values in scores.items()}
    best = max(medians, key=lambda kind: medians[kind])
    what, limit = ("r²", 0.02) if table.numbers else ("accuracy", 0.01)
    shown = " | ".join(f"{medians[kind]:.3f}" for kind in ("MLP", "linear", "boosting"))
    within = "yes" if mine >= medians[best] - limit - 1e-9 else "no"
    return (
        f"| {name} | {what} | {len(table.X_test)} | {mine:.3f} | {shown} | {best} | {mine - medians[best]:+.3f} | "
        f"{within} | {np.median(seconds):.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=NAMES)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    print("| table | score | test rows | ours | MLP | linear | boosting | best of theirs | difference | within | s |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name in given.names:
        print(compare(given.data, name, given.parts, given.seeds), flush=True)


if __name__ == "__main__":
    main()
