"""The one way to write a file: whole or not at all.

A file is written under a name of its own and renamed when all of it is there. Whatever happens on the way, what was
there before stays. What may be written stands in `permission`; what files hold is for others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from errno import EEXIST
from itertools import count
from pathlib import Path
from typing import IO, Any

from mlp.errors import DataError
from mlp.storage.permission import as_path, is_stream


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
            _flush(file)
        _rename(temporary, real, new)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_all(folder: Path, modes: Mapping[str, str]) -> Iterator[dict[str, IO[Any]]]:
    """Files to write to, by name; they take their places in `folder`, in this order, when all of them are written."""
    with ExitStack() as stack:
        files = {name: stack.enter_context(replacing(folder / name, modes[name])) for name in [*modes][::-1]}
        yield files
        for file in files.values():  # a full disk is met before the first of them is renamed
            _flush(file)


def _flush(file: IO[Any]) -> None:
    """Write out what is waiting; to the disk what is read as a whole, and worth nothing in part."""
    file.flush()
    if "b" in file.mode:
        os.fsync(file.fileno())


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
