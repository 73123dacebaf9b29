"""Networks as safetensors, and from scikit-learn and PyTorch: equal to the bit, or to what those libraries answer."""

from __future__ import annotations

import json
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import sklearn
from cases import LAYERS, WIDTH
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import mlp
from mlp.exchange.safetensors_file import describe_layers, name_arrays, rebuild_layers
from mlp.initializers import INITIALIZERS

STATE = dict(np.load(Path(__file__).parent / "reference" / "state.npz"))
ACTIVATIONS = sorted({name.partition("/")[0] for name in STATE} - {"rows"})
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.digitize(X[:, 0], [-0.5, 0.5])


def network(name: str, dtype: Any = np.float64) -> mlp.Network:
    layer = LAYERS[name].settled(WIDTH, ())
    made = mlp.Network([mlp.Dense(3, WIDTH), layer, mlp.Dense(layer.n_out, 2)], 1, dtype=dtype)
    made.statistics = np.arange(made.statistics.size)
    return made


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_a_network_comes_back_from_safetensors_to_the_bit(name: str, dtype: Any, tmp_path: Path) -> None:
    written = network(name, dtype)
    read = mlp.from_safetensors(mlp.to_safetensors(written, tmp_path / "net.safetensors"))
    assert read.layers == written.layers
    assert read.dtype == written.dtype
    assert read.params.tobytes() == written.params.tobytes()
    assert read.statistics.tobytes() == written.statistics.tobytes()


@pytest.mark.parametrize("name", LAYERS)
def test_the_tensors_are_all_the_numbers_there_are(name: str) -> None:
    net = network(name)
    assert sum(values.size for values in name_arrays(net).values()) == net.params.size + net.statistics.size


def test_the_tensors_have_the_names_and_shapes_of_pytorch(tmp_path: Path) -> None:
    net = mlp.Network([mlp.Dense(2, 3), mlp.BatchNorm(), mlp.Residual([mlp.Dense(3, 3)]), mlp.Dense(3, 1)], 0)
    with Path(mlp.to_safetensors(net, tmp_path / "net.safetensors")).open("rb") as file:
        found = safetensors.numpy.load(file.read())
    assert {name: values.shape for name, values in found.items()} == {
        "dense1.weight": (3, 2), "dense1.bias": (3,),
        "batchnorm1.weight": (3,), "batchnorm1.bias": (3,),
        "batchnorm1.running_mean": (3,), "batchnorm1.running_var": (3,),
        "residual1.dense1.weight": (3, 3), "residual1.dense1.bias": (3,),
        "dense2.weight": (1, 3), "dense2.bias": (1,),
    }  # fmt: skip


def test_a_run_takes_its_preprocessing_along(tmp_path: Path) -> None:
    run = mlp.run({"training": {"epochs": 2}}, (X, Y))
    path = mlp.to_safetensors(run, tmp_path / "run.safetensors")
    with safetensors.safe_open(path, "numpy") as file:
        about = json.loads(file.metadata()["preprocessing"])
    assert about == run.model.preprocessing.to_json()
    assert mlp.from_safetensors(path).params.tobytes() == run.network.params.tobytes()


@pytest.mark.parametrize("name", sorted(INITIALIZERS.keys() - {"constant"}))
def test_every_initializer_can_be_described(name: str) -> None:
    dense = [mlp.Dense(2, 3, name)]
    assert rebuild_layers(json.loads(json.dumps(describe_layers(dense)))) == dense


@pytest.mark.parametrize(
    "about",
    [
        {},
        {"format": "pt"},
        {"format": "mlp", "version": "99", "layers": "[]"},
        {"format": "mlp", "version": "1"},
        {"format": "mlp", "version": "1", "layers": "]"},
        {"format": "mlp", "version": "1", "layers": "[]"},
        {"format": "mlp", "version": "1", "layers": "7"},
        {"format": "mlp", "version": "1", "layers": '[{"system": {"x": 1}}]'},
        {"format": "mlp", "version": "1", "layers": '[{"Dense": {"n_in": 2, "n_out": "a"}}]'},
        {"format": "mlp", "version": "1", "layers": '[{"Dense": {"n_in": 2, "n_out": 900000000}}]'},
        {"format": "mlp", "version": "1", "layers": '[{"Dense": {"n_in": 2, "n_out": 1, "no": 3}}]'},
        {"format": "mlp", "version": "1", "layers": '[{"Dense": {"n_in": 1, "n_out": 1}}, {"Tanh": {}}]'},
    ],
)
def test_a_file_that_describes_no_network_is_refused_in_one_line(about: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(safetensors.numpy.save({"dense1.weight": np.zeros((1, 2)), "dense1.bias": np.zeros(1)}, about))
    with pytest.raises(mlp.FileFormatError, match=r"x\.safetensors: not a network that mlp wrote") as caught:
        mlp.from_safetensors(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_an_error_or_the_right_network(tmp_path: Path) -> None:
    """300 files with one byte changed: numbers may change, for the format has no checksum; nothing else may happen."""
    path, rng = tmp_path / "x.safetensors", np.random.default_rng(0)
    whole = Path(mlp.to_safetensors(network("batch_norm"), path)).read_bytes()
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        path.write_bytes(damaged[: rng.integers(len(whole) + 1)] if rng.random() < 0.3 else damaged)
        try:
            assert isinstance(mlp.from_safetensors(path), mlp.Network)
        except mlp.FileFormatError as error:
            assert "\n" not in str(error)


@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}")
@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
def test_a_model_of_sklearn_answers_the_same_here(activation: str) -> None:
    made: dict[str, Any] = {"hidden_layer_sizes": (7, 5), "activation": activation, "max_iter": 4, "random_state": 0}
    close = {"rtol": 1e-12, "atol": 1e-12}  # float64 in both
    three = MLPClassifier(**made).fit(X, Y)
    np.testing.assert_allclose(mlp.predict(mlp.from_sklearn(three), X), three.predict_proba(X), **close)
    two = MLPClassifier(**made).fit(X, Y > 0)
    np.testing.assert_allclose(mlp.predict(mlp.from_sklearn(two), X)[:, 0], two.predict_proba(X)[:, 1], **close)
    labels = MLPClassifier(**made).fit(X, X[:, :3] > 0)
    np.testing.assert_allclose(mlp.predict(mlp.from_sklearn(labels), X), labels.predict_proba(X), **close)
    numbers = MLPRegressor(**made).fit(X, X[:, :2])
    np.testing.assert_allclose(mlp.predict(mlp.from_sklearn(numbers), X), numbers.predict(X), **close)


@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}")
def test_a_float32_model_stays_float32_and_without_its_link_gives_raw_outputs() -> None:
    rows = X.astype(np.float32)
    model = MLPClassifier(max_iter=2, random_state=0).fit(rows, Y)
    net = mlp.from_sklearn(model)
    assert net.dtype == np.float32
    raw = mlp.Network(net.layers[:-1], dtype=net.dtype)
    raw.params = net.params
    found = mlp.SoftmaxCrossEntropy().predict(mlp.predict(raw, rows).T).T
    np.testing.assert_allclose(found, model.predict_proba(rows), atol=1e-6)  # float32


