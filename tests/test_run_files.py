"""Run directories: what was written is read again bit for bit, and what was not is refused."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import DataError, FileFormatError, MLPError
from mlp.experiment.run_files import CHECKPOINT, NAMES, to_json_values

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
TARGETS: dict[str, Any] = {
    "binary": (X[:, 0] > 0).astype(int),
    "words": np.array(["low", "mid", "high"])[np.digitize(X[:, 0], [-0.5, 0.5])],
    "truth": X[:, 0] > 0,
    "labels": (X[:, :3] > 0).astype(int),
    "number": X @ [1.0, -2.0, 3.0, 0.5],
    "numbers": np.c_[X[:, 0], X[:, 1] - X[:, 2]],
}
CONFIG: dict[str, Any] = {
    "network": {"hidden": [6, 6], "batch_norm": True, "residual": True, "init": {"name": "normal", "std": 0.3}},
    "loss": {"l2": 1e-4},
    "optimizer": {"name": "momentum", "learning_rate": 0.05, "schedule": {"name": "cosine", "final": 0.001}},
    "training": {"epochs": 3, "early_stopping": {"patience": 5}},
}
UNPROBED = {"record": {"probe": "never"}}
SHORT: dict[str, Any] = {"training": {"epochs": 1}, **UNPROBED}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory as mlp wrote it."""
    folder = tmp_path_factory.mktemp("good") / "run"
    mlp.run(CONFIG, (X, TARGETS["words"]), out=folder)
    return folder


@pytest.fixture
def folder(good: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(good, tmp_path / "run"))


# written and read again


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("more", [{}, {"training": {"epochs": 2, "restarts": 3, "dtype": "float64"}}])
def test_a_run_that_is_read_again_is_the_run_that_was_written(tmp_path: Path, target: str, more: Any) -> None:
    run = mlp.run({**CONFIG, **UNPROBED, **more}, (X, TARGETS[target]), out=tmp_path / "run")
    again = mlp.load_run(tmp_path / "run")
    assert (again.predict(X) == run.predict(X)).all()
    assert again.predict(X).dtype == run.predict(X).dtype
    assert (again.network.params == run.network.params).all()
    assert (again.network.statistics == run.network.statistics).all()
    assert again.network.dtype == run.network.dtype
    assert again.config == run.config
    assert again.metrics == run.metrics
    assert again.findings == run.findings
    assert (again.steps, again.seconds, again.healthy) == (run.steps, run.seconds, run.healthy)
    assert set(again.history) == set(run.history)
    for name in run.history:
        np.testing.assert_array_equal(again.history[name], run.history[name])  # NaN is NaN
        assert (again.history.steps(name) == run.history.steps(name)).all()
        assert again.history.unit(name) == run.history.unit(name)
        assert again.history.labels(name) == run.history.labels(name)


def test_statistics_of_batch_norm_are_kept(good: Path) -> None:
    network = mlp.load_run(good).network
    assert network.statistics.size > 0
    assert not np.isin(network.statistics, [0.0, 1.0]).all(), "not those of the start"


def test_probabilities_are_kept_bit_for_bit(tmp_path: Path) -> None:
    run = mlp.run(CONFIG, (X, TARGETS["words"]), out=tmp_path / "run")
    assert (mlp.load_run(tmp_path / "run").predict_proba(X) == run.predict_proba(X)).all()


def test_a_run_can_be_written_again_where_it_was_read(folder: Path) -> None:
    before = mlp.load_run(folder)
    before.save(folder)
    assert (mlp.load_run(folder).predict(X) == before.predict(X)).all()


def test_a_diverged_run_is_kept_with_metrics_that_are_no_numbers(tmp_path: Path) -> None:
    config = {"optimizer": {"name": "sgd", "learning_rate": 1e6}, "training": {"epochs": 3, "restarts": 2}}
    run = mlp.run({**config, "data": {"scale": "none"}}, (X, TARGETS["number"]), out=tmp_path / "run")
    run.metrics["train_loss"], run.metrics["test_loss"] = float("nan"), float("-inf")
    run.save(tmp_path / "run")
    written = json.loads((tmp_path / "run" / "metrics.json").read_text())["metrics"]
    assert written["train_loss"] is None and written["test_loss"] is None
    again = mlp.load_run(tmp_path / "run")
    assert np.isnan(again.metrics["train_loss"])
    assert again.metrics["test_loss"] == -np.inf
    assert again.findings == run.findings
    assert not again.healthy


