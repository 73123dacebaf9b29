"""Pictures with matplotlib: each function draws into the axes it is given, or into new ones, and returns them.

Colours are those of Okabe and Ito, and cividis: colour-blind readers see the same. Settings of matplotlib stay as they
are. Names of classes and layers are drawn as text, and never read as formulas. Needs the extra `plot`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from mlp.arrays import Array, as_array
from mlp.backprop import infer
from mlp.errors import DataError, MissingExtraError, ShapeError, UnknownNameError, check_kind
from mlp.history import History
from mlp.landscape import Landscape, Line, Plane, Trajectory
from mlp.layers import Dense
from mlp.network import ForwardWorkspace, Network
from mlp.optimizer_bench import OptimizerComparison
from mlp.optimizer_bench.plots import draw_profiles, draw_sensitivity
from mlp.optimizer_bench.summary import group_by_problem
from mlp.page import to_visible

OKABE_ITO = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe & Ito (2008), "Color Universal Design", without the yellow that white swallows."""
FLAT = {"parse_math": False}
LINES = 4000  # weights that are drawn, at most
GRID = 200  # points of a plane in each direction
CONTOURS = 24  # of a plane
LATEST = 10  # the share of the records, 1/10, that stands for the end


def _axes(ax: Any) -> Any:
    """The axes that were given, or new ones; MissingExtraError without matplotlib."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError:
        raise MissingExtraError("a plot", "plot") from None
    return pyplot.subplots(layout="constrained")[1]


def _finish(ax: Any, title: str, x: str, y: str) -> Any:
    """Title and axes as text."""
    ax.set_title(to_visible(title), **FLAT)
    ax.set_xlabel(x, **FLAT)
    ax.set_ylabel(y, **FLAT)
    return ax


def _history(source: Any, *columns: str) -> History:
    """The history of a run, or the one that was given; UnknownNameError where it lacks a column."""
    history: History = getattr(source, "history", source)
    check_kind("source", history, History, "a Run or a History")
    for column in columns:
        if column not in history or not len(history[column]):
            raise UnknownNameError("column in this history:", column, list(history))
    return history


def plot_loss(source: Any, ax: Any = None) -> Any:
    """The loss of each batch, and that of the parts after each epoch, of a Run or a History.

    The dotted line is the loss of the best constant answer.
    """
    history, ax = _history(source, "loss"), _axes(ax)
    lines = {"each batch": "loss", "train": "train_loss", "validation": "validation_loss"}
    styles: tuple[dict[str, Any], ...] = ({"lw": 0.7, "alpha": 0.6}, {"lw": 2}, {"lw": 2, "ls": "--"})
    for (label, column), color, style in zip(lines.items(), OKABE_ITO, styles, strict=False):
        if column in history:
            ax.plot(history.steps(column), history[column], label=label, color=color, **style)
    if "reference_loss" in history:
        level = float(history["reference_loss"].flat[0])
        ax.axhline(level, color=OKABE_ITO[5], ls=":", label="best constant answer")
    if np.nanmin(history["loss"]) > 0:
        ax.set_yscale("log")
    ax.legend()
    return _finish(ax, "Loss", "step", "loss")


def plot_gradient_flow(source: Any, ax: Any = None) -> Any:
    """The norm of each layer's gradient: over all steps, the middle 90 % as a bar, and the typical one at the end."""
    name = "grad_norm_by_layer"
    history, ax = _history(source, name), _axes(ax)
    values, places = history[name], np.arange(history.shape(name)[0])
    low, high = np.nanquantile(values, (0.05, 0.95), axis=0)
    late = np.nanmedian(values[-max(1, len(values) // LATEST) :], axis=0)
    ax.vlines(places, low, high, color=OKABE_ITO[6], lw=6, label="middle 90 % of all steps")
    ax.plot(places, late, "o-", color=OKABE_ITO[1], label="typical at the end")
    ax.plot(places, values[0], "s:", color=OKABE_ITO[2], label="first step")
    if np.nanmin(values) > 0:
        ax.set_yscale("log")
    ax.set_xticks(places, [to_visible(label) for label in history.labels(name)], rotation=45, ha="right", **FLAT)
    ax.legend()
    return _finish(ax, "Gradient flow", "layer", "norm of the gradient")


def plot_heat_map(source: Any, column: str = "grad_norm_by_layer", ax: Any = None) -> Any:
    """A column with a number for each layer, as colours: layer × step, on a logarithmic scale where all are above 0."""
    history = _history(source, column)
    if len(history.shape(column)) != 1:
        raise ShapeError(f"column {column!r} has records of the shape {history.shape(column)}; give one with layers.")
    ax = _axes(ax)
    from matplotlib.colors import LogNorm, Normalize

    values, steps = history[column], history.steps(column)
    fine = values[np.isfinite(values)]
    above = len(fine) > 0 and fine.min() > 0
    edges = np.append(steps, 2 * steps[-1] - steps[-2] if len(steps) > 1 else steps[-1] + 1)
    rows = np.arange(values.shape[1] + 1) - 0.5
    norm = LogNorm(fine.min(), max(fine.max(), fine.min() * 1.01)) if above else Normalize()
    mesh = ax.pcolormesh(edges, rows, np.ma.masked_invalid(values.T), cmap="cividis", norm=norm)
    ax.figure.colorbar(mesh, ax=ax).set_label(history.unit(column) or column, **FLAT)
    labels = history.labels(column) or tuple(map(str, range(values.shape[1])))
    ax.set_yticks(rows[:-1] + 0.5, [to_visible(label) for label in labels], **FLAT)
    ax.invert_yaxis()
    return _finish(ax, column, "step", "layer")


def plot_backward_gain(source: Any, ax: Any = None) -> Any:
    """How much of the error signal each layer hands back, typically; the line at 1 hands on everything."""
    history, ax = _history(source, "backward_gain"), _axes(ax)
    with np.errstate(divide="ignore"):
        typical = np.exp(np.log(history["backward_gain"]).mean(0))
    places = np.arange(len(typical))
    ax.plot(places, typical, "o", color=OKABE_ITO[1])
    ax.axhline(1, color=OKABE_ITO[2], ls=":")
    if typical.min() > 0:
        ax.set_yscale("log")
    labels = [to_visible(label) for label in history.labels("backward_gain")]
    ax.set_xticks(places, labels, rotation=45, ha="right", **FLAT)
    return _finish(ax, "Backward gain", "layer", "‖∂L/∂x‖ / ‖∂L/∂y‖")


def plot_activations(network: Network, X: Any, ax: Any = None, bins: int = 50) -> Any:
    """Histograms of what comes out of each layer that is not dense, for rows X as the network takes them."""
    check_kind("network", network, Network, "a Network")
    rows = as_array("X", X)
    if rows.ndim != 2 or rows.shape[1] != network.n_in:
        raise ShapeError(f"X has shape {rows.shape}; the network takes (n_samples, {network.n_in}).")
    ax = _axes(ax)
    workspace = ForwardWorkspace(network, len(rows))
    workspace.nodes[0].values[...] = rows.T
    infer(network, workspace.nodes[0], workspace)
    shown = [k for k, layer in enumerate(network.layers) if not isinstance(layer, Dense)] or [len(network.layers) - 1]
    for i, k in enumerate(shown):
        values = np.ravel(workspace.nodes[k + 1].values)
        color, style = OKABE_ITO[i % len(OKABE_ITO)], ("-", "--", ":", "-.")[i // len(OKABE_ITO) % 4]
        ax.hist(values, bins, density=True, histtype="step", color=color, ls=style, label=network.layout.names[k])
    ax.legend()
    return _finish(ax, "Activations", "output of a node", "density")


def plot_confusion(source: Any, ax: Any = None) -> Any:
    """Which class is taken for which: of an Appraisal (`run.appraise(X, y)`), or a matrix of counts (n, n).

    Colours are shares of the rows of a class, numbers are counts.
    """
    matrix = np.asarray(getattr(source, "confusion", source))
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ShapeError("source has no confusion matrix: give run.appraise(X, y) of classes, or counts (n, n).")
    names = getattr(source, "class_names", ()) or tuple(map(str, range(len(matrix))))
    ax = _axes(ax)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    ax.imshow(shares, cmap="cividis", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(matrix):
        ax.text(j, i, f"{count}", ha="center", va="center", color="black" if shares[i, j] > 0.5 else "white")
    labels = [to_visible(name) for name in names]
    ax.set_xticks(range(len(matrix)), labels, rotation=45, ha="right", **FLAT)
    ax.set_yticks(range(len(matrix)), labels, **FLAT)
    return _finish(ax, "Confusion matrix", "answer", "truth")


def plot_decision_boundary(source: Any, X: Any, y: Any = None, ax: Any = None) -> Any:
    """What is answered over the plane around rows X (n, 2): by a Run or an estimator, or by any function of rows."""
    rows = np.asarray(X, np.float64)
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise ShapeError(f"X has shape {rows.shape}; a plane has two features: (n, 2).")
    answer: Callable[[Array], Any] = getattr(source, "predict", source)
    if not callable(answer):
        raise DataError("source: give a Run, an estimator, or a function of rows (n, 2).")
    ax = _axes(ax)
    low, high = rows.min(0), rows.max(0)
    margin = 0.1 * np.where(high > low, high - low, 1)
    x0, x1 = (np.linspace(low[k] - margin[k], high[k] + margin[k], GRID) for k in range(2))
    found = np.asarray(answer(np.stack(np.meshgrid(x0, x1), -1).reshape(-1, 2))).reshape(GRID, GRID, -1)[..., 0]
    classes, codes = np.unique(found, return_inverse=True)
    is_class = len(classes) <= 20
    plane = codes.reshape(GRID, GRID) if is_class else found.astype(np.float64)
    mesh = ax.pcolormesh(x0, x1, plane, cmap="cividis", alpha=0.5, shading="nearest")
    if y is not None:
        truth = np.asarray(y).reshape(len(rows), -1)[:, 0]
        colors = np.searchsorted(classes, truth).clip(0, len(classes) - 1) if is_class else truth.astype(np.float64)
        ax.scatter(*rows.T, c=colors, cmap="cividis", norm=mesh.norm, edgecolors="black", linewidths=0.6)
    return _finish(ax, "What is answered", "first feature", "second feature")


def plot_optimizers(comparison: OptimizerComparison, ax: Any = None) -> Any:
    """The performance profile of `mlp.bench`: the share solved within a factor of the best rule's cost."""
    check_kind("comparison", comparison, OptimizerComparison, "what mlp.bench gives")
    ax = _axes(ax)
    draw_profiles(ax, comparison.cells)
    return ax


def plot_sensitivity(comparison: OptimizerComparison, problem: str, ax: Any = None) -> Any:
    """How good each rule becomes on a problem of `mlp.bench`, over the learning rates that were tried."""
    check_kind("comparison", comparison, OptimizerComparison, "what mlp.bench gives")
    groups = group_by_problem(comparison.cells)
    if problem not in groups:
        raise UnknownNameError("problem in this comparison:", problem, groups)
    ax = _axes(ax)
    draw_sensitivity(ax, [cell for cell in groups[problem] if cell.members])
    return ax


def plot_spectrum(eigenvalues: Any, ax: Any = None) -> Any:
    """Eigenvalues of a Hessian, `mlp.curvature.spectrum(...)`, from the largest to the least; those below 0 in red."""
    values = np.sort(as_array("eigenvalues", eigenvalues).ravel())[::-1]
    ax, places = _axes(ax), np.arange(1, len(values) + 1)
    for chosen, color, label in ((values >= 0, OKABE_ITO[1], "up"), (values < 0, OKABE_ITO[2], "down")):
        ax.plot(places[chosen], values[chosen], ".", color=color, label=f"{label}: {chosen.sum()}")
    threshold = max(float(np.abs(values).max(initial=0)) * 1e-6, 1e-300)
    ax.set_yscale("symlog", linthresh=threshold)
    ax.axhline(0, color="grey", lw=0.6)
    ax.legend()
    return _finish(ax, "Spectrum of the Hessian", "direction", "curvature")


def plot_landscape(source: Any, ax: Any = None) -> Any:
    """The loss around a point: `run.landscape(...)`, or one of its parts.

    Of what there is the first of these: the way of the training over its plane, a plane as contours, all lines.
    """
    parts = [part for part in _parts(source) if isinstance(part, Line | Plane | Trajectory)]
    if not parts:
        raise DataError("source: give run.landscape(...) with a line, a plane or a trajectory, or one of these.")
    ax, found = _axes(ax), parts[0]
    if isinstance(found, Line):
        return _draw_lines(ax, [part for part in parts if isinstance(part, Line)])
    if isinstance(found, Plane):
        _draw_contours(ax, found)
        ax.plot(0, 0, "o", color=OKABE_ITO[2], mec="white")
        return _finish(ax, f"Loss, {found.what}", "first direction", "second direction")
    _draw_contours(ax, found.plane)
    label = f"after steps {found.steps[0]:.0f} to {found.steps[-1]:.0f}"
    ax.plot(*found.path.T, "o-", ms=3, lw=1, color=OKABE_ITO[2], mec="white", label=label)
    ax.legend()
    title = f"Way of the training, {found.outside:.1%} of it outside this plane"
    return _finish(ax, title, "first principal direction", "second principal direction")


def _parts(source: Any) -> list[Any]:
    """What a landscape has, the way of the training first and lines last."""
    if not isinstance(source, Landscape):
        return [source]
    return [part for part in (source.trajectory, source.plane, *source.lines) if part is not None]


def _draw_lines(ax: Any, lines: list[Line]) -> Any:
    for i, line in enumerate(lines):
        losses = np.where(np.isfinite(line.losses), line.losses, np.nan)
        ax.plot(line.x, losses, color=OKABE_ITO[1 + i % 6], ls=("-", "--", ":")[i % 3], label=to_visible(line.what))
    ax.legend()
    return _finish(ax, "Loss along lines", "place on the line", "loss")


def _draw_contours(ax: Any, plane: Plane) -> None:
    """Contours of the loss, as wide on a logarithmic scale where all losses are above 0."""
    losses = np.ma.masked_invalid(plane.losses)
    low, high = float(losses.min()), float(losses.max())
    from matplotlib.colors import LogNorm

    is_log = 0 < low < high
    levels = np.geomspace(low, high, CONTOURS) if is_log else CONTOURS
    drawn = ax.contourf(plane.x, plane.y, losses, levels, cmap="cividis", norm=LogNorm() if is_log else None)
    ax.figure.colorbar(drawn, ax=ax, format="%.3g").set_label("loss", **FLAT)


def plot_network(network: Network, ax: Any = None) -> Any:
    """Nodes and weights of a small network: blue is positive, dashed orange negative, thick is large."""
    check_kind("network", network, Network, "a Network")
    views = zip(network.layers, network.views, strict=True)
    weights = [
        np.asarray(W)[..., :-1] for layer, W in views if isinstance(layer, Dense)
    ]  # the last is of the bias node
    n_lines = sum(W.size for W in weights)
    if network.population or n_lines > LINES:
        raise DataError(f"network: {n_lines} weights are too many to draw; at most {LINES} of one network can be seen.")
    ax = _axes(ax)
    for k, W in enumerate(weights):
        _draw_weights(ax, k, W)
    columns = [network.n_in, *(len(W) for W in weights)]
    for k, n in enumerate(columns):
        ax.scatter(np.full(n, k), _heights(n), s=160, color="white", edgecolors="black", zorder=3)
    ax.set_xticks(range(len(columns)), [str(n) for n in columns])
    ax.set_yticks([])
    return _finish(ax, f"{network.layout.size} parameters", "nodes in each layer", "")


def _heights(n: int) -> Array:
    return (n - 1) / 2 - np.arange(n)


def _draw_weights(ax: Any, k: int, weights: Array) -> None:
    """The weights between columns k and k + 1."""
    left, right = _heights(weights.shape[1]), _heights(weights.shape[0])
    largest = np.abs(weights).max(initial=0) or 1
    for (j, i), weight in np.ndenumerate(weights):
        color, style = (OKABE_ITO[1], "-") if weight >= 0 else (OKABE_ITO[2], "--")
        width = 0.3 + 2.7 * abs(weight) / largest
        ax.plot([k, k + 1], [left[i], right[j]], color=color, ls=style, lw=width, zorder=1)
