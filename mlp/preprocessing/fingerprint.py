"""The fingerprint of data: a few numbers that change when any of it does.

Shapes, the targets, what was learned from the rows on the way (means and deviations of all training rows, categories,
classes), and the rows themselves; of more than 16 million cells only every k-th row, so that a file of 20 GB is not
read once more.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.blocks import row_blocks, selected
from mlp.errors import DataError
from mlp.preprocessing.prepare import Prepared
from mlp.preprocessing.preprocessing import Part

CELLS = 1 << 24


def fingerprint(prepared: Prepared) -> dict[str, Any]:
    """The same for the same data, prepared in the same way."""
    inputs = prepared.preprocessing
    preparation = inputs.to_json()
    del preparation["label_kind"]  # 3 is 3 in any dtype
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    return {
        "features": len(inputs.feature_names),
        "rows": {name: 0 if part is None else len(part) for name, part in parts.items()},
        "preparation": _sha([json.dumps(preparation, sort_keys=True).encode()]),
        "content": {name: "" if part is None else _content(part) for name, part in parts.items()},
    }


def _sha(chunks: Iterable[Any]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _content(part: Part) -> str:
    """The hash of its targets, and of its rows or as many as are looked at."""
    n_columns = part.X.shape[1]
    every = -(-len(part) * n_columns // CELLS)
    return _sha(block.data for block in chain([np.ascontiguousarray(part.y)], _rows(part, max(1, every))))


def _rows(part: Part, every: int) -> Iterator[Array]:
    """Every k-th row as it stands in X, some of them at a time."""
    chosen = np.arange(0, len(part), every)
    rows = chosen if part.rows is None else part.rows[chosen]
    for block in row_blocks(len(rows), part.X.shape[1]):
        yield np.ascontiguousarray(selected(part.X, rows, block))


def check_same_data(found: dict[str, Any], needed: dict[str, Any], source: str) -> None:
    """Refuse data that is not what a run was trained on; say in what it differs."""
    if found == needed:
        return
    what = f"{source or 'data'}: this is not the data that the run was trained on"
    for name in needed["rows"]:
        if found["rows"].get(name) != needed["rows"][name]:
            raise DataError(f"{what}: {name} has {found['rows'].get(name)} rows, and had {needed['rows'][name]}. {DO}")
    if found["features"] != needed["features"]:
        raise DataError(f"{what}: it has {found['features']} features, and had {needed['features']}. {DO}")
    raise DataError(f"{what}: as many rows, but other numbers in them, or rounded by another machine. {DO}")


DO = "Put it back as it was, or train anew with mlp train."
