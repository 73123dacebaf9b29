"""One output, one meaning: numbers of one name, of the same rows at one time, are equal, and say which they are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.report.text import metrics_table, repair_text, verdict

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3000, 6))
CLASSES = (X[:, 0] + RNG.normal(size=len(X)) > 0).astype(int)
RARE = ((X[:, 0] > 0) & (RNG.random(len(X)) < 0.05)).astype(int)
NUMBERS = X @ RNG.normal(size=6) + RNG.normal(size=len(X))
OTHER = np.random.default_rng(0)
FEW = OTHER.normal(size=(60, 12))
NOISY = FEW[:, 0] + OTHER.normal(size=60)
TRUTH = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]] * 5)


class Case(NamedTuple):
    config: dict[str, dict[str, Any]]
    rows: Any
    targets: Any


def case(rows: Any, targets: Any, n: int, **config: Any) -> Case:
    return Case({section: dict(keys) for section, keys in config.items()}, rows[:n], targets[:n])


LONG, ALL = {"epochs": 100}, {"validation": 0.0, "test": 0.0}
CASES = {
    "healthy": case(X, X[:, 0] > 0, 300),
    "few rows by heart": case(FEW, NOISY > 0, 60, training=LONG),
    "few rows, none held out": case(FEW, NOISY > 0, 60, training=LONG, data=ALL),
    "few numbers by heart": case(FEW, NOISY, 60, training={"epochs": 300}),
    "more rows, none held out": case(np.c_[X, X**2], CLASSES, 200, training=LONG, data=ALL),
    "guesses": case(X, RNG.permutation(CLASSES), 200, training=LONG),
    "a rare class": case(X, RARE, 3000),
    "a rare class, none held out": case(X, RARE, 3000, data=ALL),
    "a rare class, balanced": case(X, RARE, 3000, data={"class_weight": "balanced"}),
    "more rows than are scored": case(X, CLASSES, 3000, network={"hidden": [1]}, training={"epochs": 2}),
    "smoothed labels and dropout": case(X, CLASSES, 400, loss={"label_smoothing": 0.2}, network={"dropout": 0.5}),
    "stopped early": case(X, CLASSES, 200, training={"early_stopping": {"patience": 3}, "epochs": 60}),
    "diverged": case(X, NUMBERS, 200, optimizer={"name": "sgd", "learning_rate": 1e30}),
    "too slow": case(X, NUMBERS, 200, optimizer={"learning_rate": 1e-6}),
    "numbers that are noise": case(X, RNG.normal(size=len(X)), 100, training=LONG),
    "restarts": case(X, CLASSES, 200, training={"restarts": 3}),
    "an ensemble": case(X, CLASSES, 200, training={"restarts": 3, "ensemble": True}),
    "a truth table": case(TRUTH, np.logical_xor(*TRUTH.T.astype(bool)), 20, data=ALL),
}


@cache
def run(name: str) -> mlp.Run:
    given = CASES[name]
    return mlp.run(given.config, (given.rows, given.targets))


def size(found: mlp.Run, part: str) -> int:
    names = found.history.labels("settings")
    return int(found.history["settings"][0][names.index("rows" if part == "train" else "validation_scored")])


SCORE = re.compile(
    r"After the last epoch the (?P<name>accuracy|r²) is (?P<value>-?[\d.]+\d) on (?P<rows>the [^.,;:]*? rows to \w+ on)"
    r"(?: and (?P<more>-?[\d.]+\d) on (?P<others>the [^.,;:]*? rows to \w+ on))?"
)
USE = {"train": "to train on", "validation": "to validate on"}


def told_by_findings(found: mlp.Run) -> Iterator[tuple[tuple[str, str], float]]:
    """((name, rows), value) of each score that a message tells of the network."""
    for finding in found.findings:
        for match in SCORE.finditer(finding.message):
            yield (match["name"], match["rows"]), float(match["value"])
            if match["more"]:
                yield (match["name"], match["others"]), float(match["more"])


def told_by_the_table(found: mlp.Run) -> Iterator[tuple[tuple[str, str], float]]:
    """The same of the metrics, where they are of the weights after the last epoch and of one network."""
    if found.network.population or found.metrics.get("kept_epoch", size(found, "train")) == 0:
        return
    if "kept_epoch" in found.metrics and found.metrics["kept_epoch"] != len(found.history["train_loss"]):
        return
    for part, use in USE.items():
        for kind, name in (("accuracy", "accuracy"), ("r2", "r²")):
            if f"{part}_{kind}" in found.metrics:
                yield (name, f"the {size(found, part)} rows {use}"), found.metrics[f"{part}_{kind}"]


@pytest.mark.parametrize("name", CASES)
def test_scores_of_the_same_rows_at_the_same_time_are_equal(name: str) -> None:
    """The table said .375 of 8 rows, and a finding .512 of "rows held out": most of those were another network's."""
    seen: dict[tuple[str, str], float] = {}
    for claim, value in (*told_by_the_table(run(name)), *told_by_findings(run(name))):
        assert value == pytest.approx(seen.setdefault(claim, value), abs=6e-4), claim


