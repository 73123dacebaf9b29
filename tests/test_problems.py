"""Problems: their formulas, their published numbers, and members that train as each would alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import DataError, UnknownNameError
from mlp.optimizer_bench.bench_trial import train_members
from mlp.problems import PROBLEMS, Problem, Target, problem_named, takes_populations
from mlp.problems.functions import FUNCTIONS, Function
from mlp.problems.proben1 import (
    TABLE3,
    TABLE10,
    GeneralizationLoss,
    Published,
    measure_percentage,
    proben1_problem,
    training_progress,
)
from mlp.problems.quadratic import hessian, means, train_and_test

FORMULAS: dict[str, tuple[Any, list[list[float]]]] = {  # and all their minima
    "rosenbrock": (FUNCTIONS[0], [[1, 1]]),
    "rosenbrock-10": (FUNCTIONS[1], [[1] * 10]),
    "beale": (FUNCTIONS[2], [[3, 0.5]]),
    "branin": (FUNCTIONS[3], [[-np.pi, 12.275], [np.pi, 2.275], [3 * np.pi, 2.475]]),
    "himmelblau": (FUNCTIONS[4], [[3, 2], [-2.805118086952745, 3.131312518250573]]),
    "powell": (FUNCTIONS[5], [[0, 0, 0, 0]]),
    "rastrigin": (FUNCTIONS[6], [[0, 0]]),
}


def objective(problem: Problem) -> Function:
    """The function behind a row."""
    return Function(problem.begin.args[0])  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", FORMULAS)
def test_a_function_is_0_and_flat_at_each_of_its_minima(name: str) -> None:
    row, minima = FORMULAS[name]
    grad = np.empty(len(minima[0]))
    for point in minima:
        # minima of Himmelblau and Branin are irrational: their digits leave 1e-6 of the gradient
        assert objective(row).value_and_grad(np.array(point, float), grad) == pytest.approx(0, abs=1e-12)
        np.testing.assert_allclose(grad, 0, atol=1e-6)


@pytest.mark.parametrize("name", FORMULAS)
def test_the_gradient_of_a_function_is_that_of_its_value(name: str) -> None:
    function = objective(FORMULAS[name][0])
    rng, n = np.random.default_rng(0), len(FORMULAS[name][1][0])
    params, grad = rng.uniform(-1, 1, (4, n)), np.empty((4, n))
    function.value_and_grad(params, grad)
    for i in range(n):
        h = 1e-6 * np.eye(n)[i]
        slope = (function.value(params + h) - function.value(params - h)) / 2e-6
        np.testing.assert_allclose(grad[:, i], slope, rtol=1e-6, atol=1e-6)  # central differences: h² and rounding / h


# DeepOBS' quadratic


def test_quadratic_deep_begins_where_deepobs_begins() -> None:
    """Published: 353.4467643 as TensorFlow sums in float32; computed before in float64: 353.4467656."""
    loss = train_and_test()[1].value(np.ones(100))
    assert loss == pytest.approx(353.4467643, rel=1e-7)  # float32
    assert loss == pytest.approx(353.4467656, rel=1e-9)


def test_the_hessian_has_the_spectrum_that_is_published() -> None:
    values = np.linalg.eigvalsh(hessian())
    assert (values[:90] > 0).all()
    assert (values[:90] < 1).all()
    assert (values[90:] > 30).all()
    assert (values[90:] < 60).all()


def test_the_loss_of_the_quadratic_is_the_mean_over_samples() -> None:
    from mlp.problems.quadratic import samples

    theta = np.random.default_rng(0).standard_normal(100)
    apart = theta - samples(42)
    direct = 0.5 * np.einsum("ni,ij,nj->n", apart, hessian(), apart).mean()
    assert train_and_test()[0].value(theta) == pytest.approx(direct, rel=1e-12)


def test_one_order_of_batches_repeats_and_the_other_does_not() -> None:
    fixed, anew = (np.array(list(islice(means(3, reshuffled), 14))) for reshuffled in (False, True))
    assert (fixed[:7] == fixed[7:]).all()
    assert (anew[:7] == fixed[:7]).all()
    assert not (anew[7:] == fixed[7:]).any()


# populations


def way(problem: Problem, rule: mlp.Optimizer, seeds: Any, steps: int) -> np.ndarray:
    """The parameters after so many updates."""
    descent = problem.begin(seeds, 5, False)
    for _ in islice(descent.steps(rule), steps):
        pass
    return descent.params


@pytest.mark.parametrize("name", ["rosenbrock", "quadratic_deep", "quadratic_deep_reshuffled", "xor", "digits"])
def test_members_with_seeds_and_rates_train_as_each_would_alone(name: str) -> None:
    problem = PROBLEMS[name]
    seeds, rates = [3, 4, 3, 4], np.array([[1e-5], [1e-5], [1e-4], [1e-4]])
    dtype = problem.begin(3, 5, False).params.dtype
    together = way(problem, mlp.Momentum(rates.astype(dtype)), seeds, 20)
    # sums in another order: a rounding each, which 20 steps enlarge
    close = {"rtol": 1e-9, "atol": 1e-12} if dtype == np.float64 else {"rtol": 1e-3, "atol": 1e-5}
    for i, seed in enumerate(seeds):
        np.testing.assert_allclose(together[i], way(problem, mlp.Momentum(rates[i, 0]), seed, 20), **close)


@pytest.mark.parametrize("name", PROBLEMS)
def test_measures_of_a_population_are_those_of_its_members(name: str) -> None:
    problem = PROBLEMS[name]
    many = problem.begin([1, 2], 0, False)
    measured = many.measure(many.params)
    assert {problem.score, problem.chosen_by, problem.target.measure} <= measured.keys()
    assert not problem.chosen_by.startswith("test")
    for i, seed in enumerate((1, 2)):
        one = problem.begin(seed, 0, False)
        for what, values in one.measure(one.params).items():
            np.testing.assert_allclose(measured[what][i], values, rtol=1e-6)  # float32


class Searching(mlp.SGD):
    """A rule that takes one vector at a time, as line searches do."""

    def init(self, params: np.ndarray) -> Any:
        if params.ndim != 1:
            raise mlp.ShapeError("one at a time")
        return super().init(params)


def test_a_rule_is_asked_whether_it_takes_populations() -> None:
    assert takes_populations(mlp.Adam(), np.zeros(3))
    assert not takes_populations(Searching(), np.zeros(3))


def test_rules_that_need_all_rows_get_them_in_every_step() -> None:
    problem = PROBLEMS["digits"]
    descent = problem.begin(0, 0, True)
    steps = descent.steps(mlp.SGD(0.1))
    before = descent.params.copy()
    next(steps)
    first, before = descent.params - before, before.copy()
    again = problem.begin(0, 99, True)
    next(again.steps(mlp.SGD(0.1)))
    np.testing.assert_array_equal(again.params - before, first)  # the order of batches has no say


@pytest.mark.parametrize("name", [name for name, problem in PROBLEMS.items() if problem.per_epoch > 1])
def test_an_epoch_has_as_many_updates_as_its_row_says(name: str) -> None:
    if name.startswith("digits"):
        n = len(PROBLEMS[name].begin.args[0]().parts["train"][0])  # type: ignore[attr-defined]
        assert -(-n // 32) == PROBLEMS[name].per_epoch
    else:
        assert PROBLEMS[name].per_epoch == 1000 // 128


# names and files


@pytest.mark.parametrize("name", ["parity-5", "encoder-6-3-6", "mnist_logreg", "proben1-cancer2"])
def test_other_sizes_and_files_are_found_by_name(name: str) -> None:
    assert problem_named(name).name == name


def test_a_wrong_name_hears_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'two_spirals'"):
        problem_named("two_spiral")


def test_without_its_folder_proben1_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--data FOLDER"):
        problem_named("proben1-cancer1").begin(0, 0, False)
    with pytest.raises(DataError, match="holds no cancer1"):
        problem_named("proben1-cancer1", str(tmp_path)).begin(0, 0, False)


@pytest.fixture
def proben1(tmp_path: Path) -> Iterator[str]:
    """A folder with a file of the same make as Proben1's; its classes are noisy, so a network can overfit."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, n in {"train": 30, "valid": 40, "test": 10}.items():
        X = arrays[f"X_{part}"] = rng.random((n, 4))
        arrays[f"T_{part}"] = np.eye(2)[(X[:, 0] + 0.2 * rng.standard_normal(n) > 0.5).astype(int)]
    np.savez(tmp_path / "little1.npz", **arrays)
    yield str(tmp_path)


