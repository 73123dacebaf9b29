"""Files that appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mlp.errors import DataError, HyperparameterError


def written(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write `content` under a temporary name and rename it to `path`; DataError where that cannot be."""
    return written_by(path, lambda temporary: temporary.write_bytes(content))


def written_by(path: str | os.PathLike[str], writer: Callable[[Path], object]) -> Path:
    """Let `writer` write the file at a temporary path, then rename that to `path`."""
    if not isinstance(path, str | os.PathLike):
        raise HyperparameterError("path", path, "the path of a file")
    target = Path(path)
    temporary = aside(target)
    try:
        writer(temporary or target)
        if temporary:
            os.replace(temporary, os.path.realpath(target))
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror or type(error).__name__}.") from None
    finally:
        with suppress(OSError):
            if temporary:
                temporary.unlink(missing_ok=True)
    return target


def aside(path: Path) -> Path | None:
    """Where to write what will be renamed to `path`, beside the file that a link leads to.

    None for a device or a pipe (/dev/null, /dev/stdout): a rename would put a file in its place, and root may.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        return None
    real = Path(os.path.realpath(path))
    return real.with_name(real.name + ".part")
