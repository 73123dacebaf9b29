"""The command `mlp doctor`: which settings of this machine make training faster, and whether a cluster would."""

from __future__ import annotations

import argparse
import json

from mlp.cli.process import DONE
from mlp.cli.streams import show
from mlp.dask_cluster import cluster
from mlp.doctor import ClusterDiagnosis, Diagnosis, examine_cluster, examine_machine
from mlp.errors import ConfigError


def doctor(given: argparse.Namespace) -> int:
    """Measure, show, recommend."""
    parts = given.widths.split("-")
    if not all(part.isdecimal() and part.isascii() for part in parts):
        raise ConfigError(f"widths {given.widths!r} cannot be; give inputs, hidden units and outputs: 784-128-10.")
    widths = [int(part) for part in parts]
    if given.cluster:
        with cluster(given.cluster) as workers:
            found: Diagnosis | ClusterDiagnosis = examine_cluster(workers, widths, given.batch)
    else:
        found = examine_machine(widths, given.batch)
    if given.json:
        show(json.dumps(found.to_json()))
    else:
        show(found.text())
    return DONE
