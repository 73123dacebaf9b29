"""Every detector: a history that has the fault, and the same history with the sound number in its place."""

from __future__ import annotations

import pytest
from histories import typed
from symptoms import FAULTS, FLAT, LOW, Fault

import mlp
from mlp.diagnosis import DETECTORS, LACKS_OF_PROGRESS
from mlp.diagnosis.detectors import explaining
from mlp.diagnosis.reading import Reading


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_the_sound_twin_is_not_accused(name: str) -> None:
    row = FAULTS[name]
    found = mlp.diagnose(typed(**row.columns))
    finding = next(finding for finding in found if finding.kind == row.kind)
    assert finding.severity == row.severity
    assert finding.step == row.step
    assert finding.layers == row.layers
    assert finding.causes[0].name == row.cause
    assert row.kind not in {finding.kind for finding in mlp.diagnose(typed(**row.columns | row.sound))}


@pytest.mark.parametrize("name", FAULTS)
def test_a_message_is_a_sentence_with_numbers_that_are_numbers(name: str) -> None:
    for finding in mlp.diagnose(typed(**FAULTS[name].columns)):
        assert finding.message.endswith(".")
        assert "nan" not in finding.message or name.endswith("is no number")
        assert all(cause.why and cause.remedy for cause in finding.causes)


def test_every_detector_and_every_kind_that_explains_or_lacks_progress_is_in_the_table() -> None:
    found = {
        type(d).__name__ for row in FAULTS.values() for d in DETECTORS for f in judged(d, row) if f.kind == row.kind
    }
    assert found == {type(detector).__name__ for detector in DETECTORS}
    assert not (explaining() | LACKS_OF_PROGRESS) - {row.kind for row in FAULTS.values()}


def judged(detector: mlp.diagnosis.Detector, row: Fault) -> list[mlp.Finding]:
    reading = Reading(typed(**row.columns))
    return list(detector(reading)) if all(need in reading for need in detector.needs) else []


EXPLANATIONS = [name for name, row in FAULTS.items() if row.kind in explaining() and row.severity == "info"]


@pytest.mark.parametrize("name", EXPLANATIONS)
def test_what_explains_alarms_only_where_progress_lacks(name: str) -> None:
    row = FAULTS[name]
    for loss, severity in ((FLAT, "warning"), (LOW, "info")):
        found = mlp.diagnose(typed(**row.columns | {"loss": loss, "reference_loss": [0.69]}))
        assert [f.severity for f in found if f.kind == row.kind] == [severity]
        assert ("no_progress" in {f.kind for f in found}) == (severity == "warning")


def test_all_findings_are_told_and_not_the_first_alone() -> None:
    """Tools of this kind stop at the first alarm; three faults at once are three findings, the worst first."""
    columns = {"loss": FLAT, "reference_loss": [0.69]}
    for name in ("all units alike", "half of the features constant", "large weights", "a rare class"):
        columns |= FAULTS[name].columns
    found = mlp.diagnose(typed(**columns | {"reference_loss": [0.69], "initial_loss": [0.69]}))
    severities = [finding.severity for finding in found]
    kinds = {"symmetric_units", "constant_features", "no_progress", "class_imbalance"}
    assert kinds <= {finding.kind for finding in found}
    assert severities == sorted(severities, key=["critical", "warning", "info"].index)