def test_the_cases_have_something_to_say() -> None:
    told = [claim for name in CASES for claim, _ in told_by_findings(run(name))]
    assert len(told) >= 8
    assert any("the first 1024 of" in rows for _, rows in told)
    assert {finding.kind for name in CASES for finding in run(name).findings} >= {
        "overfitting", "no_progress", "minority_class_ignored", "divergence", "stagnation",
    }  # fmt: skip


NUMBER = re.compile(r"(accuracy|r²|score|loss)( is| has| was|) [^.,;:]*?\d\.\d+")
WHERE = re.compile(r"rows to (train|validate) on|mean over|at step|begins at|before the first step")


@pytest.mark.parametrize("name", CASES)
def test_each_score_and_loss_says_what_it_is_of(name: str) -> None:
    for finding in run(name).findings:
        for sentence in re.split(r"(?<=[^\d])\. ", finding.message):
            assert not NUMBER.search(sentence) or WHERE.search(sentence), sentence


@pytest.mark.parametrize("name", ["few rows by heart", "few rows, none held out", "few numbers by heart"])
def test_what_is_put_together_can_be_worked_out_from_what_is_shown(name: str) -> None:
    """Scores of rows that were not seen, by the run's own experiment and by ridge regression, and their difference."""
    (message,) = [f.message for f in run(name).findings if f.kind == "overfitting"]
    number, signed = r"(-?[\d.]+\d)", r"([+-][\d.]+\d)"
    shown = rf"has {number} of (?:accuracy|r²), and ridge regression {number} \({signed} to {signed}, 95 %"
    ((own, ridge, low, high),) = re.findall(shown, message)
    assert (float(low) + float(high)) / 2 == pytest.approx(float(ridge) - float(own), abs=0.0115)  # two digits each
    assert ("and rows to validate on that it had not seen" in message) == ("none held out" not in name)


@pytest.mark.parametrize("name", CASES)
def test_evidence_of_one_name_is_one_number(name: str) -> None:
    """ "score" and "baseline" were of the validation rows in one finding and of the rows to train on in another."""
    seen = {key: value for key, value in run(name).metrics.items() if np.ndim(value) == 0}
    for finding in run(name).findings:
        for key, value in finding.evidence.items():
            if key not in ("error", "threshold", "gap", "gap_threshold"):  # each of its own finding
                assert value == pytest.approx(seen.setdefault(key, value)), key


@pytest.mark.parametrize("name", CASES)
def test_the_table_says_which_weights_and_which_loss(name: str) -> None:
    config, table = CASES[name].config, metrics_table(run(name))
    kept = run(name).metrics.get("kept_epoch")
    assert ("weights   those" in table) == (kept is not None)
    assert kept is None or f"after epoch {kept}," in table or (kept == 0 and "that training began with" in table)
    assert ("of smoothed labels" in table) == ("label_smoothing" in config.get("loss", {}))
    assert ("whatever its class" in table) == (config.get("data", {}).get("class_weight") == "balanced")
    assert ("validation losses" in table) == (config.get("training", {}).get("restarts", 1) > 1)


