"""One process at a time in a folder.

The lock is a file in the folder that a process holds through the operating system: flock, or msvcrt on Windows. It is
free as soon as this process is gone, however it ended. The text in the file says who holds it, for people. Where a file
system knows no such locks (some of NFS), who makes the file has it: the lock of a process of this machine that is gone
is taken over, and that of another machine counts until somebody removes the file.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from errno import EACCES, EAGAIN
from pathlib import Path
from typing import NamedTuple

from mlp.errors import DataError, os_reason

NAME = "mlp.lock"
FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
ATTEMPTS = 100  # others may remove the folder as often while we make it
SECONDS = 1.0  # to wait, at most, until who has just taken a lock has written his name
HERE = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "this computer")

try:
    import fcntl

    def _ask(file: int) -> None:
        """Take the lock of the operating system; OSError where another has it, or where there are none."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except ImportError:  # Windows
    import msvcrt

    def _ask(file: int) -> None:
        """Take the lock of a byte far behind the text, which then can be read."""
        os.lseek(file, 1 << 30, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]


class Holder(NamedTuple):
    """Who holds a lock: the `process` of a `host`, and `since` when. `started` tells two of one number apart."""

    host: str
    process: int
    started: str
    since: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host} has held it since {self.since}"

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended. Of another machine that is not known."""
        return self.host == HERE and _start_of(self.process) != self.started


@contextmanager
def holding(folder: Path) -> Iterator[Path]:
    """Have the folder there, and for this process alone. DataError says who holds it already.

    Folders that are made for this, and are empty at the end, are removed again.
    """
    made = [place for place in (folder, *folder.parents) if not os.path.lexists(place)]
    try:
        lock = _take(folder)
        try:
            yield folder
        finally:
            _release(lock, folder / NAME)
    finally:
        with suppress(OSError):  # what holds something stays
            for place in made:
                place.rmdir()


@contextmanager
def holding_checked(folder: Path, check: Callable[[Path], None]) -> Iterator[Path]:
    """As `holding`, of a folder that passes a check: before it is touched, and again when no other process has it."""
    check(folder)
    with holding(folder):
        check(folder)
        yield folder


@contextmanager
def holding_new(folders: Iterable[Path]) -> Iterator[Path]:
    """Make the first of these folders that is not there, and hold it: no two processes get the same."""
    made: list[Path] = []
    try:
        folder = next(folder for folder in folders if _make(folder, made))
        with holding(folder):
            yield folder
    finally:
        with suppress(OSError):
            for place in reversed(made):
                place.rmdir()


def _make(folder: Path, made: list[Path]) -> bool:
    """Make a folder and those above it, and note them; False where anything has its name, if only a broken link."""
    try:
        for place in (*reversed(folder.parents), folder):
            if place == folder or not place.exists():
                place.mkdir(exist_ok=place != folder)
                made.append(place)
    except FileExistsError:
        return False
    except FileNotFoundError:  # another process has removed the empty folder above it
        return _make(folder, made)
    except OSError as error:
        raise DataError(f"{folder} cannot be made: {os_reason(error)}") from None
    return True


def _take(folder: Path) -> int:
    """The open file of the lock, which is now ours. Its last holder may remove file and folder meanwhile."""
    path = folder / NAME
    for _ in range(ATTEMPTS):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file, is_new = _open(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _cannot_lock(folder, error) from None
        try:
            if _lock(file, is_new, folder) and _is_at(file, path):
                _sign(file, path)
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)
    raise DataError(f"{folder} cannot be made. Give another folder.")


def _sign(file: int, path: Path) -> None:
    """Write our name into a lock that is ours; where that fails, on a full disk say, there is no lock."""
    try:
        os.ftruncate(file, 0)
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, json.dumps(_myself()._asdict()).encode())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise _cannot_lock(path.parent, error) from None


def _cannot_lock(folder: Path, error: OSError) -> DataError:
    return DataError(f"{folder} cannot be locked: {os_reason(error)}")


def _open(path: Path) -> tuple[int, bool]:
    """The file of a lock, and whether it is new. DataError for one that is no lock."""
    with suppress(FileExistsError):
        return os.open(path, FLAGS | os.O_CREAT | os.O_EXCL, 0o666), True
    if stat.S_ISREG(path.lstat().st_mode):
        file = os.open(path, FLAGS)
        if not os.fstat(file).st_size or _read(file) is not None:
            return file, False
        os.close(file)
    raise DataError(f"{path} is not a lock that mlp made. Remove it, or give another folder.")


def _lock(file: int, is_new: bool, folder: Path) -> bool:
    """Take the lock. False where what is left of a dead process had to be removed first; DataError if it is held."""
    try:
        _ask(file)
        return True
    except OSError as error:
        if error.errno in (EAGAIN, EACCES):  # the operating system says that another process has it
            raise _in_use(folder, _wait_for_name(file)) from None
    if not is_new:  # no locks on this file system: who made the file has it
        holder = _wait_for_name(file)
        if holder is None or not holder.is_gone:
            raise _in_use(folder, holder, f" If it is gone, remove {folder / NAME}.")
        if _is_at(file, folder / NAME):
            (folder / NAME).unlink()
    return is_new


def _in_use(folder: Path, holder: Holder | None, remedy: str = "") -> DataError:
    who = holder or "another process has held it for a moment"
    return DataError(f"{folder} is in use: {who}. Wait until that ends, or give another folder.{remedy}")


def _release(file: int, path: Path) -> None:
    """Remove the file while the lock is still ours: whoever has opened it meanwhile sees that it is gone."""
    with suppress(OSError):
        path.unlink()
    os.close(file)
    if os.name == "nt":  # where an open file cannot be removed
        with suppress(OSError):
            path.unlink()


def _is_at(file: int, path: Path) -> bool:
    """Whether an open file is the one that now has this path."""
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def _read(file: int) -> Holder | None:
    """Who holds a lock; None where nobody has written his name."""
    os.lseek(file, 0, os.SEEK_SET)
    try:
        found = json.loads(os.read(file, 4096))
        holder = Holder(**found)
    except (ValueError, TypeError, RecursionError):
        return None
    return holder if tuple(map(type, holder)) == (str, int, str, str) else None


def _wait_for_name(file: int) -> Holder | None:
    """Who holds a lock that was taken this moment: the name of a process that is gone is that of an earlier one."""
    latest = time.monotonic() + SECONDS
    while time.monotonic() < latest:
        holder = _read(file)
        if holder is not None and not holder.is_gone:
            return holder
        time.sleep(0.01)
    return _read(file)


def _myself() -> Holder:
    return Holder(HERE, os.getpid(), _start_of(os.getpid()), datetime.now().astimezone().isoformat(" ", "seconds"))


def _start_of(process: int) -> str:
    """When a process of this machine began, in ticks since the machine did: "" where that is not known."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
