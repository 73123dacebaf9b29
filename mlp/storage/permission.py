"""What a command or a call may write: never what it reads, and what is there already only by order.

All of it goes by the file behind a name: a link to a file, another spelling of its path and a second name of it are
that file. How files are written stands in `atomic`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlp.errors import DataError, HyperparameterError, os_reason

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
OPEN = re.compile(r"/dev/(stdout|stderr|fd/\d+)|/proc/self/fd/\d+")  # files that whoever started us has opened


def as_path(name: str, given: Any) -> Path:
    """The path that was given as the argument `name`; refuses what no file should be called."""
    if not isinstance(given, str | os.PathLike) or isinstance(os.fspath(given), bytes):
        raise HyperparameterError(name, given, "the path of a file or a folder")
    path = os.fspath(given)
    if not path or CONTROL.search(path):
        raise DataError(f"{name} = {path!r} cannot be: give a path, without line breaks and control characters.")
    return Path(given)


def status(path: Path) -> os.stat_result | None:
    """What the system knows of the file behind a path; None where there is none, DataError where none can be."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last: a name that no file can have
        return None
    except OSError as error:  # a name that is too long, a link to itself, a folder that is closed to us
        raise DataError(f"{path} cannot be read or written: {os_reason(error)}") from None


def is_there(path: Path) -> bool:
    """Whether something stands there; a name that no file can have is nowhere."""
    try:
        return status(path) is not None
    except DataError:
        return False


def in_home(name: str | Path) -> Path:
    """A path in which ~ and ~user stand for home folders; DataError where there is no such user."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise DataError(f"{name}: there is no such home folder. Write the path without ~.") from None


def is_stream(path: Path) -> bool:
    """Whether it is a device or a pipe, or open already: it is written to, and never replaced."""
    found = status(path)
    other = found is not None and not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode)
    return other or OPEN.fullmatch(os.path.normpath(path)) is not None


@dataclass(frozen=True)
class Permission:
    """What one command, or one call, may write.

    `read`: the files that it reads, and those from which a run came that it is about; of a folder among them, all that
    is inside. They are never written. `force`: whether it replaces what is there already.
    """

    read: Sequence[Path] = ()
    force: bool = False

    def check_file(self, path: Path) -> None:
        """Refuse what is read, what is there already unless `force` is given, and what can be no file."""
        self.check_unread(path)
        found = status(path)
        if found is not None and stat.S_ISDIR(found.st_mode):
            raise DataError(f"{path} cannot be written: it is a folder. Give the path of a file.")
        if found is None and not status(Path(os.path.realpath(path)).parent):
            raise DataError(f"{path} cannot be written: there is no folder {path.parent}. Make it first.")
        if found is not None and not (self.force or is_stream(path)):
            raise DataError(f"{path} is there already. Give another path, or --force to replace it.")

    def check_folder(self, folder: Path) -> None:
        """Refuse a folder that holds what is read, or anything at all unless `force` is given."""
        self.check_unread(folder)
        if status(folder) is None or not folder.is_dir():
            return
        for path in self.read:
            if path.exists() and path.resolve().parent.samefile(folder):
                raise DataError(f"{folder} holds {path.name}, which is read here. Give another folder.")
        if not self.force and any(folder.iterdir()):
            raise DataError(f"{folder} holds files already. Give a new folder, or --force to replace the log in it.")

    def check_unread(self, path: Path) -> None:
        """Refuse what is read, under whatever name."""
        real = Path(os.path.realpath(path))
        for place in (real, *real.parents):
            if source := self._source(status(place)):
                how = "" if source == path else f"is {source}, which " if place == real else f"lies in {source}, which "
                never = "is read here, or by the run at hand, and is never written"
                raise DataError(f"{path} {how}{never}. Give another path.")

    def check_stream(self, stream: Any) -> None:
        """Refuse a stream that was led into what is read: mlp predict RUN rows.csv >> rows.csv."""
        try:
            found = os.fstat(stream.fileno())
        except (AttributeError, OSError, ValueError):  # no file is behind it
            return
        if stat.S_ISREG(found.st_mode) and (source := self._source(found)):
            raise DataError(f"standard output goes to {source}, which is read here. Lead it to another file.")

    def _source(self, found: os.stat_result | None) -> Path | None:
        """What is read of this file or folder, if anything."""
        if found is None:
            return None
        read = ((source, status(source)) for source in self.read)
        return next((source for source, its in read if its is not None and os.path.samestat(found, its)), None)
