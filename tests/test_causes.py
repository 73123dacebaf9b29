"""Every cause: what speaks for it, the sound value that does not, and that no history upsets it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from histories import typed
from hypothesis import given, settings
from hypothesis import strategies as st
from symptoms import MEANINGLESS, MEMORISED, SIGNS, chosen

import mlp
from mlp.diagnosis import DETECTORS, judge, known_causes
from mlp.diagnosis.causes import KnownCause, rank, suspicions
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.thresholds import CERTAIN, between

CAUSES = known_causes()


def weigh(cause: str, columns: dict[str, Any]) -> float:
    """How much speaks for the cause; 0 for nothing."""
    with np.errstate(all="ignore"):
        return max((found.weight for found in CAUSES[cause].signs(Reading(typed(**columns)))), default=0.0)


@pytest.mark.parametrize("name", SIGNS)
def test_a_sign_speaks_for_its_cause_and_a_sound_value_does_not(name: str) -> None:
    sign = SIGNS[name]
    found = weigh(sign.cause, sign.columns)
    assert 0 < found <= 1
    assert (found >= CERTAIN) == sign.certain
    assert weigh(sign.cause, sign.columns | sign.sound) == 0


@pytest.mark.parametrize("name", SIGNS)
def test_what_a_cause_says_is_made_of_numbers_and_has_a_remedy(name: str) -> None:
    sign = SIGNS[name]
    for suspicion in CAUSES[sign.cause].signs(Reading(typed(**sign.columns))):
        assert suspicion.cause.name == sign.cause
        assert suspicion.cause.why
        assert "nan" not in suspicion.cause.why.split()
        assert suspicion.cause.remedy


def test_every_cause_that_a_history_can_speak_for_is_in_the_table() -> None:
    speaking = {name for name, cause in CAUSES.items() if type(cause).signs is not KnownCause.signs}
    assert {sign.cause for sign in SIGNS.values()} | {"too_few_epochs"} == speaking


def test_too_few_epochs_weigh_more_the_fewer_there_are() -> None:
    """It is always among the suspects, and comes first only where it is likely."""

    def weight(epochs: float) -> float:
        columns = chosen(planned_steps=8 * epochs, epochs=epochs, rows=250.0, batch_size=32.0)
        return weigh("too_few_epochs", columns)

    assert weight(1) > CERTAIN > weight(10) > weight(100)
    assert weight(20) == weight(100) < 0.2  # 160 steps of 20 epochs are usual


def test_the_ranking_is_by_weight_and_names_each_cause_once() -> None:
    columns = (
        MEMORISED | MEANINGLESS | {"settings": {"rows": 60.0, "momentum": 0.999, "dropout": 0.6, "batch_size": 1.0}}
    )
    reading = Reading(typed(**columns))
    weights = [suspicion.weight for suspicion in suspicions(reading)]
    assert weights == sorted(weights, reverse=True)
    names = [cause.name for cause in rank(reading)]
    assert len(names) == len(set(names)) >= 5
    assert next(s.cause for s in suspicions(reading)) == rank(reading)[0]


@pytest.mark.parametrize(("value", "expected"), [(1.0, 0), (10.0, 0.5), (100.0, 1), (0.0, 0), (np.nan, 0), (np.inf, 1)])
def test_between_counts_decades(value: float, expected: float) -> None:
    assert between(value, 1.0, 100.0) == expected


# whatever the history


COLUMNS: dict[str, tuple[str, ...]] = {}
for _row in SIGNS.values():
    for _name, _value in (_row.columns | _row.sound).items():
        COLUMNS[_name] = tuple(dict.fromkeys((*COLUMNS.get(_name, ()), *(_value if isinstance(_value, dict) else ()))))
COLUMNS |= dict.fromkeys(
    ("initial_loss", "reference_loss", "guess_loss", "train_loss", "validation_loss", "grad_cosine", "ended",
     "train_r2", "validation_r2", "baseline_train_accuracy", "baseline_train_r2", "label_noise_error",
     "baseline_validation_r2", "crossed_r2", "n_classes"), ())  # fmt: skip
COLUMNS |= {"recall": ("a", "b"), "saturated_share": ("tanh1",), "initial_backward_gain": ("tanh1", "dense2")}
assert len(COLUMNS) > 45


def filled(value: float, n: int = 6, population: tuple[int, ...] = ()) -> mlp.History:
    """Every column there is, with that number throughout."""
    shapes = {name: (n, *population, len(labels)) if labels else (n, *population) for name, labels in COLUMNS.items()}
    return mlp.History({name: np.full(shape, value) for name, shape in shapes.items()}, labels=COLUMNS)


FILLED = {
    "empty": mlp.History(),
    "no records": filled(1.0, 0),
    "one record": filled(0.7, 1),
    "zeros": filled(0.0),
    "ones": filled(1.0),
    "minus one": filled(-1.0),
    "NaN": filled(np.nan),
    "inf": filled(np.inf),
    "-inf": filled(-np.inf),
    "huge": filled(1e300),
    "tiny": filled(1e-300),
    "population": filled(0.7, 6, (2,)),
    "nested population": filled(0.7, 6, (2, 3)),
}


@pytest.mark.parametrize("name", FILLED)
def test_no_history_upsets_a_cause_a_detector_or_the_whole_diagnosis(name: str) -> None:
    history = FILLED[name]
    reading = Reading(history)
    with np.errstate(all="ignore"):
        for known, cause in CAUSES.items():
            assert all(0 <= found.weight <= 1 and found.cause.name == known for found in cause.signs(reading)), known
        for detector in DETECTORS:
            if all(need in reading for need in detector.needs):
                list(detector(reading))
    mlp.diagnose(history)


NUMBERS = st.sampled_from([0.0, -1.0, 1e-9, 0.1, 0.5, 0.69, 1.0, 3.0, 100.0, 1e30, np.nan, np.inf, -np.inf])


@given(st.data())
@settings(max_examples=100)
def test_no_mixture_of_numbers_upsets_the_diagnosis(data: st.DataObject) -> None:
    """Some columns, with some records each, of which some are no numbers."""
    names = data.draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=12, unique=True))
    columns = {}
    for name in names:
        n, width = data.draw(st.integers(0, 7)), len(COLUMNS[name])
        values = np.array(data.draw(st.lists(NUMBERS, min_size=n * max(width, 1), max_size=n * max(width, 1))))
        columns[name] = values.reshape(n, width) if width else values
    history = mlp.History(columns, labels={name: COLUMNS[name] for name in names})
    for found in mlp.diagnose(history):
        assert found.message
        assert mlp.diagnosis.Finding.from_json(found.to_json()) == found or "nan" in str(found)
    with np.errstate(all="ignore"):
        assert all(0 <= suspicion.weight <= 1 for suspicion in suspicions(Reading(history)))
    assert judge(Reading(history)) is not None
