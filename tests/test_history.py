"""History: a mapping of columns that may be recorded, typed by hand, saved and read."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mlp


def example() -> mlp.History:
    return mlp.History(
        {"loss": [0.7, 0.5, 0.4], "norms": [[1, 2], [3, 4]], "members": np.arange(12.0).reshape(2, 3, 2)},
        steps={"norms": [0, 10]},
        labels={"norms": ("dense1", "dense2")},
        units={"loss": "nats"},
    )


def test_it_is_a_mapping() -> None:
    history = example()
    assert isinstance(history, Mapping)
    assert list(history) == ["loss", "norms", "members"]
    assert len(history) == 3
    assert "loss" in history
    assert "no such" not in history
    assert {**history}.keys() == dict(history.items()).keys()
    assert history.get("no such") is None


def test_columns_typed_by_hand_are_arrays() -> None:
    history = example()
    assert history["loss"].tolist() == [0.7, 0.5, 0.4]
    assert history["norms"].shape == (2, 2)
    assert history["members"].shape == (2, 3, 2)


def test_steps_units_and_labels_are_those_given_or_plain() -> None:
    history = example()
    assert history.steps("loss").tolist() == [0, 1, 2]
    assert history.steps("norms").tolist() == [0, 10]
    assert (history.unit("loss"), history.unit("norms")) == ("nats", "")
    assert (history.labels("norms"), history.labels("loss")) == (("dense1", "dense2"), ())


def test_what_is_read_is_a_copy() -> None:
    history = example()
    history["loss"][0] = 99
    history.steps("loss")[0] = 99
    assert history["loss"][0] == 0.7
    assert history.steps("loss")[0] == 0


def test_appending_grows_a_column_or_begins_one() -> None:
    history = mlp.History()
    for step in (0, 5):
        history.append("accuracy", 0.5 + step / 10, step, unit="fraction")
        history.append("pair", [step, 1], step)
    assert history["accuracy"].tolist() == [0.5, 1.0]
    assert history.steps("accuracy").tolist() == [0, 5]
    assert history["pair"].tolist() == [[0, 1], [5, 1]]
    assert history.unit("accuracy") == "fraction"


def test_a_record_of_another_shape_is_refused() -> None:
    with pytest.raises(mlp.ShapeError, match=r"'norms' holds \(2,\) for each record; given was \(\)"):
        example().append("norms", 1.0, 20)


def test_a_single_number_is_no_column() -> None:
    with pytest.raises(mlp.ShapeError, match="one for each record"):
        mlp.History({"loss": 0.7})


def test_as_many_steps_as_records() -> None:
    with pytest.raises(mlp.ShapeError, match="2 records and 3 steps"):
        mlp.History({"loss": [1, 2]}, steps={"loss": [0, 1, 2]})


@pytest.mark.parametrize("values", [["a"], [[1, 2], [3]], [None, {}], [1j]], ids=repr)
def test_what_is_no_number_is_refused(values: Any) -> None:
    with pytest.raises(mlp.ShapeError, match="column 'loss'") as caught:
        mlp.History({"loss": values})
    assert "\n" not in str(caught.value)


def test_an_unknown_column_names_the_known_and_the_nearest() -> None:
    with pytest.raises(mlp.UnknownNameError, match=r"loss, members, norms\. Did you mean 'norms'") as caught:
        example()["norm"]
    assert isinstance(caught.value, KeyError)
    assert "\n" not in str(caught.value)


def test_an_empty_history_says_so() -> None:
    assert repr(mlp.History()) == "History()"
    assert repr(example()) == "History(loss: 3, norms: 2, members: 2)"


def same(a: mlp.History, b: mlp.History) -> None:
    assert list(a) == list(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name])
        assert a[name].shape == b[name].shape
        assert (a.steps(name) == b.steps(name)).all()
        assert (a.unit(name), a.labels(name)) == (b.unit(name), b.labels(name))


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    history = example()
    history.append("odd", np.nan, 3)
    history.append("odd", np.inf, 4)
    history.column("empty", (2,), "x", ("a", "b"))
    history.save(tmp_path / "history.npz")
    same(mlp.History.load(tmp_path / "history.npz"), history)


@given(
    st.dictionaries(
        st.text(st.characters(categories=["L", "N"], include_characters="_ ."), min_size=1, max_size=8),
        st.lists(st.floats(allow_nan=False), max_size=5),
        max_size=4,
    )
)
def test_any_names_and_numbers_survive_a_file(tmp_path_factory: Any, columns: dict[str, list[float]]) -> None:
    path = tmp_path_factory.getbasetemp() / "any.npz"
    history = mlp.History(columns)
    history.save(path)
    same(mlp.History.load(path), history)


def test_a_loaded_history_can_be_written_on(tmp_path: Path) -> None:
    example().save(tmp_path / "h.npz")
    history = mlp.History.load(tmp_path / "h.npz")
    history.append("loss", 0.1, 7)
    assert history["loss"].tolist() == [0.7, 0.5, 0.4, 0.1]
    assert history.steps("loss").tolist() == [0, 1, 2, 7]


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "h.npz"
    example().save(path)
    before = path.read_bytes()

    def full(file: Any, array: Any, **how: Any) -> None:
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np.lib.format, "write_array", full)
    with pytest.raises(mlp.DataError, match=r"cannot be written.*disk full"):
        example().save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def damaged(tmp_path: Path) -> dict[str, Path]:
    """Files that are not a history."""
    example().save(tmp_path / "good.npz")
    good = (tmp_path / "good.npz").read_bytes()
    arrays = dict(np.load(tmp_path / "good.npz"))
    paths = {name: tmp_path / f"{name}.npz" for name in ("text", "empty", "half", "flipped", "foreign", "pickle")}
    paths["text"].write_text("loss\n0.7\n")
    paths["empty"].write_bytes(b"")
    paths["half"].write_bytes(good[: len(good) // 2])
    middle = good.index(b"values/loss") + 60
    paths["flipped"].write_bytes(
        good[:middle] + bytes(255 - b for b in good[middle : middle + 20]) + good[middle + 20 :]
    )
    np.savez(paths["foreign"], X=np.ones(3))
    np.savez(paths["pickle"], about=np.array([{}], dtype=object))
    for name, about in {
        "not_json": "{",
        "no_columns": "{}",
        "list": "[]",
        "number": "3",
        "columns_list": '{"columns": [1]}',
        "column_text": '{"columns": {"loss": "x"}}',
        "missing_column": json.dumps({"columns": {"gone": {"unit": "", "labels": []}}}),
    }.items():
        paths[name] = tmp_path / f"{name}.npz"
        np.savez(paths[name], **arrays | {"about": np.array(about)})
    paths["odd_steps"] = tmp_path / "odd_steps.npz"
    np.savez(paths["odd_steps"], **arrays | {"steps/loss": np.arange(9)})
    paths["text_values"] = tmp_path / "text_values.npz"
    np.savez(paths["text_values"], **arrays | {"values/loss": np.array(["a", "b", "c"])})
    paths["zip"] = tmp_path / "zip.npz"
    with zipfile.ZipFile(paths["zip"], "w") as file:
        file.writestr("about.npy", "not an array")
    paths["directory"] = tmp_path / "directory.npz"
    paths["directory"].mkdir()
    paths["absent"] = tmp_path / "absent.npz"
    return paths


DAMAGED = ["text", "empty", "half", "flipped", "foreign", "pickle", "not_json", "no_columns", "list", "number",
           "columns_list", "column_text", "missing_column", "odd_steps", "text_values", "zip", "directory",
           "absent"]  # fmt: skip


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_file_that_is_no_history_is_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    path = damaged(tmp_path)[kind]
    with pytest.raises(mlp.FileFormatError) as caught:
        mlp.History.load(path)
    assert isinstance(caught.value, ValueError)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


# columns computed from others


def with_total() -> mlp.History:
    """Norms by layer (3, 4), (0, 5), (1, 0), and their total."""
    history = mlp.History({"by_layer": [[3, 4], [0, 5]]}, steps={"by_layer": [0, 10]}, labels={"by_layer": ("a", "b")})
    history.derive("total", "by_layer", "unit")
    history.append("by_layer", [1, 0], 20)
    return history


def test_a_derived_column_is_a_column_like_any_other() -> None:
    history = with_total()
    assert "total" in history
    assert list(history) == ["by_layer", "total"]
    assert history["total"].tolist() == [5, 5, 1]
    assert history.steps("total").tolist() == [0, 10, 20]
    assert (history.unit("total"), history.labels("total")) == ("unit", ())
    assert repr(history) == "History(by_layer: 3, total: 3)"


def test_a_derived_column_is_saved_and_read_as_numbers(tmp_path: Path) -> None:
    with_total().save(tmp_path / "h.npz")
    same(mlp.History.load(tmp_path / "h.npz"), with_total())


def test_a_member_has_its_own_derived_column() -> None:
    history = mlp.History({"by_layer": [[[3, 4], [6, 8]]]})
    history.derive("total", "by_layer")
    assert history["total"].tolist() == [[5, 10]]
    assert history.member(1, (2,))["total"].tolist() == [10]


def test_a_derived_column_that_is_written_to_becomes_one_of_its_own() -> None:
    history = with_total()
    history.append("total", 7.0, 30)
    assert history["total"].tolist() == [5, 5, 1, 7]
    assert history.steps("total").tolist() == [0, 10, 20, 30]
    assert history["by_layer"].shape == (3, 2)


def test_only_a_column_with_several_numbers_has_a_norm() -> None:
    history = with_total()
    for source in ("total", "loss"):
        history.column("loss")
        with pytest.raises(mlp.ShapeError, match="has no norm over labels"):
            history.derive("other", source)
    with pytest.raises(mlp.UnknownNameError):
        history.derive("other", "absent")


def test_columns_that_have_another_name_today_are_found_by_it() -> None:
    """Version 0.1.0 called the plain network beside a run a yardstick."""
    about, arrays = mlp.History({"yardstick_train_accuracy": [0.9], "loss": [0.7]}).packed()
    found = mlp.History.unpacked(about, arrays)
    assert list(found) == ["baseline_train_accuracy", "loss"]
    assert found["baseline_train_accuracy"].tolist() == [0.9]
