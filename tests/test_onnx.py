"""ONNX export, held to what onnxruntime makes of the files: an implementation that none of us wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from cases import LAYERS, WIDTH

import mlp
from mlp.errors import UnknownNameError
from mlp.exchange import onnx_file
from mlp.exchange.onnx_file import find_link
from mlp.exchange.onnx_layers import Graph
from mlp.layers import ACTIVATIONS

CLOSE = 1e-5  # what issue 5 asks for
RNG = np.random.default_rng(0)
X = RNG.normal(5, 3, size=(120, 3))
THREE = np.digitize(X[:, 0], [4, 6])


def answers(content: bytes | Path, rows: Any) -> dict[str, Any]:
    """What onnxruntime gives, by name."""
    given = content if isinstance(content, bytes) else str(content)
    session = onnxruntime.InferenceSession(given, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, {"X": rows}), strict=True))


def moved(network: mlp.Network) -> mlp.Network:
    """Weights and statistics that are nobody's first values."""
    rng = np.random.default_rng(3)
    network.params = (network.params + 0.3 * rng.normal(size=network.params.shape)).astype(network.dtype)
    network.statistics = (0.5 + rng.random(network.statistics.shape)).astype(network.dtype)
    return network


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_gives_in_onnxruntime_what_it_gives_here(name: str, dtype: Any) -> None:
    layer = LAYERS[name].settled(WIDTH, ())
    layers = [mlp.Dense(3, WIDTH), layer, mlp.Dense(layer.n_out, 2)]
    network = moved(mlp.Network(layers, 1, dtype=dtype))
    rows = (3 * np.random.default_rng(1).normal(size=(40, 3))).astype(dtype)
    found = answers(onnx_file.build_network(onnx, network), rows)["outputs"]
    assert found.dtype == dtype
    assert np.abs(found - mlp.predict(network, rows)).max() < CLOSE


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_agrees_far_out_too(name: str) -> None:
    """Where exponentials overflow, in either direction, and at 0."""
    network = mlp.Network([mlp.Dense(1, 1), ACTIVATIONS[name]()], 0, dtype=np.float32)
    network.views[0][...] = [[1, 0]]
    rows = np.array([[-200], [-90], [-3], [-1e-4], [0], [1e-4], [1], [3], [90], [200]], np.float32)
    found = answers(onnx_file.build_network(onnx, network), rows)["outputs"]
    np.testing.assert_allclose(found, mlp.predict(network, rows), rtol=CLOSE, atol=CLOSE)


def test_every_layer_has_a_translation() -> None:
    kinds = [getattr(mlp.layers, name) for name in mlp.layers.__all__]
    layers = {kind for kind in kinds if isinstance(kind, type) and issubclass(kind, mlp.Layer)}
    assert {kind for kind in layers if not kind.onnx} == {mlp.layers.Layer, mlp.layers.Activation}


def test_what_changes_a_layer_or_a_loss_is_not_exported_as_what_it_was() -> None:
    """The operator that a class names stands for what its methods were when it named it."""

    class Doubled(mlp.Tanh):
        def forward(self, params: Any, x: Any, y: Any, scratch: Any) -> None:
            np.tanh(2 * x.values, out=y.values)

    class Squared(mlp.Poisson):
        def predict(self, output: np.ndarray) -> np.ndarray:
            return output**2

    with pytest.raises(UnknownNameError, match="translation to ONNX for the layer 'Doubled'"):
        onnx_file.build_network(onnx, mlp.Network([mlp.Dense(3, 2), Doubled()]))
    with pytest.raises(UnknownNameError, match="translation to ONNX for the loss 'Squared'"):
        find_link(Squared())


class Cubed(mlp.Activation):
    """y = x³, and no word of ONNX."""

    def forward(self, params: Any, x: Any, y: Any, scratch: Any) -> None:
        np.power(x.values, 3, out=y.values)

    def slope(self, x: Any, y: Any, scratch: Any, out: Any) -> None:
        np.multiply(3 * x, x, out=out)


class ExportedCubed(Cubed):
    """The same, put together from operators of ONNX."""

    def onnx(self, graph: Any, params: Any, statistics: Any, x: str) -> str:
        name: str = graph.apply("Mul", x, graph.apply("Mul", x, x))
        return name


def test_a_layer_of_ones_own_says_itself_what_it_is() -> None:
    network = moved(mlp.Network([mlp.Dense(3, 4), ExportedCubed(), mlp.Dense(4, 2)], 1))
    found = answers(onnx_file.build_network(onnx, network), X[:9])["outputs"]
    np.testing.assert_allclose(found, mlp.predict(network, X[:9]), rtol=1e-9)


def test_only_layers_that_can_be_exported_are_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    """All activations were listed: "no translation to ONNX for 'Mish'. Did you mean 'Mish'?"."""
    monkeypatch.setattr(mlp.layers, "Cubed", Cubed, raising=False)
    with pytest.raises(UnknownNameError, match="the layer 'Cubed'") as caught:
        onnx_file.build_network(onnx, mlp.Network([mlp.Dense(3, 2), Cubed()]))
    assert "Cubed" not in str(caught.value).partition("Known:")[2]
    assert "ReLU" in str(caught.value)


