"""Which format a path asks for, by its ending."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mlp.data.complaints import names
from mlp.errors import DataError
from mlp.exchange.onnx_file import to_onnx
from mlp.exchange.safetensors_file import to_safetensors
from mlp.experiment import Run
from mlp.sinks import remove_events, to_csv, to_jsonl, to_tensorboard
from mlp.storage.permission import Permission, as_path

FORMATS: dict[str, tuple[str, Callable[[Run, str], object]]] = {
    ".onnx": ("the model, from raw rows to answers", to_onnx),
    ".safetensors": ("its weights", to_safetensors),
    ".csv": ("its history", lambda run, path: to_csv(run.history, path)),
    ".jsonl": ("its history", lambda run, path: to_jsonl(run.history, path)),
    "/": ("its history, for TensorBoard", lambda run, path: to_tensorboard(run.history, path)),
}
"""By ending: what is written, and what writes it."""


def open_export(path: str, permission: Permission) -> Callable[[Run], object]:
    """What writes a run to such a path; DataError where the ending says nothing, or nothing may be written there."""
    place = as_path("FILE", path)
    ending = "/" if path.endswith(("/", "\\")) else Path(path).suffix.lower()
    if ending not in FORMATS:
        known = "; ".join(f"{name} ({what})" for name, (what, _) in FORMATS.items())
        raise DataError(f"{path}: the ending says in which format. Known: {known}.")
    writer = FORMATS[ending][1]
    (permission.check_folder if ending == "/" else permission.check_file)(place)

    def write(run: Run) -> None:
        if ending == "/":
            remove_events(place)
        writer(run, path)

    return write


def describe_export(run: Run, path: str) -> str:
    """What stands there now, in a line."""
    if not path.lower().endswith(".onnx"):
        return path
    about = run.model.preprocessing
    columns = f"X (rows, {len(about.feature_names)}), raw, in float64"
    if len(about.table_encoding.columns) < len(about.feature_names):
        columns += f", categories as 0 and 1: {names(about.feature_names, 6)}"
    probabilities = " and probabilities" if run.model.head.certain and about.task != "regression" else ""
    return f"{path}: takes {columns}; gives prediction{probabilities}"
