"""Tables in other formats: JSON lines; and with the extra `tables` Parquet, Arrow and Excel, which polars reads.

Each becomes a `Table` as a frame does. Knows formats, not what the cells mean.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any

from mlp.data.complaints import one_line, quoted
from mlp.data.frames import read_cells, read_frame
from mlp.data.reading import Reading, decode, read_bytes
from mlp.data.table import Table
from mlp.errors import DataError, FileFormatError, MissingExtraError
from mlp.limits import excess
from mlp.storage.reading import check_regular

JSON_LINES = (".jsonl", ".ndjson")
READERS = {".parquet": "read_parquet", ".arrow": "read_ipc", ".feather": "read_ipc", ".xlsx": "read_excel"}
"""What reads a file in polars, by its ending."""
CELL = 8
"""Bytes of a number in memory."""


def read_json_lines(path: Path, reading: Reading) -> Table:
    """A table of one object {"column": value} in each line; a column that an object lacks is a missing cell."""
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    for number, line in enumerate(decode(path, read_bytes(path), reading.encoding).splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise FileFormatError(f"{path}, line {number}: this is no JSON ({one_line(error)}).") from None
        if not isinstance(row, dict) or any(isinstance(cell, dict | list) for cell in row.values()):
            needed = 'an object of numbers and texts, like {"age": 31, "colour": "red"}'
            raise DataError(f"{path}, line {number}: {quoted(line.strip())} is not {needed}. Write one in each line.")
        rows.append(row)
        lines.append(number)
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    if not names:
        raise DataError(f"{path} is empty. A table needs rows.")
    return Table(str(path), names, [read_cells([row.get(name) for row in rows]) for name in names], lines)


def read_with_polars(path: Path, suffix: str) -> Table:
    """A Parquet, Arrow or Excel file; MissingExtraError without the extra `tables`."""
    try:
        polars = importlib.import_module("polars")
        check_regular(path)
        with _unheard():
            frame = _read_whole(path, suffix, polars)
        return read_frame(frame, str(path))
    except ImportError:  # polars itself, or what it reads Excel with
        raise MissingExtraError(f"reading {suffix} files", "tables") from None


def _read_whole(path: Path, suffix: str, polars: Any) -> Any:
    """The frame in a file; FileFormatError where it is damaged, or would grow beyond what it may."""
    try:
        why = excess(path.stat().st_size, _count_bytes(path, suffix, polars))
        if not why:
            return _call_as_named(getattr(polars, READERS[suffix]), path)
    except (ImportError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # where polars panics, it is no Exception
        if not path.is_file():
            raise
        raise FileFormatError(f"{path} cannot be read as {suffix} ({one_line(error)[:200]}).") from None
    raise FileFormatError(f"{path}: {why}.")


@contextmanager
def _unheard() -> Iterator[None]:
    """Lead standard error, the file, to nowhere: of a damaged file polars says there, line by line, how it panics."""
    sys.stderr.flush()
    kept, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(null)


def _call_as_named(function: Any, path: Path) -> Any:
    """What a function of polars makes of a file. A name with brackets is a name, and no pattern."""
    return function(path, **({"glob": False} if "glob" in signature(function).parameters else {}))


def _count_bytes(path: Path, suffix: str, polars: Any) -> int:
    """What a file grows to when it is read, at least: a value that is repeated takes next to nothing in it."""
    if suffix == ".xlsx":
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist())
    scan = _call_as_named(polars.scan_parquet if suffix == ".parquet" else polars.scan_ipc, path)
    n_rows = scan.select(polars.len()).collect().item()
    return int(n_rows * len(scan.collect_schema()) * CELL)
