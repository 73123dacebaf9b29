"""What is said while a run trains, what is said at its end, and what is said of its file: one diagnosis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import mlp
from mlp.diagnosis.reading import moments
from mlp.experiment import begin, finish, initial_state, watch_epochs

RNG = np.random.default_rng(0)
CENTRES = 1.6 * RNG.standard_normal((3, 6))
Y = RNG.integers(0, 3, 400)
X = CENTRES[Y] + RNG.standard_normal((400, 6))
NUMBERS = X[:, 0] + 0.5 * X[:, 1]


class Watched(NamedTuple):
    """A run, and the alarms while it trained."""

    run: mlp.Run
    live: list[mlp.Finding]


@dataclass(frozen=True)
class Late:
    """A rate that comes after 90 steps."""

    def init(self) -> None:
        """No memory."""

    def rate(self, t: int, loss: Any, memory: Any) -> float:
        return 0.01 if t >= 90 else 1e-9


def watch(sections: dict[str, Any], data: Any = (X, Y)) -> Watched:
    setup, state = begin({"training": {"epochs": 6}} | sections, data)
    live = [alarm for epoch in watch_epochs(setup, state) for alarm in epoch.alarms]
    return Watched(finish(setup, state), live)


CASES: dict[str, tuple[dict[str, Any], Any]] = {
    "defaults": ({"training": {"epochs": 15}}, (X, Y)),
    "numbers": ({"training": {"epochs": 80}}, (X, NUMBERS)),
    "no validation": ({"data": {"validation": 0.0}}, (X, Y)),
    "equal weights": ({"network": {"init": "zeros"}}, (X, Y)),
    "steps too short": ({"optimizer": {"name": "sgd", "learning_rate": 1e-6}}, (X, Y)),
    "divergence": ({"optimizer": {"name": "sgd", "learning_rate": 1e9}}, (X, NUMBERS)),
    "dead units": ({"network": {"bias": -100.0}}, (X, Y)),
    "a frozen layer": ({"network": {"frozen": ["dense1"]}}, (X, Y)),
    "deep sigmoids": ({"network": {"hidden": [12] * 6, "activation": "sigmoid"}}, (X, Y)),
    "labels without meaning": ({}, (X, RNG.permutation(Y))),
    "few rows": ({"training": {"epochs": 60}}, (X[:60] / 3, Y[:60])),
    "restarts": ({"training": {"epochs": 4, "restarts": 3}, "optimizer": {"learning_rate": 1e-6}}, (X, Y)),
    "every 7th step": ({"record": {"every": 7}, "optimizer": {"learning_rate": 1e-6}}, (X, Y)),
}


@pytest.fixture(scope="module")
def watched() -> dict[str, Watched]:
    return {name: watch(*case) for name, case in CASES.items()}


@pytest.mark.parametrize("name", CASES)
def test_the_verdict_of_the_file_is_that_of_the_run(name: str, watched: Any, tmp_path: Path) -> None:
    run = watched[name].run
    run.history.save(tmp_path / "history.npz")
    assert mlp.diagnose(mlp.History.load(tmp_path / "history.npz")) == run.findings


@pytest.mark.parametrize("name", CASES)
def test_what_was_seen_at_the_end_was_seen_live_or_at_the_last_look(name: str, watched: Any) -> None:
    """Between the last moment and the end only what needs the end is new: the baseline, and the budget used up."""
    run, live = watched[name]
    seen = {alarm.kind for alarm in live}
    final = {finding.kind for finding in run.findings if finding.severity != "info"}
    assert final - seen <= {"unfinished", "stagnation", "overfitting", "divergence", "no_progress"}
    if "no_progress" in final and name not in ("labels without meaning", "few rows"):
        assert "no_progress" in seen


@pytest.mark.parametrize("name", CASES)
def test_an_alarm_is_dated_by_a_look_or_by_its_own_step(name: str, watched: Any) -> None:
    run = watched[name].run
    planned = int(dict(zip(run.history.labels("settings"), run.history["settings"][0], strict=True))["planned_steps"])
    looks = {moment - 1 for moment in moments(planned)} | {0, run.steps - 1}
    for finding in run.findings:
        assert finding.step is not None
        own = finding.kind in ("divergence", "frozen_parameters") or finding.severity == "info"
        assert finding.step in looks or (own and 0 <= finding.step < run.steps), finding


@pytest.mark.parametrize("name", CASES)
def test_the_first_step_is_step_0(name: str, watched: Any) -> None:
    """What was noted before the first step was once taken for a step, and all others were one too late."""
    history = watched[name].run.history
    assert history.steps("loss")[0] == 0
    assert all(history.steps(column).max(initial=0) < watched[name].run.steps for column in history)


FAULTY = {
    "equal weights": ("symmetric_units", "constant_initialization"),
    "steps too short": ("no_progress", "learning_rate_too_low"),
    "divergence": ("divergence", "learning_rate_too_high"),
    "dead units": ("dead_units", "negative_bias"),
    "deep sigmoids": ("vanishing_gradients", "saturating_activations"),
    "labels without meaning": ("no_progress", "uninformative_labels"),
    "restarts": ("no_progress", "learning_rate_too_low"),
    "every 7th step": ("no_progress", "learning_rate_too_low"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_told_with_its_cause(name: str, watched: Any) -> None:
    kind, cause = FAULTY[name]
    finding = next(f for f in watched[name].run.findings if f.kind == kind and f.severity != "info")
    assert finding.causes[0].name == cause


@pytest.mark.parametrize("name", ["equal weights", "steps too short", "dead units"])
def test_a_fault_of_the_setting_is_told_before_the_first_step_is_over(name: str, watched: Any) -> None:
    run, live = watched[name]
    seen_later = {"saddle_point", "local_minimum", "plateau"}  # by a probe, which looks when the loss stalls
    assert {f.step for f in run.findings if f.severity != "info" and f.kind not in seen_later} == {0}
    assert live[0].step in (0, -1)


@pytest.mark.parametrize("name", ["defaults", "numbers"])
def test_where_all_is_well_nothing_is_said(name: str, watched: Any) -> None:
    assert not watched[name].live
    assert watched[name].run.healthy


def test_a_plateau_that_ends_alarms_while_it_lasts_and_not_in_the_end() -> None:
    """For a third of the steps the rate is next to nothing."""
    setup = replace(begin({"training": {"epochs": 30}}, (X, Y))[0], rule=mlp.Adam(Late()))
    state = initial_state(setup)
    assert [alarm.kind for epoch in watch_epochs(setup, state) for alarm in epoch.alarms] == ["no_progress"]
    assert finish(setup, state).healthy


@pytest.mark.parametrize("sections", [{}, {"optimizer": {"name": "sgd", "learning_rate": 1e-6}}], ids=["well", "slow"])
def test_nothing_is_probed_where_that_is_off(sections: dict[str, Any]) -> None:
    run = watch(sections | {"record": {"probe": "never"}}).run
    probes = ("baseline_", "crossed", "label_noise", "loss_along")
    assert not [name for name in run.history if name.startswith(probes)]


def test_a_slow_run_is_probed_once() -> None:
    run = watch({"optimizer": {"name": "sgd", "learning_rate": 1e-6}}).run
    for name in ("baseline_train_accuracy", "baseline_validation_accuracy", "label_noise", "loss_along"):
        assert len(run.history[name]) == 1
    assert run.history["baseline_validation_accuracy"][0] > 0.9


def test_an_alarm_is_shown_once() -> None:
    live = watch({"network": {"init": "zeros"}}).live
    assert len(live) == len({alarm.kind for alarm in live})


def test_equal_runs_are_judged_alike() -> None:
    first, again = (watch({"optimizer": {"name": "sgd", "learning_rate": 1e-6}}) for _ in range(2))
    assert first.run.findings == again.run.findings
    assert first.live == again.live
    for name in first.run.history:
        np.testing.assert_array_equal(first.run.history[name], again.run.history[name])
