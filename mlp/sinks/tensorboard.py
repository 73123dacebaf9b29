"""A history as TensorBoard's event files, by way of tensorboardX (the extra `tensorboard`)."""

from __future__ import annotations

import importlib
import logging
import os
from pathlib import Path
from typing import Any

from mlp.errors import MissingExtraError
from mlp.history import History
from mlp.sinks.rows import Rows


class TensorBoardLog:
    """Scalars by name and step in a folder; `tensorboard --logdir FOLDER` shows them."""

    def __init__(self, folder: str | os.PathLike[str], history: History) -> None:
        self.rows = Rows(history)
        self.writer: Any = _library().SummaryWriter(str(folder))

    def update(self, *, final: bool = False) -> None:
        """Write what was recorded since this was last called; the latest step only when `final`."""
        for step, row in self.rows.news(final=final).items():
            for name, value in row.items():
                self.writer.add_scalar(name, value, step)
        self.writer.flush()

    def close(self) -> None:
        """Write the rest."""
        try:
            self.update(final=True)
        finally:
            self.writer.close()

    def abandon(self) -> None:
        """Close the file; TensorBoard shows nothing of it."""
        self.writer.close()


def remove_events(folder: Path) -> None:
    """Remove the event files of an earlier log: TensorBoard would draw both as one curve."""
    for path in folder.glob("events.out.tfevents.*"):
        path.unlink()


def _library() -> Any:
    """tensorboardX; what it has to say of NaN, a mark in TensorBoard, goes to those who listen to its logger."""
    try:
        found = importlib.import_module("tensorboardX")
    except ImportError:
        raise MissingExtraError("logging to TensorBoard", "tensorboard") from None
    logging.getLogger("tensorboardX").addHandler(logging.NullHandler())
    return found
