"""What is known of a run from its history alone, even where its model or its metrics are not at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mlp.config import NO_PARTS, OwnParts, parse, read_toml
from mlp.config.own_parts import DETECTOR
from mlp.diagnosis import DETECTORS, Finding, diagnose
from mlp.errors import FileFormatError, MLPError
from mlp.experiment.checkpoint import read_checkpoint
from mlp.experiment.run_files import read_numbers
from mlp.experiment.run_place import CHECKPOINT
from mlp.history import History
from mlp.storage.file_set import current


@dataclass(frozen=True)
class Recorded:
    """What is known of a run even where its model or its metrics are not: its history, judged as of today."""

    history: History
    findings: tuple[Finding, ...]
    metrics: dict[str, Any]
    steps: int
    seconds: float

    @property
    def healthy(self) -> bool:
        """No finding of severity "warning" or "critical"."""
        return all(finding.severity == "info" for finding in self.findings)


def load_recorded(folder: Path, own: OwnParts = NO_PARTS) -> Recorded:
    """The history of a run directory, of a killed run as far as its checkpoint goes, and what is found in it.

    It is judged by all detectors that are one's `own`, too.
    """
    if (path := current(folder, "history.npz")).is_file():
        history = History.load(path)
    elif (folder / CHECKPOINT).is_file():
        history = read_checkpoint(folder).history
    else:
        raise FileFormatError(f"{folder}: this is no run directory, it has no history.npz. Make one with mlp train -o.")
    numbers: dict[str, Any] = {"metrics": {}, "steps": _last_step(history) + 1, "seconds": np.nan}
    numbers |= read_numbers(folder)
    return Recorded(history, diagnose(history, (*DETECTORS, *own.detectors())), **numbers)


def tell_missing_detectors(folder: Path, own: OwnParts = NO_PARTS) -> str:
    """Which detectors of one's own judged a run besides, and are not at hand; "" where there are none."""
    try:
        config = parse(read_toml(current(folder, "config.toml")))
    except (MLPError, OSError):  # the history alone is judged too
        return ""
    missing = [name for name in config.record.detectors if not own.find(DETECTOR, name)]
    if not missing:
        return ""
    files = [config.own_parts.get(name, {}).get("file", "") for name in missing]
    named = [f"{name} ({file})" if file else name for name, file in zip(missing, files, strict=True)]
    uses = "".join(f" --use {file}" for file in dict.fromkeys(filter(None, files)))
    how = f"add{uses}" if uses else "in Python give use="
    return f"this run was also judged by {', '.join(named)}, which is not asked here: {how}"


def _last_step(history: History) -> int:
    """The latest step of which something was recorded; -1 for none."""
    return max((int(steps[-1]) for name in history if len(steps := history.steps(name))), default=-1)
