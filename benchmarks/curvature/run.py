"""How often `classify_point` names a point rightly: families it was built beside, others of them, families unseen.

    OPENBLAS_NUM_THREADS=1 python benchmarks/curvature/run.py [--offset 0] [--only NAME] [--unseen]

For each family how many points of how many are right, in float64 and in float32, then a confusion matrix, and every
point that is wrong with what was said of it. `--offset 7000` draws the families anew. Takes about four minutes, most
of which trains networks to where they stand. `--unseen` takes the families of `unseen.py` instead, whose SHA-256 was
committed before the procedure was built: `benchmarks/README.md` has what they gave at first sight. `--strangers` takes
those of `strangers.py`, two seeds from `--offset` on.
"""

from __future__ import annotations

import argparse
import collections
import time
import warnings
from collections.abc import Iterable

import families
import numpy as np
import strangers
import unseen
from unseen import Instance, single

import mlp

KINDS = ["descending", "noise_floor", "bouncing", "saddle", "plateau", "local_minimum", "global_minimum", "valley"]
SHORT = ["desc", "noise", "bounce", "saddle", "plat", "local", "global", "valley"]


def named(instance: Instance) -> tuple[str, str]:
    """What the point is said to be, and why; an error is no kind."""
    q = instance
    try:
        point = mlp.curvature.classify_point(q.network, q.loss, q.X, q.t, **q.told)
    except Exception as error:
        return type(error).__name__, str(error)
    return point.kind, point.why


def score(instances: list[Instance], dtype: str) -> tuple[collections.Counter[str], np.ndarray, list[str]]:
    """How many of each family are right, who was taken for what, and a line for each that is wrong."""
    right: collections.Counter[str] = collections.Counter()
    confusion, wrong = np.zeros((len(KINDS), len(KINDS) + 1), int), []
    for instance in instances:
        kind, why = named(instance if dtype == "float64" else single(instance))
        right[instance.family] += kind == instance.kind
        confusion[KINDS.index(instance.kind), KINDS.index(kind) if kind in KINDS else -1] += 1
        if kind != instance.kind:
            wrong.append(f"  {dtype} {instance.family}: {instance.kind} taken for {kind}: {why}")
    return right, confusion, wrong


def matrix(confusion: np.ndarray) -> str:
    rows = ["is, said to be  " + "".join(f"{name:>8}" for name in [*SHORT, "error"])]
    rows += [f"{kind:16}" + "".join(f"{n or '.':>8}" for n in row) for kind, row in zip(KINDS, confusion, strict=True)]
    return "\n".join(rows)


def interval(right: int, total: int) -> str:
    """A rate with Wilson's 95 % interval."""
    z, p = 1.96, right / total
    centre, half = p + z * z / 2 / total, z * (p * (1 - p) / total + z * z / 4 / total**2) ** 0.5
    low, high = (centre - half) / (1 + z * z / total), (centre + half) / (1 + z * z / total)
    return f"{right} of {total} = {100 * p:.1f} % (95 %: {100 * low:.1f} … {100 * high:.1f})"


def drawn(offset: int, only: str | None, first_sight: bool, others: bool) -> Iterable[Instance]:
    for stranger in strangers.FAMILIES if others else ():
        if only is None or only in stranger.__name__:
            yield from (instance for seed in range(offset, offset + 2) for instance in stranger(seed))
    for family in unseen.FAMILIES if first_sight else ():
        if only is None or only in family.__name__:
            yield from family()
    for family, count in () if first_sight or others else families.FAMILIES:
        for seed in range(offset, offset + count) if only is None or only in family.__name__ else ():
            yield from family(seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offset", type=int, default=0)
    parser.add_argument("--only", help="families whose name holds this")
    parser.add_argument("--unseen", action="store_true")
    parser.add_argument("--strangers", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    start = time.time()
    instances = list(drawn(arguments.offset, arguments.only, arguments.unseen, arguments.strangers))
    print(f"{len(instances)} points, made in {time.time() - start:.0f} s")
    start, total = time.time(), collections.Counter(q.family for q in instances)
    double, confusion, wrong = score(instances, "float64")
    took = (time.time() - start) / len(instances)
    narrow, _, more = score(instances, "float32")
    print(f"{'family':20}{'points':>8}{'float64':>9}{'float32':>9}")
    for family, count in total.items():
        print(f"{family:20}{count:8}{double[family]:9}{narrow[family]:9}")
    print("float64:", interval(double.total(), len(instances)), f"; {1000 * took:.0f} ms a point")
    print("float32:", interval(narrow.total(), len(instances)))
    print(matrix(confusion))
    print("\n".join([*wrong, *more]))


if __name__ == "__main__":
    main()
