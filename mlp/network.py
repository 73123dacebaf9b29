"""The arrays of a network, and the arrays of one pass through it. Data, no verbs.

A `Network` owns one flat vector of parameters, of which every layer's weights are a view, and one flat vector of
statistics that are kept but not trained. A `Workspace` is the room that one pass needs for N samples: nodes, their
derivatives, the gradient. What computes with them stands in `backprop`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mlp.arrays import Array, Nodes, Seed, as_array, empty, empty_nodes, float_dtype, generator, input_nodes
from mlp.errors import (
    DtypeError,
    HyperparameterError,
    ShapeError,
    UnknownNameError,
    check_count,
    check_flag,
    check_kind,
)
from mlp.layers.chain import check_layers, names, settle, slices
from mlp.layers.layer import Layer, Params, Place
from mlp.summary import Summary, arrays_within, summarise


@dataclass(frozen=True)
class Layout:
    """Which slice of a flat vector is whose.

    `names`: "dense1", "relu1", "dense2", ..., in order. `slices`: each layer's part, empty where it has no parameters.

    >>> from mlp.layers import Dense, ReLU
    >>> layout = Layout.of([Dense(2, 3), ReLU(), Dense(3, 1)])
    >>> layout.names, layout.slices[0], layout.size
    (('dense1', 'relu1', 'dense2'), slice(0, 9, None), 13)
    """

    layers: tuple[Layer, ...]
    names: tuple[str, ...]
    slices: tuple[slice, ...]
    size: int

    def __post_init__(self) -> None:
        for name, kind in (("layers", Layer), ("names", str), ("slices", slice)):
            given = getattr(self, name)
            if not isinstance(given, tuple) or not all(isinstance(part, kind) for part in given):
                raise HyperparameterError(name, given, f"a tuple with a {kind.__name__.lower()} for each layer")
        if not len(self.layers) == len(self.names) == len(self.slices):
            raise ShapeError("layers, names and slices are as many as there are layers.")
        if isinstance(self.size, bool) or not isinstance(self.size, int | np.integer) or self.size < 0:
            raise HyperparameterError("size", self.size, "a whole number, 0 or more")

    @classmethod
    def of(cls, layers: Sequence[Layer]) -> Layout:
        """The layout of some layers, each of which learns its width and what follows it."""
        layers = check_layers(layers)
        if not layers:
            raise ShapeError("layers are none, and a network needs at least one layer: Network([Dense(2, 1)]).")
        if not layers[0].n_in:
            raise ShapeError(
                f"{layers[0]!r} cannot come first: nothing says how wide it is. Begin with Dense(n_in, n_out)."
            )
        layers = settle(layers, layers[0].n_in)
        parts = slices(layer.n_params for layer in layers)
        return cls(layers, names(layers), parts, parts[-1].stop)

    def views(self, flat: Array) -> tuple[Params, ...]:
        """Names onto `flat` (*population, size), one entry for each layer. No copy."""
        return tuple(layer.view(flat[..., s]) for layer, s in zip(self.layers, self.slices, strict=True))

    def blocks(self, flat: Array) -> tuple[Array, ...]:
        """The part of `flat` of each layer that has parameters, (*population, n_params) each. No copy."""
        return tuple(flat[..., s] for s in self.slices if s.stop > s.start)

    @property
    def matrices(self) -> tuple[tuple[slice, tuple[int, int]], ...]:
        """Where the weight matrices lie in a flat vector, and their shapes; what has one row or one column is none."""
        places = arrays_within(self.views(np.arange(self.size)))
        return tuple((slice(int(a.flat[0]), int(a.flat[-1]) + 1), a.shape) for a in places if min(a.shape) > 1)

    @property
    def rows(self) -> tuple[tuple[slice, tuple[int, int]], ...]:
        """The same with matrices of one row or column: a row for each unit, what leads into it and its bias weight."""
        places = (a for a in arrays_within(self.views(np.arange(self.size))) if a.ndim == 2)
        return tuple((slice(int(a.flat[0]), int(a.flat[-1]) + 1), a.shape) for a in places)

    @property
    def block_names(self) -> tuple[str, ...]:
        """The names of the layers that have parameters."""
        return tuple(name for name, s in zip(self.names, self.slices, strict=True) if s.stop > s.start)


class Network:
    """Layers one after another, and their parameters.

    >>> from mlp.layers import Dense, Sigmoid
    >>> net = Network([Dense(2, 3), Sigmoid(), Dense(3, 1)], rng=0)
    >>> net.params.shape, net.views[0].shape, net.layout.names
    ((13,), (3, 3), ('dense1', 'sigmoid1', 'dense2'))

    `params` (*population, P) is the flat vector and `views[i]` layer i's names onto it; `statistics` (*population, S)
    holds what is kept but not trained, `statistic_slices[i]` of it for layer i. Assigning to either writes into its
    memory, so that the views stay true. `rng` draws the first weights, then the noise of dropout. `population` (R,)
    makes R networks of this shape that train in one pass. `dtype` is float64 or float32, for everything in it.
    """

    layers: tuple[Layer, ...]
    population: tuple[int, ...]
    dtype: np.dtype[Any]
    layout: Layout
    views: tuple[Params, ...]
    rng: np.random.Generator
    penalised: tuple[int, ...]
    statistic_slices: tuple[slice, ...]

    def __init__(
        self,
        layers: Sequence[Layer],
        rng: Seed = 0,
        *,
        population: tuple[int, ...] = (),
        dtype: Any = np.float64,
    ) -> None:
        layout = Layout.of(layers)
        if not isinstance(population, tuple | list):
            raise HyperparameterError("population", population, "a tuple of whole numbers: (3,) for 3 networks")
        for size in population:
            check_count("population", size)
        self.layout, self.layers = layout, layout.layers
        self.population, self.dtype, self.rng = tuple(population), float_dtype(dtype), generator(rng)
        self.penalised = _penalised(self.layers)
        self.statistic_slices = _statistic_slices(self.layers)
        self._params = empty("parameters", (*self.population, self.layout.size), self.dtype)
        self.views = self.layout.views(self._params)
        n_statistics = sum(layer.n_statistics for layer in self.layers)
        self._statistics = empty("statistics", (*self.population, n_statistics), self.dtype)
        for layer, params, s in zip(self.layers, self.views, self.statistic_slices, strict=True):
            layer.init(params, self._statistics[..., s], self.rng)

    @property
    def params(self) -> Array:
        """All parameters, (*population, P)."""
        return self._params

    @params.setter
    def params(self, values: Array) -> None:
        _write("params", values, self._params)

    @property
    def statistics(self) -> Array:
        """What is kept but not trained, (*population, S)."""
        return self._statistics

    @statistics.setter
    def statistics(self, values: Array) -> None:
        _write("statistics", values, self._statistics)

    @property
    def n_in(self) -> int:
        """How many inputs it takes."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """How many outputs it gives."""
        return self.layers[-1].n_out

    def __len__(self) -> int:
        """How many layers it has."""
        return len(self.layers)

    def __getitem__(self, name: str | int) -> Params:
        """The parameters of a layer, by its name or its place: as in `views`, no copy. The layer is in `layers`."""
        if isinstance(name, int | np.integer):
            return self.views[name]
        if name not in self.layout.names:
            raise UnknownNameError("layer", name, self.layout.names)
        return self.views[self.layout.names.index(name)]

    __iter__: ClassVar[None] = None
    """It is looked up by name, and is no list of anything: `net.layers` and `net.views` are."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        """One object: NumPy would take what has a length for a table, and a network is none."""
        found = np.empty((), object)
        found[()] = self
        return found

    def summary(self) -> Summary:
        """A table of the layers: what goes in and comes out, the shapes of the parameters, and how many there are.

        >>> from mlp.layers import Dense, Sigmoid
        >>> Network([Dense(2, 3), Sigmoid(), Dense(3, 1)]).summary()
        layer     in → out  weights, bias included  parameters
        dense1       2 → 3                   3 × 3           9
        sigmoid1     3 → 3                       -           0
        dense2       3 → 1                   1 × 4           4
        total        2 → 1                                  13
        """
        return summarise(self)

    def at(self, params: Array) -> Network:
        """The same network elsewhere: `params` (*population, P) instead of its own, and a copy of its statistics.

        A leading axis that this network has not makes a population: R points of a loss surface, say. Batch norm's
        statistics belong to the weights that were trained; to answer with others, `update_statistics`.
        """
        check_kind("params", params, np.ndarray, f"an array (*population, {self.layout.size})")
        if params.shape[-1:] != (self.layout.size,):
            raise ShapeError(f"params has shape {params.shape}; the network needs (*population, {self.layout.size}).")
        if params.dtype != self.dtype:
            raise DtypeError(f"params is {params.dtype} and the network {self.dtype}.")
        shape = (*params.shape[:-1], self.statistics.shape[-1])
        return _restored(self.layout, params, np.broadcast_to(self.statistics, shape).copy(), self.rng)

    def member(self, index: int | tuple[int, ...]) -> Network:
        """One member of a population as a network of its own. No copy: it is a view of this one."""
        place = index if isinstance(index, tuple) else (index,)
        if len(place) != len(self.population) or not all(map(_is_place, place, self.population)):
            raise HyperparameterError("index", index, f"the place of a network in a population {self.population}")
        return _restored(self.layout, self.params[index], self.statistics[index], self.rng)

    def __reduce__(self) -> Any:  # copies and pickles have arrays of their own, and views onto those
        return _restored, (self.layout, self.params, self.statistics, self.rng)

    def _repr_html_(self) -> str:
        """For notebooks: a row for each layer."""
        from mlp.page import fragments  # 4 ms, for notebooks only

        of = f", a population of {self.population}" if self.population else ""
        rows = [
            [name, layer, f"{layer.n_in} → {layer.n_out}", layer.n_params]
            for name, layer in zip(self.layout.names, self.layers, strict=True)
        ]
        title = fragments.text("p", f"{self.layout.size} parameters, {self.dtype}{of}")
        return title + fragments.table(["layer", "what it is", "nodes", "parameters"], rows)

    def __repr__(self) -> str:
        lines = [f"    {name}: {layer}" for name, layer in zip(self.layout.names, self.layers, strict=True)]
        of = f", population={self.population}" if self.population else ""
        return f"Network({self.layout.size} parameters, {self.dtype}{of}\n" + "\n".join(lines) + ")"


def _is_place(index: Any, size: int) -> bool:
    """Whether it is a place among so many; negative ones count from the end."""
    return isinstance(index, int | np.integer) and not isinstance(index, bool) and bool(-size <= index < size)


def _restored(layout: Layout, params: Array, statistics: Array, rng: np.random.Generator) -> Network:
    """A network of these arrays."""
    network = Network.__new__(Network)
    network.layout, network.layers, network.rng = layout, layout.layers, rng
    network.population, network.dtype = params.shape[:-1], params.dtype
    network.penalised = _penalised(layout.layers)
    network.statistic_slices = _statistic_slices(layout.layers)
    network._params, network._statistics = params, statistics
    network.views = layout.views(params)
    return network


def check_network(network: Any) -> None:
    """Refuse what is no network."""
    check_kind("network", network, Network, "a network: Network([Dense(2, 3), ...])")


def _penalised(layers: Sequence[Layer]) -> tuple[int, ...]:
    """Which layers have a weight penalty."""
    return tuple(i for i, layer in enumerate(layers) if layer.penalised)


def _statistic_slices(layers: Sequence[Layer]) -> tuple[slice, ...]:
    """Which slice of `statistics` is whose."""
    return slices(layer.n_statistics for layer in layers)


def _write(name: str, values: Any, into: Array) -> None:
    """Write what was assigned into the network's own memory."""
    if values is into:  # after `network.params += update`
        return
    given = as_array(name, values)
    if given.shape != into.shape or given.dtype.kind not in "fiub":
        raise ShapeError(f"{name} is {given.dtype} {given.shape}; the network holds numbers {into.shape}.")
    np.copyto(into, given, casting="same_kind")


