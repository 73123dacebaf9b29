"""What this machine's NumPy delivers, and whether another setting would make training faster.

Settings of a BLAS are read when NumPy is imported, so each is measured in a child process of its own, and the children
take turns: a machine that slows down slows all of them. What is measured is a real step of a network of given widths,
and the product of two matrices of 512 rows. Knows neither files nor the command line.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from math import inf
from statistics import median
from typing import Any, TypeAlias

import numpy as np

from mlp.dask_cluster import Cluster, RowsOnCluster, find_workers
from mlp.data.batches import batches
from mlp.data_parallel import Rows
from mlp.errors import HyperparameterError, check_count
from mlp.layers import Dense, Layer, ReLU
from mlp.losses import SoftmaxCrossEntropy
from mlp.network import Network
from mlp.optimizers import Adam
from mlp.training import Step, train

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
"""What says how many threads a product takes: of OpenBLAS, of MKL, of others."""

KERNELS = {"SkylakeX": ("AVX512F", "X86_V4"), "Haswell": ("AVX2", "X86_V3"), "Zen": ("AVX2", "X86_V3")}
"""Kernels of OpenBLAS, and the features of a processor of which each needs one; NumPy 2.4 gave these new names."""

Speed: TypeAlias = tuple[float, float]
"""µs of a step, and GFLOP/s."""

WORTH = 1.1
"""From this gain on a setting is recommended. Less is within what one and the same setting varies by."""

SECONDS = 0.3
"""How long a child measures steps."""


@dataclass(frozen=True)
class Measured:
    """One setting: variables of the environment, and the medians of what its children measured.

    `gain`: the median of how much faster its steps were than those of the environment as it is, round by round.
    """

    setting: dict[str, str]
    step: float  # µs
    gflops: float
    gain: float

    @property
    def name(self) -> str:
        """The setting as a shell takes it."""
        shown = {k: v for k, v in self.setting.items() if k not in THREADS[1:]}
        return " ".join(f"{k}={v}" for k, v in shown.items()) or "as it is"


@dataclass(frozen=True)
class Diagnosis:
    """What was found out about a machine: facts by name, and the settings, the present one first."""

    facts: dict[str, str]
    settings: tuple[Measured, ...]

    @property
    def best(self) -> Measured:
        """The setting with the fastest steps, or the present one where none gains enough."""
        best = max(self.settings, key=lambda measured: measured.gain)
        return best if best.gain >= WORTH else self.settings[0]

    @property
    def advice(self) -> str:
        """One recommendation."""
        best = self.best
        if not best.setting:
            return "Leave everything as it is: no other setting gains a tenth."
        return (
            f"Set {best.name}: steps are {best.gain:.2f} times as fast. For one command write it before mlp; to make "
            f"it last add this line to the profile of your shell: export {best.name}"
        )

    def text(self) -> str:
        """Facts, a table, and the recommendation."""
        lines = [f"{name:12}{fact}" for name, fact in self.facts.items()]
        width = max(len(measured.name) for measured in self.settings) + 2
        lines += ["", f"{'setting':{width}}{'µs a step':>12}{'GFLOP/s':>10}{'gain':>8}"]
        lines += [f"{m.name:{width}}{m.step:12.1f}{m.gflops:10.1f}{m.gain:8.2f}" for m in self.settings]
        return "\n".join([*lines, "", self.advice])

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        settings = [{"setting": m.setting, "step": m.step, "gflops": m.gflops, "gain": m.gain} for m in self.settings]
        return {"facts": self.facts, "settings": settings, "advice": self.advice}


def examine_machine(widths: Sequence[int] = (784, 128, 10), batch: int = 128, rounds: int = 3) -> Diagnosis:
    """Measure a training step of a network of these widths under every setting that may matter here."""
    _check_network(widths, batch, rounds)
    found: dict[int, list[Speed]] = {}
    settings = list_settings()
    for _ in range(rounds):
        for i, setting in enumerate(settings):
            if (measured := _ask_child(setting, widths, batch)) is not None:
                found.setdefault(i, []).append(measured)
    whole = {i: times for i, times in found.items() if len(times) == rounds}
    if 0 not in whole:
        raise RuntimeError("a new Python process could not train: is mlp installed for it?")
    return Diagnosis(describe_machine(), tuple(_summarise(settings[i], whole[i], whole[0]) for i in whole))


def _check_network(widths: Sequence[int], batch: int, rounds: int) -> None:
    """Refuse what is no network to measure."""
    for name, value in (("batch", batch), ("rounds", rounds), *(("widths", width) for width in widths)):
        check_count(name, value)
    if len(widths) < 2 or widths[-1] < 2:
        raise HyperparameterError("widths", tuple(widths), "inputs, hidden units and two outputs or more: 784-128-10")


def _summarise(setting: dict[str, str], times: list[Speed], present: list[Speed]) -> Measured:
    """Medians over rounds, and of the ratios of each round."""
    gain = median(before[0] / after[0] for before, after in zip(present, times, strict=True))
    return Measured(setting, median(step for step, _ in times), median(rate for _, rate in times), gain)


@dataclass(frozen=True)
class ClusterDiagnosis:
    """Whether a step pays whose rows lie with the workers of a cluster. Times in µs, medians.

    `step`: one step of a batch here. `reduction`: parameters to every worker, and the sum of their gradients back.
    """

    n_workers: int
    n_params: int
    batch: int
    step: float
    reduction: float

    @property
    def pays_from(self) -> float:
        """Rows of a batch from which on it pays: what the workers save is then as long as the reduction takes."""
        if self.n_workers < 2:
            return inf
        return self.reduction / (self.step / self.batch * (1 - 1 / self.n_workers))

    @property
    def advice(self) -> str:
        """One recommendation."""
        if self.n_workers < 2:
            return "One worker has all the rows: it pays only where they do not fit into the memory here."
        if self.pays_from <= self.batch:
            return f"It pays: batches of {self.pays_from:,.0f} rows and more are faster there."
        return (
            f"It does not pay at {self.batch:,} rows: train here. It does from batches of about {self.pays_from:,.0f} "
            "rows on, or where the rows do not fit into the memory here."
        )

    def text(self) -> str:
        """Facts and the recommendation."""
        lines = [
            f"{'workers':12}{self.n_workers}",
            f"{'parameters':12}{self.n_params:,}",
            f"{'a step':12}{self.step:,.0f} µs for {self.batch:,} rows on this machine",
            f"{'all-reduce':12}{self.reduction:,.0f} µs: parameters to the workers, the sum of their gradients back",
        ]
        return "\n".join([*lines, "", self.advice])

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        found = {"workers": self.n_workers, "parameters": self.n_params, "batch": self.batch, "step": self.step}
        return found | {"reduction": self.reduction, "pays_from": self.pays_from, "advice": self.advice}


def examine_cluster(cluster: Cluster, widths: Sequence[int], batch: int, rounds: int = 15) -> ClusterDiagnosis:
    """Measure one all-reduce of the gradient of a network of these widths, beside one step here."""
    _check_network(widths, batch, rounds)
    n_workers = len(find_workers(cluster))
    network, loss = next(_steps(widths, batch)).network, SoftmaxCrossEntropy()
    nothing = (np.empty((0, widths[0]), np.float32), np.empty(0, np.intp))
    rows = RowsOnCluster(cluster, [(Rows, nothing)] * n_workers)
    times: list[float] = []
    for _ in range(rounds + 1):  # the first is slow: code and layers go there
        start = time.perf_counter()
        rows.reduce(network, loss, network.params, [None] * n_workers)
        times.append(time.perf_counter() - start)
    step = _ask_child({}, widths, batch)
    if step is None:
        raise RuntimeError("a new Python process could not train: is mlp installed for it?")
    return ClusterDiagnosis(n_workers, network.params.size, batch, step[0], median(times[1:]) * 1e6)


def count_cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def list_settings() -> list[dict[str, str]]:
    """The environment as it is; 1, 2, 4, ... threads; and kernels of OpenBLAS that the processor can run."""
    cores = count_cores()
    counts = sorted({1, *(2**k for k in range(1, 8) if 2**k < cores), cores})
    found: list[dict[str, str]] = [{}, *(dict.fromkeys(THREADS, str(n)) for n in counts)]
    if "openblas" in _blas().get("name", "").lower():
        features = _features()
        found += [{"OPENBLAS_CORETYPE": kernel} for kernel, needs in KERNELS.items() if {*needs} & {*features}]
    return found


def describe_machine() -> dict[str, str]:
    """The processor, NumPy and its BLAS, as text by name."""
    blas = _blas()
    wanted = {name: value for name in (*THREADS, "OPENBLAS_CORETYPE") if (value := os.environ.get(name))}
    return {
        "processor": f"{platform.processor() or platform.machine()}, {count_cores()} cores for this process",
        "features": " ".join(_features()) or "unknown",
        "numpy": np.__version__,
        "blas": f"{blas.get('name', 'unknown')} {blas.get('version', '')}".rstrip(),
        "environment": " ".join(f"{name}={value}" for name, value in wanted.items()) or "nothing set",
    }


def _blas() -> dict[str, str]:
    """What NumPy was built with."""
    return dict(_configuration().get("Build Dependencies", {}).get("blas", {}))


def _features() -> list[str]:
    """What the processor can do, of what NumPy asks for."""
    simd = _configuration().get("SIMD Extensions", {})
    return [feature for kind in ("baseline", "found") for feature in simd.get(kind, [])]


def _configuration() -> dict[str, Any]:
    found: Any = np.show_config(mode="dicts")
    return dict(found)


def _ask_child(setting: dict[str, str], widths: Sequence[int], batch: int) -> Speed | None:
    """µs of a step and GFLOP/s in a new process; None where it fails, as with a kernel for another processor."""
    program = f"from mlp.doctor import print_speed; print_speed({list(map(int, widths))}, {int(batch)})"
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env={**os.environ, **setting}, capture_output=True, text=True, check=False)
    if ended.returncode:
        return None
    step, gflops = json.loads(ended.stdout)
    return step, gflops


def print_speed(widths: Sequence[int], batch: int) -> None:
    """What a child says: the median µs of a step, and GFLOP/s of a product in float32."""
    steps = _steps(widths, batch)
    for _ in islice(steps, 5):  # the first ones make their arrays
        pass
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times) < 5:
        start = time.perf_counter()
        next(steps)
        times.append(time.perf_counter() - start)
    print(json.dumps([median(times) * 1e6, _gflops()]))


def _steps(widths: Sequence[int], batch: int) -> Iterator[Step]:
    """Endless steps of Adam on noise."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4 * batch, widths[0])).astype(np.float32)
    layers: list[Layer] = [Dense(widths[0], widths[1])]
    for n_in, n_out in pairwise(widths[1:]):
        layers += [ReLU(), Dense(n_in, n_out)]
    network = Network(layers, dtype=np.float32)
    data = batches(X, rng.integers(0, widths[-1], len(X)), batch, epochs=10**9)
    return train(network, data, SoftmaxCrossEntropy(), Adam())


def _gflops(n: int = 512) -> float:
    """Of a product of two n × n matrices: 2n³ operations, in the median of 15."""
    a, out = np.ones((n, n), np.float32), np.empty((n, n), np.float32)
    times: list[float] = []
    for _ in range(15):
        start = time.perf_counter()
        a.dot(a, out)
        times.append(time.perf_counter() - start)
    return 2 * n**3 / median(times) / 1e9
