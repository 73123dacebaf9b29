"""Pictures of letters after a training: what they show, how wide they are, and on which stream in colour."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.report.sparkline import ASCII, COLORED, LAYERS, PLAIN, WIDTH, draw_training, sparkline

FEW = ("train", "iris", "--set", "training.epochs=2", "--set", "record.baseline=never")


def history(n_layers: int, n: int = 200, name: str = "dense") -> mlp.History:
    norms = 10.0 ** -np.arange(n_layers)[None] * np.ones((n, 1))
    labels = tuple(f"{name}{k + 1}" for k in range(n_layers))
    return mlp.History(
        {"loss": np.geomspace(1, 1e-4, n), "grad_norm_by_layer": norms}, labels={"grad_norm_by_layer": labels}
    )


def test_a_loss_that_falls_by_the_same_factor_is_a_straight_line() -> None:
    levels = [PLAIN.levels.index(letter) for letter in sparkline(np.geomspace(1e4, 1, 2800))]
    assert levels[0] == 7 and levels[-1] == 0
    assert set(np.diff(levels)) <= {0, -1}


def test_a_step_without_a_number_is_seen_in_its_piece() -> None:
    loss = np.ones(2800)
    loss[1234] = np.inf
    assert [k for k, letter in enumerate(sparkline(loss)) if letter == "×"] == [12]
    assert sparkline(np.full(5, np.nan)) == "×××××"


@pytest.mark.parametrize("n_layers", [1, 2, 12, 13, 300])
def test_a_picture_is_at_most_60_columns_wide(n_layers: int) -> None:
    lines = draw_training(history(n_layers, name="a" * 40)).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert len(lines) <= 2 + LAYERS + 1


def test_bars_are_as_long_as_the_logarithms_say() -> None:
    lines = draw_training(history(4)).splitlines()[1:]
    lengths = [line.count("█") for line in lines]
    assert lengths == [26, 17, 9, 1] and [line.split()[-1] for line in lines] == [
        "1.0e+00",
        "1.0e-01",
        "1.0e-02",
        "1.0e-03",
    ]


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_a_gradient_that_is_none_has_no_bar(value: float) -> None:
    found = history(2)
    broken = found["grad_norm_by_layer"].copy()
    broken[:, 1] = value
    lines = draw_training(mlp.History({"grad_norm_by_layer": broken}, labels={"grad_norm_by_layer": ("a", "b")}))
    assert lines.splitlines()[1].count("█") == 0


def test_nothing_recorded_is_no_picture() -> None:
    assert draw_training(mlp.History({})) == "" and draw_training(mlp.History({"loss": [1.0]})) == ""


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "no_color", "encoding", "colored", "letters"),
    [
        (True, "", "utf-8", True, PLAIN),
        (True, "1", "utf-8", False, PLAIN),
        (False, "", "utf-8", False, PLAIN),
        (False, "", "ascii", False, ASCII),
        (True, "", "cp1252", False, ASCII),
    ],
)
def test_colour_is_for_terminals_and_ascii_for_those_without_other_letters(
    tmp_path: Any, monkeypatch: Any, terminal: bool, no_color: str, encoding: str, colored: bool, letters: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", no_color)
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", (Terminal if terminal else io.TextIOWrapper)(raw, encoding=encoding))
    assert main([*FEW]) == 0
    sys.stdout.flush()
    said = raw.getvalue().decode(encoding)
    assert (COLORED.begin in said) is colored
    line = next(line for line in said.splitlines() if line.startswith("loss  ") and letters.arrow in line)
    assert any(letter in line for letter in letters.levels)
