"""Trials beside a run: what they are told, what they must not see, and what they come to."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pytest
from cases import prepared

from mlp.config import parse
from mlp.experiment import begin, finish, trial, watch_epochs
from mlp.experiment.trial import (
    baseline_config,
    cross_fit,
    label_noise,
    run_baseline,
    run_trial,
    score_part,
    standardise,
    train_baseline,
)
from mlp.experiment.watch import conclude
from mlp.preprocessing import Part, Prepared

CONFIG = parse({})
RNG = np.random.default_rng(0)
CENTRES = 2 * RNG.standard_normal((3, 5))
Y = RNG.integers(0, 3, 300)
X = CENTRES[Y] + RNG.standard_normal((300, 5))
NUMBER = X @ [1.0, -1.0, 0.5, 0.0, 2.0]
ROWS = prepared(Part(X[:240], Y[:240]), Part(X[240:], Y[240:]))


# labels that are wrong


def blobs(seed: int, distance: float, n: int = 600, n_classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Classes of deviation 1 on a line, so far apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, n_classes, n)
    X = rng.standard_normal((n, 2))
    X[:, 0] += distance * y
    return X, y


def flipped(y: np.ndarray, share: float, seed: int, n_classes: int = 4) -> np.ndarray:
    """That share of the labels, each another one for certain."""
    rng = np.random.default_rng([seed, 7])
    wrong = rng.random(len(y)) < share
    return np.where(wrong, (y + rng.integers(1, n_classes, len(y))) % n_classes, y)


def noise(X: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    return label_noise(Part(X, y))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("distance", "most"), [(2.5, 0.12), (4.0, 0.03), (10.0, 0.0)])
def test_classes_that_overlap_have_less_label_noise_than_is_suspect(distance: float, most: float, seed: int) -> None:
    """At 2.5 deviations one row in six has a label that no network can know; inside a class fewer. Suspect is 0.12."""
    assert noise(*blobs(seed, distance))[0] <= most


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.4])
def test_the_noise_is_the_share_of_wrong_labels(share: float, seed: int) -> None:
    """Classes ten deviations apart: a neighbour is of the same class, and its label is wrong `share` of the time.

    The estimate is a binomial one; 3.5 of its errors, and one in a hundred for neighbours that agree on a wrong label.
    """
    X, y = blobs(seed, 10.0)
    found, error = noise(X, flipped(y, share, seed))
    assert abs(found - share) < 3.5 * error + 0.01
    assert error <= sqrt(share * (1 - share) / 120) * 1.5  # a fifth of 600 rows at least are sure


def test_where_labels_say_nothing_the_noise_is_that_of_guesses() -> None:
    """Of four classes, drawn at random, a guess is wrong three times of four."""
    X, y = blobs(0, 0.0)
    assert noise(X, y)[0] == pytest.approx(0.75, abs=0.12)


def test_of_a_few_rows_and_of_several_labels_each_nothing_is_said() -> None:
    assert noise(X[:24], Y[:24]) == (0.0, np.inf)
    assert noise(X, np.eye(3)[Y]) == (0.0, np.inf)


def test_the_noise_does_not_depend_on_the_order_of_the_rows_or_the_names_of_the_classes() -> None:
    X, y = blobs(1, 10.0)
    y, order = flipped(y, 0.3, 1), np.random.default_rng(3).permutation(600)
    assert noise(X[order], y[order]) == pytest.approx(noise(X, y), rel=1e-12)
    assert noise(X, 3 - y) == pytest.approx(noise(X, y), abs=0.02)  # of equal votes the first class wins


# the baseline


def test_a_plain_network_learns_what_can_be_learned() -> None:
    found, _ = run_baseline(CONFIG, ROWS)
    assert found.train > 0.98
    assert found.validation > 0.9
    assert train_baseline(CONFIG, ROWS).evaluate(ROWS.train)["loss"] < np.log(3) / 3


def test_the_baseline_is_the_same_every_time_and_another_for_another_seed() -> None:
    first, again = (train_baseline(CONFIG, ROWS).network.params for _ in range(2))
    assert (first == again).all()
    assert (first != train_baseline(parse({"training": {"seed": 1}}), ROWS).network.params).any()


def test_the_baseline_takes_nothing_but_the_seed_from_the_run() -> None:
    odd = parse({"network": {"init": "zeros"}, "optimizer": {"learning_rate": 1e9}, "loss": {"l2": 9.0}})
    assert run_baseline(odd, ROWS)[0] == run_baseline(CONFIG, ROWS)[0]


def test_the_configuration_of_the_baseline_is_plain() -> None:
    found = baseline_config(parse({"training": {"seed": 3}}))
    assert found.training.seed == 3
    assert found.network.hidden == [64]
    assert found.loss.l2 == found.network.dropout == 0


# trials


def test_a_trial_is_the_experiment_in_short() -> None:
    """Of the defaults, on scaled rows: after one step it is a guess among three, after more a better one."""
    rows = standardise(begin({}, (X, Y))[0].prepared, np.dtype(np.float32))
    first, later = (run_trial(CONFIG, rows, steps).evaluate(rows.train)["loss"] for steps in (1, 40))
    assert first == pytest.approx(np.log(3), rel=0.6)
    assert later < 0.8 * first


@pytest.mark.parametrize("steps", [1, 8, 11])
def test_a_trial_takes_as_many_steps_as_asked_for(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of an epoch of 8 steps, and at its end."""
    states: list[Any] = []
    monkeypatch.setattr(trial, "answering_model", lambda setup, state: states.append(state))
    run_trial(CONFIG, ROWS, steps)
    assert states[0].steps == steps