def test_the_run_directory_holds_the_files_of_the_contract_and_nothing_else(good: Path) -> None:
    assert {path.name for path in good.iterdir()} == {*NAMES, CHECKPOINT}
    config = tomllib.loads((good / "config.toml").read_text())
    assert config["loss"]["name"] == "cross_entropy", "resolved"
    assert config["data"]["task"] == "classification"
    assert config["optimizer"]["momentum"] == 0.9, "the rule's own defaults as well"
    json.loads((good / "metrics.json").read_text(), parse_constant=pytest.fail)
    json.loads((good / "findings.json").read_text(), parse_constant=pytest.fail)


def test_a_resolved_configuration_makes_the_same_run_again(good: Path) -> None:
    again = mlp.run(good / "config.toml", (X, TARGETS["words"]))
    assert (again.network.params == mlp.load_run(good).network.params).all()


def test_no_file_holds_a_pickle(good: Path) -> None:
    for name in ("model.npz", "history.npz"):
        with np.load(good / name, allow_pickle=False) as file:
            assert all(file[key].dtype.kind != "O" for key in file.files)


def test_what_json_cannot_hold_is_null() -> None:
    given = {"a": (1.5, float("nan"), np.float32(2)), "b": [float("inf"), np.int64(3), None, True, "x"]}
    assert to_json_values(given) == {"a": [1.5, None, 2.0], "b": [None, 3, None, True, "x"]}


# where to write


