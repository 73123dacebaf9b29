"""What a detector is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NoReturn

from mlp.diagnosis.finding import Cause, Finding, Severity
from mlp.diagnosis.reading import Reading


class Detector:
    """Reads a history, never a network, and says that something is wrong. Why it is so, the causes say.

    `kinds`: what its findings may be called, and what each means. `needs`: the columns it cannot judge without.
    `explains`: whether its findings are information by themselves, and a warning where a lack of progress asks why.
    A detector has no state.
    """

    kinds: ClassVar[Mapping[str, str]] = {}
    needs: ClassVar[tuple[str, ...]] = ()
    explains: ClassVar[bool] = False

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """What it finds, once for all layers that have it."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} has no state: {name} cannot be set")

    def finding(
        self, severity: Severity, message: str, seen: Mapping[str, Any], *causes: Cause,
        layers: tuple[str, ...] = (), step: int = 0,
    ) -> Finding:  # fmt: skip
        """A finding of its first kind; what was `seen` is the evidence."""
        return Finding(next(iter(self.kinds)), severity, message, layers, step, seen, causes)
