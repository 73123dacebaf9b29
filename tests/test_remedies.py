"""What is changed for which cause."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from histories import typed
from test_glossary import CONTRACT_CAUSES

import mlp
from mlp import Finding, History
from mlp.cli import main
from mlp.config import parse
from mlp.diagnosis import CAUSES, DETECTORS, Detector, KnownCause, known_causes
from mlp.diagnosis.causes import Changes, Suspicion
from mlp.diagnosis.reading import Reading
from mlp.errors import ConfigError, HyperparameterError
from mlp.experiment import begin
from mlp.experiment.before_training import note_settings
from mlp.experiment.changes import apply_changes, as_experiment, describe_changes, merge_changes, remedies

HISTORY = History({"settings": [[400.0, 4.0, 100.0]]}, labels={"settings": ("rows", "epochs", "planned_steps")})
FOR_THE_USER = {
    "non_finite_data", "constant_features", "uninformative_labels", "contradictory_labels", "wrong_gradient",
    "leaked_rows", "leaked_target", "identifier_feature", "drifted_inputs",
}  # fmt: skip
"""Causes of the package that no setting mends: their classes say no change."""

KNOWN = known_causes()

EVERYTHING_WRONG: dict[str, Any] = {
    "data": {"scale": "none"},
    "network": {
        "hidden": [2, 3], "activation": ["sigmoid", "identity"], "output": "sigmoid", "init": "zeros", "bias": -10.0,
        "dropout": [0.9, 0.8], "frozen": ["dense1", "dense2"],
    },
    "loss": {"name": "huber", "delta": 2.0, "l1": 1.0, "l2": 1.0},
    "optimizer": {
        "name": "adamw", "learning_rate": 5.0, "beta1": 0.999, "epsilon": 1.0, "weight_decay": 3.0, "clip_norm": 1e-6,
        "schedule": "exponential",
    },
    "training": {"epochs": 4, "batch_size": 1, "shuffle": False},
}  # fmt: skip
"""Every setting that can be wrong."""


def everything_wrong(task: str) -> Any:
    """The same, for a task, and its rows."""
    X = np.random.default_rng(0).normal(size=(400, 3))
    y = X[:, 0] if task == "regression" else (X[:, 0] > 0).astype(int)
    return EVERYTHING_WRONG | {"data": {"scale": "none", "task": task}}, (X, y)


def first_remedy(cause: str, config: Any, history: History) -> Changes | None:
    return next(remedies(cause, config, history), None)


def test_every_cause_has_a_change_or_is_for_the_user_to_mend() -> None:
    """A cause that is new has a change in this experiment, or its class says none."""
    experiment = as_experiment(parse(EVERYTHING_WRONG), HISTORY)
    without = {name for name, cause in KNOWN.items() if not any(cause.changes(experiment))}
    says_none = {name for name, c in KNOWN.items() if not c.change and type(c).changes is KnownCause.changes}
    assert without == says_none
    assert without & set(CONTRACT_CAUSES.replace(",", " ").split()) == FOR_THE_USER


@pytest.mark.parametrize("task", ["regression", "classification"])
@pytest.mark.parametrize("cause", sorted(set(KNOWN) - FOR_THE_USER))
def test_every_remedy_makes_an_experiment_that_can_be_built(cause: str, task: str) -> None:
    config, data = everything_wrong(task)
    parsed = parse(config)
    found = first_remedy(cause, parsed, HISTORY)
    if found is None:
        assert KNOWN[cause].task not in ("", task)
        return
    repaired = apply_changes(parsed, found)
    assert repaired != parsed
    assert first_remedy(cause, repaired, HISTORY) is None or KNOWN[cause].repeatable
    rows, y = data
    whole = rows, np.round(y) if cause == "classes_as_numbers" else y
    for made in remedies(cause, parsed, HISTORY):
        begin(apply_changes(parsed, made).to_dict(), whole)


@pytest.mark.parametrize(
    ("cause", "given", "expected"),
    [
        ("learning_rate_too_high", {"optimizer": {"name": "sgd", "learning_rate": 25.0}}, {"learning_rate": 0.1}),
        ("learning_rate_too_high", {"optimizer": {"name": "sgd", "learning_rate": 0.1}}, {"learning_rate": 0.01}),
        ("learning_rate_too_low", {"optimizer": {"name": "adam", "learning_rate": 1e-7}}, {"learning_rate": 0.005}),
        ("momentum_too_high", {"optimizer": {"name": "momentum", "learning_rate": 0.1, "momentum": 0.999}},
         {"momentum": 0.9, "learning_rate": 0.02}),
        ("momentum_too_high", {"optimizer": {"name": "adam", "learning_rate": 0.001, "beta1": 0.99}}, {"beta1": 0.9}),
    ],
)  # fmt: skip
def test_rates_become_the_usual_ones(cause: str, given: Any, expected: Any) -> None:
    assert first_remedy(cause, parse(given), HISTORY) == {"optimizer": pytest.approx(expected)}


def test_trials_may_choose_a_rate_five_times_as_far_from_the_one_given() -> None:
    given = {"optimizer": {"name": "sgd", "learning_rate": 25.0}}
    rates = [made["optimizer"]["learning_rate"] for made in remedies("learning_rate_too_high", parse(given), HISTORY)]
    assert rates == [0.1, 0.02]
    given["optimizer"]["learning_rate"] = 1e-6
    rates = [made["optimizer"]["learning_rate"] for made in remedies("learning_rate_too_low", parse(given), HISTORY)]
    assert rates == [0.1, 0.5]


@pytest.mark.parametrize("cause", ["momentum_too_high", "epsilon_too_large"])
def test_a_rule_without_the_key_is_left_alone(cause: str) -> None:
    assert first_remedy(cause, parse({"optimizer": {"name": "sgd", "learning_rate": 0.1}}), HISTORY) is None


def test_longer_training_has_1500_steps() -> None:
    """400 rows in batches of 32 are 13 steps; 1500 / 13 = 115.4."""
    found = first_remedy("too_few_epochs", parse({"training": {"epochs": 1}}), HISTORY)
    assert found == {"training": {"epochs": 116}}


def test_without_settings_in_the_history_training_is_three_times_as_long() -> None:
    assert first_remedy("too_few_epochs", parse({"training": {"epochs": 7}}), History({})) == {
        "training": {"epochs": 21}
    }


def test_the_keys_of_a_loss_go_with_it() -> None:
    config = parse({"loss": {"name": "huber", "delta": 2.0}})
    found = first_remedy("loss_output_mismatch", config, HISTORY)
    assert found == {"loss": {"name": "auto", "delta": None}}
    assert apply_changes(config, found).loss.own == {}
    assert list(describe_changes(config, found)) == ['loss.name "huber" → "auto"', "loss.delta left out"]


def test_where_two_remedies_disagree_the_first_counts() -> None:
    first, second = {"network": {"activation": "relu"}}, {"network": {"activation": "leaky_relu", "bias": 0.0}}
    assert merge_changes(first, second) == {"network": {"activation": "relu", "bias": 0.0}}


def test_changes_are_said_as_an_experiment_file_says_them() -> None:
    config = parse({"network": {"init": {"name": "normal", "std": 0.1}}})
    assert list(
        describe_changes(config, {"network": {"init": "auto"}, "training": {"early_stopping": {"patience": 5}}})
    ) == [
        'network.init {name = "normal", std = 0.1} → "auto"',
        "training.early_stopping false → {patience = 5}",
    ]


def test_a_change_changes_these_keys_and_no_others() -> None:
    config = parse({})
    found = apply_changes(config, {"optimizer": {"learning_rate": 0.5}, "network": {"hidden": [3, 3]}})
    assert found.optimizer.own["learning_rate"] == 0.5
    assert found.network.hidden == [3, 3]
    assert (found.data, found.loss, found.training) == (config.data, config.loss, config.training)
    assert config.network.hidden == [32]


def test_a_change_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="learning_rte"):
        apply_changes(parse({}), {"training": {"learning_rte": 0.5}})


SETTLED = sorted(name for name, cause in KNOWN.items() if cause.settled_by)


@pytest.mark.parametrize("cause", SETTLED)
def test_a_history_tells_that_a_remedy_is_in_force_as_its_change_makes_it_so(cause: str) -> None:
    """Two descriptions of one fact: the keys that the change sets, and the settings by which a history tells it."""

    def is_in_force(config: Any) -> bool:
        setup, state = begin(config, data)
        note_settings(setup, state)
        return KNOWN[cause].is_in_force(Reading(state.history))

    config, data = everything_wrong("classification")
    config = config | {"network": EVERYTHING_WRONG["network"] | {"activation": "identity"}}
    assert not is_in_force(config)
    found = first_remedy(cause, parse(config), HISTORY)
    assert found is not None
    assert is_in_force(apply_changes(parse(config), found).to_dict())


@pytest.mark.parametrize("cause", sorted(set(KNOWN) - FOR_THE_USER))
def test_the_sentence_and_the_change_of_a_remedy_are_the_same_numbers(cause: str) -> None:
    """They stood in two places and disagreed: "dropout = 0.2" was advised, and 0.1 tried."""
    task = KNOWN[cause].task or "classification"
    config = parse(everything_wrong(task)[0])
    repaired = apply_changes(config, next(remedies(cause, config, HISTORY))).to_dict()
    keys = {key: value for section in repaired.values() for key, value in section.items()}
    keys["early_stopping"] = bool(keys["early_stopping"])
    for key, value in re.findall(r"(\w+) = (\[.*?\]|[^\s,]+)", KNOWN[cause].remedy):
        key = "beta1" if key == "momentum" else key  # the rule of this experiment is one of Adam's
        if key != "name":
            assert keys[key] == tomllib.loads(f"x = {value}")["x"]


def test_a_remedy_that_is_in_force_is_not_advised() -> None:
    """Rare positives, balanced weights: "remedy: class_weight = balanced" was told."""
    columns = {"class_counts": {"no": 990, "yes": 10}, "loss": [0.69] * 10, "reference_loss": [0.69]}
    for balanced in (0.0, 1.0):
        found = mlp.diagnose(typed(**columns, settings={"balanced": balanced}))
        advised = {cause.name for finding in found for cause in finding.causes}
        assert ("class_imbalance" in advised) == (balanced == 0.0)
        assert {"no_progress", "class_imbalance"} <= {finding.kind for finding in found}


class Unlucky(KnownCause):
    """A cause that this package does not have."""

    name = "bad_luck"
    meaning = "the seed was unlucky"
    remedy = "seed = 1"
    change = {"training": {"seed": 1}}

    def signs(self, r: Reading) -> Iterator[Suspicion]:
        if r.setting("seed") == 0:
            yield self.suspect(0.99, "the seed is 0")


class SawTooth(Detector):
    """A detector that it does not have."""

    kinds = {"saw_tooth": "the loss goes up and down at every step"}
    needs = ("loss",)
    causes = (Unlucky(),)

    def __call__(self, r: Reading) -> Iterator[Finding]:
        turns = np.diff(np.sign(np.diff(r.loss))) != 0
        if len(turns) and turns.all():
            why = Unlucky.because("it turns at every step")
            yield Finding("saw_tooth", "warning", "The loss turns at every step.", (), r.done - 1, {}, (why,))


SAW: dict[str, Any] = {"loss": [0.69, 0.7] * 10, "reference_loss": [0.69], "settings": {"seed": 0.0}}


def test_a_detector_and_a_cause_of_ones_own_are_asked_on_request() -> None:
    assert "saw_tooth" not in {finding.kind for finding in mlp.diagnose(typed(**SAW))}
    found = {finding.kind: finding for finding in mlp.diagnose(typed(**SAW), [*DETECTORS, SawTooth()])}
    assert found["saw_tooth"].causes == (mlp.Cause("bad_luck", "it turns at every step", "seed = 1"),)
    assert found["no_progress"].causes[0] == mlp.Cause("bad_luck", "the seed is 0", "seed = 1")
    assert "This is not likely to train" not in found["no_progress"].message or "seed" in found["no_progress"].message


def test_the_remedy_of_ones_own_cause_is_a_change_of_an_experiment_that_names_its_detector() -> None:
    """Remedies were looked up in the table of the package alone, so a repair never tried what an own cause changes."""
    assert first_remedy("bad_luck", parse({}), HISTORY) is None
    own = parse({"record": {"detectors": [SawTooth()]}})
    assert first_remedy("bad_luck", own, HISTORY) == {"training": {"seed": 1}}


def test_what_is_added_to_the_tables_is_asked_in_every_run_and_repaired(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(CAUSES, "bad_luck", Unlucky())
    DETECTORS.append(SawTooth())
    try:
        assert "saw_tooth" in {finding.kind for finding in mlp.diagnose(typed(**SAW))}
        assert main(["findings"]) == 0
        said = capsys.readouterr().out
    finally:
        DETECTORS.pop()
    assert "saw_tooth" in said
    assert "the seed was unlucky; remedy: seed = 1" in said
    assert first_remedy("bad_luck", parse({}), HISTORY) == {"training": {"seed": 1}}


@pytest.mark.parametrize("given", [[Unlucky], [Unlucky()], 3])
def test_what_is_no_detector_is_refused_in_one_line(given: Any) -> None:
    with pytest.raises(HyperparameterError, match=r"detectors.*mlp\.diagnosis\.Detector"):
        mlp.diagnose(typed(**SAW), given)
