"""A network and its loss at one point, ready for products along many directions.

What does not depend on the direction, slopes and second derivatives of activations and of the loss, is computed once,
and every array that a product needs is kept. A product with the Hessian is then two passes by the R-operator: R{·} is
the derivative along v of everything that a forward and a backward pass compute (Pearlmutter 1994, "Fast exact
multiplication by the Hessian"); one with the Gauss-Newton matrix is R forward and a plain pass backward (Schraudolph
2002). A dense layer costs six matrix products where the pass itself had three, the first one two and two.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlp.arrays import Array
from mlp.data.batches import Batch
from mlp.losses import Loss
from mlp.network import Network, Workspace


class Linearised:
    """The second derivative of the loss on one batch, at the point of the latest pass through `workspace`.

    It reads the nodes and derivatives of that pass, so it holds until the next one (`workspace.passes` tells), and the
    parameters may not move in between. Members of a population have a product each: v is (*population, P).
    """

    def __init__(self, network: Network, loss: Loss, batch: Batch, workspace: Workspace) -> None:
        self.network, self.loss, self.batch, self.workspace = network, loss, batch, workspace
        self.passes = workspace.passes
        nodes, trained = workspace.nodes, workspace.last_to_first
        self._curved = loss.linearise(nodes[-1].values, batch.target, batch.weights)
        self._along: list[Any] = [None] * len(network.layers)
        self._scratch: list[Any] = [None] * len(network.layers)
        self._r_nodes: list[Any] = [None] * len(nodes)
        for i in trained:
            layer, scratch = network.layers[i], workspace.scratch[i]
            self._along[i] = layer.linearise(network.views[i], nodes[i], nodes[i + 1], scratch)
            self._scratch[i] = layer.fork(scratch)
            self._r_nodes[i + 1] = np.empty_like(nodes[i + 1].values)
        self._r_d_nodes: list[Any] = [None if d is None else np.empty_like(d) for d in workspace.d_nodes]

    def holds(self, batch: Batch, workspace: Workspace) -> bool:
        """Whether this is still the point of the latest pass through `workspace`."""
        return self.workspace is workspace and self.passes == workspace.passes and self.batch is batch

    def hvp(self, v: Array, out: Array) -> None:
        """Write ∂²L/∂params² v into `out`, (*population, P), penalties included."""
        network, nodes, d_nodes = self.network, self.workspace.nodes, self.workspace.d_nodes
        directions, grads = network.layout.views(v), network.layout.views(out)
        self._outputs_along(directions)
        for i in self.workspace.last_to_first:
            network.layers[i].backward_along(
                network.views[i], directions[i], nodes[i], self._r_nodes[i], nodes[i + 1], self._r_nodes[i + 1],
                d_nodes[i + 1], self._r_d_nodes[i + 1], self._along[i], grads[i], self._r_d_nodes[i],
            )  # fmt: skip
        self._penalties_along(directions, grads)

    def gnvp(self, v: Array, out: Array) -> None:
        """Write Jᵀ (∂²L/∂output²) J v into `out`, penalties included. J = ∂output/∂params."""
        network, nodes, d_nodes = self.network, self.workspace.nodes, self._r_d_nodes
        directions, grads = network.layout.views(v), network.layout.views(out)
        self._outputs_along(directions)
        for i in self.workspace.last_to_first:
            layer, params = network.layers[i], network.views[i]
            layer.backward(params, nodes[i], nodes[i + 1], d_nodes[i + 1], self._scratch[i], grads[i], d_nodes[i])
        self._penalties_along(directions, grads)

    def nodes_along(self, v: Array) -> list[Any]:
        """R{nodes}: how what goes into layer i moves along v, (*population, n, N); None where nothing moves.

        Live arrays: the next product overwrites them.
        """
        self._forward_along(self.network.layout.views(v))
        return self._r_nodes

    def _forward_along(self, directions: Any) -> None:
        nodes, r_nodes = self.workspace.nodes, self._r_nodes
        for i in reversed(self.workspace.last_to_first):
            layer, params = self.network.layers[i], self.network.views[i]
            layer.forward_along(
                params, directions[i], nodes[i], r_nodes[i], nodes[i + 1], self._along[i], r_nodes[i + 1]
            )

    def _outputs_along(self, directions: Any) -> None:
        """R{nodes}, and R{∂L/∂output}."""
        self._forward_along(directions)
        self.loss.curvature_along(self._curved, self._r_nodes[-1], self._r_d_nodes[-1])

    def _penalties_along(self, directions: Any, grads: Any) -> None:
        for i in self.network.penalised:
            self.network.layers[i].penalty_along(self.network.views[i], directions[i], grads[i])
