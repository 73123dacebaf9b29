"""Errors: one line, said early, what was given and what is needed; and each is also a built-in."""

from __future__ import annotations

import builtins
import pickle
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlp
from mlp import errors, initializers, schedules

BUILT_IN = {
    mlp.ShapeError: ValueError,
    mlp.DtypeError: TypeError,
    mlp.HyperparameterError: ValueError,
    mlp.UnknownNameError: KeyError,
    mlp.ConfigError: ValueError,
    mlp.DataError: ValueError,
    mlp.FileFormatError: ValueError,
    mlp.DownloadError: OSError,
    mlp.NotFittedError: ValueError,
    mlp.DivergenceError: ArithmeticError,
    mlp.ContractError: AssertionError,
    mlp.DerivativeError: NotImplementedError,
    mlp.MissingExtraError: ImportError,
}


def refused(call: Callable[[], Any], *needles: str, kind: type[mlp.MLPError] = mlp.MLPError) -> mlp.MLPError:
    """The error that `call` ends in: of `kind`, a built-in too, one line, with every needle in it."""
    with pytest.raises(kind) as caught:
        call()
    message = str(caught.value)
    assert isinstance(caught.value, BUILT_IN[type(caught.value)])
    assert message
    assert "\n" not in message
    assert [needle for needle in needles if needle not in message] == [], message
    return caught.value


# the tree


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.__name__)
def test_an_error_is_also_a_built_in(kind: type[mlp.MLPError]) -> None:
    assert issubclass(kind, mlp.MLPError)
    assert issubclass(kind, BUILT_IN[kind])


def test_the_tree_is_the_one_that_is_drawn() -> None:
    there = {v for v in vars(errors).values() if isinstance(v, type) and issubclass(v, mlp.MLPError)}
    assert there - {mlp.MLPError} == set(BUILT_IN)
    drawn = {line.split()[1]: line.split()[2] for line in errors.__doc__.splitlines() if "──" in line}  # type: ignore[union-attr]
    assert {k.__name__: f"({v.__name__})" for k, v in BUILT_IN.items()} == drawn
    assert all(hasattr(builtins, name.strip("()")) for name in drawn.values())


