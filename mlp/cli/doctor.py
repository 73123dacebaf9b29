"""The command `mlp doctor`: which settings of this machine make training faster."""

from __future__ import annotations

import argparse
import json

from mlp.cli.process import DONE
from mlp.cli.streams import show
from mlp.doctor import examine_machine
from mlp.errors import ConfigError


def doctor(given: argparse.Namespace) -> int:
    """Measure, show, recommend."""
    parts = given.widths.split("-")
    if not all(part.isdecimal() and part.isascii() for part in parts):
        raise ConfigError(f"widths {given.widths!r} cannot be; give inputs, hidden units and outputs: 784-128-10.")
    found = examine_machine([int(part) for part in parts], given.batch)
    if given.json:
        show(json.dumps(found.to_json()))
    else:
        show(found.text())
    return DONE
