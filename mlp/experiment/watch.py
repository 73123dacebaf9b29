"""Watching a run: what is noted beside what the recorder records, and when the run is judged.

The detectors that judge a finished history also judge a history that is still being written, at a few moments of the
run. An alarm may prove false, for example when a plateau ends; the findings at the end of the run count. If a run looks
slow, or does not end clearly well, more is measured: the loss along its latest step, and a baseline on the same rows.
Nothing here changes the weights of a run, or draws from its generators.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from mlp.data.order import error_gap
from mlp.diagnosis import LACKS_OF_PROGRESS, Finding, judge
from mlp.diagnosis.evidence import is_like_classes, is_suspicious, is_without_evidence
from mlp.diagnosis.reading import Reading, moments
from mlp.diagnosis.thresholds import MANY_CLASSES
from mlp.experiment.before_training import note_before_training, note_once, scanned_rows
from mlp.experiment.counterfactual import note_counterfactuals
from mlp.experiment.few_rows import note_few_rows
from mlp.experiment.loop import Companion, Epoch, Stop, epochs
from mlp.experiment.setup import SCORED, Setup
from mlp.experiment.state import State, answering_model
from mlp.experiment.trial import (
    BASELINE_ROWS,
    BASELINE_STEPS,
    BASELINE_WIDTH,
    COMPARED,
    FEW,
    TRIAL_ROWS,
    Scores,
    balance_part,
    cross_fit,
    label_noise,
    line_score,
    n_folds,
    run_baseline,
    run_classifier,
    share_rounded,
    standardise,
)
from mlp.experiment.waypoints import FIRST_BYTES, looks
from mlp.model import Model, quiet, score_name
from mlp.objective import Objective
from mlp.preprocessing import Part, Prepared
from mlp.preprocessing.data_facts import hash_rows
from mlp.preprocessing.leaks import drifted_inputs, is_among_known_rows, shared_rows
from mlp.training import Step

UPDATE_IN_ROWS = 64  # rows whose products cost as much as an update of Adam
FREE_WORK = 4 * 10**9  # half a second on one core: 120 ps for each parameter and row, from 784 to 100,000 inputs
LINED = range(4, 600)  # rows through which lines and quadratics are laid: of more, plain networks know enough
LEAST_STEPS = 50  # a network that was trained for less says nothing of the rows
ALONG = (0.0, 0.1, 1.0, 10.0)
"""How far along a step the loss is looked up, in lengths of the step."""


class Watch(Companion):
    """Judges one training a few times before it ends. `news`: the findings that no epoch has shown yet."""

    def __init__(self, setup: Setup, state: State) -> None:
        self.setup, self.state = setup, state
        self.news: list[Finding] = []
        self._moments = iter([moment for moment in moments(setup.n_steps) if moment > state.steps])
        self._next = next(self._moments, -1)

    def begin(self) -> None:
        """Note what is known before the first step, and judge it. A run that is resumed was judged before."""
        is_new = "settings" not in self.state.history
        note_before_training(self.setup, self.state)
        if is_new:
            self._judge()

    def tap(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same steps. At some moments the run is judged; if it looks slow, more is measured first."""
        for step in steps:
            if self.state.steps == self._next:
                if wants_baseline(self.setup, self.state):
                    if "loss_along" not in self.state.history:
                        look_along(self.setup, self.state, step)
                    if affordable_steps(self.setup, self.state) == BASELINE_STEPS:
                        note_baseline(self.setup, self.state)
                self._judge()
                self._next = next(self._moments, -1)
            yield step

    def after_epoch(self, epoch: Epoch) -> Epoch:
        """Note scores on training rows after an epoch; the epoch with the news as its alarms."""
        if epoch.model is not None and not self.state.diverged:
            note_scores(self.setup, self.state, epoch.model)
        alarms, self.news = tuple(self.news), []
        self.state.alarms = sorted({*self.state.alarms, *(alarm.kind for alarm in alarms)})
        return epoch._replace(alarms=alarms)

    def _judge(self) -> None:
        known = {*self.state.alarms, *(finding.kind for finding in self.news)}
        for finding in judge(Reading(self.state.history), self.setup.detectors):
            if finding.severity != "info" and finding.kind not in known:
                known.add(finding.kind)
                self.news.append(finding)


