"""The page of the microscope: a recorded training, and what a browser needs to show it.

A page of up to a megabyte holds every number that was recorded. Beyond that it holds the first parameters and the
gradients, and computes the rest again; then it says so, and the recorded gradients check what it computes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.errors import HyperparameterError, check_kind
from mlp.layers import Dense
from mlp.losses import Loss
from mlp.microscope.activation_formulas import ACTIVATION_FORMULAS
from mlp.microscope.graph import Graph
from mlp.microscope.loss_formulas import loss_formula
from mlp.microscope.presets import Place, Preset
from mlp.microscope.recording import Recording, record
from mlp.microscope.rule_formulas import RULE_FORMULAS
from mlp.network import Network
from mlp.optimizers import Optimizer
from mlp.page import SHARED_SCRIPTS, SHARED_STYLES, build_page
from mlp.storage.atomic import write_file
from mlp.storage.permission import as_path

STYLES = (*SHARED_STYLES, "mlp.microscope/microscope.css")
SCRIPTS = (*SHARED_SCRIPTS, *(f"mlp.microscope/{name}.js" for name in ("network", "formulas", "microscope", "layout")))
MOST_BYTES = 1_000_000
MOST_PACKED = 4 * MOST_BYTES  # bytes of arrays that are worth packing to see: last digits pack to 1.1 of their size


@dataclass(frozen=True)
class Caption:
    """What a page says about its training: `title`, a `summary`, the `command` that makes it, and where to look."""

    title: str
    summary: str
    command: str
    places: tuple[Place, ...] = ()


def explain(
    network: Network | Any,
    X: Array,
    target: Array,
    loss: Loss,
    rule: Optimizer,
    steps: int = 200,
    out: str | os.PathLike[str] | None = None,
    *,
    inputs: Sequence[str] | None = None,
    title: str | None = None,
) -> str | Path:
    """A page that shows how `network` trains for so many steps, number by number: its text, or with `out` its path.

    A copy of the network is trained on all rows in every step, and the network is left as it was. It may be a module of
    PyTorch too, with its weights in float64 (see `from_torch`); loss and rule are those of this package. `X`
    (n, n_features), `target` as for `batches`; `inputs` are the names of the features. The page is one file that opens
    without a network.

    At most 60 nodes, float64, dense layers with at most one activation after each: ShapeError or DtypeError for others.
    HyperparameterError for so many steps that no browser would like the page. DataError where `out` cannot be written;
    nothing is written then.
    """
    path = None if out is None else as_path("out", out)
    if title is not None:
        check_kind("title", title, str, "the title of the page, or None")
    found = record(_as_network(network), X, target, loss, rule, steps, inputs=inputs)
    widths = " → ".join(str(column.n) for column in found.graph.columns)
    summary = "A network as it trains. Choose a step, a sample, and a node or a weight: its formula stands beside it."
    caption = Caption(title or f"{widths}: {steps} steps of backpropagation", summary, "mlp.explain(network, ...)")
    text = write_page((found,), caption)
    return text if path is None else write_file(path, text.encode())


def _as_network(given: Any) -> Any:
    """A module of PyTorch as a network in float64; anything else as it is."""
    if isinstance(given, Network) or not hasattr(given, "named_modules"):
        return given
    from mlp.exchange import from_torch

    found = from_torch(given)
    network = Network(found.layout.layers, rng=0, dtype=np.float64)
    network.params[...] = found.params
    return network


def write_preset(preset: Preset, recordings: Sequence[Recording], command: str) -> str:
    """The page of a preset."""
    places = tuple(place for place in preset.places if place.step < recordings[0].n_steps)
    return write_page(recordings, Caption(preset.title, preset.summary, command, places))


def write_page(recordings: Sequence[Recording], caption: Caption) -> str:
    """The page of recordings of one network under one or more rules.

    The first of these that fits into a megabyte: everything; all gradients; those of every second, fourth, ... step.
    """
    for every in (0, 1, 2, 4, 8, 16, 32):
        size = sum(array.nbytes for recording in recordings for array in _shipped(recording, every).values())
        if (
            size <= MOST_PACKED
            and len((text := build_recording_page(recordings, caption, every)).encode()) <= MOST_BYTES
        ):
            return text
    if size > MOST_PACKED:
        needed = f"fewer: a page of so many would take {size / 1e6:.0f} MB. Give fewer steps"
        raise HyperparameterError("steps", recordings[0].n_steps, needed)
    return build_recording_page(recordings, caption, every)


def build_recording_page(recordings: Sequence[Recording], caption: Caption, every: int) -> str:
    """The page with everything (`every` = 0), or with the gradients of every so many steps."""
    first = recordings[0]
    arrays = {"X": first.X, "t": first.target}
    for k, recording in enumerate(recordings):
        arrays |= {f"r{k}/{name}": array for name, array in _shipped(recording, every).items()}
    note = NOTES[min(every, 2)].format(every=every)
    head = {
        "title": caption.title,
        "summary": caption.summary,
        "command": caption.command,
        "places": [{"text": place.text, "address": place.address} for place in caption.places],
        "note": note,
        **_describe_graph(first.graph),
        "loss": _describe_loss(first.loss),
        "runs": [_describe_run(recording, f"r{k}/", every) for k, recording in enumerate(recordings)],
    }
    return build_page(caption.title, head, arrays, STYLES, SCRIPTS)


NOTES = {
    0: "Nothing was rounded: the page holds all of them to the last bit.",
    1: "To keep the page small it holds the first weights and every gradient, and computes all else again. "
    "The recorded gradients check what it computes.",
    2: "To keep the page small it holds the weights and gradients of one step in {every}, and computes all else again. "
    "The recorded gradients check what it computes.",
}


def _shipped(recording: Recording, every: int) -> Mapping[str, Array]:
    """The arrays that go into the page."""
    arrays = recording.arrays
    if not every:
        return arrays
    found = {name: arrays[name] for name in ("params0", "loss", "rate")}
    found["grad"] = arrays["grad"][::every]
    if every > 1:
        found["before"] = np.concatenate([arrays["params0"][None], arrays["params"][:-1]])[::every]
    if type(recording.rule) not in RULE_FORMULAS:
        found["update"] = arrays["update"]
    return found


def _describe_graph(graph: Graph) -> dict[str, Any]:
    """The columns, the layers with their formulas, and the names of all nodes."""
    layers = []
    for layer, part in zip(graph.network.layers, graph.network.layout.slices, strict=True):
        about: dict[str, Any] = {"kind": type(layer).__name__, "start": part.start}
        if isinstance(layer, Dense):
            about |= {"l1": layer.l1, "l2": layer.l2}
        else:
            formula = ACTIVATION_FORMULAS[type(layer)]
            about |= {"symbol": formula.symbol, "words": formula.words, "slope_words": formula.slope_words}
            about |= {name: float(getattr(layer, name)) for name in SHAPES if hasattr(layer, name)}
        layers.append(about)
    names = [[graph.name(c, j) for j in range(column.n + (c < graph.last))] for c, column in enumerate(graph.columns)]
    return {"columns": [vars(column) for column in graph.columns], "layers": layers, "names": names}


SHAPES = ("flat_spot", "negative_slope", "alpha", "scale")
"""The numbers that activations have."""


def _describe_loss(loss: Loss) -> dict[str, Any]:
    formula = loss_formula(loss)
    return {
        "kind": type(loss).__name__,
        "words": formula.words,
        "slope_words": formula.slope_words,
        "delta": float(getattr(loss, "delta", 1.0)),
    }


def _describe_run(recording: Recording, prefix: str, every: int) -> dict[str, Any]:
    """The rule with its numbers, and what was found."""
    rule, formula = recording.rule, RULE_FORMULAS.get(type(recording.rule))
    numbers = {
        field.name: float(value)
        for field in fields(rule)  # type: ignore[arg-type]  # every rule is a dataclass
        if isinstance(value := getattr(rule, field.name), int | float) and not isinstance(value, bool)
    }
    rate = recording.arrays["rate"][0]
    words = [type(rule).__name__, formula.words if formula else "", f"η = {rate:.4g}" if np.isfinite(rate) else ""]
    return {
        "prefix": prefix,
        "every": every,
        "memory": list(recording.memory),
        "rule": {
            "kind": type(rule).__name__,
            "text": ", ".join(filter(None, words)),
            "numbers": numbers,
            "has_formula": formula is not None,
        },
        "hasUpdates": not every or formula is None,
        "findings": list(_describe_findings(recording)),
    }


def _describe_findings(recording: Recording) -> Iterable[dict[str, Any]]:
    """Each finding, and the steps in which the detectors said so."""
    for finding, since, begin, end in recording.periods:
        yield {
            "kind": finding.kind,
            "text": finding.message,
            "layers": list(finding.layers),
            "since": since,
            "begin": begin,
            "end": end,
        }
