"""Small tables: which runs are alarmed that are as good as so few rows allow, and which are found that are not.

    python benchmarks/diagnosis/small_tables.py FOLDER [--seeds 1000,1100] [--rows 60,100] [--kinds ring,...]
    python benchmarks/diagnosis/small_tables.py FOLDER --rejudge

Every table is drawn anew: its kind, 2 to 12 columns, how even its classes are, and up to 20 % of wrong labels. Two runs
learn it, an experiment with nothing but defaults and an estimator. On 20,000 fresh rows the *reference* is the best of
some candidates that learned the same rows: logistic or ridge regression, and a regularised network. A run is *healthy*
if its fresh score is within 3 points of the reference or of the best answer there is, which the table knows, and if
the best answer there is says clearly more than a constant. Such a run that is more than 10 points better in training is
counted apart: it has memorised rows, if without harm. FOLDER keeps the histories.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is imported

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "programs"))

from score import share

import mlp
from mlp.arrays import Array

FRESH, NEAR, GAP, LEARNABLE, HARM = 20_000, 0.03, 0.1, 0.05, 0.07
ROWS = (60, 70, 80, 100, 150, 200, 500)
NOISE = (0.0, 0.05, 0.1, 0.2)
Rows = tuple[Array, Array]


class Table(NamedTuple):
    """`draw(n)` gives rows, `answer(X)` the best answers to them. `causes` name its fault; () where it has none."""

    draw: Callable[[int], Rows]
    answer: Callable[[Array], Array]
    sections: dict[str, Any]
    causes: tuple[str, ...] = ()
    settings: Mapping[str, Any] = MappingProxyType({})


def noisy(rng: np.random.Generator, y: Array, share: float, n_classes: int = 2) -> Array:
    wrong = rng.random(len(y)) < share
    return np.where(wrong, (y + rng.integers(1, n_classes, len(y))) % n_classes, y)


def by_density(
    rng: np.random.Generator, centres: Array, of: Array, chances: Array, wrong: float, spread: float
) -> Table:
    """Clouds around `centres` (k, d), each of the class `of` (k,)."""
    n_classes = int(of.max()) + 1

    def draw(n: int) -> Rows:
        cloud = rng.choice(len(centres), n, p=chances)
        return centres[cloud] + spread * rng.normal(size=(n, centres.shape[1])), noisy(rng, of[cloud], wrong, n_classes)

    def answer(X: Array) -> Array:
        density = np.exp(-np.square(X[:, None] - centres).sum(-1) / 2 / spread**2) * chances
        return np.stack([density[:, of == c].sum(1) for c in range(n_classes)]).argmax(0)

    return Table(draw, answer, {})


def logistic(rng: np.random.Generator, d: int) -> Table:
    w, b, wrong = rng.normal(size=d) * 2 / np.sqrt(d), rng.choice([0.0, 0.8, 1.2]), rng.choice(NOISE)

    def draw(n: int) -> Rows:
        X = rng.normal(size=(n, d))
        return X, noisy(rng, (X @ w + b + 0.6 * rng.logistic(size=n) > 0).astype(int), wrong)

    return Table(draw, lambda X: (X @ w + b > 0).astype(int), {})


def gaussians(rng: np.random.Generator, d: int) -> Table:
    centres = np.array([np.zeros(d), rng.normal(size=d)])
    centres[1] *= rng.uniform(1.5, 3.5) / np.linalg.norm(centres[1])
    few = rng.choice([0.5, 0.35, 0.2])
    return by_density(rng, centres, np.array([0, 1]), np.array([1 - few, few]), rng.choice(NOISE), 1.0)


def three_classes(rng: np.random.Generator, d: int) -> Table:
    centres = rng.normal(size=(3, d))
    centres *= rng.uniform(1.2, 2.5) / np.linalg.norm(centres, axis=1, keepdims=True)
    chances = np.array([[1, 1, 1], [0.5, 0.3, 0.2]][rng.integers(2)], float)
    return by_density(rng, centres, np.arange(3), chances / chances.sum(), rng.choice(NOISE), 1.0)


def xor(rng: np.random.Generator, d: int) -> Table:
    centres = np.zeros((4, min(d, 6)))
    centres[:, :2] = [[1, 1], [-1, -1], [1, -1], [-1, 1]]
    return by_density(rng, centres, np.array([0, 0, 1, 1]), np.full(4, 0.25), rng.choice(NOISE), 0.4)


def ring(rng: np.random.Generator, d: int) -> Table:
    d, wrong = min(d, 4), rng.choice(NOISE)
    edge = np.sqrt(d) * rng.choice([0.9, 1.2])

    def answer(X: Array) -> Array:
        return (np.linalg.norm(X, axis=1) > edge).astype(int)

    def draw(n: int) -> Rows:
        X = rng.normal(size=(n, d))
        return X, noisy(rng, answer(X), wrong)

    return Table(draw, answer, {})


def numbers(rng: np.random.Generator, d: int) -> Table:
    w, noise = rng.normal(size=d), rng.choice([0.1, 0.3, 0.6, 1.0])
    w /= np.linalg.norm(w)

    def draw(n: int) -> Rows:
        X = rng.normal(size=(n, d))
        return X, X @ w + noise * rng.normal(size=n)

    return Table(draw, lambda X: X @ w, {"data": {"task": "regression"}})


def curve(rng: np.random.Generator, d: int) -> Table:
    d, noise, kind = min(d, 5), rng.choice([0.1, 0.3, 0.5]), rng.integers(3)

    def answer(X: Array) -> Array:
        return (np.sin(2 * X[:, 0]), X[:, 0] ** 2 - 1, X[:, 0] * X[:, 1] + X[:, 0])[kind]

    def draw(n: int) -> Rows:
        X = rng.normal(size=(n, d))
        return X, answer(X) + noise * rng.normal(size=n)

    return Table(draw, answer, {"data": {"task": "regression"}})


def nothing(rng: np.random.Generator, d: int) -> Table:
    table, few = gaussians(rng, d), rng.choice([0.5, 0.4])
    return table._replace(
        draw=lambda n: (table.draw(n)[0], (rng.random(n) < few).astype(int)),
        causes=("uninformative_labels", "noisy_labels"), settings={"epochs": 60},
    )  # fmt: skip


def no_numbers(rng: np.random.Generator, d: int) -> Table:
    table = numbers(rng, d)
    return table._replace(
        draw=lambda n: (table.draw(n)[0], rng.normal(size=n)),
        causes=("uninformative_labels", "noisy_labels"), settings={"epochs": 60},
    )  # fmt: skip


def by_heart(rng: np.random.Generator, d: int) -> Table:
    """A wide net without rows to validate on, trained until it knows noisy rows by heart."""
    w, wrong = rng.normal(size=d) * 2 / np.sqrt(d), rng.choice([0.1, 0.2])

    def draw(n: int) -> Rows:
        X = rng.normal(size=(n, d))
        return X, noisy(rng, (X @ w > 0).astype(int), wrong)

    sections = {"data": {"validation": 0.0, "test": 0.0}, "network": {"hidden": [256, 256]}}
    causes = ("too_little_regularization", "noisy_labels", "too_few_rows", "uninformative_labels")
    return Table(draw, lambda X: (X @ w > 0).astype(int), sections, causes, {"epochs": 300})


def many_columns(rng: np.random.Generator, d: int) -> Table:
    """Two columns of 45 say something."""

    def draw(n: int) -> Rows:
        X = rng.normal(size=(n, 45))
        return X, noisy(rng, (X[:, 0] + X[:, 1] > 0).astype(int), 0.1)

    return Table(
        draw,
        lambda X: (X[:, 0] + X[:, 1] > 0).astype(int),
        {},
        ("too_few_rows", "too_little_regularization"),
        {"epochs": 60},
    )


def five_sigmoids(rng: np.random.Generator, d: int) -> Table:
    """x² by five sigmoids that were not trained for long enough: what they miss, they miss on all rows."""
    noise, a = rng.choice([0.0, 0.05]), rng.uniform(1, 2)

    def draw(n: int) -> Rows:
        X = rng.uniform(-a, a, (n, 1))
        return X, X[:, 0] ** 2 + noise * rng.normal(size=n)

    sections = {"data": {"task": "regression"}, "network": {"hidden": [5], "activation": "sigmoid"}}
    causes = (
        "too_few_epochs",
        "learning_rate_too_low",
        "too_little_capacity",
        "saturating_activations",
        "batch_too_large",
    )
    return Table(draw, lambda X: X[:, 0] ** 2, sections, causes, {"epochs": 60})


KINDS = {f.__name__: f for f in (logistic, gaussians, three_classes, xor, ring, numbers, curve)}
FAULTY = {f.__name__: f for f in (nothing, no_numbers, by_heart, many_columns, five_sigmoids)}


def score(table: Table, answers: Array, y: Array) -> float:
    if "task" in table.sections.get("data", {}):
        return float(1 - np.square(answers - y).sum() / np.square(y - y.mean()).sum())
    return float(np.mean(answers == y))


def candidates(is_numbers: bool, X: Array, y: Array, seed: int) -> Iterator[Any]:
    """Fitted on the rows that the run learned from."""
    from sklearn.linear_model import LogisticRegressionCV, RidgeCV
    from sklearn.preprocessing import PolynomialFeatures

    plain: dict[str, Any] = {"random_state": seed, "max_iter": 100}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for degree in (1, 2):
            spread = PolynomialFeatures(degree)
            Z = spread.fit_transform(X)
            linear = RidgeCV(np.logspace(-2, 3, 6)) if is_numbers else LogisticRegressionCV(Cs=4, cv=3, max_iter=200)
            linear.fit(Z, y)
            yield lambda fresh, spread=spread, linear=linear: linear.predict(spread.transform(fresh))
        del plain["max_iter"]
        network = mlp.MLPRegressor if is_numbers else mlp.MLPClassifier
        yield network(hidden=[16], epochs=100, l2=0.01, **plain).fit(X, y).predict


def learn(table: Table, way: str, n: int, seed: int) -> tuple[Any, mlp.History, float, Rows]:
    """What answers, its history, its score on the rows it learned from, and these rows."""
    X, y = table.draw(n)
    is_numbers = "task" in table.sections.get("data", {})
    if way == "estimator":
        made: Any = mlp.MLPRegressor if is_numbers else mlp.MLPClassifier
        settings = dict(table.sections.get("network", {})) | (
            {"epochs": table.settings["epochs"]} if table.settings else {}
        )
        model = made(random_state=seed, **settings).fit(X, y)
        return model.predict, model.history_, model.score(X, y), (X, y)
    from mlp.experiment import finish, watch_epochs
    from mlp.experiment.state import begin

    setup, state = begin({**table.sections, "training": {"seed": seed, **table.settings}}, (X, y))
    for _ in watch_epochs(setup, state):
        pass
    run = finish(setup, state)
    rows = learned_rows(setup, X)
    return run.predict, run.history, run.metrics["train_r2" if is_numbers else "train_accuracy"], (X[rows], y[rows])


def learned_rows(setup: Any, X: Array) -> Array:
    """Which of the rows are trained on: those whose scaled inputs are."""
    train = setup.prepared.train.X
    everything = setup.prepared.preprocessing.rows(X).at(slice(None), setup.dtype)
    return np.array([int(np.abs(everything - row).sum(1).argmin()) for row in train])


def try_one(folder: Path, kind: str, n: int, seed: int, way: str) -> dict[str, Any]:
    """Train one, keep its history, and say what it came to."""
    rng = np.random.default_rng([seed, n, *kind.encode()])
    table = {**KINDS, **FAULTY}[kind](rng, int(rng.integers(2, 13)))
    predict, history, train, (X, y) = learn(table, way, n, seed)
    fresh, truth = table.draw(FRESH)
    is_numbers = "task" in table.sections.get("data", {})
    row = {
        "kind": kind, "n": n, "seed": seed, "way": way, "train": train, "fresh": score(table, predict(fresh), truth),
        "possible": score(table, table.answer(fresh), truth),
        "constant": 0.0 if is_numbers else float(np.bincount(truth.astype(int)).max() / FRESH),
        "d": X.shape[1], "causes": table.causes,
    }  # fmt: skip
    row["best"] = max(score(table, other(fresh), truth) for other in candidates(is_numbers, X, y, seed))
    history.save(folder / f"{name_of(row)}.npz")
    return row


def name_of(row: dict[str, Any]) -> str:
    return f"{row['kind']}-{row['n']}-{row['seed']}-{row['way']}"


def state_of(row: dict[str, Any]) -> str:
    """healthy, by heart (healthy but for the gap), like a guess, faulty, or between."""
    if row["causes"]:
        well = row["fresh"] >= row["best"] - NEAR and row["kind"] in ("by_heart", "many_columns", "five_sigmoids")
        return "between" if well else "faulty"
    if row["fresh"] < min(row["best"], row["possible"]) - NEAR:
        return "short" if row["fresh"] < max(row["best"], row["constant"]) - GAP else "between"
    if row["fresh"] < row["constant"] + LEARNABLE:
        return "guess"
    return "by heart" if row["train"] - row["fresh"] > GAP else "healthy"


def judge(folder: Path, row: dict[str, Any]) -> dict[str, Any]:
    """The row with what is said of its history today."""
    findings = mlp.diagnose(mlp.History.load(folder / f"{name_of(row)}.npz"))
    alarms = [f for f in findings if f.severity != "info"]
    names = list(dict.fromkeys(c.name for f in alarms for c in f.causes))
    return row | {"state": state_of(row), "alarms": [f.kind for f in alarms], "named": names,
                  "said": alarms[0].message if alarms else ""}  # fmt: skip


def report(rows: list[dict[str, Any]], shown: int) -> None:
    for state in ("healthy", "by heart", "guess", "between", "short", "faulty"):
        those = [row for row in rows if row["state"] == state]
        print(f"\n{state}: alarmed {share(sum(bool(r['alarms']) for r in those), len(those))}")
        for key in ("n", "kind", "way"):
            groups = sorted({r[key] for r in those})
            told = ((g, [r for r in those if r[key] == g]) for g in groups)
            print("   ", ", ".join(f"{g}: {sum(bool(r['alarms']) for r in rs)}/{len(rs)}" for g, rs in told))
        if state == "faulty":
            first = [bool(r["named"]) and r["named"][0] in r["causes"] for r in those]
            print(f"    cause first {share(sum(first), len(those))}")
            those = [r for r, good in zip(those, first, strict=True) if not good]
        elif state in ("between", "short"):
            continue
        else:
            those = [r for r in those if r["alarms"]]
        for r in those[:shown]:
            scores = " ".join(f"{key} {r[key]:.2f}" for key in ("train", "fresh", "best", "possible", "constant"))
            print(f"    {name_of(r)} d {r['d']}: {scores}: {r['alarms'][:2]} {r['named'][:3]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="1000,1010", help="first and last, the last left out")
    parser.add_argument("--rows", default=",".join(map(str, ROWS)))
    parser.add_argument("--kinds", default=",".join((*KINDS, *FAULTY)))
    parser.add_argument("--rejudge", action="store_true")
    parser.add_argument("--show", type=int, default=12)
    arguments = parser.parse_args()
    folder, rows = arguments.folder, []
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "rows.jsonl"
    if not arguments.rejudge:
        with kept.open("a") as file:
            for seed in range(*map(int, arguments.seeds.split(","))):
                for n in map(int, arguments.rows.split(",")):
                    for kind in arguments.kinds.split(","):
                        for way in ("experiment", "estimator")[: 1 if kind in FAULTY else 2]:
                            file.write(json.dumps(try_one(folder, kind, n, seed, way)) + "\n")
                            file.flush()
    rows = [judge(folder, json.loads(line)) for line in kept.read_text().splitlines()]
    report(rows, arguments.show)


if __name__ == "__main__":
    main()