class Probe(Companion):
    """Notes `point_kind` and its numbers at the moments of the watch where the run looks slow."""

    def __init__(self, setup: Setup, state: State) -> None:
        self.setup, self.state = setup, state
        self._moments = {moment for moment in moments(setup.n_steps) if moment > state.steps}

    def tap(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same steps. At some moments, if the run looks slow, the point is looked at after the step."""
        for step in steps:
            if self.state.steps in self._moments and self._is_wanted():
                from mlp.experiment.probe import note_brief  # 20 ms, and most runs do without

                note_brief(self.setup, self.state)
            yield step

    def _is_wanted(self) -> bool:
        return self.setup.config.record.probe == "auto" and is_suspicious(Reading(self.state.history))


class Keeper(Companion):
    """Keeps weights on the way."""

    def __init__(self, setup: Setup, state: State) -> None:
        self.state, self._size = state, state.network.params.nbytes
        self._looks = looks(setup.n_steps, self._size)

    def begin(self) -> None:
        """Keep the first weights."""
        if not self.state.waypoints.steps and self._size <= FIRST_BYTES:
            self.state.waypoints.keep(self.state.steps, self.state.network.params)

    def tap(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same steps; after some of them the weights are kept."""
        for step in steps:
            if self.state.steps in self._looks:
                self.state.waypoints.keep(self.state.steps, self.state.network.params)
            yield step


def watch_epochs(
    setup: Setup, state: State, companions: Sequence[Companion] = (), stop: Stop | None = None
) -> Iterator[Epoch]:
    """The epochs of a training that is probed and watched, by other companions too."""
    return epochs(setup, state, [Keeper(setup, state), Probe(setup, state), Watch(setup, state), *companions], stop)


def note_scores(setup: Setup, state: State, model: Model) -> None:
    """Note the score on the first training rows, without dropout, and the recall of each class."""
    name = score_name(model.task)
    state.note(f"train_{name}", model.evaluate_by_member(setup.scored)[name])
    if model.task == "classification":
        state.note("recall", model.recall_by_member(setup.prepared.validation or setup.scored))


def conclude(setup: Setup, state: State) -> None:
    """Note that no more steps will come; train a baseline and look at the point if the run does not end well."""
    ended = state.history.last_step("ended") if "ended" in state.history else -1
    if ended < state.steps - 1:
        state.note("ended", state.steps)
        note_leaked_scores(setup, state)
        note_balanced_scores(setup, state)
        note_error_gap(setup, state)
        if wants_baseline(setup, state) and (steps := affordable_steps(setup, state)) >= LEAST_STEPS:
            note_baseline(setup, state, steps)
        note_few_rows(setup, state)
        if setup.config.record.probe == "auto" and came_to_nothing(setup, state):
            from mlp.experiment.probe import note_last

            note_last(setup, state)
        note_counterfactuals(setup, state)


def came_to_nothing(setup: Setup, state: State) -> bool:
    """Whether a run that has numbers lacks progress."""
    with quiet():
        found = () if state.diverged else judge(Reading(state.history), setup.detectors)
    return any(finding.kind in LACKS_OF_PROGRESS and finding.severity != "info" for finding in found)


def note_leaked_scores(setup: Setup, state: State) -> None:
    """Note how well the network does on rows to validate on that stand among the training rows, and on the others."""
    part = setup.prepared.validation
    if "leaked_rows" not in state.history or part is None or state.diverged:
        return
    is_known = is_among_known_rows(part, hash_rows(scanned_rows(setup)), setup.dtype)
    model, name = answering_model(setup, state), score_name(setup.head.task)
    found = []
    for chosen in (np.flatnonzero(is_known), np.flatnonzero(~is_known)):
        rows = Part(part.at(chosen, setup.dtype), part.y[chosen])
        value = np.max(model.evaluate_by_member(rows)[name]) if len(chosen) else np.nan
        found += [float(value), float(len(chosen))]
    note_once(state.history, "leaked_scores", found, ("leaked", "leaked_n", "clean", "clean_n"))


def counts_classes_alike(setup: Setup) -> bool:
    """Whether classes count the same in the loss, so that an accuracy is not what is made large."""
    return setup.config.data.class_weight == "balanced" and setup.head.task == "classification"


def note_balanced_scores(setup: Setup, state: State) -> None:
    """Note the balanced accuracy where classes count the same, and of how many rows it is as well known."""
    if not counts_classes_alike(setup) or state.diverged:
        return
    model, found = answering_model(setup, state), {}
    validation = setup.prepared.validation
    parts = {"train": setup.scored, "validation": None if validation is None else validation.first(SCORED, setup.dtype)}
    for name, part in parts.items():
        if part is not None:
            counts = np.bincount(part.y)
            counts = counts[counts > 0]
            found[name] = float(np.max(model.evaluate_by_member(balance_part(part))["accuracy"]))
            found[f"{name}_rows"] = float(len(counts) ** 2 / (1 / counts).sum())
    note_once(state.history, "balanced_scores", list(found.values()), list(found))


def note_error_gap(setup: Setup, state: State) -> None:
    """Note how far wrong answers lie from what is true, where classes are many whole numbers without gaps."""
    r, labels = Reading(state.history), setup.prepared.preprocessing.class_labels
    if r.one("n_classes") <= MANY_CLASSES or "neighbour_gap" not in r or labels is None or state.diverged:
        return
    part = (setup.prepared.validation or setup.scored).first(TRIAL_ROWS, setup.dtype)
    ranks = np.argsort(np.argsort(labels.astype(np.float64)))
    raw = answering_model(setup, state).raw_by_member(part).reshape(-1, len(part), setup.head.n_out)
    gaps = [error_gap(ranks[part.y], ranks[setup.head.decide(each)]) for each in raw]
    if np.isfinite(gaps).any():
        note_once(state.history, "error_gap", np.nanmin(gaps))


def note_test_rows(setup: Setup, state: State) -> None:
    """Note of the rows to test on, when all is over, which share was trained on, and columns that are far off."""
    test = setup.prepared.test
    if test is not None:
        known = shared_rows(test, scanned_rows(setup), "leaked_test_rows")
        for fact in (*known, *drifted_inputs(test, setup.prepared.preprocessing, "drifted_test_inputs")):
            note_once(state.history, *fact)


def wants_baseline(setup: Setup, state: State) -> bool:
    """Whether a baseline is allowed, worth while, and not trained yet."""
    done = any(name.startswith("baseline_") for name in state.history)
    return setup.config.record.baseline == "auto" and not done and is_suspicious(Reading(state.history))


def look_along(setup: Setup, state: State, step: Step) -> None:
    """Note the loss of the latest batch at some points along the latest step, from where it began."""
    network, objective = state.network, Objective(state.network, setup.head.loss)
    objective.batch, objective.workspace = step.batch, step.workspace
    before = network.params - step.update
    losses = np.stack([objective.value(before + length * step.update) for length in ALONG], axis=-1)
    state.history.column("loss_along", losses.shape, "", tuple(map(str, ALONG)))
    state.note("loss_along", losses)


def affordable_steps(setup: Setup, state: State, more: int = 0) -> int:
    """For how many steps a baseline, and `more` like it, may train here, to cost no more than the run did until now.

    Work is counted and not timed: equal runs then measure the same. A step of a network with P parameters on N rows
    counts P (N + 64), as an update of Adam costs as much as 64 rows. `FREE_WORK` is allowed to every run.
    """
    training, n_in = setup.config.training, setup.prepared.preprocessing.n_in
    n, n_out = min(len(setup.prepared.train), TRIAL_ROWS), setup.head.n_out
    rows = min(training.rows_per_batch(len(setup.prepared.train)), len(setup.prepared.train))
    done = prod(setup.population) * setup.layout.size * (rows + UPDATE_IN_ROWS) * (state.steps - setup.past.steps)
    a_step = (BASELINE_WIDTH * (n_in + 1) + (BASELINE_WIDTH + 1) * n_out) * (min(n, BASELINE_ROWS) + UPDATE_IN_ROWS)
    trainings = 1 + (n_folds(n) if needs_cross_fit(setup.prepared) else more)
    return min(BASELINE_STEPS, max(FREE_WORK, done) // (a_step * trainings))


def needs_cross_fit(prepared: Prepared) -> bool:
    """Whether the baseline also answers training rows that it has not seen: few rows, or none to validate on."""
    n = min(len(prepared.train), TRIAL_ROWS)
    return (n in FEW or (prepared.validation is None and n > FEW.stop)) and not prepared.dataset.complete


def note_baseline(setup: Setup, state: State, steps: int = BASELINE_STEPS) -> None:
    """Train a plain network on the same rows, and note its scores and what the labels look like."""
    rows = standardise(setup.prepared, np.dtype(np.float32))
    task, name = rows.preprocessing.task, score_name(rows.preprocessing.task)
    n = len(rows.train)
    if task != "multilabel" and n in LINED and not counts_classes_alike(setup) and not setup.prepared.dataset.complete:
        for column, value in zip((f"line_{name}", f"line_{name}_error"), line_score(rows.train, task), strict=True):
            state.note(column, value)
    if task == "classification":
        noise, error = label_noise(rows.train)
        state.note("label_noise", noise)
        state.note("label_noise_error", error)
        note_once(state.history, "label_noise_rows", min(n, COMPARED))
    scores, balanced = run_baseline(setup.config, rows, steps)
    if counts_classes_alike(setup):
        note_once(state.history, "baseline_balanced", balanced, Scores._fields)
    counts = [min(n, SCORED), 0 if rows.validation is None else len(rows.validation), n]
    note_once(state.history, "baseline_rows", counts, ("train", "validation", "trained"))
    state.note(f"baseline_train_{name}", scores.train)
    if np.isfinite(scores.validation):
        state.note(f"baseline_validation_{name}", scores.validation)
    _note_cross_fit_and_classifier(setup, state, rows, steps)


def _note_cross_fit_and_classifier(setup: Setup, state: State, rows: Prepared, steps: int) -> None:
    """Note what plain networks know of rows they have not seen, and a classifier of whole numbers, where it matters."""
    r, crossed, n = Reading(state.history), needs_cross_fit(rows), len(rows.train)
    if not crossed:
        steps = min(steps, affordable_steps(setup, state, n_folds(n)))
    if steps < LEAST_STEPS:
        return
    if is_like_classes(r):
        note_once(state.history, "rounded_accuracy", share_rounded(answering_model(setup, state), setup.scored))
        note_once(state.history, "class_accuracy", run_classifier(setup.config, rows, setup.prepared, steps))
    if crossed or (n >= FEW.start and not rows.dataset.complete and is_without_evidence(r)):
        unseen = cross_fit(setup.config, rows, steps)
        note_once(state.history, "unseen", list(unseen), unseen._fields)
        if crossed:
            state.note(f"crossed_{score_name(rows.preprocessing.task)}", unseen.score)
