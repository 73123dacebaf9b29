"""The history of a run as charts: loss and score, each layer over the steps, how much of the error signal arrives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import score
from mlp.history import History
from mlp.run_page.chart import Chart, Series, Words, describe_range, draw_curves, draw_heat_map

SHARES = {
    "silent_units": "Nodes that never fire",
    "saturated_units": "Nodes that are always saturated",
    "dead_fraction": "Nodes that do not fire in this batch",
    "saturated_fraction": "Outputs that are saturated",
}
"""Columns of shares, by what they are called on the page."""


def has_records(history: History, *names: str) -> bool:
    """Whether each of these columns is there, and not empty."""
    return all(name in history and history.last_step(name) >= 0 for name in names)


def chart_history(history: History) -> tuple[list[Chart], list[Chart]]:
    """Curves and heat maps: those for which something was recorded."""
    return [*_curves(history)], [*_heat_maps(history)]


def _curves(history: History) -> Iterator[Chart]:
    reading = Reading(history)
    yield from _loss(history, "loss", "Loss", {"each batch": "loss", **_parts("loss")}, _levels(history))
    name = reading.score_name
    plain = {
        f"a plain network, {part}": reading.one(f"baseline_{part}_{name}")
        for part in ("validation", "train")
        if has_records(history, f"baseline_{part}_{name}")
    }
    guess = {"guessing": reading.one("guess_accuracy")} if name == "accuracy" else {"the mean": 0.0}
    yield from _loss(history, "score", score(reading).capitalize(), _parts(name), {**guess, **plain})
    yield from _loss(history, "rate", "Learning rate", {"learning rate": "learning_rate"}, {})


def _parts(name: str) -> dict[str, str]:
    return {part: f"{part}_{name}" for part in ("train", "validation")}


def _levels(history: History) -> dict[str, float]:
    """What losses are compared with."""
    return (
        {"best constant answer": float(history["reference_loss"].flat[0])}
        if has_records(history, "reference_loss")
        else {}
    )


def _loss(history: History, key: str, title: str, columns: dict[str, str], levels: dict[str, float]) -> Iterator[Chart]:
    """Columns of single numbers in one chart, where there are any."""
    kept = {name: column for name, column in columns.items() if has_records(history, column)}
    found = {name: column for name, column in kept.items() if history.shape(column) == ()}
    series = [Series(name, history.steps(column), history[column]) for name, column in found.items()]
    if not series or (key == "rate" and np.ptp(series[0].values) == 0):
        return
    said = "; ".join(f"{name} {describe_range(values)}" for name, _, values in series)
    positive = key != "score" and all((values[np.isfinite(values)] > 0).all() for *_, values in series)
    yield draw_curves(
        key, Words(title, title.lower(), f"{title} over the steps: {said}."), series, levels, log=positive
    )


def _heat_maps(history: History) -> Iterator[Chart]:
    if has_records(history, "grad_norm_by_layer"):
        yield _heat_map(history, "grad_norm_by_layer", "Gradient norm", "norm", history["grad_norm_by_layer"])
    if has_records(history, "update_norm_by_layer", "param_norm_by_layer"):
        update, params = history["update_norm_by_layer"], history["param_norm_by_layer"]
        n = min(len(update), len(params))
        with np.errstate(divide="ignore", invalid="ignore"):
            yield _heat_map(history, "update_norm_by_layer", "Update ÷ parameters", "ratio", update[:n] / params[:n])
    for name, title in SHARES.items():
        if has_records(history, name) and len(history.shape(name)) == 1:
            yield _heat_map(history, name, title, "share", history[name])


def _heat_map(history: History, column: str, title: str, unit: str, values: Array) -> Chart:
    steps = history.steps(column)[: len(values)]
    labels = history.labels(column) or tuple(map(str, range(values.shape[1])))
    ends = dict.fromkeys((0, len(labels) - 1))
    said = "; ".join(f"{labels[k]} {describe_range(values[:, k])}" for k in ends)
    return draw_heat_map(
        column, Words(f"{title}, layer × step", unit, f"{title} over the steps: {said}."), labels, steps, values
    )


def backward_gains(history: History) -> list[dict[str, Any]]:
    """Of each layer the typical backward gain at the start, and over all records: 1 hands everything on."""
    if not has_records(history, "backward_gain"):
        return []
    gains = history["backward_gain"]
    start = Reading(history).by_layer("initial_backward_gain") if has_records(history, "initial_backward_gain") else {}
    with np.errstate(divide="ignore", invalid="ignore"):
        typical = np.exp(np.log(gains).mean(0))
    return [
        {"layer": label, "start": _number(start.get(label, np.nan)), "typical": _number(value)}
        for label, value in zip(history.labels("backward_gain"), typical, strict=True)
    ]


def _number(value: Any) -> float | None:
    """A number as JSON has it."""
    return float(value) if np.isfinite(value) else None
