"""What a rule set would have said at the time.

A finding's `step` is a claim: the rules had the whole run before them when they made it. Here they see a history only
as far as it had come at a dozen moments, and what they say then is kept. That gives an honest time of the first right
alarm, and the alarms that a healthy run raises on its way and takes back in the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from observer import Seen
from rivals import RuleSet

import mlp

MOMENTS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75)
"""Shares of the planned steps after which to ask; the first is after a single step."""


def until(history: mlp.History, n_steps: int) -> mlp.History:
    """The records of the first steps."""
    kept = {name: history.steps(name) < n_steps for name in history}
    return mlp.History(
        {name: history[name][kept[name]] for name in history if kept[name].any()},
        steps={name: history.steps(name)[kept[name]].tolist() for name in history},
        labels={name: history.labels(name) for name in history},
        units={name: history.unit(name) for name in history},
    )


def seen_until(seen: Seen, n_steps: int) -> Seen:
    """What there was to judge a run by after its first steps."""
    return Seen(until(seen.history, n_steps), None if seen.observed is None else until(seen.observed, n_steps))


def told(seen: Seen, planned: int, rules: RuleSet) -> list[list[Any]]:
    """At each moment the run lived to see with an alarm: the number of steps, and the causes of all alarms."""
    lived = int(seen.history.steps("loss").max(initial=0)) + 1
    asked = sorted({max(1, round(share * planned)) for share in MOMENTS})
    answers = [(n, _alarms(rules(seen_until(seen, n)))) for n in asked if n < lived]
    return [[n, causes] for n, causes in answers if causes is not None]


def _alarms(findings: Sequence[mlp.Finding]) -> list[str] | None:
    """The causes of all alarms; None where there is no alarm."""
    found = [finding for finding in findings if finding.severity != "info"]
    return [cause.name for finding in found for cause in finding.causes] if found else None
