"""A run that went wrong, made well by its own findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.data import synthetic
from mlp.diagnosis import Cause, Finding
from mlp.diagnosis.causes import CAUSES
from mlp.experiment import begin, finish, watch_epochs
from mlp.repairs import repair_run
from mlp.repairs.repair import choose_changes
from mlp.repairs.trials import Bench, Change, apply_all

RINGS: dict[str, Any] = {"data": {"source": "rings"}, "training": {"epochs": 40}}
FAULTS: dict[str, Any] = {
    "far too high a rate": {"optimizer": {"name": "sgd", "learning_rate": 25.0}},
    "far too low a rate": {"optimizer": {"name": "adam", "learning_rate": 1e-7}},
    "all weights 0": {"network": {"init": "zeros"}},
    "eight layers of sigmoid": {"network": {"hidden": [24] * 8, "activation": "sigmoid"}},
    "dead units": {"network": {"bias": -10.0}},
    "gradients cut off": {"optimizer": {"name": "sgd", "learning_rate": 0.1, "clip_norm": 1e-6}},
    "two epochs": {"optimizer": {"name": "sgd", "learning_rate": 0.1}, "training": {"epochs": 2}},
    "nothing may move": {"network": {"frozen": ["dense1", "dense2"]}},
    "no activations": {"network": {"activation": "identity"}},
    "no patience": {"training": {"epochs": 60, "early_stopping": {"patience": 1, "min_delta": 0.2}}},
}


def faulty(name: str) -> dict[str, Any]:
    """Rings, with one fault."""
    return RINGS | FAULTS[name]


@pytest.fixture(scope="module")
def two() -> mlp.Repair:
    """Of a run with two faults."""
    return mlp.repair(RINGS | {"network": {"init": "zeros"}, "optimizer": {"name": "sgd", "learning_rate": 1e-7}})


@pytest.mark.parametrize("name", FAULTS)
def test_a_typical_fault_is_mended_at_the_first_try(name: str) -> None:
    found = mlp.repair(faulty(name))
    assert not found.before.healthy
    assert found.repaired
    assert found.tries == 1
    assert found.after.metrics["test_accuracy"] >= 0.97  # rings without a fault: 1.0


def test_targets_of_size_1e5_are_scaled() -> None:
    X = np.random.default_rng(0).normal(size=(300, 3))
    found = mlp.repair(
        {"data": {"task": "regression", "scale_target": "none"}, "training": {"epochs": 60}}, (X, 1e5 * X[:, 0] + 3e5)
    )
    assert found.repaired
    assert found.config["data"]["scale_target"] == "standard"
    assert found.after.metrics["test_r2"] > 0.95


def test_a_healthy_run_is_left_alone() -> None:
    found = mlp.repair(RINGS)
    assert found.after is found.before
    assert not found.repaired
    assert (found.changes, found.trials, found.tries, found.advice) == ((), (), 0, {})
    assert found.config == found.before.config.to_dict()


def test_of_shuffled_labels_the_user_hears_what_to_do() -> None:
    X = np.random.default_rng(0).normal(size=(300, 4))
    found = mlp.repair({"training": {"epochs": 30}}, (X, np.random.default_rng(1).integers(0, 2, 300)))
    assert not found.repaired
    assert not found.after.healthy
    assert found.advice["uninformative_labels"] == CAUSES["uninformative_labels"].remedy


def test_where_one_change_is_not_enough_several_are_made(two: mlp.Repair) -> None:
    assert two.repaired
    assert {change.cause.name for change in two.changes} == {"constant_initialization", "learning_rate_too_low"}
    assert two.config["network"]["init"] == "auto"
    assert two.config["optimizer"]["learning_rate"] == 0.1


def test_trials_begin_with_the_experiment_as_it_is_and_are_made_once_each(two: mlp.Repair) -> None:
    assert two.trials[0].causes == ()
    assert len({trial.words for trial in two.trials}) == len(two.trials)
    best = max(two.trials, key=lambda trial: trial.score)
    assert best.score > two.trials[0].score + 0.3
    assert set(best.causes) == {change.cause.name for change in two.changes}


def test_the_repaired_experiment_is_its_configuration(two: mlp.Repair) -> None:
    again = mlp.run(two.config)
    assert np.array_equal(again.network.params, two.after.network.params)


def test_the_run_before_is_what_run_makes_of_it() -> None:
    config = faulty("dead units")
    assert np.array_equal(mlp.repair(config).before.network.params, mlp.run(config).network.params)


def test_a_repair_is_deterministic() -> None:
    first, second = (mlp.repair(faulty("dead units")) for _ in range(2))
    assert first.trials == second.trials
    assert np.array_equal(first.after.network.params, second.after.network.params)


def test_the_best_run_is_written_and_nothing_beside_it(tmp_path: Path) -> None:
    found = mlp.repair(faulty("dead units"), out=tmp_path / "mended")
    assert [path.name for path in tmp_path.iterdir()] == ["mended"]
    assert mlp.load_run(tmp_path / "mended").config.to_dict() == found.config


def test_remedies_that_do_not_go_together_are_a_trial_that_failed() -> None:
    """Batch norm cannot be with batches of one row."""
    before = mlp.run(RINGS | {"network": {"batch_norm": True}, "training": {"epochs": 1}})
    change = Change(Cause("batch_too_large", "", ""), {"training": {"batch_size": 1}}, ())
    assert Bench(None, 1500).score(before.config, (change,)) == -1


@pytest.mark.parametrize("sections", [{}, {"data": {"source": "wine", "class_weight": "balanced"}},
                                      {"network": {"dropout": 0.3, "batch_norm": True}}])  # fmt: skip
def test_a_trial_of_a_short_run_is_a_copy_of_it(sections: dict[str, Any]) -> None:
    run = mlp.run(RINGS | {"training": {"epochs": 10}} | sections)
    bench = Bench(None, 1500)
    assert bench.score(run.config, ()) == bench.score_of(run)
    assert next(iter(bench.trials.values())).steps == run.steps


def test_a_trial_stops_early_where_the_run_does() -> None:
    """Trials trained to the end: what early stopping spoils, or mends, was not seen in them."""
    stopping = {"patience": 1, "min_delta": 0.2}
    run = mlp.run(RINGS | {"training": {"epochs": 40, "early_stopping": stopping}, "data": {"source": "wine"}})
    assert run.metrics["kept_epoch"] < run.steps / 4
    bench = Bench(None, 1500)
    assert bench.score(run.config, ()) == bench.score_of(run)


def test_what_is_memorised_scores_nothing_in_a_trial() -> None:
    """The mean of both scores preferred the rate that memorised more rows, of two that others answer alike."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(300, 8)), rng.integers(0, 2, 300)
    run = mlp.run({"network": {"hidden": [64]}, "training": {"epochs": 60}, "record": {"baseline": "never"}}, rows)
    bench = Bench(rows, 1500)
    assert run.metrics["train_accuracy"] > 0.95
    assert bench.score_of(run) == pytest.approx(bench.held_out_score(run) + 0.025)


