"""Ten messy tables go from file to a good model: in one command, or after the one setting that the message names.

Each table is made by a rule that is known, and has what people's own files have. The same table as a frame of pandas or
polars gives the same numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mlp
from mlp.cli import main
from mlp.config import override

N = 400


class Messy(NamedTuple):
    """Columns of texts, how they are separated, the settings that are typed, and the least score on the test part."""

    columns: dict[str, list[Any]]
    settings: list[str]
    metric: str
    least: float
    separator: str = ","
    asked: tuple[str, ...] = ()


def european(x: float) -> str:
    return f"{x:,.2f}".translate({44: ".", 46: ","})


def base() -> tuple[np.random.Generator, Any, Any, Any]:
    rng = np.random.default_rng(5)
    a, b = rng.normal(size=(2, N))
    colour = rng.choice(["red", "green", "blue"], N)
    return rng, a, b, colour


def european_prices() -> Messy:
    _, a, b, _ = base()
    price = 2500 + 900 * a - 400 * b
    columns = {"area": [european(80 + 20 * v) for v in a], "year": [f"{round(1990 + 5 * v)}" for v in b]}
    return Messy(columns | {"price": [f"{european(p)} €" for p in price]}, [], "r2", 0.8, ";")


def holes() -> Messy:
    rng, a, b, colour = base()
    label = np.where(a + b + (colour == "red") > 0, "yes", "no")
    gone = rng.random((3, N)) < 0.08
    columns = {
        "a": ["" if m else f"{v:.3f}" for v, m in zip(a, gone[0], strict=True)],
        "b": ["NA" if m else f"{v:.3f}" for v, m in zip(b, gone[1], strict=True)],
        "colour": ["" if m else str(c) for c, m in zip(colour, gone[2], strict=True)],
        "label": label.tolist(),
    }
    return Messy(columns, [], "accuracy", 0.78, asked=("data.missing=impute",))


def identifiers() -> Messy:
    _, a, b, _ = base()
    columns = {
        "customer": [f"K-{i * 7919 % 100003:06}" for i in range(N)],
        "a": [f"{v:.3f}" for v in a],
        "b": [f"{v:.3f}" for v in b],
        "left": np.where(a > b, "yes", "no").tolist(),
    }
    return Messy(columns, [], "accuracy", 0.85, asked=('data.ignore=["customer"]',))


def dates() -> Messy:
    _, a, b, _ = base()
    days = np.datetime64("2021-01-01") + np.arange(N)
    columns = {
        "day": days.astype(str).tolist(),
        "a": [f"{v:.3f}" for v in a],
        "b": [f"{v:.3f}" for v in b],
        "sold": [f"{50 + 10 * x - 5 * y:.1f}" for x, y in zip(a, b, strict=True)],
    }
    return Messy(columns, [], "r2", 0.8, asked=('data.ignore=["day"]',))


def several_targets() -> Messy:
    _, a, b, _ = base()
    columns = {"a": [f"{v:.3f}" for v in a], "b": [f"{v:.3f}" for v in b]}
    columns |= {"low": [f"{100 * v:.1f}" for v in a], "high": [f"{5 + v:.3f}" for v in a - b]}
    return Messy(columns, ['data.target=["low", "high"]'], "r2", 0.8)


def discrete() -> Messy:
    rng, _, _, _ = base()
    dice, rooms = rng.integers(1, 7, N), rng.integers(1, 5, N)
    columns = {"dice": dice.astype(str).tolist(), "rooms": rooms.astype(str).tolist()}
    return Messy(columns | {"win": np.where(dice + rooms > 6, "1", "0").tolist()}, [], "accuracy", 0.9)


def money_and_percent() -> Messy:
    _, a, b, _ = base()
    columns = {
        "gain": [f"({abs(v) * 1000:,.2f})" if v < 0 else f"{v * 1000:,.2f}" for v in a],
        "share": [f"{50 + 10 * v:.1f}%" for v in b],
        "grade": np.where(a + b > 0, "good", "bad").tolist(),
    }
    return Messy(columns, [], "accuracy", 0.85, ";")


def groups() -> Messy:
    rng, _, _, _ = base()
    patient = np.repeat(np.arange(40), N // 40)
    a, b = rng.normal(size=(2, N)) + rng.normal(size=(2, 40))[:, patient]
    columns = {"patient": [f"P{p:02}" for p in patient], "a": [f"{v:.3f}" for v in a], "b": [f"{v:.3f}" for v in b]}
    return Messy(columns | {"ill": np.where(a > b, "yes", "no").tolist()}, ["data.group=patient"], "accuracy", 0.8)


def in_time() -> Messy:
    _, a, b, _ = base()
    columns = {
        "month": [f"{2000 + i // 12}-{i % 12 + 1:02}" for i in range(N)],
        "a": [f"{v:.3f}" for v in a],
        "b": [f"{v:.3f}" for v in b],
        "demand": [f"{1000 + 90 * x + 50 * y:.0f}" for x, y in zip(a, b, strict=True)],
    }
    return Messy(columns, ["data.time=month"], "r2", 0.8)


def postcodes() -> Messy:
    rng, a, _, _ = base()
    code = rng.choice(["01067", "20095", "80331", "10115"], N)
    rent = 8 + 6 * (code == "80331") + 2 * (code == "20095") + a
    columns = {"postcode": code.tolist(), "rooms": [f"{v:.2f}" for v in a], "rent": [f"{v:.2f}" for v in rent]}
    return Messy(columns, ['data.categorical=["postcode"]', "data.unseen=ignore"], "r2", 0.8)


TABLES: dict[str, Callable[[], Messy]] = {
    make.__name__: make
    for make in (
        european_prices, holes, identifiers, dates, several_targets,
        discrete, money_and_percent, groups, in_time, postcodes,
    )
}  # fmt: skip
HOW = ["--set", "training.epochs=60", "--set", "record.baseline=never"]


def write(messy: Messy) -> None:
    rows = [messy.columns.keys(), *zip(*messy.columns.values(), strict=True)]
    Path("t.csv").write_text("".join(messy.separator.join(row) + "\n" for row in rows), encoding="utf-8")


def sets(settings: Any) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


@pytest.mark.parametrize("name", TABLES)
def test_a_messy_table_becomes_a_good_model(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    messy = TABLES[name]()
    write(messy)
    command = ["train", "t.csv", "-o", "run", *HOW, *sets(messy.settings)]
    for asked in messy.asked:
        assert main(command) == 2
        said = capsys.readouterr().err
        key, value = asked.removeprefix("data.").split("=", 1)
        assert re.search(rf"{key} = {re.escape(value)}" if value[0] == "[" else re.escape(asked), said), said
        assert said.count("\n") == 1
        command += ["--set", asked]
    assert main(command) == 0
    assert mlp.load_run("run").metrics[f"test_{messy.metric}"] > messy.least
    assert main(["evaluate", "run", "t.csv"]) == 0
    assert main(["predict", "run", "t.csv", "-o", "answers.csv"]) == 0


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize("name", TABLES)
def test_a_frame_gives_the_same_numbers_as_the_file(
    name: str, frame: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    messy = TABLES[name]()
    write(messy)
    config: dict[str, Any] = {"training": {"epochs": 2}, "record": {"baseline": "never"}}
    for setting in (*messy.settings, *messy.asked):
        config = override(config, setting)
    from_file = mlp.run(override(config, "data.source=t.csv"))
    table = frame(
        {key: [None if cell in ("", "NA") else cell for cell in cells] for key, cells in messy.columns.items()}
    )
    if "target" not in config.get("data", {}):
        config = override(config, f"data.target={list(messy.columns)[-1]}")
    from_frame = mlp.run(config, table)
    assert np.array_equal(from_frame.network.params, from_file.network.params)
    assert from_frame.metrics == from_file.metrics
    assert from_frame.evaluate(table) == from_file.evaluate(*from_file.load("t.csv"))
