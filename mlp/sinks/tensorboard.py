"""A history as TensorBoard's event files. Their records come from tensorboardX (the extra `tensorboard`).

Its writer is not used: it hands events to a thread by way of a queue, and when that thread ends at a full disk,
whoever puts something into the queue waits for ever. Here a record is in the file when `update` returns.
"""

from __future__ import annotations

import importlib
import os
import platform
import struct
import time
from itertools import count
from pathlib import Path
from typing import Any

from mlp.errors import MissingExtraError
from mlp.history import History
from mlp.sinks.output import Output
from mlp.sinks.rows import Rows


class TensorBoardLog:
    """Scalars by name and step in a folder; `tensorboard --logdir FOLDER` shows them."""

    def __init__(self, folder: str | os.PathLike[str], history: History) -> None:
        self.rows = Rows(history)
        self.events, self.summary, self.frame = _library()
        self.head = self._record(file_version="brain.Event:2")  # waits for the first records: a full disk is met there
        self.file = _make_file(Path(folder))

    def update(self, *, final: bool = False) -> None:
        """Write what was recorded since this was last called; the latest step only when `final`."""
        news = self.rows.news(final=final).items()
        records = [
            self._record(step=step, summary=self.summary.scalar(name, value))
            for step, row in news
            for name, value in row.items()
        ]
        self.file.append(b"".join([self.head, *records]))
        self.head = b""

    def close(self) -> None:
        """Write the rest."""
        try:
            self.update(final=True)
        finally:
            self.file.close()

    def abandon(self) -> None:
        """Close the file; TensorBoard shows nothing of it."""
        self.file.close()

    def _record(self, **content: Any) -> bytes:
        """An event as TFRecord has it: its length, the checksum of that, the event, its checksum."""
        event: bytes = self.events.Event(wall_time=time.time(), **content).SerializeToString()
        length = struct.pack("<Q", len(event))
        return length + self._checksum(length) + event + self._checksum(event)

    def _checksum(self, data: bytes) -> bytes:
        return struct.pack("<I", self.frame.masked_crc32c(data))


def _make_file(folder: Path) -> Output:
    """A new event file; its name is that of TensorBoard's own, with a number where there is one of that name."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"events.out.tfevents.{int(time.time())}.{platform.node()}.{os.getpid()}"
    for number in count():
        try:
            return Output(folder / f"{name}.{number}", is_new=True)
        except FileExistsError:
            continue
    raise AssertionError("there is always another number")


def remove_events(folder: Path) -> None:
    """Remove the event files of an earlier log: TensorBoard would draw both as one curve."""
    for path in folder.glob("events.out.tfevents.*"):
        path.unlink()


def _library() -> tuple[Any, Any, Any]:
    """What tensorboardX knows of events, summaries and records.

    What it has to say of NaN, a mark in TensorBoard, goes to those who listen to its logger.
    """
    try:
        importlib.import_module("tensorboardX")
        names = ("proto.event_pb2", "summary", "record_writer")
        events, summary, frame = (importlib.import_module(f"tensorboardX.{name}") for name in names)
    except ImportError:
        raise MissingExtraError("logging to TensorBoard", "tensorboard") from None
    import logging  # 5 ms at the start of every command

    logging.getLogger("tensorboardX").addHandler(logging.NullHandler())
    return events, summary, frame
