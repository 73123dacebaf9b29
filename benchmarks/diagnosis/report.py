"""From the zoo's rows to tables: what was found, what was not, how soon, and with which cause.

An alarm is a finding of severity warning or critical. It is right if an accepted cause of the seeded fault is among its
causes. Rates come with Wilson's 95 % interval. Only rows whose state was validated count: "faulty" for recall and
causes, "healthy" for false alarms.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from rivals import RULE_SETS

Row = dict[str, Any]

SEVERITIES = ("critical", "warning")


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a rate. Wilson (1927).

    >>> [round(bound, 3) for bound in wilson(0, 200)]
    [0.0, 0.019]
    """
    if not n:
        return 0.0, 1.0
    rate, room = hits / n, z * z / n
    middle, half = (rate + room / 2) / (1 + room), z * sqrt(rate * (1 - rate) / n + room / (4 * n)) / (1 + room)
    return max(0.0, middle - half), min(1.0, middle + half)


def share(hits: int, n: int) -> str:
    """A rate with its interval and its numbers."""
    low, high = wilson(hits, n)
    return f"{hits / n:6.1%} [{low:.1%}, {high:.1%}] ({hits}/{n})" if n else "     - (0/0)"


class Answer(NamedTuple):
    """What a rule set said of one faulty run.

    `latency`: the share of the planned steps until the first right alarm, or where none is right until the first; None
    without an alarm. `soonest`: likewise until the first alarm, right or not.
    """

    alarmed: bool
    first: bool
    among_three: bool
    first_of_any: bool
    latency: float | None
    soonest: float | None


def alarms(row: Row, rules: str) -> list[Row]:
    """Its alarms, critical ones first, else in the order the rule set gave them."""
    found = [finding for finding in row["findings"].get(rules, ()) if finding["severity"] in SEVERITIES]
    return sorted(found, key=lambda finding: SEVERITIES.index(finding["severity"]))


def causes(found: Iterable[Row]) -> list[str]:
    """All causes by name, each once, in the order of the alarms."""
    return list(dict.fromkeys(cause["name"] for finding in found for cause in finding["causes"]))


def answer(row: Row, accepted: Sequence[str], rules: str) -> Answer:
    """Compare the alarms of a faulty run with the causes that are accepted."""
    found = alarms(row, rules)
    named = causes(found)
    right = [finding for finding in found if not set(causes([finding])).isdisjoint(accepted)]
    steps = [_step(row, finding) for finding in right or found]
    return Answer(
        bool(found),
        bool(named) and named[0] in accepted,
        not set(named[:3]).isdisjoint(accepted),
        any(finding["causes"] and finding["causes"][0]["name"] in accepted for finding in found),
        min(steps) / row["planned"] if steps else None,
        min(_step(row, finding) for finding in found) / row["planned"] if found else None,
    )


def _step(row: Row, finding: Row) -> int:
    """When it could be said; a finding without a step needed the whole run."""
    return row["planned"] if finding["step"] is None else finding["step"]


def report(rows: Sequence[Row], faults: Mapping[str, Any], half: str) -> str:
    """All tables for the half asked for; single misses of the unseen half only if it is asked for by name."""
    quarters = [half] if half != "all" else ["seen", "crossed", "unseen"]
    parts = []
    for name in quarters:
        mine = [row for row in rows if row["quarter"] == name]
        if not mine:
            continue
        parts.append(f"==== {name} ====\n{_population(mine)}")
        asked = [rules for rules in RULE_SETS if any(rules in row["findings"] for row in mine)]
        parts.append(_comparison(mine, faults, asked))
        parts += [_summary(mine, faults, rules) for rules in asked]
        parts.append(_by_class(mine, faults, "mlp"))
        parts.append(_recall_by_class(mine, faults, asked))
        if half == "seen" == name or half == "unseen" == name:
            parts.append(_misses(mine, faults, "mlp"))
    return "\n\n".join(parts)


def _population(rows: Sequence[Row]) -> str:
    """What there is, and in which state."""
    counts = Counter((row["label"], row["state"]) for row in rows)
    lines = [f"{label:<11} {state:<12} {n:5}" for (label, state), n in sorted(counts.items())]
    refused = [f"{row['id']}: {row['error']}" for row in rows if "error" in row]
    return "\n".join(lines + refused[:5])


def _in_state(rows: Iterable[Row], state: str, *labels: str) -> list[Row]:
    return [row for row in rows if row["state"] == state and row["label"] in labels]


