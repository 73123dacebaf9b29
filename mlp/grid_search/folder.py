"""The folder of a search.

    trials.jsonl   every finished trial, as they finished   chosen.toml   the smallest experiment that does as well
    sweep.csv      every combination                        best.toml     the best experiment
    results.csv    every network                            sweep.png     scores over parameters, with the extra "plot"
    times.csv      what depends on the clock

The journal is of one experiment and one table of rows. Combinations, seeds and folds may change between two searches in
the same folder: trials that are the same in both are not run again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mlp.config import Config
from mlp.errors import DataError
from mlp.experiment.run_place import holds_run, new_folders
from mlp.grid_search.tables import LAST_COLUMNS
from mlp.preprocessing import Prepared, fingerprint
from mlp.storage import lock
from mlp.storage.marks import first_line, is_picture_of_ours
from mlp.storage.permission import Permission, status
from mlp.sweep import BEGINNING, Journal

FILES = ("trials.jsonl", "sweep.csv", "results.csv", "times.csv", "chosen.toml", "best.toml", "sweep.png")
"""What a search writes."""


@contextmanager
def reserve_search(folder: Path | None, permission: Permission) -> Iterator[Path]:
    """Have the folder of a search there, for this process alone; without one the first of runs/sweep-1, -2, ...

    DataError where it may not be written to, and where another process has it.
    """
    if folder is not None:
        _check_folder(folder, permission)
    with lock.holding_new(new_folders("sweep")) if folder is None else lock.holding(folder) as place:
        _check_folder(place, permission)
        yield place


def _check_folder(folder: Path, permission: Permission) -> None:
    """Refuse a folder in which what is read would be written, or files that are none of a search."""
    if status(folder) is not None and not folder.is_dir():
        raise DataError(f"{folder} is a file. Give a folder that is new, or one to go on in.")
    there = [folder / name for name in FILES if status(folder / name) is not None]
    for path in (folder, *there):
        permission.check_unread(path)
    if there and not (permission.force or folder / "trials.jsonl" in there):
        raise DataError(f"{there[0]} is there already. Give another folder, or --force to replace it.")
    if holds_run(folder) or status(folder / "bench.toml") is not None:
        raise DataError(f"{folder} holds a run or a bench. Give a folder that is new, or one to go on in.")


def reserve_results(folder: Path) -> AbstractContextManager[Path]:
    """Have a folder there for results that somebody saves by hand, for this process alone.

    DataError where files of others have their names.
    """
    return lock.holding_checked(folder, _check_results)


def _check_results(folder: Path) -> None:
    """Refuse a folder in which a file of a search's name is not of a search."""
    there = [path for name in FILES if status(path := folder / name) is not None]
    is_ours = first_line(folder / "sweep.csv").endswith(",".join(LAST_COLUMNS))
    is_ours = is_ours or first_line(folder / "trials.jsonl").startswith(BEGINNING.decode())
    _check_folder(folder, Permission(force=True))
    if not is_ours and not all(map(is_picture_of_ours, there)):
        raise DataError(f"{there[0]} is there already, and no search has made it. Give another folder.")


def open_journal(folder: Path, config: Config, prepared: Prepared) -> Journal:
    """The journal of a search over this experiment with these rows."""
    from mlp import __version__  # not at the top: the package is imported before it is complete

    about = {
        "mlp": __version__,
        "numpy": np.__version__,
        "experiment": _sha(config.to_dict()),
        "rows": _sha(fingerprint(prepared)),
    }
    try:
        return Journal(folder / "trials.jsonl", about)
    except DataError as error:
        if "was made with" not in str(error):
            raise
        raise DataError(
            f"{folder / 'trials.jsonl'} is of another experiment, other rows, or another version of mlp or NumPy. "
            "Take a new folder."
        ) from None


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
