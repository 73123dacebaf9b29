"""A small network as people draw it: columns of nodes, with the weights between them.

Column 0 holds the inputs; each dense layer makes one more column, together with the activation that follows it. Node
`n` of a column of n nodes is its bias node. Knows the layers and their places in the flat vector, and no numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlp.errors import DtypeError, HyperparameterError, ShapeError
from mlp.layers import Activation, Dense
from mlp.microscope.activation_formulas import ACTIVATION_FORMULAS
from mlp.network import Network, check_network
from mlp.page import to_visible

MOST_NODES = 60
"""A picture of more nodes is a carpet, and its recording does not fit into a page."""

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Column:
    """The n nodes that one dense layer feeds. `dense` and `activation` are places among the layers, None if not there.

    `start`: where the weights that lead here begin in the flat vector.
    """

    n: int
    dense: int | None = None
    activation: int | None = None
    start: int = 0


@dataclass(frozen=True)
class Graph:
    """The columns of a network, and what its inputs are called."""

    network: Network
    columns: tuple[Column, ...]
    inputs: tuple[str, ...]

    @property
    def last(self) -> int:
        """The column of the outputs."""
        return len(self.columns) - 1

    @property
    def n_nodes(self) -> int:
        """Nodes in all, without the bias nodes."""
        return sum(column.n for column in self.columns)

    def weight(self, c: int, j: int, i: int) -> int:
        """Where the weight from node i of column c - 1 to node j of column c stands in the flat vector."""
        return self.columns[c].start + j * (self.columns[c - 1].n + 1) + i

    def sum_index(self, c: int) -> int:
        """Which of `workspace.nodes` holds the weighted sums of a column."""
        dense = self.columns[c].dense
        assert dense is not None
        return dense + 1

    def output_index(self, c: int) -> int:
        """Which of `workspace.nodes` holds its activations."""
        activation = self.columns[c].activation
        return 0 if c == 0 else self.sum_index(c) if activation is None else activation + 1

    def dense(self, c: int) -> Dense:
        """The dense layer that feeds a column."""
        found = self.network.layers[self.sum_index(c) - 1]
        assert isinstance(found, Dense)
        return found

    def activation(self, c: int) -> Activation | None:
        """The activation of a column; None where z is handed on as it is."""
        place = self.columns[c].activation
        found = None if place is None else self.network.layers[place]
        assert found is None or isinstance(found, Activation)
        return found

    def name(self, c: int, j: int) -> str:
        """What a node is called: x₁, h₂ (h₁·₂ where there are several hidden columns), o, or its bias node."""
        if j == self.columns[c].n:
            return "bias of the inputs" if c == 0 else f"bias of layer {c}"
        if c == 0:
            return self.inputs[j]
        number = str(j + 1).translate(SUBSCRIPTS)
        if c == self.last:
            return f"o{number}" if self.columns[c].n > 1 else "o"
        return f"h{number}" if self.last == 2 else f"h{str(c).translate(SUBSCRIPTS)}·{number}"


def build_graph(network: Network, inputs: Sequence[str] | None = None) -> Graph:
    """The graph of a network of dense layers, each followed by at most one activation.

    `inputs`: the names of the inputs, x₁, x₂, ... if not given. ShapeError for other layers, for a population and for
    more than 60 nodes; DtypeError for float32, in which sums do not add up to the last digit that people read.
    """
    check_network(network)
    if network.population:
        raise ShapeError("a population of networks cannot be drawn. Give one: network.member(0).")
    if network.dtype.itemsize != 8:
        raise DtypeError("the microscope shows float64. Give Network(..., dtype=np.float64).")
    columns = [Column(network.n_in)]
    for place, layer in enumerate(network.layers):
        if isinstance(layer, Dense):
            columns.append(Column(layer.n_out, place, None, network.layout.slices[place].start))
        elif type(layer) in ACTIVATION_FORMULAS and columns[-1].dense is not None and columns[-1].activation is None:
            columns[-1] = Column(columns[-1].n, columns[-1].dense, place, columns[-1].start)
        elif isinstance(layer, Activation) and type(layer) not in ACTIVATION_FORMULAS:
            known = ", ".join(sorted(kind.__name__ for kind in ACTIVATION_FORMULAS))
            raise ShapeError(
                f"the microscope has no formula for the activation {type(layer).__name__} (layer {place + 1}). It has "
                f"those of {known}: one more stands in microscope/activation_formulas.py and microscope/network.js."
            )
        else:
            raise ShapeError(
                f"the microscope shows dense layers, each followed by at most one activation; layer {place + 1} is "
                f"{network.layout.names[place]}. Leave it out."
            )
    names = _number_inputs(network.n_in) if inputs is None else _checked_names(inputs)
    if len(names) != network.n_in:
        raise ShapeError(f"inputs has {len(names)} names, and the network takes {network.n_in} inputs.")
    graph = Graph(network, tuple(columns), names)
    if graph.n_nodes > MOST_NODES:
        raise ShapeError(
            f"the network has {graph.n_nodes} nodes, inputs included, and the microscope shows at most {MOST_NODES}. "
            "Give fewer inputs or smaller hidden layers."
        )
    return graph


def _checked_names(inputs: Any) -> tuple[str, ...]:
    """The names of the inputs."""
    if not isinstance(inputs, list | tuple) or not all(isinstance(name, str) for name in inputs):
        raise HyperparameterError("inputs", inputs, "a list of names, one for each input, or None")
    return tuple(map(to_visible, inputs))


def _number_inputs(n: int) -> tuple[str, ...]:
    """x₁, x₂, ..."""
    return tuple(f"x{str(i + 1).translate(SUBSCRIPTS)}" for i in range(n))