def test_a_trial_with_the_seeds_of_a_run_is_that_run() -> None:
    """Generators of their own drew what is mixed and pretrained in a trial: it was another experiment."""
    for sections in ({"data": {"mixup": 0.3}}, {"network": {"pretrain": "autoencoder", "dropout": 0.2}}):
        setup, state = begin({"training": {"epochs": 2}} | sections, (X, Y))
        list(watch_epochs(setup, state))
        found = run_trial(setup.config, setup.prepared, state.steps)
        assert found.network.params.tobytes() == state.network.params.tobytes()


def test_a_trial_that_diverges_stops() -> None:
    wild = parse({"optimizer": {"name": "sgd", "learning_rate": 1e30}, "loss": {"name": "squared_error"},
                  "network": {"output": "identity"}})  # fmt: skip
    rows = prepared(Part(X, NUMBER), None, "regression", 1)
    model = run_trial(wild, rows, 50)
    assert not np.isfinite(model.evaluate(rows.train)["loss"])
    assert np.isnan(score_part(model, None))


def test_trials_score_the_first_rows_of_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong labels beyond those rows change no score."""
    monkeypatch.setattr(trial, "SCORED", 30)
    spoiled = Y[240:].copy()
    spoiled[30:] = (spoiled[30:] + 1) % 3
    model = run_trial(CONFIG, ROWS, 60)
    first, again = (score_part(model, Part(X[240:], y)) for y in (Y[240:], spoiled))
    assert first == again > 0.5


def test_inputs_and_numbers_are_brought_to_deviation_1() -> None:
    setup, _ = begin({"data": {"scale": "none"}}, (1e3 * X + 5e4, 1e6 * NUMBER + 1e7))
    rows = standardise(setup.prepared, np.dtype(np.float64))
    np.testing.assert_allclose(rows.train.X.mean(0), 0, atol=1e-9)  # 5e4 / 2^53
    np.testing.assert_allclose(rows.train.X.std(0), 1, rtol=1e-9)
    assert rows.train.y.std() == pytest.approx(1, rel=1e-9)
    assert rows.validation is not None
    assert abs(rows.validation.y.mean()) < 1


# rows that were not learned


def test_rows_tell_of_others_where_there_is_something_to_know() -> None:
    found = cross_fit(CONFIG, prepared(Part(X[:60], Y[:60])))
    assert found.score > 0.8 and found.signal > 3
    found = cross_fit(CONFIG, prepared(Part(X[:60], NUMBER[:60]), None, "regression", 1))
    assert found.score > 0.7 and found.signal > 3


def test_rows_with_labels_without_meaning_tell_nothing() -> None:
    """Sixty rows of two classes: 0.5, give or take three errors of √(¼/60)."""
    y = np.random.default_rng(5).integers(0, 2, 60)
    noise = np.random.default_rng(6).standard_normal((60, 5))
    found = cross_fit(CONFIG, prepared(Part(noise, y), n_targets=2))
    assert found.score == pytest.approx(0.5, abs=0.2) and found.signal < 3


def test_every_row_is_asked_about_once_by_a_network_that_has_not_seen_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def noting(config: Any, rows: Prepared, **how: Any) -> Any:
        asked.append({tuple(x) for x in rows.train.X})
        return None

    def judging(model: Any, part: Part) -> Any:
        new = {tuple(x) for x in part.X}
        assert not asked[-1] & new and len(asked[-1] | new) == len(X[:n])
        targets.extend(part.y.tolist())
        return np.full(len(part), len(new) / 100), np.zeros(len(part)), np.ones(len(part))

    monkeypatch.setattr(trial, "train_baseline", noting)
    monkeypatch.setattr(trial, "credit_rows", judging)
    for n, share in ((60, 0.12), (200, 1.0)):
        targets: list[int] = []
        found = cross_fit(CONFIG, prepared(Part(X[:n], np.arange(n) % 3)))
        assert found.score == pytest.approx(share) and sorted(targets) == sorted((np.arange(n) % 3).tolist())


def test_signal_is_the_number_of_standard_errors_by_which_answers_and_targets_go_together() -> None:
    """Answers that are drawn without looking at the targets: the mean over 200 draws is 0, the deviation 1."""
    rng, signals = np.random.default_rng(0), []
    for _ in range(200):
        answers, truth = rng.random((80, 1)), rng.standard_normal((80, 1))
        fit = trial._covariance_by_row(answers, truth)
        signals.append(fit.sum() / np.sqrt(np.square(fit).sum()))
    assert np.mean(signals) == pytest.approx(0, abs=0.2) and np.std(signals) == pytest.approx(1, abs=0.15)


# what nothing may see


class Poison:
    """In place of the test part: whoever looks at it fails."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(f"the test part was asked for {name}")

    def __len__(self) -> int:
        raise AssertionError("the test part was counted")


