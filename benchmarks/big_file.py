"""How much memory training on a file larger than memory takes.

    python benchmarks/big_file.py [GIGABYTES]

Writes a sparse .npy of 20 GB (holes: it takes no room on the disk, and is read as zeros) and its targets to a temporary
folder, trains one epoch on it in a process of its own, and prints what that took.

Peak memory is the process's VmHWM: it counts mapped pages of the file that are in memory, so it is what `top` shows,
and not less. The file is read four times for the one epoch: to look for cells that are no numbers, to fit the scaling,
to train, and to measure how good it became. On two cores of an AMD EPYC that others used too: 304 MB, 4.3 minutes of
processor time, 28 minutes by the clock.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WIDTH = 16384  # columns: 64 kB a row
TRAINED = """
import sys, time
import mlp
start = time.perf_counter()
run = mlp.run({
    "data": {"source": "X.npy", "target": "y.npy", "validation": 0.01, "test": 0.01},
    "network": {"hidden": [16]},
    "training": {"epochs": 1, "batch_size": 128},
}, out="run")
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(run.steps, time.perf_counter() - start, int(peak) / 1024)
"""


def sparse(path: Path, n_rows: int, n_columns: int) -> None:
    """Write a .npy of zeros, none of which is on the disk; the first few rows hold numbers."""
    with path.open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": (n_rows, n_columns)}
        np.lib.format.write_array_header_2_0(file, header)
        file.write(np.random.default_rng(0).standard_normal((256, n_columns), np.float32).tobytes())
        file.truncate(file.tell() + (n_rows - 256) * n_columns * 4)


def main() -> None:
    n_bytes = float(sys.argv[1] if len(sys.argv) > 1 else 20) * 1e9
    n_rows = int(n_bytes / 4 / WIDTH)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sparse(folder / "X.npy", n_rows, WIDTH)
        np.save(folder / "y.npy", np.random.default_rng(1).integers(0, 2, n_rows))
        on_disk = (folder / "X.npy").stat().st_blocks * 512
        print(f"X.npy: {n_rows} rows × {WIDTH}, {os.path.getsize(folder / 'X.npy') / 1e9:.1f} GB, "
              f"{on_disk / 1e6:.0f} MB of them on the disk")  # fmt: skip
        start = time.perf_counter()
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
        done = subprocess.run(
            [sys.executable, "-c", TRAINED], cwd=folder, env=environment, capture_output=True, text=True, check=True
        )
        steps, seconds, peak = map(float, done.stdout.split())
        print(f"one epoch, {steps:.0f} steps: {seconds:.0f} s ({time.perf_counter() - start:.0f} with imports)")
        print(f"peak memory: {peak:.0f} MB, mapped pages of the file among them")


if __name__ == "__main__":
    main()