def twins(rows: Iterable[Row]) -> list[Row]:
    """Healthy runs that a validated faulty run was made from, each once."""
    rows = list(rows)
    of_faulty = {row["twin"] for row in _in_state(rows, "faulty", "faulty")}
    return [row for row in _in_state(rows, "healthy", "base", "twin") if row["id"] in of_faulty]


def _comparison(rows: Sequence[Row], faults: Mapping[str, Any], asked: Sequence[str]) -> str:
    """One line for each rule set."""
    broken, well = _in_state(rows, "faulty", "faulty"), _in_state(rows, "healthy", "base", "look_alike", "twin")
    odd, repaired = _in_state(rows, "healthy", "look_alike"), twins(rows)
    lines = [
        f"{'':<14}{f'recall of {len(broken)}':>23}{'first':>7}{'three':>7}"
        f"{f'false of {len(well)}':>21}{f'odd of {len(odd)}':>21}{f'twins of {len(repaired)}':>21}{'first alarm':>20}"
    ]
    for rules in asked:
        answers = [answer(row, faults[row["name"]].causes, rules) for row in broken]
        alarming = (sum(bool(alarms(row, rules)) for row in group) for group in (well, odd, repaired))
        rates = (_interval(hits, len(group)) for hits, group in zip(alarming, (well, odd, repaired), strict=True))
        soonest = [a.soonest for a in answers if a.soonest is not None]
        lines.append(
            f"{rules:<14}{_interval(sum(a.alarmed for a in answers), len(broken)):>23}"
            f"{_rate(answers, lambda a: a.first):>7}{_rate(answers, lambda a: a.among_three):>7}"
            f"{''.join(f'{rate:>21}' for rate in rates)}{_median_and_late(soonest):>20}"
        )
    return "\n".join(lines)


def _interval(hits: int, n: int) -> str:
    """A rate with its interval, in few letters."""
    low, high = wilson(hits, n)
    return f"{hits / n:.1%} [{100 * low:.1f}, {100 * high:.1f}]" if n else "-"


def _median_and_late(latencies: Sequence[float]) -> str:
    """Median and p90."""
    return " / ".join(f"{late:.1%}" for late in np.quantile(latencies, [0.5, 0.9])) if latencies else "-"


def _summary(rows: Sequence[Row], faults: Mapping[str, Any], rules: str) -> str:
    """The table's numbers for one rule set."""
    broken = _in_state(rows, "faulty", "faulty")
    answers = [answer(row, faults[row["name"]].causes, rules) for row in broken]
    well, repaired = _in_state(rows, "healthy", "base", "look_alike", "twin"), twins(rows)
    n = len(broken)
    latencies = [a.latency for a in answers if a.latency is not None and a.among_three]
    lines = [
        f"---- {rules} ----",
        f"recall                   {share(sum(a.alarmed for a in answers), n)}",
        f"cause first              {share(sum(a.first for a in answers), n)}",
        f"cause among three        {share(sum(a.among_three for a in answers), n)}",
        f"first cause of any alarm {share(sum(a.first_of_any for a in answers), n)}",
        f"first right alarm        {_quantiles(latencies)} of the planned steps",
        f"first alarm at all       {_quantiles([a.soonest for a in answers if a.soonest is not None])}",
        *_live(broken, well, faults, rules),
        f"false alarms, healthy    {_alarmed(well, rules)}",
        f"    of them look-alikes  {_alarmed(_in_state(rows, 'healthy', 'look_alike'), rules)}",
        f"false alarms, twins      {_alarmed(repaired, rules)}",
        *_by_detector(well, rules),
    ]
    return "\n".join(lines)


def _live(broken: Sequence[Row], well: Sequence[Row], faults: Mapping[str, Any], rules: str) -> list[str]:
    """The same, as it would have been told on the way; nothing if that was not asked."""
    if not any("live" in row for row in broken):
        return []
    first = [_first_told(row, faults[row["name"]].causes, rules) for row in broken]
    heard = [when for when in first if when is not None]
    taken_back = sum(bool(row["live"][rules]) and not alarms(row, rules) for row in well)
    return [
        f"    as told on the way   {_quantiles(heard)}, of {share(len(heard), len(broken))}",
        f"alarms taken back        {share(taken_back, len(well))} of healthy runs",
    ]


def _first_told(row: Row, accepted: Sequence[str], rules: str) -> float | None:
    """The share of the planned steps after which an alarm with an accepted cause was first told; None: never."""
    said = [n for n, named in row["live"][rules] if not set(named).isdisjoint(accepted)]
    if said:
        return min(said) / row["planned"]
    in_the_end = not set(causes(alarms(row, rules))).isdisjoint(accepted)
    return row["steps"] / row["planned"] if in_the_end else None


