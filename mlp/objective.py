"""The loss on one batch as a function of the parameters, with as many derivatives as anyone asks for.

`backprop` gives the first. Second derivatives come as products with a vector, exactly and for the price of about two
more passes: `linearised` holds how. Layers and losses say what the R-operator makes of them; one that does not is named
in a `DerivativeError`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from mlp.arrays import Array, effective_size
from mlp.backprop import check_parts, forward, value_and_grad
from mlp.data.batches import Batch
from mlp.errors import DerivativeError
from mlp.linearised import Linearised
from mlp.losses import Loss
from mlp.losses.loss import share_out
from mlp.network import Network, Workspace


class Factors(NamedTuple):
    """A dense layer's part of the Gauss-Newton matrix: Σ (signal signalᵀ) ⊗ (input inputᵀ) over samples and columns.

    `part`: its slice of the flat vector. `inputs` (n_in + 1, N): [x; 1]. `signals` (K, n_out, N): the K columns of the
    root of the loss's second derivative, taken backward to the layer's outputs.

    >>> Factors(slice(0, 6), np.ones((3, 4)), np.ones((1, 2, 4))).signals.shape
    (1, 2, 4)
    """

    part: slice
    inputs: Array
    signals: Array


class Room(NamedTuple):
    """What one look elsewhere needs: parameters of its own, the network there, a workspace; `of` which workspace."""

    of: Workspace
    params: Array
    network: Network
    workspace: Workspace


class Objective:
    """The loss on one batch as a function of the parameters: what a line search or a gradient check asks.

    `batch` and `workspace` are those of the latest step. Dropout meets the same noise again and batch norm's running
    statistics stay as they are.

    >>> import mlp
    >>> network, loss = mlp.Network([mlp.Dense(2, 1)], rng=0), mlp.SquaredError()
    >>> network.params.fill(0)
    >>> for step in mlp.train(network, [mlp.as_batch(np.ones((4, 2)), np.ones((4, 1)))], loss, mlp.SGD(0.1)):
    ...     print(step.loss, step.objective.value(np.zeros(3)))
    0.5 0.5
    """

    def __init__(self, network: Network, loss: Loss) -> None:
        check_parts(network, loss)
        self.network, self.loss = network, loss
        self.batch: Batch
        self.workspace: Workspace
        self._room: Room | None = None
        self._linearised: Linearised | None = None

    def value(self, params: Array) -> Any:
        """L(params), (*population,)."""
        other, workspace = self._at(params)
        output = forward(other, self.batch.x, workspace, self.batch.weights)
        value = self.loss.value(output, self.batch.target, self.batch.weights)
        for i in other.penalised:
            value = value + other.layers[i].penalty(other.views[i], workspace.grads[i])
        return value

    def value_and_grad(self, params: Array, out: Array) -> Any:
        """Write ∂L/∂params into `out`; return L(params)."""
        other, workspace = self._at(params)
        value = value_and_grad(other, self.loss, self.batch, workspace)
        np.copyto(out, workspace.grad)
        return value

    def _at(self, params: Array) -> tuple[Network, Workspace]:
        """The network at `params` and room for a pass there, with the noise of the latest step.

        Both are kept for the next question: to make them anew takes longer than a pass through a small network does.
        """
        room = self._room
        if room is None or room.of is not self.workspace or room.params.shape != params.shape:
            own = params.copy()
            other = self.network.at(own)
            room = self._room = Room(self.workspace, own, other, self.workspace.replay(other))
        np.copyto(room.params, params, casting="no")
        return room.network, room.workspace

    # what is known at the present point only: that of the latest step

    def linearised(self) -> Linearised:
        """The network and the loss there, ready for products along many directions; made once for a point."""
        known = self._linearised
        if known is None or not known.holds(self.batch, self.workspace):
            known = self._linearised = Linearised(self.network, self.loss, self.batch, self.workspace)
        return known

    def hvp(self, v: Array, out: Array) -> None:
        """Write ∂²L/∂params² v into `out`, (*population, P), penalties included."""
        self.linearised().hvp(v, out)

    def gnvp(self, v: Array, out: Array) -> None:
        """Write Jᵀ (∂²L/∂output²) J v into `out`: the Gauss-Newton matrix times v, penalties included.

        J = ∂output/∂params. For losses convex in the outputs this matrix has no negative eigenvalue, and where the
        outputs fit the targets it is the Hessian.
        """
        self.linearised().gnvp(v, out)

    @property
    def n_residuals(self) -> int:
        """How many rows a Jacobian has: one for each output of each sample."""
        return self.network.n_out * self.workspace.n_samples

    @property
    def n_observed(self) -> float:
        """As how many residuals those of the batch count: a sample of weight k has k times as many."""
        weights = self.batch.weights
        return self.network.n_out * (self.workspace.n_samples if weights is None else effective_size(weights))

    @property
    def shares(self) -> Any:
        """What each sample of the batch counts: wᵢ / Σ w (N,), or 1 / N."""
        return share_out(self.batch.weights, self.workspace.n_samples)

    def residuals(self, params: Array) -> Array:
        """r(params), (n_residuals,), with L = ½ ‖r‖²: all samples of the first output, then of the second, ..."""
        other, workspace = self._at(params)
        output = forward(other, self.batch.x, workspace, self.batch.weights)
        return self.loss.residuals(output, self.batch.target, self.batch.weights).ravel()

    def jacobian(self, out: Array) -> Array:
        """Write ∂r/∂params into `out`, (n_residuals, P); return r, (n_residuals,).

        L = ½ ‖r‖² and ∂L/∂params = rᵀ ∂r/∂params.
        """
        output = self.workspace.nodes[-1].values
        r = self.loss.residuals(output, self.batch.target, self.batch.weights)
        self.root_jacobian(out)
        return r.ravel()

    def root_jacobian(self, out: Array) -> None:
        """Write Sᵀ ∂output/∂params into `out`, (n_residuals, P), where S Sᵀ = ∂²L/∂output² sample by sample.

        outᵀ out is the Gauss-Newton matrix, of any loss that is convex in the outputs; where the loss is a sum of
        squares this is the Jacobian of its residuals. One backward pass for each column of S: the gradient of a single
        sample is the outer product of what went into a layer and what came back to it.
        """
        self._alone()
        output, n = self.workspace.nodes[-1].values, self.workspace.n_samples
        for k, d_output in enumerate(self.loss.root(output, self.batch.target, self.batch.weights)):
            for part, inputs, signals in self.factors(d_output):
                block = out[k * n : (k + 1) * n, part].reshape(n, len(signals), len(inputs))  # splits an axis: no copy
                np.multiply(signals.T[:, :, None], inputs.T[:, None, :], out=block)

    def kronecker(self) -> list[Factors]:
        """The Gauss-Newton matrix's diagonal blocks, one for each dense layer, in factors. Penalties are left out."""
        self._alone()
        output = self.workspace.nodes[-1].values
        root = self.loss.root(output, self.batch.target, self.batch.weights)
        passes = [self.factors(d_output) for d_output in root]
        blocks = zip(*passes, strict=True)
        return [Factors(b[0].part, b[0].inputs, np.stack([f.signals for f in b])) for b in blocks]

    def _backward(self, d_output: Array, grads: Any) -> list[Any]:
        """From any ∂/∂output to `grads` and to ∂/∂(nodes), in arrays of its own: those of the step stay."""
        network, nodes = self.network, self.workspace.nodes
        d_nodes = [None if d is None else np.empty_like(d) for d in self.workspace.d_nodes]
        d_nodes[-1] = d_output
        for i in self.workspace.last_to_first:
            layer, d_y = network.layers[i], d_nodes[i + 1]
            assert d_y is not None
            scratch = layer.fork(self.workspace.scratch[i])
            layer.backward(network.views[i], nodes[i], nodes[i + 1], d_y, scratch, grads[i], d_nodes[i])
        return d_nodes

    def factors(self, d_output: Array) -> list[Factors]:
        """Inputs and signals of every layer with parameters, one backward pass from `d_output`, like the outputs."""
        d_nodes = self._backward(d_output, self.network.layout.views(np.empty_like(self.network.params)))
        found = []
        for i, part in enumerate(self.network.layout.slices):
            if part.stop > part.start:
                inputs, signals = self.network.layers[i].factors(self.workspace.nodes[i], d_nodes[i + 1])
                found.append(Factors(part, inputs, signals))
        return found

    def _alone(self) -> None:
        """Refuse what a matrix of single gradients cannot hold."""
        if self.network.population:
            raise DerivativeError("a population has no Jacobian: network.member(i) is a network of its own.")
        if self.network.penalised:
            names = [self.network.layout.names[i] for i in self.network.penalised]
            raise DerivativeError(
                f"the weight penalty of {', '.join(names)} is no residual. Leave out l1 and l2; "
                "BayesianRegularization finds a penalty of its own."
            )
