"""What a detector is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from mlp.diagnosis.finding import Finding
from mlp.diagnosis.reading import Reading


class Detector:
    """Reads a history, never a network, and says that something is wrong. Why it is so, the causes say.

    `kinds`: what its findings may be called, and what each means. `needs`: the columns it cannot judge without.
    `explains`: whether its findings are information by themselves, and a warning where a lack of progress asks why.
    """

    kinds: ClassVar[Mapping[str, str]] = {}
    explains: ClassVar[bool] = False
    needs: tuple[str, ...] = ()

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """What it finds."""
        raise NotImplementedError
