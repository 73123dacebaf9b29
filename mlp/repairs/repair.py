"""Repair: try what the findings advise, keep what helps, and show by how much.

A finding's causes are suspicions. Each gets a short trial: the same experiment from scratch on the same rows, with its
remedy applied. What moves the score is kept, further remedies are added as long as they move it further, and the
repaired experiment is run in full. If that is not healthy, its own findings are the next suspicions. Nothing is changed
silently, nothing is random beyond the seed of the experiment, and the test part is never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import combinations, islice
from math import ceil, inf, nan
from pathlib import Path
from typing import Any

from mlp.config import Config
from mlp.diagnosis import Cause
from mlp.diagnosis.causes.layers import TooLittleCapacity
from mlp.diagnosis.causes.steps import ENOUGH_STEPS
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import USES, first_of, total
from mlp.experiment.changes import describe_changes, find_cause, remedies
from mlp.experiment.loop import Epoch
from mlp.experiment.run import Run, finish, run
from mlp.experiment.run_place import check_unread, reserve
from mlp.experiment.setup import SCORED, Setup
from mlp.experiment.state import State, begin
from mlp.experiment.watch import watch_epochs
from mlp.preprocessing.source import files_read
from mlp.repairs.trials import BEYOND, Bench, Change, Trial, apply_all
from mlp.storage.permission import Permission, as_path

TRIES = 3  # full runs
CANDIDATES = 6  # causes that get a trial
SHORT = 3 * ENOUGH_STEPS  # planned steps up to which a run is tried in full
SHARE = 0.05  # of the planned steps: the length of a trial of a longer one, and at least ENOUGH_STEPS
MOVES = 0.02  # by how much a score must rise to count
ALIKE = 0.01  # scores that are as good as each other, beside what chance may do
LOSS = 0.05  # by how much a held-out score may fall for a run that is healthy: some rows of a small part


@dataclass(frozen=True)
class Repair:
    """What was wrong, what was tried, and what came of it.

    `config` is the repaired experiment as a file says it, and `after` its run; where nothing helped they are those of
    before. `changes`: what was changed and why. `tries`: how many full runs it took. `baseline`: the score of a plain
    network in trials. `eased`: the causes that no setting mends whose harm a change keeps small. `advice`: by cause,
    what only the user can do.

    >>> from mlp import repair
    >>> found = repair({"data": {"source": "iris"}, "training": {"epochs": 100}, "record": {"baseline": "never"}})
    >>> found.before.healthy, found.changes
    (True, ())
    """

    before: Run
    after: Run
    config: dict[str, dict[str, Any]]
    changes: tuple[Change, ...] = ()
    trials: tuple[Trial, ...] = ()
    tries: int = 0
    baseline: float = nan
    advice: dict[str, str] = field(default_factory=dict)
    eased: tuple[str, ...] = ()

    @property
    def repaired(self) -> bool:
        """Whether there was something to repair, it is healthy now, and nothing is left that no setting mends."""
        return self.after.healthy and not self.before.healthy and not self.eased

    @property
    def outcome(self) -> str:
        """What came of it, in words."""
        if self.changes:
            runs = f"{self.tries} full run{'' if self.tries == 1 else 's'}"
            if self.after.healthy and self.eased:
                return f"no alarm after {runs}, but no setting mends {' and '.join(self.eased)}"
            return f"{'healthy' if self.repaired else 'better, but not healthy'} after {runs}"
        if any(trial.words for trial in self.trials):
            return "nothing that was tried helps; the experiment stays as it is"
        return "nothing was tried: no cause that was found has a remedy in the settings; the experiment stays as it is"

    @property
    def score_of_trials(self) -> str:
        """What scores of trials are, in words: no score of a finding or of `metrics`."""
        reading, task = Reading(self.before.history), self.before.model.task
        what = {"classification": "recall, mean over the classes", "multilabel": "share of labels that are right"}
        parts = [part for part in USES if total(reading, part) > 0]
        rows = [first_of(min(n := total(reading, part), SCORED), n, USES[part]) for part in parts]
        both = f", the first at most {BEYOND:g} above the second" if len(parts) > 1 else ""
        return f"{what.get(task, 'r²')}, {'mean of that ' if both else ''}on {' and that on '.join(rows)}{both}"

    def to_json(self) -> dict[str, Any]:
        """In lists, dicts, strings and numbers; `metrics` and `findings` are those after."""
        return {
            "repaired": self.repaired,
            "healthy": self.after.healthy,
            "tries": self.tries,
            "outcome": self.outcome,
            "changes": [change.to_json() for change in self.changes],
            "trials": [trial.to_json() for trial in self.trials],
            "baseline": self.baseline,
            "score_of_trials": self.score_of_trials,
            "advice": self.advice,
            "eased": list(self.eased),
            "metrics": self.after.metrics,
            "findings": [finding.to_json() for finding in self.after.findings],
        }


def repair(config: Any, data: Any = None, out: str | Path | None = None, *, use: Any = ()) -> Repair:
    """Run an experiment and, if it is not healthy, mend what settings can mend; with `out`, write its best run there.

    `config`, `data`, `out` and `use` as for `mlp.run`. An experiment that is healthy stays as it is.
    """
    with nullcontext() if out is None else reserve(as_path("out", out)) as folder:
        before = run(config, data, use=use)
        if folder is not None:
            check_unread(folder, Permission(files_read(before.config, config), force=True))
        found = repair_run(before, data)
        if folder is not None:
            found.after.write(folder)
    return found


Show = Callable[[Setup, State], Iterable[Epoch]]


def repair_run(before: Run, data: Any = None, show: Show = watch_epochs, tries: int = TRIES) -> Repair:
    """The repair of a run that was made, in that many full runs at most. `show` trains, and may show how far it is."""
    bench, best, made = Bench(data, _most(before)), before, 0
    failed: set[frozenset[str]] = set()
    while not best.healthy and made < tries and (chosen := choose_changes(bench, best, failed)):
        made += 1
        found = _train_in_full(apply_all(best.config, chosen), data, show)
        failed.add(_names(chosen))
        if _is_better(bench, found, best):
            best, failed = found, set()
            bench.kept += chosen
    eased = dict(_eased(bench.kept, best.config))
    advice = eased if best.healthy else dict(_advice(best)) | eased
    return Repair(
        before, best, best.config.to_dict(), bench.kept, tuple(bench.trials.values()), made,
        bench.baseline(before.config) if bench.trials else nan, advice, tuple(eased),
    )  # fmt: skip


def _is_better(bench: Bench, found: Run, best: Run) -> bool:
    """Whether its score is higher, not on memorised rows alone; or it is healthy, and on held-out rows not worse."""
    if found.healthy and bench.held_out_score(found) > bench.held_out_score(best) - LOSS:
        return True
    is_higher = bench.score_of(found) > bench.score_of(best) + MOVES
    return is_higher and bench.held_out_score(found) > bench.held_out_score(best) - ALIKE


def _most(before: Run) -> int:
    """How many steps a trial has at most."""
    planned = Reading(before.history).planned
    return SHORT if planned <= SHORT else max(ENOUGH_STEPS, ceil(SHARE * planned))


def _train_in_full(config: Config, data: Any, show: Show) -> Run:
    """The full run."""
    setup, state = begin(config.to_dict(), data)
    for _ in show(setup, state):
        pass
    return finish(setup, state)


def suspects(found: Run) -> dict[str, Cause]:
    """The causes of all alarms, likeliest first, each once."""
    named: dict[str, Cause] = {}
    for finding in found.findings:
        if finding.severity != "info":
            for cause in finding.causes:
                named.setdefault(cause.name, cause)
    return named


def candidates(found: Run) -> list[Change]:
    """Changes for the suspects that a setting may mend, at most `CANDIDATES` of them, likeliest first."""
    possible = (_changes(found, cause) for cause in suspects(found).values())
    return [change for several in islice(filter(None, possible), CANDIDATES) for change in several]


def _changes(found: Run, cause: Cause) -> list[Change]:
    """What the settings of a run can do about a cause."""
    return [
        Change(cause, keys, tuple(describe_changes(found.config, keys)))
        for keys in remedies(cause.name, found.config, found.history)
    ]


def choose_changes(bench: Bench, best: Run, failed: set[frozenset[str]]) -> tuple[Change, ...]:
    """The changes that come furthest in trials; () where none moves anything and none is left to believe in.

    The best single change; of those about as good the likeliest. While that is not near the baseline, the one that
    adds most. Where no change moves anything alone, two faults may hide each other: then all up to some rank together,
    less those that are not needed, and then any two: a wrong suspect among the first undoes what the others mend. Where
    that does not move either, a trial may have been too short to show it, and the likeliest cause has its way, unless
    it is one that no setting mends.
    """
    choices, config = candidates(best), best.config
    if not choices:
        return ()
    enough = bench.score(config, ()) + MOVES
    if chosen := _furthest(bench, config, [(change,) for change in choices], failed, enough):
        return _extended(bench, best, chosen, choices, failed)
    firsts = list({change.cause.name: change for change in reversed(choices)}.values())[::-1]
    several: Iterable[tuple[Change, ...]] = (tuple(firsts[:n]) for n in range(2, len(firsts) + 1))
    chosen = _furthest(bench, config, several, failed, enough)
    if not chosen and _can_settings_mend(best, choices):
        pairs = (pair for pair in combinations(choices, 2) if pair[0].cause.name != pair[1].cause.name)
        chosen = _furthest(bench, config, pairs, failed, enough)
    return _needed(bench, config, chosen) if chosen else _likeliest(best, choices, failed)


def _furthest(
    bench: Bench, config: Config, options: Iterable[tuple[Change, ...]], failed: set[frozenset[str]], enough: float
) -> tuple[Change, ...]:
    """The first of the options about as good as the best; those are left out that failed in full, or are not enough."""
    scored = [(option, bench.score(config, option)) for option in options if _names(option) not in failed]
    highest = max((score for _, score in scored), default=-inf)
    least = max(enough, highest - max(ALIKE, bench.standard_error(config, highest)))
    return next((option for option, score in scored if score >= least), ())


def _extended(
    bench: Bench, best: Run, chosen: tuple[Change, ...], choices: Sequence[Change], failed: set[frozenset[str]]
) -> tuple[Change, ...]:
    """With the further changes that move the score on, as long as it is not near the baseline.

    What the plain network has and this one has not, its width, is among them.
    """
    config, baseline = best.config, bench.baseline(best.config)
    width = TooLittleCapacity.because(f"a plain network reaches {baseline:.3f} in trials")
    choices = [*choices, *_changes(best, width)]
    while (score := bench.score(config, chosen)) < baseline - ALIKE:
        causes = {change.cause.name for change in chosen}
        options = [(*chosen, change) for change in choices if change.cause.name not in causes]
        if not (more := _furthest(bench, config, options, failed, score + MOVES)):
            break
        chosen = more
    return chosen


def _needed(bench: Bench, config: Config, chosen: tuple[Change, ...]) -> tuple[Change, ...]:
    """Without the changes that the score does not need, the unlikeliest dropped first."""
    enough = bench.score(config, chosen) - MOVES
    for change in reversed(chosen):
        fewer = tuple(other for other in chosen if other is not change)
        if bench.score(config, fewer) >= enough:
            chosen = fewer
    return chosen


def _likeliest(best: Run, choices: Sequence[Change], failed: set[frozenset[str]]) -> tuple[Change, ...]:
    """The first choice that was not tried in full, if the first suspect of all is one that settings mend."""
    untried = ((change,) for change in choices if _names((change,)) not in failed)
    return next(untried, ()) if _can_settings_mend(best, choices) else ()


def _can_settings_mend(best: Run, choices: Sequence[Change]) -> bool:
    """Whether the first suspect of all is one that a choice mends."""
    first = next(iter(suspects(best)), "")
    known = find_cause(first, best.config)
    return bool(choices) and first == choices[0].cause.name and known is not None and known.mends


def _names(chosen: Iterable[Change]) -> frozenset[str]:
    return frozenset(words for change in chosen for words in change.words)


def _eased(kept: Iterable[Change], config: Config) -> Iterator[tuple[str, str]]:
    """The causes of changes that no setting mends, and what the user can do."""
    for change in kept:
        known = find_cause(change.cause.name, config)
        if known and not known.mends:
            yield known.name, known.remedy


def _advice(last: Run) -> Iterator[tuple[str, str]]:
    """By cause, what no setting does: of the two likeliest causes of each alarm."""
    for finding in last.findings:
        for cause in finding.causes[:2] if finding.severity != "info" else ():
            known = find_cause(cause.name, last.config)
            if known and not (known.mends and any(remedies(cause.name, last.config, last.history))):
                yield cause.name, known.remedy
