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
    temporary = target.with_name(target.name + ".part")
    try:
        writer(temporary)
        os.replace(temporary, target)
    except OSError as error:
        raise DataError(f"{target} cannot be written: {error.strerror or type(error).__name__}.") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return target