def test_what_is_no_fitted_model_is_refused() -> None:
    with pytest.raises(mlp.HyperparameterError, match="an MLPClassifier or MLPRegressor"):
        mlp.from_sklearn(3)
    with pytest.raises(mlp.HyperparameterError, match=r"call model\.fit"):
        mlp.from_sklearn(MLPClassifier())


@pytest.mark.skipif(
    "loss" not in signature(MLPRegressor).parameters, reason=f"no Poisson loss in scikit-learn {sklearn.__version__}"
)
@pytest.mark.filterwarnings(f"ignore::{ConvergenceWarning.__module__}.{ConvergenceWarning.__name__}")
def test_an_exponential_end_is_refused() -> None:
    model = MLPRegressor(loss="poisson", max_iter=2).fit(X, Y)
    with pytest.raises(mlp.HyperparameterError, match="'exp' has no layer here"):
        mlp.from_sklearn(model)


def state(name: str) -> dict[str, Any]:
    own = {key.partition("/")[2]: values for key, values in STATE.items() if key.startswith(name + "/")}
    return {key: values for key, values in own.items() if key != "outputs"}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_a_state_dict_of_pytorch_answers_the_same_here(name: str) -> None:
    net = mlp.from_torch(state(name), name)
    assert net.dtype == np.float32
    np.testing.assert_allclose(mlp.predict(net, STATE["rows"]), STATE[f"{name}/outputs"], atol=1e-5)  # float32


class Half:
    """What is asked of a PyTorch tensor in half precision, which NumPy may not know (bfloat16)."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values, np.float16)

    def detach(self) -> Half:
        return self

    def cpu(self) -> Half:
        return self

    def element_size(self) -> int:
        return 2

    def float(self) -> Any:
        return self.values.astype(np.float32)


def test_half_precision_becomes_float32() -> None:
    net = mlp.from_torch({"weight": Half([[1.5, 2]]), "bias": Half([0.25])})
    assert net.dtype == np.float32
    assert net.views[0].tolist() == [[1.5, 2, 0.25]]


def test_a_file_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    """safetensors sorts by dtype and size; and as text, 10 stands before 2."""
    own = {f"layers.{i}.{kind}": state("tanh")[f"{2 * j}.{kind}"] for j, i in enumerate((1, 2, 10)) for kind in
           ("weight", "bias") if f"{2 * j}.{kind}" in state("tanh")}  # fmt: skip
    (tmp_path / "m.safetensors").write_bytes(safetensors.numpy.save(own))
    net = mlp.from_torch(tmp_path / "m.safetensors", ["tanh", "tanh"])
    np.testing.assert_allclose(mlp.predict(net, STATE["rows"]), STATE["tanh/outputs"], atol=1e-5)


W = np.ones((3, 2))


@pytest.mark.parametrize(
    ("given", "activation", "needed"),
    [
        ({}, "relu", "is empty"),
        ({"0.weight": W, "1.weight": W}, "relu", "'1' takes 2 inputs, but '0' before it gives 3"),
        ({"0.weight": W, "0.bias": np.ones(2)}, "relu", r"'0' is no Linear layer.*\(n_out, n_in\)"),
        ({"norm.weight": np.ones(3), "norm.running_mean": np.ones(3)}, "relu", "'norm' is no Linear layer"),
        ({"weight": W, "extra": np.ones(3)}, "relu", "is no Linear layer"),
        ({"0.weight": W}, ["relu"], "1 names for 0 hidden layers"),
        ({"0.weight": W}, "rleu", "Did you mean 'relu'"),
        ("model.pt", "relu", r"only \.safetensors files are read"),
        ("none.safetensors", "relu", "there is no such file"),
        (7, "relu", "a state dict, or the path"),
    ],
)
def test_what_is_no_chain_of_linear_layers_is_refused(given: Any, activation: Any, needed: str) -> None:
    with pytest.raises(mlp.MLPError, match=needed):
        mlp.from_torch(given, activation)


def test_what_is_no_safetensors_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.safetensors").write_bytes(b"PK not this")
    with pytest.raises(mlp.FileFormatError, match="cannot be read as safetensors"):
        mlp.from_torch(tmp_path / "x.safetensors")