def chosen_of(
    monkeypatch: pytest.MonkeyPatch, suspects: tuple[str, ...], score: Callable[[set[str]], float], baseline: float
) -> set[str]:
    """The causes whose changes are chosen where trials come to `score`, by the causes of their changes."""
    best = mlp.run(RINGS | {"optimizer": {"name": "sgd", "learning_rate": 0.03}, "training": {"epochs": 1}})
    causes = tuple(Cause(name, "", "") for name in suspects)
    best.findings, bench = (Finding("no_progress", "warning", "", causes=causes),), Bench(None, 1500)
    monkeypatch.setattr(bench, "baseline", lambda config: baseline)
    monkeypatch.setattr(bench, "score", lambda config, chosen: score({change.cause.name for change in chosen}))
    return {change.cause.name for change in choose_changes(bench, best, set())}


def test_two_changes_are_found_behind_a_wrong_suspect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes were joined from the first suspect on: where that lowered the rate, none raised it and trained longer."""
    needed = {"too_few_epochs", "learning_rate_too_low"}
    causes = ("learning_rate_too_high", "too_few_epochs", "learning_rate_too_low")
    assert chosen_of(monkeypatch, causes, lambda names: float(names == needed), 1.0) == needed


def test_of_scores_that_chance_tells_apart_the_likeliest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate five times as high was chosen for one right answer more of fifty."""
    scores = {"too_few_epochs": 0.7, "learning_rate_too_low": 0.715}
    found = chosen_of(monkeypatch, tuple(scores), lambda names: max([scores[n] for n in names], default=0.5), 0.7)
    assert found == {"too_few_epochs"}


def test_the_width_of_the_plain_network_is_tried_where_it_reaches_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing suspected a layer of four: repair ended below what the plain network had shown to be possible."""
    both = {"too_few_epochs", "too_little_capacity"}
    scores = (0.5, 0.8, 0.95)
    assert chosen_of(monkeypatch, ("too_few_epochs",), lambda names: scores[len(names & both)], 1.0) == both


def test_what_no_setting_mends_is_not_repaired_but_eased() -> None:
    """Seventy rows of 45 columns, kept from being memorised, raised no alarm: repair said healthy of a guess."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(70, 45))
    y = ((X[:, 0] + X[:, 1] > 0) ^ (rng.random(70) < 0.1)).astype(int)
    found = mlp.repair({"network": {"hidden": [32]}, "training": {"epochs": 60, "seed": 3}}, (X, y))
    assert found.eased == ("too_few_rows",)
    assert found.advice["too_few_rows"] == CAUSES["too_few_rows"].remedy
    quiet = replace(found, after=mlp.run(RINGS))
    assert quiet.after.healthy
    assert not quiet.repaired
    assert quiet.outcome == "no alarm after 1 full run, but no setting mends too_few_rows"


