"""What is found in histories typed by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import mlp
from mlp import History, diagnose
from mlp.diagnosis import DETECTORS, Cause, Finding
from mlp.errors import FileFormatError, ShapeError

DIVERGING = {"loss": [0.7, 9.0, 400.0, np.nan, np.nan], "learning_rate": [0.5] * 5}
HEALTHY = {"loss": [0.7, 0.5, 0.4, 0.35, 0.33], "learning_rate": [0.1] * 5}

FINDING = Finding(
    "divergence",
    "critical",
    "It diverged.",
    ("dense1", "dense2"),
    7,
    {"loss": "nan", "first_loss": 0.5},
    (Cause("learning_rate_too_high", "it grew", "lower it"), Cause("unscaled_inputs", "large", "scale")),
)


def test_a_loss_that_is_no_number_is_critical_from_its_step_on() -> None:
    (finding,) = diagnose(History(DIVERGING, steps={name: [0, 10, 20, 30, 40] for name in DIVERGING}))
    assert (finding.kind, finding.severity, finding.step) == ("divergence", "critical", 30)


def test_the_evidence_of_divergence_is_what_the_loss_was_before() -> None:
    (finding,) = diagnose(History(DIVERGING))
    assert finding.evidence == {"loss": "nan", "first_loss": 0.7, "largest_finite_loss": 400.0}


def test_the_remedy_names_the_learning_rate_and_a_lower_one() -> None:
    (finding,) = diagnose(History(DIVERGING))
    assert finding.causes[0].name == "learning_rate_too_high"
    assert "0.5 → 0.05" in finding.causes[0].remedy
    assert "0.5 → 0.05" in finding.message


@pytest.mark.parametrize("rate", [None, [np.nan] * 5])
def test_without_a_learning_rate_the_remedy_is_a_ratio(rate: list[float] | None) -> None:
    columns = {"loss": DIVERGING["loss"]} | ({} if rate is None else {"learning_rate": rate})
    (finding,) = diagnose(History(columns))
    assert "a tenth of the learning rate" in finding.message


def test_an_infinite_loss_is_divergence_too() -> None:
    assert diagnose(History({"loss": [1.0, np.inf]}))[0].step == 1


def test_a_finite_loss_a_million_times_its_start_is_divergence() -> None:
    """Its standard error had no square in float64: 1e177 was "no better than a constant answer" and nothing more."""
    losses = [0.7, 3.0, *10.0 ** np.arange(9, 180, 10)]
    (finding,) = diagnose(History({"loss": losses, "learning_rate": [1e9] * len(losses)}))
    assert (finding.kind, finding.severity, finding.step) == ("divergence", "critical", 2)
    assert finding.causes[0].name == "learning_rate_too_high"
    assert "from 0.7 to" in finding.message


@pytest.mark.parametrize("losses", [[0.7, 1e9, *[0.3] * 18], [1e9, 1e6, 1e3, *[0.1] * 17], [0.7, *[700.0] * 19]])
def test_a_leap_that_passes_or_a_thousandfold_loss_is_no_divergence(losses: list[float]) -> None:
    assert "divergence" not in {finding.kind for finding in diagnose(History({"loss": losses}))}


def test_divergence_at_the_first_step_is_found() -> None:
    (finding,) = diagnose(History({"loss": [np.nan]}))
    assert finding.step == 0
    assert finding.evidence == {"loss": "nan"}


def test_the_learning_rate_is_not_to_blame_before_the_first_step() -> None:
    (finding,) = diagnose(History({"loss": [np.inf], "learning_rate": [0.1]}))
    assert [cause.name for cause in finding.causes] == [
        "unscaled_targets",
        "unscaled_inputs",
        "initialization_too_large",
    ]


def test_classes_cannot_be_too_large() -> None:
    """Targets that are classes were called unscaled first, where the initial weights were 1e30."""
    (finding,) = diagnose(History({"loss": [np.nan], "n_classes": [3]}))
    assert [cause.name for cause in finding.causes] == ["initialization_too_large", "unscaled_inputs"]
    assert "Most likely: the first weights" in finding.message


def test_divergence_between_recorded_steps_is_found_in_the_mean_of_the_epoch() -> None:
    history = History(
        {"loss": [1.0, 2.0], "train_loss": [1.5, np.nan], "learning_rate": [0.5, 0.5]},
        steps={"loss": [0, 100], "learning_rate": [0, 100], "train_loss": [99, 142]},
    )
    (finding,) = diagnose(history)
    assert finding.step == 142
    assert "0.5 → 0.05" in finding.message


def test_a_population_has_diverged_when_all_its_members_have() -> None:
    one = History({"loss": [[1.0, 1.0], [np.nan, 0.5], [np.nan, 0.4]]})
    both = History({"loss": [[1.0, 2.0], [np.nan, 0.5], [np.nan, np.inf]]})
    assert diagnose(one) == ()
    assert diagnose(both)[0].step == 2


def test_columns_by_name_are_judged_as_a_history() -> None:
    """A plain dict has no steps(): AttributeError."""
    assert diagnose(DIVERGING) == diagnose(History(DIVERGING))


@pytest.mark.parametrize("given", [None, 3, [0.7, np.nan], np.zeros((30, 30))])
def test_what_holds_no_columns_is_refused_in_one_line(given: object) -> None:
    with pytest.raises(ShapeError, match=r"columns by name.*given was a \w+\.$"):
        diagnose(given)  # type: ignore[arg-type]


def test_a_healthy_history_has_no_findings() -> None:
    assert diagnose(History(HEALTHY)) == ()


@pytest.mark.parametrize(
    "columns", [{}, {"loss": []}, {"accuracy": [0.1, np.nan]}, {"learning_rate": [0.1]}, {"loss": np.empty((0, 3))}]
)
def test_what_was_not_recorded_is_not_judged(columns: dict[str, list[float]]) -> None:
    assert diagnose(History(columns)) == ()


def test_a_history_from_a_file_is_judged_as_the_live_one(tmp_path: Path) -> None:
    history = History(DIVERGING)
    history.save(tmp_path / "history.npz")
    assert diagnose(History.load(tmp_path / "history.npz")) == diagnose(history)


def test_detectors_never_see_a_network() -> None:
    """What a detector module imports of this package is histories, findings, arrays and errors."""
    allowed = {"arrays", "errors", "history", "diagnosis"}
    for path in (Path(mlp.__file__).parent / "diagnosis").rglob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        imported = {line.split()[1].split(".")[1] for line in lines if line.startswith(("from mlp.", "import mlp."))}
        assert imported <= allowed, path


def test_detectors_are_immutable_and_say_what_they_need() -> None:
    for detector in DETECTORS:
        assert isinstance(detector.needs, tuple)
        with pytest.raises(AttributeError):
            detector.needs = ()  # type: ignore[misc]


def test_a_finding_survives_json() -> None:
    assert Finding.from_json(json.loads(json.dumps(FINDING.to_json()))) == FINDING


def test_json_of_a_finding_has_the_keys_of_the_contract() -> None:
    saved = FINDING.to_json()
    assert set(saved) == {"kind", "severity", "layers", "step", "causes", "evidence", "message"}
    assert set(saved["causes"][0]) == {"name", "why", "remedy"}


def test_a_severity_that_there_is_not_is_refused() -> None:
    with pytest.raises(FileFormatError, match="severity 'bad'"):
        Finding.from_json(FINDING.to_json() | {"severity": "bad"})
