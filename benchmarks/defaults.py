"""What the defaults reach: mean test accuracy on small data sets, for Adam's learning rate as it is chosen and fixed.

    python benchmarks/defaults.py [--seeds 30] [--data FOLDER]

The first row, digits, is the main job: `mlp train digits` for seeds 0, 1, 2, ... With a folder of .npz files,
`letter.npz` is added. The table decided `mlp.config.optimizer.adam_rate`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import mlp

SOURCES = ["digits", "iris", "wine", "breast_cancer", "moons", "rings"]
RATES = [None, 0.001, 0.003, 0.01, 0.03]


def accuracy(source: str, seed: int, rate: float | None) -> tuple[float, float]:
    """Test accuracy, and the seconds that took, data included."""
    start = time.perf_counter()
    config = {"data": {"source": source}, "training": {"seed": seed}}
    if rate is not None:
        config["optimizer"] = {"learning_rate": rate}
    run = mlp.run(config)
    return run.metrics["test_accuracy"], time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    print(f"{'mean test accuracy':32}" + "".join(f"{rate or 'chosen':>9}" for rate in RATES))
    for source in [*SOURCES, *([str(arguments.data / "letter.npz")] if arguments.data else [])]:
        seeds = min(3, arguments.seeds) if source.endswith("letter.npz") else arguments.seeds
        found = np.array([[accuracy(source, seed, rate) for seed in range(seeds)] for rate in RATES])
        name = f"{Path(source).stem}, {seeds} seeds"
        print(f"{name:32}" + "".join(f"{value:9.4f}" for value in found[:, :, 0].mean(1)), flush=True)
        if source == "digits":
            first = found[0, :5]
            print(f"    seeds 0-4: mean {first[:, 0].mean():.4f}, {np.median(first[:, 1]):.2f} s each (median)")


if __name__ == "__main__":
    main()
