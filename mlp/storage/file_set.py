"""Files that count together: new ones take the place of old ones as a set.

    FOLDER/save.7f3a91c2.part/   the new files while they are written
    FOLDER/save.new/             the same when all are whole; this rename is the moment from which they count
    FOLDER/                      then each moves to its place, and the old one aside

A file is read from FOLDER/save.new if it is there, or else from FOLDER: whenever a process is killed, what is read is
one set. Where a file cannot have its place everything is put back, and the old set counts. Knows no content.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from mlp.storage.atomic import text_options

SAVED = "save.new"


@contextmanager
def replacing_set(folder: Path, modes: Mapping[str, str]) -> Iterator[dict[str, IO[Any]]]:
    """Files to write to, by name; they count when all are written, and `finish_set` gives them their places.

    Where that fails, nothing has changed.
    """
    aside = _make_aside(folder)
    try:
        with ExitStack() as stack:
            files = {
                name: stack.enter_context((aside / name).open(mode, **text_options(mode)))
                for name, mode in modes.items()
            }
            yield files
            for file in files.values():
                file.flush()
                os.fsync(file.fileno())
        _sync(aside)
        aside.rename(folder / SAVED)
        _sync(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def has_saved_set(folder: Path) -> bool:
    """Whether new files are whole, and may not have their places yet."""
    place = folder / SAVED
    return place.is_dir() and not place.is_symlink()


def current(folder: Path, name: str) -> Path:
    """Where the file of this name is that counts."""
    new = folder / SAVED / name
    return new if has_saved_set(folder) and new.is_file() else folder / name


def place_set(folder: Path) -> None:
    """Give each new file its place. OSError where that fails; then everything is where it was before."""
    new, old, moved = folder / SAVED, _make_aside(folder), list[str]()
    try:
        for name in sorted(path.name for path in new.iterdir()):
            moved.append(name)
            if os.path.lexists(folder / name):
                os.replace(folder / name, old / name)
            os.replace(new / name, folder / name)
    except OSError:
        if _put_back(folder, old, moved):
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _put_back(folder: Path, old: Path, moved: list[str]) -> bool:
    """Undo the moves. False where the disk does not even allow that: then the new files go on to count."""
    new = folder / SAVED
    try:
        for name in reversed(moved):
            if not os.path.lexists(new / name):
                os.replace(folder / name, new / name)
        for name in moved:
            if os.path.lexists(old / name):
                os.replace(old / name, folder / name)
    except OSError:
        return False
    return True


def forget_set(folder: Path) -> None:
    """Let the new files count no more: all at once, and then remove them, or the folder that they have left."""
    aside = _make_aside(folder)
    os.replace(folder / SAVED, aside)
    shutil.rmtree(aside, ignore_errors=True)


def _make_aside(folder: Path) -> Path:
    """A new folder in `folder`."""
    while True:
        with suppress(FileExistsError):
            aside = folder / f"save.{os.urandom(4).hex()}.part"
            aside.mkdir()
            return aside


def _sync(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can be asked for that."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)
