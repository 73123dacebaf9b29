"""A network as a table: its layers with widths, shapes and numbers of parameters. Reads the network, and no more."""

from __future__ import annotations

from typing import Any

from mlp.arrays import Array


class Summary(str):
    """Text of several lines, which a notebook shows as such."""

    __slots__ = ()
    __repr__ = str.__str__


def summarise(network: Any) -> Summary:
    """The table of a network; of a population the shapes are those of one member."""
    layout, population = network.layout, network.population
    rows = [("layer", "in → out", "weights, bias included", "parameters")]
    for name, layer, views, s in zip(layout.names, layout.layers, network.views, layout.slices, strict=True):
        shapes = [" × ".join(map(str, a.shape[len(population) :])) for a in arrays_within(views) if a.size]
        rows.append((name, f"{layer.n_in} → {layer.n_out}", ", ".join(shapes) or "-", f"{s.stop - s.start:,}"))
    of = f"{' × '.join(map(str, population))} × " if population else ""
    rows.append(("total", f"{network.n_in} → {network.n_out}", "", f"{of}{layout.size:,}"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ([f"{row[0]:{widths[0]}}", *map(str.rjust, row[1:], widths[1:])] for row in rows)
    return Summary("\n".join("  ".join(line) for line in lines))


def arrays_within(views: Any) -> list[Array]:
    """Every array in views within views."""
    return [a for view in views for a in arrays_within(view)] if isinstance(views, tuple) else [views]
