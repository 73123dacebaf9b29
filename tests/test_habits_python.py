"""Habits in Python: tables of a history, estimators that tell and export, float32, weights without bounds, bfloat16."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.exchange.safetensors_file import from_bfloat16, to_bfloat16

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
CODES = (X[:, 0] > 0).astype(int)
EACH = pytest.mark.parametrize("kind", [mlp.MLPClassifier, mlp.MLPRegressor])


def target(kind: Any) -> Any:
    return CODES if kind is mlp.MLPClassifier else X[:, 0] + X[:, 1]


# tables


def test_a_history_is_a_table_for_pandas_and_polars() -> None:
    run = mlp.run({"data": {"source": "iris"}, "training": {"epochs": 3}})
    table = run.history.table()
    assert {len(column) for column in table.values()} == {run.steps}
    assert table["step"].tolist() == list(range(run.steps))
    assert np.isnan(table["train_loss"]).sum() == run.steps - 3
    np.testing.assert_array_equal(table["loss"], run.history["loss"])
    np.testing.assert_array_equal(table["grad_norm_by_layer/dense2"], run.history["grad_norm_by_layer"][:, 1])
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    assert pandas.DataFrame(table)["loss"].iloc[-1] == run.history["loss"][-1]
    assert polars.DataFrame(table)["loss"][-1] == run.history["loss"][-1]


def test_a_table_of_nothing_is_empty() -> None:
    assert {name: len(column) for name, column in mlp.History().table().items()} == {"step": 0}


# estimators


@EACH
def test_verbose_prints_a_line_for_each_epoch(kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    kind(hidden=4, epochs=3, random_state=0, verbose=True, early_stopping=True).fit(X, target(kind))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all("loss " in line and "validation " in line for line in lines)
    kind(hidden=4, epochs=3, random_state=0).fit(X, target(kind))
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="verbose"):
        kind(verbose="loud").fit(X, target(kind))


@EACH
def test_auto_takes_float32_rows_as_they_are_and_all_others_as_float64(kind: Any) -> None:
    for dtype, meant in {
        np.float32: np.float32,
        np.float64: np.float64,
        np.float16: np.float64,
        int: np.float64,
    }.items():
        fitted = kind(hidden=4, epochs=2, random_state=0).fit(X.astype(dtype), target(kind))
        assert fitted.network_.dtype == meant, dtype
    assert kind(hidden=4, epochs=2, dtype="float64").fit(X.astype("f"), target(kind)).network_.dtype == np.float64


@EACH
def test_a_network_that_goes_on_keeps_its_dtype(kind: Any) -> None:
    fitted = kind(hidden=4, epochs=2, random_state=0, warm_start=True).fit(X.astype(np.float32), target(kind))
    assert fitted.fit(X, target(kind)).network_.dtype == np.float32
    assert fitted.n_iter_ == 4
    assert fitted.partial_fit(X, target(kind)).network_.dtype == np.float32


@EACH
def test_float32_learns_what_float64_learns(kind: Any) -> None:
    scores = [
        kind(hidden=8, epochs=20, random_state=0).fit(X.astype(d), target(kind)).score(X, target(kind)) for d in "fd"
    ]
    assert abs(scores[0] - scores[1]) < 0.02  # roundings grow a little over 40 steps


@EACH
@pytest.mark.parametrize("size", [1e308, 1e-308, 2.0**-1000, 5e-324])
def test_weights_of_any_size_count_by_their_ratios(kind: Any, size: float) -> None:
    """Sums of weights near the largest number are infinite, and the loss was then no number."""
    weights = np.where(np.arange(60) % 2, size, 0.0)
    how = {"hidden": 4, "epochs": 3, "random_state": 0, "optimizer": "sgd"}
    far = kind(**how).fit(X, target(kind), sample_weight=weights)
    near = kind(**how).fit(X, target(kind), sample_weight=np.where(np.arange(60) % 2, 1.0, 0.0))
    np.testing.assert_allclose(far.predict(X), near.predict(X), rtol=1e-12)
    assert far.score(X, target(kind), sample_weight=weights) == pytest.approx(near.score(X[1::2], target(kind)[1::2]))


def test_class_weights_of_any_size_count_by_their_ratios() -> None:
    how: dict[str, Any] = {"hidden": 4, "epochs": 3, "random_state": 0}
    far = mlp.MLPClassifier(**how, class_weight={0: 1e308, 1: 1e308}).fit(X, CODES, sample_weight=np.full(60, 1e308))
    near = mlp.MLPClassifier(**how).fit(X, CODES)
    np.testing.assert_allclose(far.predict_proba(X), near.predict_proba(X), rtol=1e-12)


@EACH
def test_a_fitted_estimator_is_exported(kind: Any, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    onnxruntime = pytest.importorskip("onnxruntime")
    fitted = kind(hidden=4, epochs=5, random_state=0, activation="exact_gelu").fit(X, target(kind))
    session = onnxruntime.InferenceSession(str(mlp.to_onnx(fitted, tmp_path / "model.onnx")))
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"X": X}), strict=True))
    np.testing.assert_allclose(found["prediction"], fitted.predict(X), rtol=1e-9)
    if kind is mlp.MLPClassifier:
        np.testing.assert_allclose(found["probabilities"], fitted.predict_proba(X), rtol=1e-9)
    with pytest.raises(ValueError, match="not fitted"):
        mlp.to_onnx(kind(), tmp_path / "none.onnx")


# bfloat16


def test_bfloat16_is_rounded_to_the_nearest_even() -> None:
    """Against a search: of all finite bfloat16, the nearest to each number; of two, the one with an even last bit."""
    numbers = np.concatenate([RNG.normal(size=200), [1 + 2**-8, 1 + 3 * 2**-8, 0.0, -0.0, 3e38, 1e-40, -5e-41]]).astype(
        "f"
    )
    every = from_bfloat16(np.arange(2**16, dtype=np.uint16))
    finite = np.flatnonzero(np.isfinite(every))
    every = np.where(np.isfinite(every), every, 0).astype(float)
    for number, bits in zip(numbers, to_bfloat16(numbers), strict=True):
        distance = np.abs(every[finite] - float(number))
        nearest = finite[distance == distance.min()]
        assert any(every[n] == every[bits] for n in nearest)
        assert len({every[n] for n in nearest}) == 1 or bits % 2 == 0
    assert np.isnan(from_bfloat16(to_bfloat16(np.array([np.nan], np.float32)))).all()
    assert np.isinf(from_bfloat16(to_bfloat16(np.array([np.inf, -np.inf], np.float32)))).all()


def test_safetensors_of_bfloat16_are_written_and_read(tmp_path: Path) -> None:
    pytest.importorskip("safetensors")
    net = mlp.Network([mlp.Dense(3, 4), mlp.BatchNorm(), mlp.ReLU(), mlp.Dense(4, 2)], rng=0, dtype=np.float32)
    path = mlp.to_safetensors(net, tmp_path / "half.safetensors", dtype="bfloat16")
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    assert header["dense1.weight"]["dtype"] == "BF16" and header["dense1.weight"]["shape"] == [4, 3]
    back = mlp.from_safetensors(path)
    assert back.dtype == np.float32
    np.testing.assert_array_equal(back.params, from_bfloat16(to_bfloat16(net.params)))
    with pytest.raises(ValueError, match="bfloat16"):
        mlp.to_safetensors(net, tmp_path / "x.safetensors", dtype="float8")


def test_a_state_dict_of_bfloat16_from_elsewhere_is_read(tmp_path: Path) -> None:
    """The file is put together by hand, as PyTorch writes it."""
    pytest.importorskip("safetensors")
    weight, bias = np.array([[1.5, -2.0]], np.float32), np.array([0.25], np.float32)
    data = b"".join((values.view("<u4") >> 16).astype("<u2").tobytes() for values in (weight, bias))
    header = json.dumps(
        {
            "0.weight": {"dtype": "BF16", "shape": [1, 2], "data_offsets": [0, 4]},
            "0.bias": {"dtype": "BF16", "shape": [1], "data_offsets": [4, 6]},
        }
    ).encode()
    path = tmp_path / "theirs.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    net = mlp.from_torch(path)
    assert net.dtype == np.float32
    np.testing.assert_array_equal(net["dense1"], [[1.5, -2.0, 0.25]])
