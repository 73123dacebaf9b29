"""Folders of runs: which may hold one, whose they are, and how a save ends.

One process at a time has a folder. A folder that holds something else than a run is never written to. Knows the names
of the files; what is in them is for `run_files` and `checkpoint`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

from mlp.config import parse, read_toml
from mlp.errors import DataError, FileFormatError, MLPError
from mlp.page import is_page
from mlp.preprocessing.source import files_read
from mlp.storage import archive, lock
from mlp.storage.file_set import SAVED, current, forget_set, has_saved_set, place_set
from mlp.storage.permission import Permission, status

MODES = {"config.toml": "w", "metrics.json": "w", "findings.json": "w", "history.npz": "wb", "trajectory.npz": "wb",
         "model.npz": "wb"}  # fmt: skip
"""The files of a run, and how each is opened."""
NAMES = tuple(MODES)
CHECKPOINT = "checkpoint.npz"
MODELS = ("model.npz", CHECKPOINT)
"""A run has one of these at least, as soon as it has any file."""
REPORT = "report.html"
STALE = ("repaired.toml", REPORT)
"""Files of an earlier run that say nothing of a new one. They are removed, like files that were left half written."""
NOTHING_READ = Permission()
LEFTOVER = re.compile(r"((\.[0-9a-f]+)?\.part)+$")


def new_folders(name: str) -> Iterator[Path]:
    """runs/NAME-1, runs/NAME-2, ...: those that no repaired run is beside."""
    folders = (Path("runs") / f"{name}-{number}" for number in count(1))
    return (folder for folder in folders if not os.path.lexists(repaired_folder(folder)))


def repaired_folder(folder: Path) -> Path:
    """DIR-repaired, beside DIR; of the working directory too, which may be called "."."""
    named = folder.resolve() if folder.name in ("", "..") else folder
    return named.with_name(f"{named.name}-repaired") if named.name else named / "-repaired"


def is_run(folder: Path) -> bool:
    """Whether a model stands there."""
    return current(folder, "model.npz").is_file()


def check_access(folder: Path) -> None:
    """Refuse a folder that cannot be made, or in which nothing can be written."""
    place = next(place for place in (folder, *folder.parents) if place.exists())
    if not place.is_dir():
        raise DataError(f"{folder}: the folder cannot be made: {place} is a file.")
    if not os.access(place, os.W_OK):
        raise DataError(f"{folder}: no permission to write there. Choose another folder with -o.")


def check_place(folder: Path) -> None:
    """Refuse a folder that holds something else than a run."""
    if status(folder) is not None and not folder.is_dir():
        raise DataError(f"{folder} is a file. Give a folder that is new, empty, or holds an earlier run.")
    if not folder.is_dir() or is_empty_or_leftover(folder):
        return
    if not holds_run(folder):
        raise DataError(f"{folder} holds other files. Give a folder that is new, empty, or holds an earlier run.")


def check_own(folder: Path) -> None:
    """Refuse a folder that holds something else under the name of a run's file."""
    for path in own_files(folder):
        if path.is_file() and path.stat().st_size and not _is_of_run(path):
            raise DataError(f"{path} is not of a run, and is never replaced. Move it away, or give another folder.")


def _is_of_run(path: Path) -> bool:
    """Whether a file holds what its name says in a run directory, maybe damaged where that can be seen."""
    if path.suffix == ".npz":
        return archive.is_archive(path)
    try:
        if path.suffix == ".toml":
            return bool(parse(read_toml(path)))
        if path.suffix == ".html":
            with path.open(encoding="utf-8") as file:
                return is_page(file.read(2000))
        found = json.loads(path.read_text(encoding="utf-8")) if path.suffix == ".json" else None
    except (MLPError, OSError, ValueError, RecursionError):
        return False
    is_wanted = {"metrics.json": isinstance(found, dict) and "metrics" in found, "findings.json": type(found) is list}
    return is_wanted.get(path.name, True)