def test_a_long_run_has_trials_of_a_few_per_cent() -> None:
    run = mlp.run(RINGS | {"training": {"epochs": 1}})
    bench = Bench(None, 5)
    bench.score(run.config, ())
    assert next(iter(bench.trials.values())).steps == 5


def test_of_two_changes_to_one_key_the_first_counts() -> None:
    config = mlp.run(RINGS | {"training": {"epochs": 1}}).config
    changes = [Change(Cause("", "", ""), {"network": {"activation": name}}, ()) for name in ("tanh", "elu")]
    assert apply_all(config, changes).network.activation == "tanh"


def test_a_rare_class_counts_like_any_other_in_a_trial() -> None:
    """Without that, always answering the common class would score 0.97."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    y = (np.arange(300) % 30 == 0).astype(int)
    config = mlp.run({"network": {"init": "zeros", "frozen": ["dense1", "dense2"]}}, (X, y)).config
    assert Bench((X, y), 1500).score(config, ()) == pytest.approx(0.5)


def test_at_most_as_many_full_runs_as_asked_for() -> None:
    seen: list[Any] = []

    def show(setup: Any, state: Any) -> Any:
        seen.append(state)
        return watch_epochs(setup, state)

    X = np.random.default_rng(0).normal(size=(200, 4))
    before = mlp.run({"training": {"epochs": 40}}, (X, np.random.default_rng(1).integers(0, 2, 200)))
    found = repair_run(before, (X, np.random.default_rng(1).integers(0, 2, 200)), show, tries=1)
    assert len(seen) == found.tries <= 1


def test_causes_of_information_are_no_suspects() -> None:
    setup, state = begin(RINGS | {"training": {"epochs": 1}})
    for _ in watch_epochs(setup, state):
        pass
    run = finish(setup, state)
    run.findings = (Finding("unscaled_inputs", "info", "", causes=(Cause("unscaled_inputs", "", ""),)),)
    assert repair_run(run).trials == ()


def test_rows_of_their_own_are_used_for_every_trial() -> None:
    X, y = synthetic.rings(300, rng=np.random.default_rng(0)).X, np.repeat([0, 1], 150)
    found = mlp.repair({"optimizer": {"name": "sgd", "learning_rate": 1e-6}, "training": {"epochs": 60}}, (X, y))
    assert found.config["data"].get("source") is None
    assert found.trials


class Hasty(mlp.diagnosis.KnownCause):
    """A rate that somebody does not like."""

    name = "hasty"
    meaning = "the rate is above 0.1"
    remedy = "learning_rate = 0.05"
    change = {"optimizer": {"learning_rate": 0.05}}  # noqa: RUF012


class Hopeless(mlp.diagnosis.KnownCause):
    """What no setting mends."""

    name = "hopeless"
    meaning = "somebody does not like it"
    remedy = "ask somebody"


def warner(cause: mlp.diagnosis.KnownCause) -> mlp.Detector:
    """A detector that warns of rates above 0.1, and names a cause of its own."""

    class HighRate(mlp.Detector):
        kinds = {"high_rate": "the rate is above 0.1"}  # noqa: RUF012
        needs = ("settings",)
        causes = (cause,)

        def __call__(self, r: Any) -> Any:
            if r.setting("learning_rate") > 0.1:
                yield self.finding("warning", "The rate is above 0.1.", {}, cause.because("it is"))

    return HighRate()


def high_rate(cause: mlp.diagnosis.KnownCause) -> mlp.Repair:
    sections = {"optimizer": {"name": "sgd", "learning_rate": 0.2}, "training": {"epochs": 40}}
    return mlp.repair(sections | {"data": {"source": "iris"}, "record": {"detectors": [warner(cause)]}})


def test_the_change_of_an_own_cause_is_tried_and_kept() -> None:
    """Remedies were asked of the package's table alone: an own detector could warn, and repair had nothing to try."""
    found = high_rate(Hasty())
    assert "hasty" in {name for trial in found.trials for name in trial.causes}
    assert found.repaired
    assert found.config["optimizer"]["learning_rate"] == 0.05


def test_where_nothing_was_tried_nobody_says_that_what_was_tried_does_not_help() -> None:
    found = high_rate(Hopeless())
    assert not found.trials
    assert found.outcome.startswith("nothing was tried: ")
    assert found.advice == {"hopeless": "ask somebody"}
    assert found.to_json()["outcome"] == found.outcome
