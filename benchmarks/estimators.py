"""Our estimators against scikit-learn's, both with their defaults: mean accuracy and time to fit.

    python benchmarks/estimators.py                 digits, wine, breast cancer, iris; 5 folds, 5 seeds
    python benchmarks/estimators.py --seeds 1 iris  less of it
    python benchmarks/estimators.py regression      diabetes and Friedman's function, r²
    python benchmarks/estimators.py smoothing       our classifier without and with label smoothing

Both meet the same folds with the same number of BLAS threads, and take turns. `raw` is scikit-learn's classifier as it
is; `scaled` the same behind a StandardScaler, for information. Time is the processor's, of one thread, so that a busy
machine does not count: the median of all fits. Needs scikit-learn (extra `bench`).
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Iterator

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine, make_friedman1
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import mlp

CLASSES = {"digits": load_digits, "wine": load_wine, "breast_cancer": load_breast_cancer, "iris": load_iris}
NUMBERS = {"diabetes": load_diabetes, "friedman": lambda return_X_y: make_friedman1(1000, noise=1.0, random_state=0)}
PLAIN = {"name": "cross_entropy"}

Makers = dict[str, Callable[[int], object]]
CLASSIFIERS: Makers = {
    "mlp": lambda seed: mlp.MLPClassifier(random_state=seed),
    "raw": lambda seed: MLPClassifier(random_state=seed),
    "scaled": lambda seed: make_pipeline(StandardScaler(), MLPClassifier(random_state=seed)),
}
REGRESSORS: Makers = {
    "mlp": lambda seed: mlp.MLPRegressor(random_state=seed),
    "raw": lambda seed: MLPRegressor(random_state=seed),
    "scaled": lambda seed: make_pipeline(StandardScaler(), MLPRegressor(random_state=seed)),
}
SMOOTHED: Makers = {
    "plain": lambda seed: mlp.MLPClassifier(loss=PLAIN, random_state=seed),
    "smoothed": lambda seed: mlp.MLPClassifier(random_state=seed),
}


def folds(X: np.ndarray, y: np.ndarray, seeds: int, kind: type) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    for seed in range(seeds):
        for train, test in kind(5, shuffle=True, random_state=seed).split(X, y):
            yield seed, train, test


def compare(name: str, data: tuple[np.ndarray, np.ndarray], makers: Makers, seeds: int, kind: type) -> None:
    X, y = data
    scores: dict[str, list[float]] = {who: [] for who in makers}
    times: dict[str, list[float]] = {who: [] for who in makers}
    for seed, train, test in folds(X, y, seeds, kind):
        for who, make in makers.items():
            model = make(seed)
            start = time.process_time()
            model.fit(X[train], y[train])
            times[who].append(time.process_time() - start)
            scores[who].append(model.score(X[test], y[test]))
    first = np.median(times[next(iter(makers))])
    row = (f"{np.mean(scores[who]):.4f} {1000 * np.median(times[who]):6.0f} ms" for who in makers)
    ratios = (f"{first / np.median(times[who]):.2f}" for who in list(makers)[1:])
    print(f"{name:14}", *(f"{cell:>18}" for cell in row), "  ", "  ".join(ratios), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", help="regression, smoothing, or data sets")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    makers, kind = (REGRESSORS, KFold) if "regression" in given.what else (CLASSIFIERS, StratifiedKFold)
    makers = SMOOTHED if "smoothing" in given.what else makers
    sets = NUMBERS if "regression" in given.what else CLASSES
    names = [name for name in given.what if name in sets] or list(sets)
    warnings.simplefilter("ignore")  # scikit-learn's ConvergenceWarning, for most of its fits
    print(" " * 14, *(f"{who:>18}" for who in makers), f"  time, {next(iter(makers))} /", ", ".join(list(makers)[1:]))
    for name in names:
        compare(name, sets[name](return_X_y=True), makers, given.seeds, kind)


if __name__ == "__main__":
    main()