def test_a_file_is_read_once_by_a_process(proben1: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem was made anew for each trial, and its data were read again with it: MNIST too."""
    problem_named("proben1-little1", proben1).begin(0, 0, False)
    monkeypatch.setattr(np, "load", None)
    problem_named("proben1-little1", proben1).begin(1, 0, False)


def test_proben1_trains_on_its_official_parts(proben1: str) -> None:
    descent = problem_named("proben1-little1", proben1).begin([0, 1], 0, False)
    assert set(descent.measure(descent.params)) == {
        f"{part}_{what}" for part in ("train", "validation", "test") for what in ("loss", "accuracy")
    }
    assert np.abs(descent.params).max() <= 0.01


def test_a_network_of_table_3_is_linear(proben1: str) -> None:
    """4 inputs and 2 outputs: 2 · (4 + 1) weights and nothing between."""
    descent = proben1_problem("little1", proben1, {"little1": TABLE3["cancer1"]}).begin(0, 0, False)
    assert descent.params.shape == (10,)


def test_the_error_percentage_by_worked_numbers() -> None:
    """Σ Σ (o - t)² is shared by all N outputs of all P rows, and the range of the outputs is 1.

    Row (0.6, 0, 0.5) for (1, 0, 0): 0.16 + 0.25. Row (0, 0.9, 0.8) for (0, 0, 1): 0.81 + 0.04, and the wrong class.
    100 / (3 · 2) · 1.26 = 21. Half of the rows have their largest output where it should be.
    """
    raw, target = np.array([[0.6, 0, 0.5], [0, 0.9, 0.8]]), np.array([[1.0, 0, 0], [0, 0, 1]])
    measured = measure_percentage(mlp.SquaredError(), raw, target)
    assert measured["loss"] == pytest.approx(21, rel=1e-15)  # rounding of 0.6² and the like
    assert measured["accuracy"] == 0.5


def test_a_single_output_or_real_targets_have_no_classes() -> None:
    """As in hearta and building: 100 / (1 · 2) · (0.1² + 0.3²) = 5."""
    measured = measure_percentage(mlp.SquaredError(), np.array([[0.5], [0.5]]), np.array([[0.4], [0.2]]))
    assert measured == {"loss": pytest.approx(5, rel=1e-15)}


def test_generalization_loss_by_worked_numbers() -> None:
    """GL = 100 (E_va / min E_va - 1), with the lowest error of all strips until now, not the first and not the latest.

    Errors 20, 16, 16.7, 15, 15.76: GL 0, 0, 4.4, 0, 5.07. The last one stops GL₅ although 15.76 is lower than most;
    16.7 stops GL₂ already. Training errors fall all the while.
    """
    errors, falling = [20, 16, 16.7, 15, 15.76], np.array([[12.0], [11], [10], [9], [8]])
    for limit, stops in ((5.0, [False, False, False, False, True]), (2.0, [False, False, True, False, True])):
        judge = GeneralizationLoss(limit).begin(1)
        assert [bool(judge(falling, {"validation_loss": np.array([error])})[0]) for error in errors] == stops


def test_training_progress_by_worked_numbers() -> None:
    """P₅ = 1000 (Σ E_tr / (5 min E_tr) - 1): by how many per thousand the mean of the strip exceeds its least.

    12, 11, 10, 9, 8: 50 / 40, so 250, and no less when they rise. 1.0004, 1, 1, 1, 1: 0.08, which is less than 0.1 and
    stops; 1.0006: 0.12 goes on. Validation stays where it is.
    """
    falling = np.array([12.0, 11, 10, 9, 8])
    strips = np.stack([falling, falling[::-1], np.array([1.0004, 1, 1, 1, 1]), np.array([1.0006, 1, 1, 1, 1])], 1)
    assert training_progress(strips) == pytest.approx([250, 250, 0.08, 0.12], rel=1e-9)  # 1.0004 - 1 keeps 12 digits
    stops = GeneralizationLoss().begin(4)(strips, {"validation_loss": np.ones(4)})
    assert list(stops) == [False, False, True, False]


def stop_by_definition(training: list[float], validation: list[float], limit: float) -> tuple[int, int, float]:
    """Epochs in all, epochs until the best, and GL at the end, from errors of every epoch: Prechelt (1994), 3.3."""
    for t in range(5, len(training) + 1, 5):
        measured = {u: validation[u - 1] for u in range(5, t + 1, 5)}
        strip = [training[u - 1] for u in range(t - 4, t + 1)]
        best = min(measured, key=measured.__getitem__)
        loss = 100 * (measured[t] / measured[best] - 1)
        if loss > limit or 1000 * (sum(strip) / (5 * min(strip)) - 1) < 0.1:
            return t, best, loss
    raise AssertionError("not stopped")


@pytest.mark.parametrize("limit", [5.0, 2.0])
@pytest.mark.parametrize("table", [TABLE3, TABLE10])
def test_proben1_stops_where_its_definitions_say(table: dict[str, Published], limit: float, proben1: str) -> None:
    """The epochs of a table hang on when what is measured: E_tr during an epoch, before its update; E_va after it.

    Both are judged at the end of each fifth epoch only, over that strip, and the errors of other epochs do not count.
    Here every epoch is measured, and the definitions are applied to the whole record afterwards. Linear networks stop
    by P₅ with a limit of 5 and by GL with one of 2; networks with hidden layers always by GL.
    """
    problem = replace(
        proben1_problem("little1", proben1, {"little1": table["cancer1"]}), stop=GeneralizationLoss(limit)
    )
    for seed in range(2):
        descent, training, validation = problem.begin(seed, 0, True), [], []
        for update in islice(descent.steps(mlp.Rprop()), 120):
            training.append(float(update.loss))
            validation.append(float(descent.measure(descent.params)["validation_loss"]))
        total, relevant, loss = stop_by_definition(training, validation, limit)
        [run] = train_members(problem, mlp.Rprop(), [None], [seed], 0)
        assert (run["final"]["step"], run["best"]["step"]) == (total, relevant)
        assert run["final"]["validation_loss"] / run["best"]["validation_loss"] == pytest.approx(1 + loss / 100)


def test_a_target_is_met_from_its_own_side_and_never_by_what_is_no_number() -> None:
    values = {"test_loss": np.array([0.5, 1.5, np.nan]), "test_accuracy": np.array([0.5, 0.95, np.nan])}
    assert list(Target("test_loss", 1).met(values)) == [True, False, False]
    assert list(Target("test_accuracy", 0.9).met(values)) == [False, True, False]