def test_missing_folders_are_made(tmp_path: Path) -> None:
    mlp.run(SHORT, (X, TARGETS["binary"]), out=tmp_path / "a" / "b" / "run")
    assert mlp.load_run(str(tmp_path / "a" / "b" / "run")).steps > 0


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(DataError, match="holds other files"):
        mlp.run({"training": {"epochs": 10**9}}, (X, TARGETS["binary"]), out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_half_written_run_can_be_written_over(folder: Path) -> None:
    (folder / "model.npz").unlink()
    mlp.run(SHORT, (X, TARGETS["binary"]), out=folder)
    assert mlp.load_run(folder).config.training.epochs == 1


@pytest.mark.parametrize("place", ["file", "file/run", "/proc/run", "/dev/null/run"])
def test_a_place_that_cannot_be_a_folder_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("precious")
    with pytest.raises(DataError) as caught:
        mlp.run({"training": {"epochs": 10**9}}, (X, TARGETS["binary"]), out=tmp_path / place)
    assert "\n" not in str(caught.value)
    assert (tmp_path / "file").read_text() == "precious"


def test_a_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    with pytest.raises(DataError, match="no permission"):
        mlp.run(SHORT, (X, TARGETS["binary"]), out=tmp_path / "run")


@pytest.mark.parametrize("failing", [*NAMES])
def test_a_full_disk_leaves_the_old_file_and_nothing_half_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    old = (folder / failing).read_bytes()
    replace = os.replace

    def full(source: Any, target: Any) -> None:
        if Path(target).name == failing:
            raise OSError(28, "No space left on device")
        replace(source, target)

    run = mlp.load_run(folder)
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(DataError, match="No space left on device"):
        run.save(folder)
    assert (folder / failing).read_bytes() == old
    assert not list(folder.glob("*.part"))


@pytest.mark.parametrize("written", [0, 3, 300])
def test_a_disk_that_fills_up_half_way_leaves_the_earlier_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    """Files were renamed one by one: three of the new run then stood beside two of the old, and neither loaded."""

    left = [written]

    def full(file: Any, array: Any, **how: Any) -> None:
        left[0] -= array.size
        if left[0] < 0:
            raise OSError(28, "No space left on device")

    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    other = mlp.run(SHORT, (X, TARGETS["binary"]))
    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(DataError, match="No space left on device"):
        other.save(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_run_that_cannot_be_written_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder, and those above it, were made before the first step and stayed with nothing in them."""

    def full(*arguments: Any, **arrays: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(DataError, match="No space left"):
        mlp.run(SHORT, (X, TARGETS["binary"]), out=tmp_path / "runs" / "one")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_half_written_can_be_written_over(tmp_path: Path) -> None:
    """Its temporary files would be "other files", in a folder that has no model yet."""
    (tmp_path / "model.npz.part").write_bytes(b"half")
    mlp.run(SHORT, (X, TARGETS["binary"]), out=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*NAMES, CHECKPOINT}


# damage


def refused(folder: Path) -> str:
    with pytest.raises(MLPError) as caught:
        mlp.load_run(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("make", [lambda p: None, Path.mkdir, Path.touch, lambda p: (p.mkdir(), (p / "x").touch())])
def test_what_is_no_run_directory_is_refused_with_a_remedy(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    make(tmp_path / "x")
    assert "mlp train -o" in refused(tmp_path / "x")


@pytest.mark.parametrize(
    ("given", "said"), [(3, "given was a int"), (None, "NoneType"), ("http://x.org/run", "http://x.org/run is an addr")]
)
def test_what_is_no_path_of_a_folder_is_refused(given: Any, said: str) -> None:
    """3 was an AttributeError deep inside; Path made http:/x.org of the address."""
    with pytest.raises(FileFormatError, match=said):
        mlp.load_run(given)


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in refused(folder)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("content", [b"", b"\x00", b"[]", b"{}", b"null", b"PK\x03\x04", b"\xff\xfe", b"[" * 10_000])
def test_a_file_of_something_else_is_named(folder: Path, name: str, content: bytes) -> None:
    if (name, content) == ("findings.json", b"[]"):
        return  # no findings: a healthy run
    (folder / name).write_bytes(content)
    assert name in refused(folder)


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_in_place_of_a_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    (folder / name).mkdir()
    assert name in refused(folder)


def rewritten(path: Path, **changed: Any) -> None:
    """The archive with some arrays replaced, whole and with the right checksums; without a seal, as of old."""
    with np.load(path, allow_pickle=True) as file:
        arrays = {name: file[name] for name in file.files}
    if "about" not in changed:
        changed["about"] = about(path.parent, lambda saved: None)
    np.savez(
        path, allow_pickle=True, **{name: value for name, value in (arrays | changed).items() if value is not None}
    )


def about(folder: Path, change: Callable[[dict[str, Any]], Any]) -> np.ndarray:
    with np.load(folder / "model.npz") as file:
        saved = json.loads(str(file["about"]))
    saved.pop("seal")
    change(saved)
    return np.array(json.dumps(saved))


@pytest.mark.parametrize(
    "arrays",
    [
        {"params": np.zeros(3, np.float32)},
        {"params": np.array([None, {}], object)},
        {"params": None},
        {"statistics": np.zeros(0, np.float32)},
        {"about": np.array("{")},
        {"about": np.array("[]")},
        {"about": np.array(3)},
        {"about": None},
    ],
    ids=str,
)
def test_a_model_with_other_arrays_is_refused(folder: Path, arrays: dict[str, Any]) -> None:
    rewritten(folder / "model.npz", **arrays)
    assert "model.npz" in refused(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda saved: saved.update(format=99),
        lambda saved: saved.update(format="1"),
        lambda saved: saved.pop("preprocessing"),
        lambda saved: saved["preprocessing"].pop("scaling"),
        lambda saved: saved["preprocessing"].update(n_targets=0),
        lambda saved: saved["preprocessing"].update(n_targets=7),
        lambda saved: saved["preprocessing"]["scaling"].update(shift=[1, 2]),
        lambda saved: saved["preprocessing"]["scaling"].update(factor=["a"] * 4),
        lambda saved: saved["config"]["network"].update(hidden=[7]),
        lambda saved: saved["config"].update(extra={}),
    ],
)
def test_a_model_that_says_something_impossible_is_refused(folder: Path, change: Any) -> None:
    rewritten(folder / "model.npz", about=about(folder, change))
    message = refused(folder)
    assert "model.npz" in message


def test_a_model_from_before_there_were_seals_is_read(folder: Path) -> None:
    before = mlp.load_run(folder).predict(X)
    rewritten(folder / "model.npz", about=about(folder, lambda saved: saved.pop("seals")))
    assert (mlp.load_run(folder).predict(X) == before).all()


def test_a_model_of_a_newer_format_asks_for_a_newer_mlp(folder: Path) -> None:
    rewritten(folder / "model.npz", about=about(folder, lambda saved: saved.update(format=99)))
    assert "Install a newer mlp" in refused(folder)


def test_a_model_that_grows_when_it_is_read_is_refused_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """5.8 MB of zeros, deflated, became 2 GB in memory before their shape was looked at."""
    np.savez_compressed(
        folder / "model.npz", about=about(folder, lambda saved: None), params=np.zeros(10**7), statistics=np.zeros(0)
    )
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_, **__: pytest.fail("nothing of it may be read"))
    assert "would grow to 80," in refused(folder)


def test_no_room_is_made_for_a_network_beyond_the_saved_parameters(folder: Path) -> None:
    """A width of some ten thousands in a small file asked for gigabytes before the parameters were counted."""
    rewritten(folder / "model.npz", about=about(folder, lambda s: s["config"]["network"].update(hidden=[10**5] * 2)))
    config = (folder / "config.toml").read_text()
    (folder / "config.toml").write_text(config.replace("hidden = [6, 6]", "hidden = [100000, 100000]"))
    assert "the network needs more than 10,000,700,000" in refused(folder)


def test_an_edited_configuration_is_refused(folder: Path) -> None:
    """elu has no parameters either: without a second opinion the network would load and answer otherwise."""
    path = folder / "config.toml"
    path.write_text(path.read_text().replace('"relu"', '"elu"'))
    assert "not the experiment that model.npz came from" in refused(folder)


def test_edited_metrics_are_refused(folder: Path) -> None:
    path = folder / "metrics.json"
    path.write_text(path.read_text().replace('accuracy": 0.', 'accuracy": 1.'))
    assert "not the metrics of this model" in refused(folder)


def test_a_comment_in_the_configuration_is_allowed(folder: Path) -> None:
    path = folder / "config.toml"
    path.write_text("# my best run\n" + path.read_text())
    mlp.load_run(folder)


def test_a_byte_beyond_what_an_array_header_promises_is_checked_too(folder: Path) -> None:
    """NumPy reads as far as the header says, and zip compares checksums at the end only."""
    with zipfile.ZipFile(folder / "history.npz") as archive:
        arrays = {name: archive.read(name) for name in archive.namelist()}
    name = "values/grad_norm_by_layer.npy"
    shorter = arrays[name].replace(b"'shape': (9, 4)", b"'shape': (9, 1)")
    assert shorter != arrays[name]
    with zipfile.ZipFile(folder / "history.npz", "w") as archive:
        for key, content in arrays.items():
            archive.writestr(key, content)
    content = (folder / "history.npz").read_bytes()
    (folder / "history.npz").write_bytes(content.replace(b"'shape': (9, 4)", b"'shape': (9, 1)"))
    assert "history.npz" in refused(folder)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.json", {"metrics": {"train_loss": None}, "steps": 1, "seconds": 1}),
        ("metrics.json", {"metrics": {"train_loss": "much"}, "steps": 1, "seconds": 1}),
        ("metrics.json", {"metrics": {"train_loss": True}, "steps": 1, "seconds": 1}),
        ("metrics.json", {"metrics": [], "steps": 1, "seconds": 1}),
        ("metrics.json", {"metrics": {}, "steps": None, "seconds": 1}),
        ("metrics.json", {"metrics": {}}),
        ("findings.json", [{}]),
        ("findings.json", [3]),
        ("findings.json", {"kind": "divergence"}),
    ],
)
def test_json_of_another_shape_is_refused(folder: Path, name: str, content: Any) -> None:
    (folder / name).write_text(json.dumps(content))
    with pytest.raises(FileFormatError, match=name):
        mlp.load_run(folder)
