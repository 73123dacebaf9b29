"""The way from `mlp.run(data)` to the first gradient is the one that `mlp/README.md` tells."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import mlp

README = Path(mlp.__file__).parent / "README.md"


def told() -> list[str]:
    """The functions of the way, in the order of the text."""
    section = README.read_text(encoding="utf-8").split("\n## The way from ")[1].split("\n## ")[0]
    return re.findall(r"^\d+\. `([\w.]+)`", section, re.MULTILINE)


def codes() -> dict[CodeType, str]:
    """The code of each function of the way; an error where there is no such function."""
    found = {}
    for name in told():
        module, _, function = name.rpartition(".")
        found[getattr(importlib.import_module(module), function).__code__] = name
    return found


def called_on_a_run(known: dict[CodeType, str]) -> list[str]:
    """The calls of these functions in a run, in their order, until a backward pass of the training begins."""
    calls: list[str] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code in known:
            calls.append(known[frame.f_code])
            if calls[-1] == told()[-1] and "mlp.training.train" in calls:
                sys.setprofile(None)

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        mlp.run({"data": {"source": "iris"}, "training": {"epochs": 1, "batch_size": "full"}})
    finally:
        sys.setprofile(before)
    return calls


def follows(calls: Iterator[str], names: list[str]) -> list[str]:
    """The names that do not come in this order among the calls; [] if all do."""
    return names[next((i for i, name in enumerate(names) if name not in calls), len(names)) :]


def test_the_way_has_at_most_twelve_steps_from_run_to_backward() -> None:
    names = told()
    assert len(names) == len(set(names)) <= 12
    assert (names[0], names[-1]) == ("mlp.experiment.run.run", "mlp.backprop.backward")


def test_a_run_goes_the_way_that_is_told() -> None:
    """Each function begins after the one before it. `follows` takes calls away as it goes through them."""
    known = codes()
    calls = called_on_a_run(known)
    assert follows(iter(calls), told()) == []
    first = [name for i, name in enumerate(calls) if name not in calls[:i]]
    assert [name for name in first if not name.startswith(("mlp.backprop", "mlp.training"))] == told()[:-4]


def test_a_way_in_another_order_is_found_out() -> None:
    assert follows(iter(["a", "b", "c"]), ["a", "c", "b"]) == ["b"]
