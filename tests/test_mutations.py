"""A slice of `benchmarks/robustness/mutations.py`: damaged and forged files of every format that is read."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.errors import DataError, FileFormatError
from mlp.storage import archive
from mlp.storage.schema import COUNT, PREPROCESSING, TEXT, check, each, table

PATH = Path(__file__).parents[1] / "benchmarks" / "robustness" / "mutations.py"


@pytest.fixture(scope="module")
def mutations() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("mutations", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["mutations"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["mutations"]


def test_damaged_and_forged_files_are_refused_or_right(mutations: Any) -> None:
    """Half of them are sealed with the right checksum: a seal says that nothing broke, not that it fits together."""
    mutations.DRAWS = False
    found = dict(mutations.run(280, seed=1))
    assert len(found) >= 20
    assert {name: dict(tally.examples) for name, tally in found.items() if tally.failures} == {}
    assert sum(tally.refused for tally in found.values()) > 140


DAMAGES = {"model.npz": 230, "checkpoint.npz": 220, "history.npz": 200, "trajectory.npz": 150, "config.toml": 70,
           "metrics.json": 70, "findings.json": 60}  # fmt: skip


def test_a_thousand_damaged_files_of_a_run_say_what_was_written_or_are_refused_by_name(
    mutations: Any, tmp_path: Path
) -> None:
    """A byte in an array, in the size that a header promises or in the directory of the zip is another one: NumPy and
    zipfile read on, or raise what they like."""
    run = mutations.make_run(tmp_path)
    other = (run / "history.npz").read_bytes()
    n_refused = 0
    for i, one in enumerate(one for one in mutations.run_formats(run) if one.name in DAMAGES):
        tally = mutations.attack(replace(one, forge=None), DAMAGES[one.name], [2, i], other)
        assert tally.examples == {}
        assert tally.refused > tally.attempts / 2
        n_refused += tally.refused
    assert sum(DAMAGES.values()) == 1000
    assert n_refused > 800
    assert not [*run.glob("*.part")]


def test_a_schema_names_the_place_of_what_does_not_fit() -> None:
    schema = table(names=each(TEXT), steps=COUNT)
    check({"names": ["a"], "steps": 3, "more": None}, schema, "about")
    for value, place in (
        ({"names": ["a", 1], "steps": 3}, r"about.names\[1\] is 1, and text is needed"),
        ({"names": []}, "about.steps is None, and a value is needed"),
        ({"names": ["\ud800"], "steps": 3}, "text is needed"),
        ({"names": [], "steps": 10**30}, "a whole number, 0 or more is needed"),
        ([], r"about is \[\], and a table is needed"),
    ):
        with pytest.raises(FileFormatError, match=place):
            check(value, schema, "about")
    with pytest.raises(FileFormatError, match="preprocessing"):
        check({}, PREPROCESSING, "preprocessing")


FORGERIES: dict[str, Any] = {
    "class_names": ["a", "a"],
    "class_labels": ["a"],
    "n_targets": 3,
    "feature_names": ["x"],
    "scaling": {"shift": [0.0], "factor": [1.0]},
    "task": "regression",
    "target_name": 3,
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_model_whose_parts_disagree_is_refused(name: str, tmp_path: Path) -> None:
    """It was sealed again, so nothing was wrong with it until it predicted: then NumPy met two widths."""
    X, config = np.random.default_rng(0).normal(size=(40, 3)), {"epochs": 1}
    off = {"training": config, "record": {"baseline": "never"}}
    mlp.run(off, (X, np.where(X[:, 0] > 0, "a", "b")), out=tmp_path / "run")
    path = tmp_path / "run" / "model.npz"
    about, arrays, _ = archive.read(path)
    about["preprocessing"][name] = FORGERIES[name]
    archive.write(path, about, arrays)
    with pytest.raises(FileFormatError, match=r"model\.npz: not as mlp wrote it"):
        mlp.load_run(tmp_path / "run")


def test_a_journal_that_somebody_edited_is_refused_by_its_line(tmp_path: Path) -> None:
    """A result without what the tables show was taken as it was, and ended in a KeyError behind the last trial."""
    call: Any = {"optimizers": ["sgd"], "problems": ["xor"], "seeds": 2, "rates": 1, "epochs": 3, "out": tmp_path}
    mlp.bench(**call)
    path = tmp_path / "trials.jsonl"
    whole = path.read_text()
    for old, new in (
        ('"final"', '"end"'),
        ('"seed": 1', '"seed": 2'),
        ('"curve": {"step": [', '"curve": {"step": [7, '),
    ):
        path.write_text(whole.replace(old, new, 1))
        with pytest.raises(DataError, match=r"trials.jsonl: .*in the trial .*Delete this line"):
            mlp.bench(**call)
