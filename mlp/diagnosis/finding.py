"""What a diagnosis says: findings, each with its evidence and its causes.

A finding is data: what is seen, how bad it is, where and when, the numbers behind it with their thresholds, the causes
ranked with a remedy each, and a message for people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Literal, get_args

import numpy as np

from mlp.diagnosis.reading import Reading
from mlp.errors import FileFormatError, HyperparameterError, check_kind

Severity = Literal["info", "warning", "critical"]


@dataclass(frozen=True)
class Cause:
    """Why: `name`, the reason to think so, and what to do about it.

    >>> Cause("learning_rate_too_high", "the loss jumps", "learning_rate 1 → 0.1").remedy
    'learning_rate 1 → 0.1'
    """

    name: str
    why: str
    remedy: str

    def __post_init__(self) -> None:
        for name in ("name", "why", "remedy"):
            check_kind(name, getattr(self, name), str, "text")


@dataclass(frozen=True)
class Finding:
    """What is seen: `kind`, in which `layers`, from which `step` on; `evidence` by name; `causes`, likeliest first.

    >>> from mlp.diagnosis import diagnose
    >>> found = diagnose({"loss": [0.7, 2.0, float("nan")]})[0]
    >>> found.kind, found.severity
    ('divergence', 'critical')
    """

    kind: str
    severity: Severity
    message: str
    layers: tuple[str, ...] = ()
    step: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    causes: tuple[Cause, ...] = ()

    def __post_init__(self) -> None:
        check_kind("kind", self.kind, str, "text")
        check_kind("message", self.message, str, "text")
        if isinstance(self.step, bool) or not isinstance(self.step, int | np.integer | None):
            raise HyperparameterError("step", self.step, "a step, or None")
        check_kind("evidence", self.evidence, Mapping, "a dict: numbers by name")
        if not isinstance(self.severity, str) or self.severity not in get_args(Severity):
            raise HyperparameterError("severity", self.severity, f"one of {', '.join(get_args(Severity))}")
        for name, kind in (("layers", str), ("causes", Cause)):
            given = getattr(self, name)
            if not isinstance(given, tuple) or not all(isinstance(part, kind) for part in given):
                raise HyperparameterError(name, given, f"a tuple of {'names' if kind is str else 'causes'}")

    def _repr_html_(self) -> str:
        """For notebooks: what, where, since when, and why with remedies."""
        from mlp.page import fragments  # 4 ms, for notebooks only

        where = f" in {', '.join(self.layers)}" if self.layers else ""
        since = f", since step {self.step}" if self.step is not None else ""
        head = fragments.text("b", f"{self.severity}: {self.kind.replace('_', ' ')}")
        causes = [
            fragments.tag("li", fragments.text("b", cause.name.replace("_", " ")), fragments.escape(f": {cause.why}. "),
                          fragments.text("code", cause.remedy))
            for cause in self.causes
        ]  # fmt: skip
        said = fragments.tag("p", head, fragments.escape(f"{where}{since}. {self.message}"))
        return said + (fragments.tag("ol", *causes) if causes else "")

    def to_json(self) -> dict[str, Any]:
        """In lists, dicts, strings and numbers."""
        return asdict(self) | {
            "layers": list(self.layers),
            "causes": [asdict(cause) for cause in self.causes],
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Finding:
        """The finding that `to_json` wrote; FileFormatError where a severity is none."""
        if saved["severity"] not in get_args(Severity):
            raise FileFormatError(f"a finding has the severity {saved['severity']!r}, which there is not")
        causes = tuple(Cause(**cause) for cause in saved["causes"])
        return cls(**{**saved, "layers": tuple(saved["layers"]), "causes": causes})


class Detector:
    """Reads a history, never a network, and says that something is wrong. Why it is so, the causes say.

    `kinds`: what its findings may be called, and what each means. `needs`: the columns it cannot judge without.
    `explains`: whether its findings are information by themselves, and a warning where a lack of progress asks why.
    `causes`: those of its own, which may be to blame beside those that the package knows.

    >>> class Heavy:
    ...     needs = ("largest_weight",)
    ...
    ...     def __call__(self, r):
    ...         if r["largest_weight"].max() > 100:
    ...             yield Finding("heavy_weights", "warning", "A weight is larger than 100.")
    >>> from mlp.history import History
    >>> [finding.kind for finding in Heavy()(Reading(History({"largest_weight": [1.0, 200.0]})))]
    ['heavy_weights']
    """

    kinds: ClassVar[Mapping[str, str]] = {}
    needs: ClassVar[tuple[str, ...]] = ()
    explains: ClassVar[bool] = False
    causes: ClassVar[tuple[Any, ...]] = ()

    def __call__(self, r: Reading) -> Iterator[Finding]:
        """What it finds, once for all layers that have it."""
        raise NotImplementedError

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("kinds", "needs", "explains", "causes"):
            raise AttributeError(f"{name} is of the class {type(self).__name__}, and the same for all")
        super().__setattr__(name, value)

    def finding(
        self, severity: Severity, message: str, seen: Mapping[str, Any], *causes: Cause,
        layers: tuple[str, ...] = (), step: int = 0,
    ) -> Finding:  # fmt: skip
        """A finding of its first kind; what was `seen` is the evidence."""
        return Finding(next(iter(self.kinds)), severity, message, layers, step, seen, causes)