def _quantiles(latencies: Sequence[float]) -> str:
    if not latencies:
        return "never"
    middle, late = np.quantile(latencies, [0.5, 0.9])
    return f"median {middle:.1%}, p90 {late:.1%}"


def _alarmed(rows: Sequence[Row], rules: str) -> str:
    return share(sum(bool(alarms(row, rules)) for row in rows), len(rows))


def _by_detector(rows: Sequence[Row], rules: str) -> list[str]:
    """Which kind of finding, with which first cause, alarms on how many healthy runs."""
    pairs = Counter(
        pair for row in rows for pair in {(f["kind"], *causes([f])[:1]) for f in alarms(row, rules)}
    )  # fmt: skip
    return [f"    {' / '.join(pair):<48} {share(n, len(rows))}" for pair, n in pairs.most_common()]


def _by_class(rows: Sequence[Row], faults: Mapping[str, Any], rules: str) -> str:
    """One line for each fault."""
    lines = [
        f"{'fault':<27}{'runs':>5}{'faulty':>7}{'learned':>8}{'twin-':>6}{'recall':>8}{'first':>7}{'three':>7}{'at':>8}"
    ]
    for name, fault in faults.items():
        mine = [row for row in rows if row["label"] == "faulty" and row["name"] == name]
        if not mine:
            continue
        states = Counter(row["state"] for row in mine)
        answers = [answer(row, fault.causes, rules) for row in mine if row["state"] == "faulty"]
        latencies = [a.latency for a in answers if a.latency is not None]
        lines.append(
            f"{name:<27}{len(mine):5}{states['faulty']:7}{states['learned'] + states['between']:8}"
            f"{states['twin failed']:6}{_rate(answers, lambda a: a.alarmed):>8}{_rate(answers, lambda a: a.first):>7}"
            f"{_rate(answers, lambda a: a.among_three):>7}"
            f"{f'{np.median(latencies):.1%}' if latencies else '-':>8}"
        )
    return "\n".join(lines)


def _recall_by_class(rows: Sequence[Row], faults: Mapping[str, Any], asked: Sequence[str]) -> str:
    """Recall of each fault, one column for each rule set."""
    lines = ["".join((f"{'recall':<27}{'faulty':>7}", *(f"{rules:>15}" for rules in asked)))]
    for name, fault in faults.items():
        mine = [row for row in _in_state(rows, "faulty", "faulty") if row["name"] == name]
        if mine:
            answers = ([answer(row, fault.causes, rules) for row in mine] for rules in asked)
            shares = (f"{_rate(found, lambda a: a.alarmed):>15}" for found in answers)
            lines.append("".join((f"{name:<27}{len(mine):7}", *shares)))
    return "\n".join(lines)


def _rate(answers: Sequence[Answer], hit: Callable[[Answer], bool]) -> str:
    return f"{np.mean([hit(a) for a in answers]):.0%}" if answers else "-"


def _misses(rows: Sequence[Row], faults: Mapping[str, Any], rules: str) -> str:
    """Every silence, every wrong cause, every false alarm."""
    silent, wrong = [], []
    for row in _in_state(rows, "faulty", "faulty"):
        said = answer(row, faults[row["name"]].causes, rules)
        if not said.alarmed:
            silent.append(f"    {row['id']:<52} score {row['score']:.3f}, train {row['train_score']:.3f}")
        elif not said.first:
            place = "second or third" if said.among_three else "not among three"
            wrong.append(f"    {row['id']:<52} {place}: {', '.join(causes(alarms(row, rules))[:4])}")
    false = [
        f"    {row['id']:<52} {', '.join(f['kind'] for f in alarms(row, rules))}"
        for row in _in_state(rows, "healthy", "base", "look_alike", "twin")
        if alarms(row, rules)
    ]
    parts = (("silent", silent), ("wrong cause first", wrong), ("false alarms", false))
    return "\n".join(line for title, lines in parts for line in (f"{title}: {len(lines)}", *lines))


def equivalence(faults: Iterable[Any]) -> str:
    """The table of faults: the seeded cause, what else is accepted, and what one would see."""
    return "\n".join(
        f"{fault.name:<27} {fault.causes[0]:<26} {', '.join(fault.causes[1:]) or '-':<56} {', '.join(fault.kinds)}"
        for fault in faults
    )
