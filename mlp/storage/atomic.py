"""The one way to write a file: whole or not at all.

A file is written under a name of its own and renamed when all of it is there. Whatever happens on the way, what was
there before stays. What may be written stands in `permission`; what files hold is for others.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST
from pathlib import Path
from typing import IO, Any

from mlp.errors import DataError, os_reason
from mlp.storage.permission import as_path, is_stream


@contextmanager
def replacing(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """A file to write to, in the mode "wb" or "w"; it takes the place of `path` when all is written.

    Where that fails, what was there stays. A link stays a link, and a device or a pipe is written to at once. What was
    not there at the beginning must not be there at the end: FileExistsError.
    """
    if is_stream(path):
        with path.open(mode.replace("w", "a"), **text_options(mode)) as file:
            yield file
        return
    with replacing_itself(Path(os.path.realpath(path)), mode) as file:
        yield file


@contextmanager
def replacing_itself(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """As `replacing`, in a folder that is ours: a link that somebody put there is replaced, not what it leads to."""
    new, temporary = not os.path.lexists(path), temporary_next_to(path)
    try:
        with temporary.open(mode, **text_options(mode)) as file:
            yield file
            file.flush()
            if "b" in mode:  # what is read as a whole, and is worth nothing in part
                os.fsync(file.fileno())
        _rename(temporary, path, new)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def text_options(mode: str) -> dict[str, Any]:
    """How a file of this mode is opened: text is UTF-8 everywhere, and its line ends stay as they are."""
    return {} if "b" in mode else {"encoding": "utf-8", "newline": ""}


def temporary_next_to(path: Path) -> Path:
    """A new file next to `path`, to be renamed to it, with a name that nobody else has: name.7f3a91c2.part."""
    while True:
        temporary = path.with_name(f"{path.name[:40]}.{os.urandom(4).hex()}.part")
        with suppress(FileExistsError):
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
            return temporary


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
        raise DataError(f"{path} cannot be written: {os_reason(error)}") from None


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing; DataError where that cannot be."""
    with explaining(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def writing(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """As `replacing`; what the system has against it is a DataError."""
    with explaining(path), replacing(path, mode) as file:
        yield file


@contextmanager
def writing_itself(path: Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """As `replacing_itself`; what the system has against it is a DataError."""
    with explaining(path), replacing_itself(path, mode) as file:
        yield file


def write_file(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` in the place of `path`; DataError where that cannot be."""
    place = as_path("path", path)
    with writing(place) as file:
        file.write(content)
    return place