@pytest.mark.parametrize("kind", [kind for kinds in mlp.losses.LOSSES.values() for kind in kinds.values()])
def test_a_link_gives_what_the_loss_predicts(kind: Any) -> None:
    loss = kind(0.5) if kind is mlp.Quantile else kind()
    raw = np.random.default_rng(2).normal(size=(9, 3))
    graph = Graph(onnx)
    graph.end(graph.apply_operator(find_link(loss), loss, "X"), "y")
    value = graph.value("X", np.float64, 3)
    model = graph.model(value, [graph.value("y", np.float64, 3)], {}, "")
    np.testing.assert_allclose(answers(model, raw)["y"], loss.predict(raw.T).T, atol=1e-12)


RUNS: dict[str, tuple[dict[str, Any], Any]] = {
    "classes": ({}, THREE),
    "classes_by_name": ({}, np.array(["low", "middle", "high €"])[THREE]),
    "classes_counted_from_seven": ({}, THREE + 7),
    "two_classes": ({}, THREE > 0),
    "two_classes_softmax": ({"network": {"output": "softmax"}}, THREE > 0),
    "one_of_many_by_sigmoids": ({"network": {"output": "sigmoid"}}, THREE),
    "focal": ({"loss": {"name": "focal"}}, THREE),
    "hinge": ({"loss": {"name": "hinge"}}, THREE),
    "two_classes_hinge": ({"loss": {"name": "hinge"}}, THREE > 0),
    "squares_as_scores": ({"network": {"output": "identity"}}, THREE),
    "squares_as_a_score": ({"network": {"output": "identity"}}, THREE > 0),
    "squares_of_classes": ({"loss": {"name": "squared_error"}}, THREE),
    "squares_of_two_classes": ({"loss": {"name": "squared_error"}}, THREE > 0),
    "labels": ({}, (X > 5).astype(int)),
    "labels_hinge": ({"loss": {"name": "hinge"}}, (X > 5).astype(int)),
    "number": ({}, X @ [1, 2, 3.5]),
    "number_scaled": ({"data": {"scale_target": "standard"}}, 1e4 * X[:, 0] + 1e6),
    "numbers": ({"data": {"scale_target": "standard"}}, X @ RNG.normal(size=(3, 2))),
    "counts": ({"loss": {"name": "poisson"}, "data": {"task": "regression"}}, RNG.poisson(3, 120)),
    "minmax": ({"data": {"scale": "minmax"}}, THREE),
    "not_scaled": ({"data": {"scale": "none"}}, THREE),
    "float64": ({"training": {"dtype": "float64"}}, THREE),
    "everything": ({"network": {"hidden": [8, 8], "batch_norm": True, "residual": True, "dropout": 0.3}}, THREE),
    "maxout": ({"network": {"activation": "maxout"}}, THREE),
    "rbf": ({"network": {"activation": "rbf"}}, THREE),
}


@pytest.mark.parametrize("name", RUNS)
def test_a_run_answers_raw_rows_in_onnxruntime_as_it_does_here(name: str, tmp_path: Path) -> None:
    config, y = RUNS[name]
    training = {"epochs": 3, **config.get("training", {})}
    run = mlp.run({**config, "training": training, "record": {"probe": "never"}}, (X, y))
    found = answers(mlp.to_onnx(run, tmp_path / "run.onnx"), X)
    expected = run.predict(X)
    assert found["prediction"].shape == expected.shape
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found["prediction"], expected, rtol=CLOSE, atol=CLOSE)
    else:
        assert found["prediction"].tolist() == expected.tolist()
    certain = run.model.head.certain and run.model.preprocessing.task != "regression"
    assert ("probabilities" in found) is certain
    if certain:
        np.testing.assert_allclose(found["probabilities"], run.predict_proba(X), atol=CLOSE)


@pytest.mark.parametrize("name", ["classes_by_name", "two_classes", "hinge", "labels", "number_scaled", "counts"])
def test_an_ensemble_gives_its_common_answer(name: str, tmp_path: Path) -> None:
    """Its network is a population: it was refused, with a hint at one member, which answers something else."""
    config, y = RUNS[name]
    training = {"epochs": 3, "restarts": 3, "ensemble": True}
    run = mlp.run({**config, "training": training, "record": {"probe": "never"}}, (X, y))
    found, expected = answers(mlp.to_onnx(run, tmp_path / "run.onnx"), X), run.predict(X)
    if expected.dtype.kind == "f":
        np.testing.assert_allclose(found["prediction"], expected, rtol=CLOSE, atol=CLOSE)
    else:
        assert found["prediction"].tolist() == expected.tolist()
    if "probabilities" in found:
        np.testing.assert_allclose(found["probabilities"], run.predict_proba(X), atol=CLOSE)
    with pytest.raises(mlp.ShapeError, match=r"an ensemble of 3 networks, .* \.onnx"):
        mlp.to_safetensors(run, tmp_path / "run.safetensors")


