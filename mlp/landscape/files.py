"""A landscape as a file: numbers without any extra, a picture with matplotlib. The ending says which."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from mlp.errors import DataError
from mlp.landscape.landscape import COLUMNS, Landscape
from mlp.landscape.picture import check_pictures, draw_landscape
from mlp.storage.atomic import writing


def check_ending(path: Path, others: Sequence[str] = ()) -> None:
    """Refuse a path whose ending says nothing, or a picture where there is no matplotlib.

    `others`: endings of what somebody else writes.
    """
    if path.suffix.lower() not in (*WRITERS, *others):
        raise DataError(f"{path}: the ending says in which format. Known: {', '.join((*WRITERS, *others))}.")
    if path.suffix.lower() in PICTURES:
        check_pictures()


def save(found: Landscape, path: Path) -> None:
    """Write a landscape in the format that the ending says."""
    check_ending(path)
    WRITERS[path.suffix.lower()](found, path)


def _save_csv(found: Landscape, path: Path) -> None:
    with writing(path, "w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(found.rows())


def _save_json(found: Landscape, path: Path) -> None:
    with writing(path, "w") as file:
        file.write(json.dumps(_finite(found.to_json())))


def _finite(value: Any) -> Any:
    """The same with null for numbers that are none: JSON has no infinities."""
    if isinstance(value, dict):
        return {name: _finite(v) for name, v in value.items()}
    if isinstance(value, list):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _save_text(found: Landscape, path: Path) -> None:
    with writing(path, "w") as file:
        file.write(f"{found}\n")


PICTURES = (".png", ".svg", ".pdf")
WRITERS: dict[str, Callable[[Landscape, Path], None]] = {
    ".csv": _save_csv,
    ".json": _save_json,
    ".txt": _save_text,
    **dict.fromkeys(PICTURES, draw_landscape),
}
"""By ending."""