def own_files(folder: Path) -> list[Path]:
    """All that a run directory may hold, whether it is there or not."""
    return [folder / name for name in (*NAMES, CHECKPOINT, *STALE, lock.NAME)]


def files_behind(folder: Path) -> list[Path]:
    """All that a run directory may hold, and the data from which the run came."""
    try:
        return [*own_files(folder), *files_read(parse(read_toml(current(folder, "config.toml"))))]
    except MLPError:  # what is damaged says nothing of them
        return own_files(folder)


def is_empty_or_leftover(folder: Path) -> bool:
    """Whether nothing stands there, but for what a killed process left half written."""
    return not folder.is_dir() or all(map(is_leftover, folder.iterdir()))


def holds_run(folder: Path) -> bool:
    """Whether a run stands there, finished or not, or what is left of one. Names alone prove nothing."""
    found = [path for place in (folder, folder / SAVED) for name in MODELS for path in place.glob(f"{name}*")]
    return any(map(archive.is_archive, found))


def check_unread(folder: Path, permission: Permission) -> None:
    """Refuse to write a run over what is read: a table that lies there under the name of a run's file, say."""
    for path in (folder, *own_files(folder)):
        permission.check_unread(path)
    for path in filter(is_leftover, folder.iterdir() if folder.is_dir() else ()):
        permission.check_unread(path)


def is_leftover(path: Path) -> bool:
    """Whether a killed process left it here: a lock, and what of a run was half written."""
    name = LEFTOVER.sub("", path.name)
    return path.name == lock.NAME or (name != path.name and name in (*NAMES, CHECKPOINT, *STALE, "save"))


@contextmanager
def reserve(folder: Path, permission: Permission = NOTHING_READ) -> Iterator[Path]:
    """Have the folder there, writable, and for this process alone; made for this and empty at the end, it is removed.

    DataError where it holds what is read or something else than a run, and where another process has it.
    """
    check_place(folder)
    check_unread(folder, permission)
    check_own(folder)
    check_access(folder)
    with lock.holding(folder):
        check_place(folder)
        finish_save(folder)
        for path in [*filter(is_leftover, folder.iterdir())]:  # of a process that was killed
            with suppress(OSError):
                _remove(path)
        yield folder


@contextmanager
def reserve_new(name: str) -> Iterator[Path]:
    """As `reserve`, of the first of runs/NAME-1, runs/NAME-2, ... that nobody has."""
    with lock.holding_new(new_folders(name)) as folder:
        yield folder


def remove_leftovers(folder: Path) -> None:
    """Remove the lock of a dead process and finish its save, unless another is at work or nothing may be written."""
    if has_saved_set(folder) or any(map(is_leftover, folder.iterdir())):
        with suppress(DataError), reserve(folder):
            pass


def finish_save(folder: Path) -> None:
    """Give the files of a run that was saved their places, and remove what says nothing of it.

    A process may have been killed before it came to that.
    """
    if not has_saved_set(folder):
        return
    place_set(folder)
    with suppress(OSError):  # the next one who reserves the folder will try again
        for path in [*folder.iterdir()]:
            if path.name in STALE or is_leftover(path):
                _remove(path)
        _remove_other_checkpoint(folder)
        forget_set(folder)


def _remove(path: Path) -> None:
    """Remove what lies in a folder that is reserved, but not the lock that reserves it."""
    if path.name != lock.NAME:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _remove_other_checkpoint(folder: Path) -> None:
    """Remove a checkpoint that is damaged, or is not from the end of the run that is there."""
    path = folder / CHECKPOINT
    with suppress(FileFormatError), archive.explained(path):
        mine, its = archive.about(folder / "model.npz"), archive.about(path)
        if (parse(mine["config"]), mine["numbers"]["steps"]) == (parse(its["config"]), its["state"]["steps"]):
            return
    path.unlink(missing_ok=True)