@pytest.mark.parametrize("y", [Y, NUMBER], ids=["classes", "numbers"])
def test_no_look_at_a_run_sees_its_test_part(y: np.ndarray) -> None:
    """Survey, looks, baseline, halves and label noise, of a run so slow that all of them are called for."""
    config = {"optimizer": {"name": "sgd", "learning_rate": 1e-7}, "training": {"epochs": 3}, "data": {"test": 0.5}}
    setup, state = begin(config, (X, y))
    object.__setattr__(setup.prepared, "test", Poison())
    assert list(watch_epochs(setup, state))
    conclude(setup, state)
    probed = {name.split("_")[0] for name in state.history}
    assert {"baseline", "crossed"} <= probed
    with pytest.raises(AssertionError, match="test part"):
        finish(setup, state)


def test_what_is_in_the_test_part_changes_nothing_that_is_said() -> None:
    """The same rows to train and validate on; those of the test part are noise in one run, and are said to be so."""
    config = {"optimizer": {"name": "sgd", "learning_rate": 1e-7}, "training": {"epochs": 3}}
    first, other = begin(config, (X, Y)), begin(config, (X, Y))
    assert other[0].prepared.test is not None
    spoiled = Part(1e6 * other[0].prepared.test.X, 2 - other[0].prepared.test.y)
    object.__setattr__(other[0].prepared, "test", spoiled)
    found = []
    for setup, state in (first, other):
        alarms = [alarm for epoch in watch_epochs(setup, state) for alarm in epoch.alarms]
        found.append((alarms, finish(setup, state)))
    assert found[0][0] == found[1][0]
    assert found[0][1].findings == tuple(f for f in found[1][1].findings if f.kind != "drifted_inputs")
    assert found[0][1].metrics["test_loss"] != found[1][1].metrics["test_loss"]