@pytest.mark.parametrize(
    "error",
    [
        mlp.ShapeError("too wide"),
        mlp.HyperparameterError("beta1", 2.0, "below 1"),
        mlp.UnknownNameError("optimizer", "addam", ["adam", "sgd"]),
        mlp.MissingExtraError("plots", "plot"),
        mlp.DownloadError("gone"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_comes_back_whole_from_another_process(error: mlp.MLPError) -> None:
    """Made again from its message, as exceptions are by default, it could not be: a pool of workers would break."""
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_an_unknown_name_carries_the_known_and_the_nearest() -> None:
    error = mlp.UnknownNameError("optimizer", "addam", ["sgd", "adam"])
    assert str(error) == "no optimizer 'addam'. Known: adam, sgd. Did you mean 'adam'?"
    assert (error.name, error.known, error.nearest) == ("addam", ["adam", "sgd"], "adam")
    assert mlp.UnknownNameError("optimizer", "zzz", ["adam"]).nearest is None


def test_a_hyperparameter_error_carries_name_and_value() -> None:
    error = mlp.HyperparameterError("momentum", 1.5, "in the range 0 ≤ value < 1")
    assert str(error) == "momentum = 1.5 cannot be: it must be in the range 0 ≤ value < 1."
    assert (error.name, error.value) == ("momentum", 1.5)


def test_a_missing_extra_says_what_to_install() -> None:
    assert "pip install 'mlp[plot]'" in str(mlp.MissingExtraError("mlp report", "plot"))


# hyperparameters: nothing odd gets in anywhere

POSITIVE: dict[str, Callable[[Any], Any]] = {
    "Adagrad.epsilon": lambda v: mlp.Adagrad(epsilon=v),
    "RMSprop.epsilon": lambda v: mlp.RMSprop(epsilon=v),
    "Adam.epsilon": lambda v: mlp.Adam(epsilon=v),
    "AdamW.epsilon": lambda v: mlp.AdamW(epsilon=v),
    "ClipNorm.max_norm": lambda v: mlp.ClipNorm(mlp.SGD(), v),
    "ClipValue.max_value": lambda v: mlp.ClipValue(mlp.SGD(), v),
    "StepDecay.factor": lambda v: mlp.StepDecay(0.1, 10, v),
    "Exponential.factor": lambda v: mlp.Exponential(0.1, 10, v),
    "ELU.alpha": mlp.ELU,
    "BatchNorm.epsilon": lambda v: mlp.BatchNorm(epsilon=v),
    "LayerNorm.epsilon": lambda v: mlp.LayerNorm(epsilon=v),
    "RBF.width": lambda v: mlp.RBF(2, 3, v),
    "Huber.delta": mlp.Huber,
}
NOT_NEGATIVE: dict[str, Callable[[Any], Any]] = {
    "SGD.learning_rate": mlp.SGD,
    "Momentum.learning_rate": mlp.Momentum,
    "Nesterov.learning_rate": mlp.Nesterov,
    "Adagrad.learning_rate": mlp.Adagrad,
    "RMSprop.learning_rate": mlp.RMSprop,
    "Adam.learning_rate": mlp.Adam,
    "AdamW.learning_rate": mlp.AdamW,
    "Constant.learning_rate": schedules.Constant,
    "StepDecay.learning_rate": lambda v: mlp.StepDecay(v, 10),
    "Exponential.learning_rate": lambda v: mlp.Exponential(v, 10),
    "Cosine.learning_rate": lambda v: mlp.Cosine(v, 10),
    "WarmUp.learning_rate": lambda v: mlp.WarmUp(v, 10),
    "ReduceOnPlateau.learning_rate": lambda v: mlp.ReduceOnPlateau(v, 10),
    "Dense.l1": lambda v: mlp.Dense(2, 3, l1=v),
    "Dense.l2": lambda v: mlp.Dense(2, 3, l2=v),
    "AdamW.weight_decay": lambda v: mlp.AdamW(weight_decay=v),
    "Cosine.final": lambda v: mlp.Cosine(0.1, 10, v),
    "ReduceOnPlateau.minimum": lambda v: mlp.ReduceOnPlateau(0.1, 10, minimum=v),
    "Focal.gamma": mlp.Focal,
    "SigmoidFocal.gamma": mlp.SigmoidFocal,
    "Normal.std": initializers.Normal,
    "TruncatedNormal.std": initializers.TruncatedNormal,
}
FRACTION: dict[str, Callable[[Any], Any]] = {
    "Momentum.momentum": lambda v: mlp.Momentum(momentum=v),
    "Nesterov.momentum": lambda v: mlp.Nesterov(momentum=v),
    "RMSprop.decay": lambda v: mlp.RMSprop(decay=v),
    "Adam.beta1": lambda v: mlp.Adam(beta1=v),
    "Adam.beta2": lambda v: mlp.Adam(beta2=v),
    "AdamW.beta1": lambda v: mlp.AdamW(beta1=v),
    "AdamW.beta2": lambda v: mlp.AdamW(beta2=v),
    "Dropout.rate": mlp.Dropout,
    "BatchNorm.momentum": lambda v: mlp.BatchNorm(momentum=v),
    "SoftmaxCrossEntropy.label_smoothing": mlp.SoftmaxCrossEntropy,
    "SigmoidCrossEntropy.label_smoothing": mlp.SigmoidCrossEntropy,
    "ReduceOnPlateau.factor": lambda v: mlp.ReduceOnPlateau(0.1, 10, v),
    "ReduceOnPlateau.threshold": lambda v: mlp.ReduceOnPlateau(0.1, 10, threshold=v),
    "Quantile.quantile": mlp.Quantile,
}
FINITE: dict[str, Callable[[Any], Any]] = {
    "Dense.bias": lambda v: mlp.Dense(2, 3, bias=v),
    "LeakyReLU.negative_slope": mlp.LeakyReLU,
    "Constant.value": initializers.Constant,
    "Uniform.low": lambda v: initializers.Uniform(v, 1e308),
    "Uniform.high": lambda v: initializers.Uniform(-1e308, v),
    "Orthogonal.gain": initializers.Orthogonal,
}
COUNT: dict[str, Callable[[Any], Any]] = {
    "Dense.n_in": lambda v: mlp.Dense(v, 3),
    "Dense.n_out": lambda v: mlp.Dense(3, v),
    "RBF.n_in": lambda v: mlp.RBF(v, 3),
    "RBF.n_out": lambda v: mlp.RBF(3, v),
    "Maxout.pieces": mlp.Maxout,
    "StepDecay.every": lambda v: mlp.StepDecay(0.1, v),
    "Exponential.every": lambda v: mlp.Exponential(0.1, v),
    "Cosine.steps": lambda v: mlp.Cosine(0.1, v),
    "WarmUp.steps": lambda v: mlp.WarmUp(0.1, v),
    "ReduceOnPlateau.window": lambda v: mlp.ReduceOnPlateau(0.1, v),
    "ReduceOnPlateau.patience": lambda v: mlp.ReduceOnPlateau(0.1, 10, patience=v),
    "Recorder.every": lambda v: mlp.Recorder(every=v),
    "batches.epochs": lambda v: mlp.batches(np.ones((2, 2)), np.ones(2), epochs=v),
    "batches.size": lambda v: mlp.batches(np.ones((2, 2)), np.ones(2), size=v),
    "Network.population": lambda v: mlp.Network([mlp.Dense(2, 1)], population=(v,)),
    "Workspace.n_samples": lambda v: mlp.Workspace(mlp.Network([mlp.Dense(2, 1)]), v),
}
NUMBERS = POSITIVE | NOT_NEGATIVE | FRACTION | FINITE


def short(value: Any) -> str:
    """The name of a case, the same in every process: without an address."""
    return re.sub(" at 0x.*", "", ascii(value))[:30]


NO_NUMBER = [True, False, "0.1", "", b"1", None, [], [0.1], (0.1,), {}, {0.1}, 1j, np.complex128(1), object(), float,
             np.array(["0.1"]), np.array([None]), np.array([1j]), np.bool_(True), np.array(True), 10**400,
             "a\nb", np.datetime64("2020-01-01")]  # fmt: skip
NOT_FINITE = [np.nan, np.inf, -np.inf, np.float32("nan"), np.array([[0.1], [np.nan]]), np.full((40, 40), np.inf)]


@pytest.mark.parametrize("odd", NO_NUMBER + NOT_FINITE, ids=short)
def test_what_is_no_finite_number_is_no_hyperparameter(odd: Any) -> None:
    for name, make in NUMBERS.items():
        if "WarmUp" in name and odd is float:
            continue
        refused(lambda make=make: make(odd), f"{name.split('.')[1]} = ", kind=mlp.HyperparameterError)  # type: ignore[misc]


@pytest.mark.parametrize("name", [n for n in NUMBERS if not hasattr(mlp.optimizers, n.split(".")[0])])
def test_only_rules_take_a_number_for_each_member(name: str) -> None:
    """In a layer or a loss an array (R, 1) would meet other axes than the population's, silently where R fits."""
    refused(lambda: NUMBERS[name](np.full((2, 1), 0.5)), f"{name.split('.')[1]} = ", kind=mlp.HyperparameterError)


@given(st.one_of(st.floats(max_value=0, exclude_max=False), st.integers(max_value=0)))
def test_what_must_be_positive_is(value: float) -> None:
    for name, make in POSITIVE.items():
        refused(lambda make=make: make(value), f"{name.split('.')[1]} = ", "above 0")  # type: ignore[misc]


@given(st.one_of(st.floats(max_value=0, exclude_max=True), st.integers(max_value=-1)))
def test_what_must_not_be_negative_is_not(value: float) -> None:
    for name, make in NOT_NEGATIVE.items():
        refused(lambda make=make: make(value), f"{name.split('.')[1]} = ", "0 or more")  # type: ignore[misc]


@given(
    st.one_of(
        st.floats(min_value=1), st.floats(max_value=0, exclude_max=True), st.integers(1), st.integers(max_value=-1)
    )
)
def test_what_must_be_a_fraction_is(value: float) -> None:
    for name, make in FRACTION.items():
        refused(lambda make=make: make(value), f"{name.split('.')[1]} = ", "range 0 ")  # type: ignore[misc]


@given(st.one_of(st.integers(max_value=0), st.floats(), st.booleans(), st.text(), st.binary()))
def test_what_must_be_a_count_is(value: Any) -> None:
    for name, make in COUNT.items():
        refused(lambda make=make: make(value), f"{name.split('.')[1]} = ", "whole number")  # type: ignore[misc]


@pytest.mark.parametrize(
    "value", [0.1, 1, np.float32(0.1), np.float64(0.1), np.int64(1), np.array([[0.1], [0.2]])], ids=repr
)
def test_every_kind_of_number_is_a_learning_rate(value: Any) -> None:
    for rule in (mlp.SGD, mlp.Adam):
        params, out = np.zeros((2, 3)), np.empty((2, 3))
        rule(value).update(mlp.Evaluation(params, np.zeros(2), np.ones((2, 3))), rule(value).init(params), out)
        assert (out < 0).all()


@pytest.mark.parametrize("shape", [(2,), (3, 1), (2, 2), (1, 2, 1)], ids=str)
def test_an_array_of_hyperparameters_must_fit_the_population(shape: tuple[int, ...]) -> None:
    values, params = np.full(shape, 0.1), np.zeros((2, 5))
    for rule, name in [
        (mlp.SGD(values), "learning_rate"), (mlp.Momentum(0.1, values), "momentum"), (mlp.Adam(beta2=values), "beta2"),
        (mlp.AdamW(weight_decay=values), "weight_decay"), (mlp.ClipNorm(mlp.SGD(), values), "max_norm"),
        (mlp.ClipValue(mlp.SGD(values), 1.0), "learning_rate"), (mlp.Frozen(mlp.SGD(values), ()), "learning_rate"),
    ]:  # fmt: skip
        refused(lambda rule=rule: rule.init(params), name, str(shape), "(2, 5)", "(R, 1)")  # type: ignore[misc]


def test_bounds_must_not_be_crossed() -> None:
    refused(lambda: initializers.Uniform(1.0, -1.0), "low = 1.0", "at most high = -1.0")


@pytest.mark.parametrize("odd", [None, 3, 0.5, object(), initializers.HeNormal, [], True], ids=short)
def test_weights_must_be_an_initializer_or_its_name(odd: Any) -> None:
    refused(lambda: mlp.Dense(2, 3, odd), "weights = ", "'auto'")


@given(st.text().filter(lambda s: s not in initializers.INITIALIZERS and s != "auto"))
def test_an_unknown_initializer_is_named(name: str) -> None:
    refused(lambda: mlp.Dense(2, 3, name), "no initializer", "he_normal", kind=mlp.UnknownNameError)


@pytest.mark.parametrize("rng", ["0", "random", 1.0, -1, None, True, [1], np.float64(3)], ids=repr)
def test_a_seed_is_a_whole_number_or_a_generator(rng: Any) -> None:
    refused(lambda: mlp.Network([mlp.Dense(2, 1)], rng=rng), "rng = ", "numpy.random.Generator")
    if rng is not None:  # which keeps the order of rows
        refused(lambda: mlp.batches(np.ones((2, 2)), np.ones(2), rng=rng), "rng = ", "numpy.random.Generator")


@pytest.mark.parametrize(
    "dtype", [np.float16, "float16", "no such", int, complex, object, None, 3.5, np.longdouble], ids=str
)
def test_a_network_computes_with_float32_or_float64(dtype: Any) -> None:
    refused(lambda: mlp.Network([mlp.Dense(2, 1)], dtype=dtype), "float32 or float64", kind=mlp.DtypeError)


# networks


@pytest.mark.parametrize("layers", [None, 3, mlp.Dense(2, 1), mlp.Dense], ids=repr)
def test_layers_come_as_a_list(layers: Any) -> None:
    refused(lambda: mlp.Network(layers), "as a list", "[Dense(2, 3)", kind=mlp.ShapeError)
    refused(lambda: mlp.Residual(layers), "as a list", kind=mlp.ShapeError)


@pytest.mark.parametrize("layer", ["relu", mlp.ReLU, None, 3, np.tanh, [mlp.Dense(2, 2)]], ids=repr)
def test_a_network_is_made_of_layers(layer: Any) -> None:
    for layers in ([layer], [mlp.Dense(2, 2), layer], [layer, mlp.Dense(2, 2)]):
        refused(lambda layers=layers: mlp.Network(layers), "is none", kind=mlp.ShapeError)  # type: ignore[misc]


@pytest.mark.parametrize("population", [3, None, "3", 2.5], ids=repr)
def test_a_population_is_a_tuple(population: Any) -> None:
    refused(lambda: mlp.Network([mlp.Dense(2, 1)], population=population), "population = ", "(3,)")


def test_a_network_has_layers() -> None:
    refused(lambda: mlp.Network([]), "at least one layer")


@pytest.mark.parametrize(
    "layer",
    [mlp.ReLU(), mlp.Dropout(), mlp.BatchNorm(), mlp.Maxout(2), mlp.Residual([mlp.Dense(3, 3)])],
    ids=repr,
)
def test_a_first_layer_says_how_wide_it_is(layer: mlp.Layer) -> None:
    refused(lambda: mlp.Network([layer, mlp.Dense(3, 1)]), "cannot come first", "Dense(n_in, n_out)")


def test_widths_that_differ_name_the_layer_and_the_remedy() -> None:
    refused(lambda: mlp.Network([mlp.Dense(4, 8), mlp.ReLU(), mlp.Dense(16, 1)]),
            "layer 3 of 3", "takes 16 inputs", "gives 8", "Dense(8, 1)", kind=mlp.ShapeError)  # fmt: skip
    refused(lambda: mlp.Network([mlp.Dense(4, 8), mlp.RBF(16, 1)]), "layer 2 of 2", "RBF(8, 1)")
    refused(lambda: mlp.Network([mlp.Dense(4, 8), mlp.Tanh(n_in=5)]), "layer 2 of 2", "fed by 8", "n_in")
    refused(lambda: mlp.Network([mlp.Dense(4, 8), mlp.BatchNorm(n_in=5)]), "fed by 8", "n_in")
    refused(lambda: mlp.Network([mlp.Dense(4, 8), mlp.Maxout(3)]), "fed by 8", "a multiple of 3")
    refused(lambda: mlp.Network([mlp.Dense(4, 8), mlp.Residual([mlp.Dense(8, 7)])]), "(8)", "(7)")
    refused(lambda: mlp.Network([mlp.Dense(4, 8), mlp.Residual([])]), "nothing")
    refused(lambda: mlp.Network([mlp.Dense(4, 8), mlp.Residual([mlp.Dense(7, 8)])]), "layer 2 of 2", "layer 1 of 1")


def test_parameters_from_elsewhere_must_fit() -> None:
    net = mlp.Network([mlp.Dense(2, 1)])
    refused(lambda: net.at(np.zeros(4)), "(4,)", "3)", kind=mlp.ShapeError)
    refused(lambda: net.at(np.zeros(3, np.float32)), "float32", "float64", kind=mlp.DtypeError)


# data


X, LABELS = np.ones((6, 2)), np.arange(6) % 3


@pytest.mark.parametrize(
    ("features", "targets", "needles"),
    [
        (np.ones(6), LABELS, ["X has shape (6,)", "(n_samples, n_features)"]),
        (np.ones((2, 3, 4)), LABELS, ["X has shape (2, 3, 4)"]),
        (np.ones((0, 2)), [], ["X has shape (0, 2)", "at least one sample"]),
        ([], [], ["X has shape (0,)"]),
        (3.0, LABELS, ["X has shape ()"]),
        ([[1, 2], [3]], [0, 1], ["X is no table", "one length"]),
        ([["a", "b"]], [0], ["X holds <U1", "numbers"]),
        (np.ones((6, 2), object), LABELS, ["X holds object"]),
        (np.ones((6, 2), complex), LABELS, ["X holds complex128"]),
        (np.ones((6, 2), "M8[s]"), LABELS, ["X holds datetime64"]),
        (None, LABELS, ["X has shape ()"]),
        (X, LABELS[:5], ["X has 6 rows and target has 5"]),
        (X, 3, ["target has shape ()"]),
        (X, np.ones((6, 1, 1)), ["target has shape (6, 1, 1)"]),
        (X, [[1], [1, 2], 1, 1, 1, 1], ["target is no table"]),
        (X, ["a"] * 6, ["target holds <U1", "class labels 0, 1"]),
        (X, [None] * 6, ["target holds object"]),
        (np.ones((6, 2), np.float16), LABELS, ["float16", "float32 or float64"]),
    ],
)
def test_data_that_make_no_batch_are_refused(features: Any, targets: Any, needles: list[str]) -> None:
    refused(lambda: mlp.batches(features, targets), *needles)
    refused(lambda: mlp.as_batch(features, targets), *needles)


@pytest.mark.parametrize(
    "weights",
    [np.ones(5), np.ones((6, 1)), 1.0, "abcdef", ["a"] * 6, [None] * 6, -np.ones(6), np.full(6, np.nan), [[1], [1, 2]]],
    ids=ascii,
)
def test_weights_are_a_number_for_each_sample(weights: Any) -> None:
    refused(lambda: mlp.batches(X, LABELS, weights=weights), "weights")


def trained(layers: list[mlp.Layer], features: Any, targets: Any, loss: mlp.Loss, **options: Any) -> None:
    data = mlp.batches(features, targets, 2, rng=None, dtype=options.pop("data_dtype", None))
    for _ in mlp.train(mlp.Network(layers, **options), data, loss, mlp.SGD()):
        pass


THREE: list[mlp.Layer] = [mlp.Dense(2, 3)]
ONE: list[mlp.Layer] = [mlp.Dense(2, 1)]
SOFTMAX, SIGMOID, SQUARED = mlp.SoftmaxCrossEntropy(), mlp.SigmoidCrossEntropy(), mlp.SquaredError()


@pytest.mark.parametrize(
    ("layers", "targets", "loss", "needles"),
    [
        (THREE, LABELS.astype(float), SOFTMAX, ["labels as integers 0 … 2", "float64"]),
        (THREE, LABELS + 1, SOFTMAX, ["class label 3", "3 outputs", "0 to 2"]),
        (THREE, LABELS - 1, SOFTMAX, ["class label -1", "0 to 2"]),
        (THREE, [0, 1, 2, 0, 1, 7], SOFTMAX, ["class label 7"]),  # only in the last batch
        (THREE, [0, 1, 2, 0, 1, 7], mlp.Focal(), ["class label 7"]),
        (THREE, [0, 1, 2, 0, 1, 7], mlp.Hinge(), ["class label 7"]),
        (ONE, LABELS, SOFTMAX, ["the network has 1", "SigmoidCrossEntropy"]),
        (THREE, LABELS[:, None], SOFTMAX, ["(n, 1)", "3 outputs"]),
        (THREE, np.ones((6, 3)), SOFTMAX, ["sum to 1", "SigmoidCrossEntropy"]),
        (THREE, np.ones((6, 3)) / 3, mlp.Focal(), ["labels as integers"]),
        (THREE, LABELS, SIGMOID, ["(n,)", "(n, 3)", "Dense(..., 1)"]),
        (ONE, LABELS, SIGMOID, ["from 0 (no) to 1 (yes)", "0 … 2", "SoftmaxCrossEntropy"]),
        (ONE, [0, 1, 0, 1, 0, 2], SIGMOID, ["from 0 (no) to 1 (yes)"]),  # only in the last batch
        (ONE, [0, 1, 0, 1, 0, 0.5], mlp.SigmoidFocal(), ["0 or 1"]),
        (ONE, [0, 1, 0, 1, 0, 2], mlp.BinaryHinge(), ["from 0 (no) to 1 (yes)"]),
        (THREE, np.ones((6, 2)), SQUARED, ["(n, 2)", "3 outputs", "Dense(..., 2)"]),
        (THREE, np.ones(6), SQUARED, ["(n,)", "(n, 3)"]),
        (ONE, -np.ones(6), mlp.Poisson(), ["-1.0", "0 or more"]),
    ],
)
def test_targets_that_do_not_fit_the_loss_are_refused(layers: Any, targets: Any, loss: Any, needles: list[str]) -> None:
    refused(lambda: trained(layers, X, targets, loss), *needles)


def test_a_batch_of_another_width_is_refused() -> None:
    refused(lambda: trained([mlp.Dense(4, 3)], X, LABELS, SOFTMAX), "2 features", "takes 4", "Dense(2, ...)")


@pytest.mark.parametrize(("net", "data"), [(np.float32, np.float64), (np.float64, np.float32)])
def test_a_batch_of_another_dtype_is_refused(net: Any, data: Any) -> None:
    name = np.dtype(data).name
    refused(
        lambda: trained(THREE, X, LABELS, SOFTMAX, dtype=net, data_dtype=data),
        name,
        f"dtype=np.{name}",
        kind=mlp.DtypeError,
    )


@pytest.mark.parametrize(
    ("features", "needles"),
    [
        (np.ones(2), ["(2,)", "(n_samples, 2)"]),
        (np.ones((3, 5)), ["(3, 5)", "(n_samples, 2)"]),
        ([["a", "b"]], ["X holds <U1"]),
        (np.ones((3, 2), object), ["X holds object"]),
        (np.ones((3, 2), complex), ["X holds complex128"]),
        ([[1, 2], [3]], ["X"]),
    ],
    ids=str,
)
def test_what_cannot_be_predicted_is_refused(features: Any, needles: list[str]) -> None:
    refused(lambda: mlp.predict(mlp.Network(THREE), features), *needles)


def test_a_block_of_no_rows_is_refused() -> None:
    refused(lambda: mlp.predict(mlp.Network(THREE), X, block=0), "block = 0")


# training


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        ((X, "data", SOFTMAX, mlp.SGD()), "network"),
        ((mlp.Network(THREE), (X, LABELS), SOFTMAX, mlp.SGD()), "batches"),
        ((mlp.Network(THREE), 3, SOFTMAX, mlp.SGD()), "batches"),
        ((mlp.Network(THREE), None, mlp.SoftmaxCrossEntropy, mlp.SGD()), "loss"),
        ((mlp.Network(THREE), None, "cross_entropy", mlp.SGD()), "loss"),
        ((mlp.Network(THREE), None, SOFTMAX, "adam"), "optimizer"),
        ((mlp.Network(THREE), None, SOFTMAX, mlp.Adam), "optimizer"),
        ((mlp.Network(THREE), None, SOFTMAX, 0.1), "optimizer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_train_is_given_what_it_takes(arguments: tuple[Any, ...], needle: str) -> None:
    network, data, loss, rule = arguments
    data = mlp.batches(X, LABELS) if data is None else data
    refused(lambda: list(mlp.train(network, data, loss, rule)), needle)


@pytest.mark.parametrize("slices", ["dense1", ["dense1"], [0, 1], 3, None], ids=repr)
def test_frozen_takes_slices(slices: Any) -> None:
    refused(lambda: mlp.Frozen(mlp.SGD(), slices), "slices", "network.layout.slices")


@pytest.mark.parametrize("rule", ["adam", mlp.Adam, None, 0.1], ids=repr)
def test_wrappers_take_a_rule(rule: Any) -> None:
    for wrap in (lambda r: mlp.ClipNorm(r, 1.0), lambda r: mlp.ClipValue(r, 1.0), lambda r: mlp.Frozen(r, ())):
        refused(lambda wrap=wrap: wrap(rule), "rule = ", "an optimizer")  # type: ignore[misc]


def test_frozen_slices_lie_within_the_parameters() -> None:
    rule = mlp.Frozen(mlp.SGD(), (slice(9, 12),))
    refused(lambda: rule.init(np.zeros(9)), "slice(9, 12, None)", "9 parameters", kind=mlp.ShapeError)


@pytest.mark.parametrize("instruments", ["loss", ["loss"], [len]], ids=repr)
def test_a_recorder_takes_instruments(instruments: Any) -> None:
    refused(lambda: mlp.Recorder(instruments), "instruments = ", "mlp.STANDARD")


def test_a_gradient_check_in_no_direction_proves_nothing() -> None:
    refused(lambda: mlp.gradcheck(mlp.Network(ONE), SQUARED, X, np.ones(6), directions=0), "directions = 0")