class ForwardWorkspace:
    """What one pass forward over N samples leaves behind.

    `nodes[i]` goes into layer i and `nodes[i+1]` comes out (nodes[0] is the batch). `scratch[i]` is layer i's own.
    `layers` are those of the network it was made for; another of the same layers may use it, for as many samples.
    """

    def __init__(self, network: Network, n_samples: int) -> None:
        population, dtype, layers = network.population, network.dtype, network.layers
        outputs = [empty_nodes(population, layer.n_out, n_samples, dtype) for layer in layers]
        self.layers, self.n_samples = layers, n_samples
        self.nodes: list[Nodes] = [input_nodes(network.n_in, n_samples, dtype), *outputs]
        self.scratch = [
            layer.scratch(y, network.statistics[..., s], network.rng)
            for layer, y, s in zip(layers, outputs, network.statistic_slices, strict=True)
        ]

    def __reduce__(self) -> Any:
        raise ShapeError("a workspace cannot be copied or pickled: its arrays are views of one another. Make another.")


class Workspace(ForwardWorkspace):
    """What one pass forward and backward over N samples leaves behind, in plain sight.

    `nodes[i]` goes into layer i and `nodes[i+1]` comes out (nodes[0] is the batch); `d_nodes` are the derivatives of
    the loss with respect to them, None where nobody asks. `grad` (*population, P) is laid out like the parameters and
    `grads[i]` is layer i's part. `scratch[i]` is what layer i left for its own backward. `weights` (N,) is what each
    sample of the latest pass counted, None where all counted the same. `passes` counts the backward passes: what was
    made of one does not hold after the next.

    `layers` are those of the network it was made for; another of the same layers may use it, for as many samples.

    `input_gradient` adds ∂L/∂(inputs) as `d_nodes[0]`, (*population, n_in, N). A workspace cannot be copied: its arrays
    are views of one another. Make another.

    >>> from mlp.layers import Dense, ReLU
    >>> workspace = Workspace(Network([Dense(2, 3), ReLU()], rng=0), n_samples=5)
    >>> [nodes.values.shape for nodes in workspace.nodes[1:]], workspace.grad.shape
    ([(3, 5), (3, 5)], (9,))
    """

    def __init__(self, network: Network, n_samples: int, *, input_gradient: bool = False) -> None:
        check_network(network)
        check_count("n_samples", n_samples)
        check_flag("input_gradient", input_gradient)
        super().__init__(network, n_samples)
        layers, population, dtype = network.layers, network.population, network.dtype
        first = next((i for i, layer in enumerate(layers) if layer.n_params), len(layers) - 1)
        self.passes = 0
        self.weights: Array | None = None
        self.d_nodes: list[Any] = [  # arrays, and None
            np.empty((*population, n.values.shape[-2], n_samples), dtype) for n in self.nodes
        ]
        self.last_to_first = range(len(layers) - 1, -1 if input_gradient else first - 1, -1)
        if not input_gradient:
            self.d_nodes[: first + 1] = [None] * (first + 1)
        self.grad = np.zeros_like(network.params)
        self.grads = network.layout.views(self.grad)

    def weigh(self, network: Network, weights: Array | None) -> None:
        """Tell every layer what each sample of the next pass counts, (N,); None: all the same."""
        if weights is not None and (not isinstance(weights, np.ndarray) or weights.shape != (self.n_samples,)):
            raise HyperparameterError("weights", weights, f"an array ({self.n_samples},), or None")
        self.weights = weights
        self.scratch = [layer.weigh(s, weights) for layer, s in zip(network.layers, self.scratch, strict=True)]

    def replay(self, network: Network) -> Workspace:
        """Room for `network` at other parameters, on the same samples and with the same noise."""
        asked = self.d_nodes[0] is not None
        other = Workspace(network, self.n_samples, input_gradient=asked)
        other.scratch = [
            layer.replay(scratch, y)
            for layer, scratch, y in zip(network.layers, self.scratch, other.nodes[1:], strict=True)
        ]
        return other

    def places(self, network: Network) -> list[Place]:
        """Where each layer stands in this pass, layers inside residual blocks included."""
        found: list[Place] = []
        for i, (name, layer) in enumerate(zip(network.layout.names, network.layers, strict=True)):
            d_y = self.d_nodes[i + 1]
            if d_y is None:  # below the first layer with parameters nothing is computed backward
                continue
            place = Place(
                name, layer, network.views[i], self.grads[i],
                self.nodes[i], self.nodes[i + 1], self.d_nodes[i], d_y,
            )  # fmt: skip
            found.extend(layer.places(place, self.scratch[i]))
        return found
