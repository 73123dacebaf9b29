"""What a training hands on to those who look at it, and when.

The training puts down a moment, at most one, and goes on. A thread of somebody who looks picks it up and makes a text
of it; all others get the same text. Making texts takes at most a twentieth of the time, so that the training, which
shares one interpreter with it, hardly notices. Where nobody looks, nothing is put down.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, NamedTuple, TypeVar

Moment = TypeVar("Moment")

PAUSE = 0.3  # seconds between two texts, at least
SHARE = 0.05  # of the time may be spent on texts
BEAT = 5.0  # seconds after which silence is broken, to notice who is gone
FAREWELL = 2.0  # seconds that the end waits for those who look, at most


class Told(NamedTuple):
    """`kind` is "state", "end", or "beat": nothing is new."""

    kind: str
    text: str


class Feed(Generic[Moment]):
    """Between one training and all who look at it. `tell` makes a text of a moment, one at a time."""

    def __init__(self, tell: Callable[[Moment], str]) -> None:
        self._tell = tell
        self._changed = threading.Condition()
        self._moment: Moment | None = None
        self._busy = False
        self._told, self._version = Told("state", ""), 0
        self._next = 0.0
        self._looking = 0

    @property
    def is_wanted(self) -> bool:
        """Whether somebody looks, and it is time for a new text."""
        return self.is_watched and self._moment is None and not self._busy and time.monotonic() >= self._next

    @property
    def is_watched(self) -> bool:
        """Whether somebody looks."""
        return self._looking > 0

    def put(self, moment: Moment) -> None:
        """Put down a moment, in the thread that trains. It never waits for a text to be made or read."""
        with self._changed:
            self._moment = moment
            self._changed.notify()

    def say_last(self, text: str) -> None:
        """Say the last word, and wait for a moment until those who look have it."""
        with self._changed:
            self._told, self._version, self._moment = Told("end", text), self._version + 1, None
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._looking, FAREWELL)

    @contextmanager
    def follow(self) -> Iterator[Iterator[Told]]:
        """Each text from now on, for one who looks, in a thread of theirs; what they were too slow for is left out."""
        with self._changed:
            self._looking += 1
        try:
            yield self._texts()
        finally:
            with self._changed:
                self._looking -= 1
                self._changed.notify_all()

    def _texts(self) -> Iterator[Told]:
        seen, kind = 0, ""
        while kind != "end":
            (kind, text), version = self._wait(seen)
            yield Told(kind, text) if version > seen else Told("beat", "")
            seen = version

    def _wait(self, seen: int) -> tuple[Told, int]:
        """The text after the one that was seen, made here if nobody else makes it."""
        with self._changed:
            self._changed.wait_for(lambda: self._version > seen or self._moment is not None, BEAT)
            moment, self._moment = self._moment, None
            if moment is None or self._busy:
                return self._told, self._version
            self._busy = True
        start = time.monotonic()
        try:
            text = self._tell(moment)
        finally:
            with self._changed:
                self._busy = False
                self._next = time.monotonic() + max(PAUSE, (time.monotonic() - start) / SHARE)
        with self._changed:
            if self._told.kind != "end":
                self._told, self._version = Told("state", text), self._version + 1
                self._changed.notify_all()
            return self._told, self._version
