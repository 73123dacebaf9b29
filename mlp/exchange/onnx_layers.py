"""Every layer of `mlp.layers` as nodes of an ONNX graph.

A `Graph` is a model while it is put together. Values are named after the place they come from, so that a viewer shows
`dense1/Gemm` and `batchnorm1/BatchNormalization`. Samples are rows here, as ONNX has them; in a network they are
columns. A layer is as it is in use: dropout passes everything on, batch norm takes its running statistics. A layer
says itself what it is in ONNX: an operator, or a method that puts several together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlp import layers
from mlp.arrays import Array
from mlp.errors import UnknownNameError
from mlp.family import Operator, find_operator
from mlp.layers import Layer
from mlp.layers.chain import slices

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

    def apply_layers(self, called: tuple[str, ...], layers: Any, params: Any, statistics: Array, x: str) -> str:
        """Layers one after another, each below its name."""
        outside = self.place
        shares = slices(layer.n_statistics for layer in layers)
        for name, layer, mine, share in zip(called, layers, params, shares, strict=True):
            self.place = f"{outside}/{name}" if outside else name
            x = translate_layer(self, layer, mine, statistics[share], x)
        self.place = outside
        return x

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


def translate_layer(graph: Graph, layer: Layer, params: Any, statistics: Array, x: str) -> str:
    """The name of y = f(x), and nodes in `graph` that compute it."""
    found = find_operator(layer, "forward", "infer")
    if found is None:
        known = [kind.__name__ for kind in vars(layers).values() if getattr(kind, "onnx", None)]
        raise UnknownNameError("translation to ONNX for the layer", type(layer).__name__, known)
    if isinstance(found, Operator):
        return graph.apply_operator(found, layer, x)
    name: str = found(layer, graph, params, statistics, x)
    return name
