"""Where results are written: never onto what was read, onto what is there already only by order, whole or not at all.

`Permission` is the one place that says what a command, or a call, may write. `replacing` is the one that writes: under
a name of its own, renamed when all is there. Both go by the file behind a name, so a link to a file, another spelling
of its path and a second name of it are that file. What the files hold is for others.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EEXIST
from itertools import count
from pathlib import Path
from typing import IO, Any

from mlp.errors import DataError, HyperparameterError

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
        raise DataError(f"{path} cannot be read or written: {error.strerror}. Give another path.") from None


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


@contextmanager
def replacing(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """A file to write to, in the mode "wb" or "w"; it takes the place of `path` when all is written.

    Where that fails, what was there stays. A link stays a link, and a device or a pipe is written to at once. What was
    not there at the beginning must not be there at the end: FileExistsError.
    """
    text: dict[str, Any] = {} if "b" in mode else {"encoding": "utf-8", "newline": ""}
    if is_stream(path):
        with path.open(mode.replace("w", "a"), **text) as file:
            yield file
        return
    real = Path(os.path.realpath(path))
    new, temporary = not real.exists(), beside(real)
    try:
        with temporary.open(mode, **text) as file:
            yield file
            if mode == "wb":  # what is read as a whole, and worth nothing in part
                file.flush()
                os.fsync(file.fileno())
        _rename(temporary, real, new)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def beside(path: Path) -> Path:
    """A new file next to `path`, to be renamed to it: name.part, or name.2.part where somebody has one of that name."""
    for number in count(1):
        temporary = path.with_name(f"{path.name}.part" if number == 1 else f"{path.name}.{number}.part")
        with suppress(FileExistsError):
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            return temporary
    raise AssertionError("there is always another number")


def _rename(temporary: Path, path: Path, new: bool) -> None:
    """Give a file its name. A `new` one takes the place of nothing that was made in the meantime."""
    if new:
        try:
            os.link(temporary, path)  # which, unlike a rename, fails where there is a file
            return
        except FileExistsError:
            raise FileExistsError(EEXIST, "another program has written it meanwhile", str(path)) from None
        except OSError:  # a file system without links
            pass
    os.replace(temporary, path)


@contextmanager
def explaining(path: Path) -> Iterator[None]:
    """Let what the system has against a file that is written be said in one line."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror or type(error).__name__}.") from None


def write_file(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` in the place of `path`; DataError where that cannot be."""
    place = as_path("path", path)
    with explaining(place), replacing(place) as file:
        file.write(content)
    return place