def test_a_table_with_categories_answers_the_same(tmp_path: Path) -> None:
    """As the columns of 0 and 1 that the categories became: so does `run.load` give them."""
    lines = [f"{colour},{size},{kind}" for size in range(30) for colour, kind in (("red", "apple"), ("green", "pear"))]
    table = tmp_path / "fruit.csv"
    table.write_text("\n".join(["colour,size,kind", *lines]))
    run = mlp.run({"data": {"source": str(table)}, "training": {"epochs": 2}})
    rows, _ = run.load(table)
    found = answers(mlp.to_onnx(run, tmp_path / "run.onnx"), rows)
    assert found["prediction"].tolist() == run.predict(rows).tolist()
    np.testing.assert_allclose(found["probabilities"], run.predict_proba(rows), atol=CLOSE)


def test_a_large_offset_costs_no_digits(tmp_path: Path) -> None:
    """In float32, rows near 1e9 are 64 apart: they are scaled in float64, as here."""
    rows = X + 1e9
    run = mlp.run({"training": {"epochs": 3}}, (rows, THREE))
    found = answers(mlp.to_onnx(run, tmp_path / "run.onnx"), rows)
    np.testing.assert_allclose(found["probabilities"], run.predict_proba(rows), atol=CLOSE)


def test_rows_may_come_in_float32(tmp_path: Path) -> None:
    run = mlp.run({"training": {"epochs": 3}}, (X, THREE))
    found = answers(mlp.to_onnx(run, tmp_path / "run.onnx", rows=np.float32), X.astype(np.float32))
    np.testing.assert_allclose(found["probabilities"], run.predict_proba(X), atol=CLOSE)


def test_the_model_tells_the_names_of_columns_and_classes(tmp_path: Path) -> None:
    run = mlp.run({"data": {"source": "iris"}, "training": {"epochs": 1}, "record": {"probe": "never"}})
    model = onnx.load(mlp.to_onnx(run, tmp_path / "iris.onnx"))
    about = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert about["class_names"] == ["setosa", "versicolor", "virginica"]
    assert about["feature_names"] == list(run.model.preprocessing.feature_names)
    assert about["task"] == "classification"


def test_a_layer_that_has_no_translation_is_named(tmp_path: Path) -> None:
    class Cube(mlp.layers.Activation):
        def forward(self, params: Any, x: Any, y: Any, scratch: Any) -> None:
            np.power(x.values, 3, out=y.values)

        def slope(self, x: Any, y: Any, scratch: Any, out: Any) -> None:
            np.multiply(3 * x, x, out=out)

    network = mlp.Network([mlp.Dense(1, 1), Cube()], 0)
    with pytest.raises(mlp.UnknownNameError, match="no translation to ONNX for the layer 'Cube'"):
        mlp.to_onnx(network, tmp_path / "cube.onnx")
    assert not list(tmp_path.iterdir())


def test_a_population_is_refused(tmp_path: Path) -> None:
    network = mlp.Network([mlp.Dense(2, 1)], 0, population=(3,))
    with pytest.raises(mlp.ShapeError, match=r"network\.member\(0\)"):
        mlp.to_onnx(network, tmp_path / "x.onnx")
    assert mlp.to_onnx(network.member(0), tmp_path / "x.onnx").exists()


def test_what_cannot_be_exported_is_refused(tmp_path: Path) -> None:
    network, run = (
        mlp.Network([mlp.Dense(2, 1)], 0),
        mlp.run({"training": {"epochs": 1}, "record": {"probe": "never"}}, (X, THREE)),
    )
    with pytest.raises(mlp.HyperparameterError, match="a Run, a Network, or an estimator that is fitted"):
        mlp.to_onnx("run", tmp_path / "x.onnx")  # type: ignore[arg-type]
    with pytest.raises(mlp.HyperparameterError, match="the path of a file"):
        mlp.to_onnx(network, 7)  # type: ignore[arg-type]
    with pytest.raises(mlp.DtypeError):
        mlp.to_onnx(run, tmp_path / "x.onnx", rows=int)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").mkdir()
    with pytest.raises(mlp.DataError, match=r"x\.onnx cannot be written"):
        mlp.to_onnx(mlp.Network([mlp.Dense(2, 1)], 0), tmp_path / "x.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["x.onnx"]


@pytest.mark.parametrize(
    ("package", "extra", "act"),
    [
        ("onnx", "onnx", mlp.to_onnx),
        ("safetensors.numpy", "safetensors", mlp.to_safetensors),
    ],
)
def test_a_missing_package_is_asked_for_by_the_name_of_its_extra(
    package: str, extra: str, act: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(mlp.MissingExtraError, match=rf"pip install 'mlp\[{extra}\]'"):
        act(mlp.Network([mlp.Dense(2, 1)], 0), tmp_path / "file")
