"""Every layer of `mlp.layers` as nodes of an ONNX graph.

A `Graph` is a model while it is put together. Values are named after the place they come from, so that a viewer shows
`dense1/Gemm` and `batchnorm1/BatchNormalization`. Samples are rows here, as ONNX has them; in a network they are
columns. A layer is as it is in use: dropout passes everything on, batch norm takes its running statistics. A layer
that is an operator of ONNX names it as `onnx`; `TRANSLATIONS` has those that are several together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from mlp import layers
from mlp.arrays import Array
from mlp.errors import UnknownNameError
from mlp.family import Operator, find_operator
from mlp.layers import ACTIVATIONS, Layer
from mlp.layers.chain import names, slices
from mlp.layers.gelu import CENTRE, ERFC

OPSET = 18  # the first in which what a runtime has no kernel for is defined by what it has: Elu of float64, say
IR_VERSION = 8  # that of ONNX 1.13, which brought opset 18: readers of then and since


@dataclass
class Graph:
    """Nodes and constants. `onnx` is the package; `place` the name that what comes next is called by."""

    onnx: Any
    place: str = ""
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, values: Any, name: str) -> str:
        """An array of the model's own; its name."""
        called = self._free(name, [c.name for c in self.constants])
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(values), called))
        return called

    def strings(self, values: tuple[str, ...], name: str) -> str:
        """Texts of the model's own; their name."""
        helper, kinds = self.onnx.helper, self.onnx.TensorProto
        encoded = [text.encode() for text in values]
        self.constants.append(helper.make_tensor(name, kinds.STRING, [len(values)], encoded))
        return name

    def apply(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """What `operator` makes of its inputs; its name."""
        called = self._free(operator, [node.name for node in self.nodes])
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [called], name=called, **attributes))
        return called

    def apply_operator(self, operator: Operator, part: Any, x: str) -> str:
        """What the operator that stands for a part makes of x; its name."""
        known = {key: getattr(part, v) if isinstance(v, str) else v for key, v in operator.attributes.items()}
        return self.apply(operator.name, x, **known)

    def cast(self, value: str, dtype: Any) -> str:
        """The value in another dtype."""
        return self.apply("Cast", value, to=self.kind(dtype))

    def end(self, value: str, name: str) -> None:
        """Call a value `name`, as what the model gives."""
        self.nodes.append(self.onnx.helper.make_node("Identity", [value], [name], name=name))

    def kind(self, dtype: Any) -> int:
        """ONNX' number for a dtype."""
        return int(self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def value(self, name: str, dtype: Any, width: int | None) -> Any:
        """How a model declares that it takes or gives `name`: (rows, width), or (rows,) without a width."""
        shape = ["rows"] if width is None else ["rows", width]
        kind = self.onnx.TensorProto.STRING if np.dtype(dtype).kind == "U" else self.kind(dtype)
        return self.onnx.helper.make_tensor_value_info(name, kind, shape)

    def model(self, takes: Any, gives: list[Any], about: dict[str, str], version: str) -> bytes:
        """The bytes of the model, checked."""
        helper = self.onnx.helper
        graph = helper.make_graph(self.nodes, "mlp", [takes], gives, self.constants)
        made = helper.make_model(
            graph, producer_name="mlp", producer_version=version, ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )  # fmt: skip
        helper.set_model_props(made, about)
        self.onnx.checker.check_model(made, full_check=True)
        found: bytes = made.SerializeToString()
        return found

    def _free(self, name: str, taken: list[str]) -> str:
        """`place/name`, numbered where there is one of that name."""
        called = f"{self.place}/{name}" if self.place else name
        count = sum(other == called or other.rpartition(".")[0] == called for other in taken)
        return f"{called}.{count + 1}" if count else called


def as_rows(column: Array) -> Array:
    """What stands beside nodes as a column (n, 1), as it stands beside samples as rows: (n,)."""
    return np.asarray(column[..., 0])


# layers


Translation: TypeAlias = Callable[[Graph, Any, Any, Array, str], str]
"""(graph, layer, its params, its statistics, name of x) → name of y."""


def translate_layer(graph: Graph, layer: Layer, params: Any, statistics: Array, x: str) -> str:
    """The name of y = f(x), and nodes in `graph` that compute it."""
    if type(layer) in TRANSLATIONS:
        return TRANSLATIONS[type(layer)](graph, layer, params, statistics, x)
    operator = find_operator(layer, "forward", "infer")
    if operator is None:
        known = [kind.__name__ for kind in {*TRANSLATIONS, *ACTIVATIONS.values()}]
        raise UnknownNameError("translation to ONNX for the layer", type(layer).__name__, known)
    return graph.apply_operator(operator, layer, x)


def translate_layers(graph: Graph, called: tuple[str, ...], layers: Any, params: Any, statistics: Array, x: str) -> str:
    """Layers one after another."""
    outside = graph.place
    shares = slices(layer.n_statistics for layer in layers)
    for name, layer, mine, share in zip(called, layers, params, shares, strict=True):
        graph.place = f"{outside}/{name}" if outside else name
        x = translate_layer(graph, layer, mine, statistics[share], x)
    graph.place = outside
    return x


def _nothing(graph: Graph, layer: Layer, params: Any, statistics: Array, x: str) -> str:
    """y = x."""
    return x


def _dense(graph: Graph, layer: layers.Dense, params: Array, statistics: Array, x: str) -> str:
    """y = x Wᵀ + b: the bias node's weights are the last column of W."""
    weight, bias = graph.constant(params[:, :-1], "weight"), graph.constant(params[:, -1], "bias")
    return graph.apply("Gemm", x, weight, bias, transB=1)


def _hard_tanh(graph: Graph, layer: layers.HardTanh, params: Any, statistics: Array, x: str) -> str:
    """x within [-1, 1]."""
    low, high = (graph.constant(statistics.dtype.type(edge), name) for edge, name in ((-1, "low"), (1, "high")))
    return graph.apply("Clip", x, low, high)


def _silu(graph: Graph, layer: layers.SiLU, params: Any, statistics: Array, x: str) -> str:
    """x σ(x) = x / (1 + e⁻ˣ).

    Of a product onnxruntime 1.19 to 1.25 makes a QuickGelu, which it has for float32 alone: it loads no other model.
    """
    one = graph.constant(statistics.dtype.type(1), "one")
    return graph.apply("Div", x, graph.apply("Add", graph.apply("Exp", graph.apply("Neg", x)), one))


def _gelu(graph: Graph, layer: layers.GELU, params: Any, statistics: Array, x: str) -> str:
    """½x(1 + tanh u),  u = √(2/π) x (1 + 0.044715 x²). ONNX has Gelu from opset 20 on."""
    cubic, one, root, half = (
        graph.constant(statistics.dtype.type(value), name)
        for value, name in ((0.044715, "cubic"), (1, "one"), ((2 / np.pi) ** 0.5, "root"), (0.5, "half"))
    )
    inner = graph.apply("Add", graph.apply("Mul", graph.apply("Mul", x, x), cubic), one)
    u = graph.apply("Mul", graph.apply("Mul", inner, x), root)
    return graph.apply("Mul", graph.apply("Mul", graph.apply("Add", graph.apply("Tanh", u), one), x), half)


def _exact_gelu(graph: Graph, layer: layers.ExactGELU, params: Any, statistics: Array, x: str) -> str:
    """½x(1 + erf(x/√2)). For float64, of which onnxruntime has no Erf, erf by the polynomial that is used here."""
    known = {"root": 0.5**0.5, "one": 1.0, "half": 0.5}
    number = {name: graph.constant(statistics.dtype.type(value), name) for name, value in known.items()}
    z = graph.apply("Mul", x, number["root"])
    erf = graph.apply("Erf", z) if statistics.dtype == np.float32 else _erf(graph, z, statistics.dtype.type)
    return graph.apply("Mul", graph.apply("Mul", graph.apply("Add", erf, number["one"]), x), number["half"])


def _erf(graph: Graph, z: str, dtype: Any) -> str:
    """sign(z)(1 - p(t) e^(-z²)/(1 + 2|z|)),  t = 1 - 6/(|z| + 3): see `layers.gelu.ERFC`."""
    known = {"one": 1.0, "two": 2.0, "centre": CENTRE, "width": 2 * CENTRE}
    number = {name: graph.constant(dtype(value), f"erf_{name}") for name, value in known.items()}
    size = graph.apply("Abs", z)
    share = graph.apply("Div", number["width"], graph.apply("Add", size, number["centre"]))
    t = graph.apply("Sub", number["one"], share)
    value = graph.constant(dtype(ERFC[-1]), "erfc")
    for coefficient in ERFC[-2::-1]:
        value = graph.apply("Add", graph.apply("Mul", value, t), graph.constant(dtype(coefficient), "erfc"))
    fall = graph.apply("Exp", graph.apply("Neg", graph.apply("Mul", size, size)))
    below = graph.apply("Add", graph.apply("Mul", size, number["two"]), number["one"])
    rest = graph.apply("Div", graph.apply("Mul", value, fall), below)
    return graph.apply("Mul", graph.apply("Sign", z), graph.apply("Sub", number["one"], rest))


def _maxout(graph: Graph, layer: layers.Maxout, params: Any, statistics: Array, x: str) -> str:
    """(rows, n · pieces) as (rows, n, pieces), and of each n the largest piece."""
    shape = graph.constant(np.array([-1, layer.n_out, layer.pieces]), "pieces")
    last = graph.constant(np.array([2]), "last")
    return graph.apply("ReduceMax", graph.apply("Reshape", x, shape), last, keepdims=0)


def _rbf(graph: Graph, layer: layers.RBF, params: Any, statistics: Array, x: str) -> str:
    """e^(-½r²),  r² = (‖x‖² - 2c·x + ‖c‖²)/σ², not below 0."""
    centres, dtype = params.centres, params.centres.dtype.type
    nodes = graph.constant(np.array([1]), "nodes")
    squares = graph.apply("ReduceSumSquare", x, nodes, keepdims=1)
    mixed = graph.apply("MatMul", x, graph.constant(-2 * centres.T, "centres"))
    own = graph.constant(np.square(centres).sum(-1), "squares")
    distance = graph.apply("Add", graph.apply("Add", mixed, squares), own)
    distance = graph.apply("Max", distance, graph.constant(dtype(0), "zero"))
    narrow = graph.constant(dtype(-0.5) * np.exp(-2 * as_rows(params.log_widths)), "narrow")
    return graph.apply("Exp", graph.apply("Mul", distance, narrow))


def _batch_norm(graph: Graph, layer: layers.BatchNorm, params: Any, statistics: Array, x: str) -> str:
    """Scale, shift and running statistics as ONNX has them."""
    mean, variance = np.split(statistics, 2)
    arrays = {"scale": as_rows(params.scale), "shift": as_rows(params.shift), "mean": mean, "variance": variance}
    inputs = [graph.constant(values, name) for name, values in arrays.items()]
    return graph.apply("BatchNormalization", x, *inputs, epsilon=layer.epsilon)


def _layer_norm(graph: Graph, layer: layers.LayerNorm, params: Any, statistics: Array, x: str) -> str:
    """Over the nodes of each row."""
    scale, shift = graph.constant(as_rows(params.scale), "scale"), graph.constant(as_rows(params.shift), "shift")
    return graph.apply("LayerNormalization", x, scale, shift, axis=-1, epsilon=layer.epsilon)


def _residual(graph: Graph, layer: layers.Residual, params: Any, statistics: Array, x: str) -> str:
    """x + f(x)."""
    return graph.apply("Add", x, translate_layers(graph, names(layer.layers), layer.layers, params, statistics, x))


TRANSLATIONS: dict[type[Layer], Translation] = {
    layers.Dense: _dense,
    layers.Identity: _nothing,
    layers.Dropout: _nothing,
    layers.Noise: _nothing,
    layers.GELU: _gelu,
    layers.ExactGELU: _exact_gelu,
    layers.SiLU: _silu,
    layers.HardTanh: _hard_tanh,
    layers.Maxout: _maxout,
    layers.RBF: _rbf,
    layers.BatchNorm: _batch_norm,
    layers.LayerNorm: _layer_norm,
    layers.Residual: _residual,
}
