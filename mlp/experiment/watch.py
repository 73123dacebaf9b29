"""Looking at a run while it trains: when, and what is new.

The same detectors that judge a finished history judge the one that is being written, at a few moments of the run. An
alarm may turn out to be a false one, a plateau that ends say: what counts is what still holds at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mlp.diagnosis import Finding, judge
from mlp.diagnosis.gate import is_suspicious
from mlp.diagnosis.reading import Reading, moments
from mlp.history import History


@dataclass
class Watch:
    """`next`: the number of steps after which to look again; -1 when there is nothing more to look for."""

    next: int = -1
    _moments: Iterator[int] = field(default_factory=lambda: iter(()))
    _known: set[str] = field(default_factory=set)
    _news: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, planned: int) -> Watch:
        """For a run of so many steps."""
        return cls(0, iter(moments(planned)))

    def look(self, history: History, steps: int) -> None:
        """Judge what is known after `steps` steps."""
        self.next = next(self._moments, -1)
        for finding in judge(Reading(history)):
            if finding.severity != "info" and finding.kind not in self._known:
                self._known.add(finding.kind)
                self._news.append(finding)

    def news(self) -> tuple[Finding, ...]:
        """What was found since this was last asked."""
        found, self._news = tuple(self._news), []
        return found

    def wants_yardstick(self, history: History) -> bool:
        """Whether the run looks slow, and no plain network was held against it yet."""
        return not any(name.startswith("yardstick") for name in history) and is_suspicious(Reading(history))