def test_the_epoch_whose_weights_came_back_is_that_of_the_table() -> None:
    found = run("stopped early")
    kept = found.metrics["kept_epoch"]
    assert 0 < kept < len(found.history["train_loss"])
    assert found.history["validation_accuracy"][kept - 1] == pytest.approx(found.metrics["validation_accuracy"])
    assert found.history["validation_loss"][kept - 1] == pytest.approx(found.metrics["validation_loss"])


def test_the_verdict_is_told_from_the_table() -> None:
    """Both said training loss: one of the weights after the epoch, one of those on the way through it."""
    found = run("healthy")
    assert found.healthy
    (loss,) = re.findall(r"training loss (\S+) \(mean over the last epoch, while it trained\)", verdict(found))
    assert float(loss) == pytest.approx(found.history["train_loss"][-1], rel=5e-3)
    assert float(loss) != pytest.approx(found.metrics["train_loss"], rel=1e-3)
    ensemble = verdict(run("an ensemble"))
    assert not run("an ensemble").healthy or "of the best network alone" in ensemble


@pytest.mark.parametrize("validation", [0.15, 0.0])
def test_the_recall_of_a_rare_class_is_of_as_many_rows_as_it_says(validation: float) -> None:
    """The message counted the rows to train on, and the recall was that of rows held out."""
    found = run("a rare class" if validation else "a rare class, none held out")
    (message,) = [f.message for f in found.findings if f.kind == "minority_class_ignored"]
    share, n = re.findall(r"finds (\d+) % of the (\d+) rows of class 1 among the ", message)[0]
    assert int(share) / 100 * int(n) == pytest.approx(round(int(share) / 100 * int(n)), abs=0.1)
    part = "450 rows to validate on" if validation else "first 1024 of the 3000 rows to train on"
    assert f"class 1 among the {part};" in message
    assert int(n) == pytest.approx(RARE.mean() * (450 if validation else 1024), rel=0.3)
    counts = found.history["class_counts"][0]
    assert f"; {counts[1]:.0f} of {counts.sum():.0f} rows to train on have this class" in message


def test_scores_of_trials_say_what_they_are_and_what_of() -> None:
    """They are recalls, on two parts at once, and stood beside accuracies of one part under the same name."""
    given = CASES["few rows by heart"]
    repair = mlp.repair(given.config, (given.rows, given.targets))
    said = (
        "recall, mean over the classes, mean of that on the 42 rows to train on and that on the 9 rows to validate on, "
        "the first at most 0.05 above the second"
    )
    assert repair.score_of_trials == repair.to_json()["score_of_trials"] == said
    assert repair.trials
    assert f"score     {said}" in repair_text(repair)


@pytest.mark.parametrize("source", ["rows.csv", "./rows.csv", "copy.csv"])
def test_an_evaluation_says_how_many_of_its_rows_were_trained_on(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """70 % of the rows were those of training, and the accuracy looked like that of new ones."""
    monkeypatch.chdir(tmp_path)
    lines = [
        "a,b,y",
        *(f"{a:.3f},{b:.3f},{'no' if c else 'yes'}" for (a, b), c in zip(X[:40, :2], CLASSES, strict=False)),
    ]
    for name in ("rows.csv", "copy.csv"):
        Path(name).write_text("\n".join(lines) + "\n")
    for run_name, seed in (("a", 0), ("b", 1)):
        sets = ("training.epochs=1", "record.probe=never", f"training.seed={seed}")
        main(["train", "rows.csv", "-o", run_name, *(part for key in sets for part in ("--set", key))])
    known = 0 if source == "copy.csv" else 28
    capsys.readouterr()
    assert main(["evaluate", "a", source]) == main(["evaluate", "a", source, "--json"]) == 0
    text, _, last = capsys.readouterr().out.rstrip().rpartition("\n")
    assert ("40 rows, 28 of them trained on" in text) == bool(known)
    assert json.loads(last)["trained_on"] == known
    assert main(["compare", "a", "b", "--on", source]) == 0
    said = capsys.readouterr().out
    assert ("28 of them trained on by a; 28 of them trained on by b" in said) == bool(known)
    assert "the parts of these runs are not the same rows" in said
