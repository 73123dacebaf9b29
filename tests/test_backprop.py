"""Whole networks: against PyTorch's float64 numbers, and what a pass must and must not touch."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cases import LAYER_CASES, LAYERS, batch_for, first, inside, passed
from reference.specs import LOSSES, NETWORKS, RULES, RULES_NETWORK, RULES_STEPS, Spec

import mlp
from mlp.backprop import answer

REFERENCE = dict(np.load(Path(__file__).parent / "reference" / "torch.npz"))
CLOSE: dict[str, Any] = {"rtol": 1e-12, "atol": 1e-14}  # the bound, and rounding where numbers cancel


def layer(spec: Spec) -> mlp.Layer:
    """The layer of a spec."""
    match spec:
        case ("Dense" | "RBF", n_in, n_out):
            return getattr(mlp, spec[0])(n_in, n_out)  # type: ignore[no-any-return]
        case ("BatchNorm" | "LayerNorm", n):
            return getattr(mlp, spec[0])(n_in=n)  # type: ignore[no-any-return]
        case ("Residual", inside):
            return mlp.Residual([layer(s) for s in inside])
    return getattr(mlp, spec[0])(*spec[1:])  # type: ignore[no-any-return]


def of(name: str) -> dict[str, np.ndarray]:
    """Torch's numbers of one network."""
    return {key.split("/")[1]: value for key, value in REFERENCE.items() if key.startswith(name + "/")}


@pytest.mark.parametrize("name", NETWORKS)
def test_network_agrees_with_torch(name: str) -> None:
    """Outputs, gradients of parameters and inputs and running statistics, over two batches; then in use."""
    torch = of(name)
    net = mlp.Network([layer(spec) for spec in NETWORKS[name]])
    net.params[...] = torch["theta"]
    workspace = mlp.Workspace(net, 9, input_gradient=True)
    for k in range(2):
        mlp.value_and_grad(net, mlp.SquaredError(), mlp.as_batch(torch["X"][k], torch["T"][k]), workspace)
        np.testing.assert_allclose(workspace.nodes[-1].values.T, torch[f"output{k}"], **CLOSE)
        np.testing.assert_allclose(workspace.grad, torch[f"grad{k}"], **CLOSE)
        np.testing.assert_allclose(workspace.d_nodes[0].T, torch[f"d_x{k}"], **CLOSE)  # type: ignore[union-attr]
        np.testing.assert_allclose(net.statistics, torch[f"running{k}"], **CLOSE)
    np.testing.assert_allclose(mlp.predict(net, torch["X"][0]), torch["infer"], **CLOSE)


@pytest.mark.parametrize("suffix", ["", "_weighted"])
@pytest.mark.parametrize("name", LOSSES)
def test_loss_agrees_with_torch(name: str, suffix: str) -> None:
    kind, hyperparameters, _ = LOSSES[name]
    z, t, w, value, grad = (REFERENCE[f"loss/{name}/{k}"] for k in ("z", "t", "w", f"value{suffix}", f"grad{suffix}"))
    loss, d_output = getattr(mlp, kind)(**hyperparameters), np.empty_like(z.T)
    found = loss.value_and_grad(z.T.copy(), t.T, w if suffix else None, d_output)
    assert found == pytest.approx(value, rel=1e-12)  # the bound
    np.testing.assert_allclose(d_output.T, grad, **CLOSE)


@pytest.mark.parametrize("name", RULES)
def test_rule_agrees_with_torch_over_200_steps(name: str) -> None:
    kind, hyperparameters = RULES[name]
    net = mlp.Network([layer(spec) for spec in NETWORKS[RULES_NETWORK]])
    net.params[...] = REFERENCE["rules/theta"]
    data = [mlp.as_batch(X, t) for X, t in zip(REFERENCE["rules/X"], REFERENCE["rules/t"], strict=True)]
    steps = mlp.train(
        net,
        (data[k % 3] for k in range(RULES_STEPS)),
        mlp.SoftmaxCrossEntropy(),
        getattr(mlp, kind)(**hyperparameters),
    )
    next(steps)
    np.testing.assert_allclose(net.params, REFERENCE[f"rules/{name}/first"], **CLOSE)
    *_, last = steps
    assert last.index == RULES_STEPS - 1
    np.testing.assert_allclose(net.params, REFERENCE[f"rules/{name}/last"], rtol=1e-10, atol=1e-12)  # the bound


def test_every_layer_and_loss_but_noise_is_held_to_something_outside() -> None:
    """To PyTorch's numbers; a layer to a formula or to worked numbers in its row of `LAYER_CASES` as well."""

    def kinds(specs: list[Spec]) -> set[str]:
        return {s[0] for s in specs}.union(*(kinds(s[1]) for s in specs if s[0] == "Residual"))

    layers = set().union(*map(kinds, NETWORKS.values()))
    layers |= {type(row.layer).__name__ for row in LAYER_CASES.values() if row.formula or row.worked}
    assert {type(layer).__name__ for layer in LAYERS.values()} - layers == {"Dropout", "Noise"}
    assert {kind for kind, _, _ in LOSSES.values()} | {"Loss", "Labelled", "Pointwise", "LOSSES"} == set(
        mlp.losses.__all__
    )
    assert {getattr(mlp, kind) for kind, _ in RULES.values()} <= set(mlp.optimizers.OPTIMIZERS.values())


# one pass by hand


def test_two_layers_by_worked_numbers() -> None:
    """x = 2, z₁ = 3·2 - 5 = 1, y₁ = max(1, 0), z₂ = 4·1 + 1 = 5, t = 2: L = 4.5, δ₂ = 3, δ₁ = 12."""
    net = mlp.Network([mlp.Dense(1, 1), mlp.ReLU(), mlp.Dense(1, 1)])
    net.params[...] = [3, -5, 4, 1]
    value, workspace = passed(net, mlp.SquaredError(), mlp.as_batch(np.array([[2.0]]), np.array([[2.0]])))
    assert value == 4.5
    assert [n.values.item() for n in workspace.nodes] == [2, 1, 1, 5]
    assert [d.item() for d in workspace.d_nodes] == [36, 12, 12, 3]  # type: ignore[union-attr]
    assert workspace.grad.tolist() == [24, 12, 3, 3]


def test_the_xor_network_of_hand_set_weights_knows_xor() -> None:
    """Two rectified units, x₁ + x₂ and x₁ + x₂ - 1: y = first - 2 second."""
    net = mlp.Network([mlp.Dense(2, 2), mlp.ReLU(), mlp.Dense(2, 1)])
    net.params[...] = [1, 1, 0, 1, 1, -1, 1, -2, 0]
    assert mlp.predict(net, np.array([[0, 0], [0, 1], [1, 0], [1, 1]])).ravel().tolist() == [0, 1, 1, 0]


# what a pass must not do


@pytest.mark.parametrize("name", LAYERS)
def test_a_workspace_used_again_forgets_the_pass_before(name: str) -> None:
    net = inside(LAYERS[name])
    a, b = batch_for(net, seed=0), batch_for(net, seed=1)
    once, again = mlp.Workspace(net, 7), mlp.Workspace(net, 7)
    seed = 5
    net.rng.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    mlp.value_and_grad(net, mlp.SquaredError(), b, once)
    mlp.value_and_grad(net, mlp.SquaredError(), a, again)
    net.rng.bit_generator.state = np.random.default_rng(seed).bit_generator.state
    mlp.value_and_grad(net, mlp.SquaredError(), b, again)
    assert (once.grad == again.grad).all()


@pytest.mark.parametrize("name", LAYERS)
def test_asking_for_the_input_gradient_changes_no_bit_of_the_rest(name: str) -> None:
    nets = [inside(LAYERS[name]) for _ in range(2)]
    batch = batch_for(nets[0])
    spaces = [mlp.Workspace(net, 7, input_gradient=asked) for net, asked in zip(nets, (False, True), strict=True)]
    values = [mlp.value_and_grad(n, mlp.SquaredError(), batch, w) for n, w in zip(nets, spaces, strict=True)]
    assert values[0] == values[1]
    assert (spaces[0].grad == spaces[1].grad).all()
    assert spaces[0].d_nodes[0] is None


def test_the_batch_is_only_read() -> None:
    net = inside(mlp.BatchNorm())
    batch = batch_for(net)
    before = [batch.x.with_bias.copy(), batch.target.copy()]
    passed(net, mlp.SquaredError(), batch)
    assert (batch.x.with_bias == before[0]).all()
    assert (batch.target == before[1]).all()


# the objective: the same batch, elsewhere


@pytest.mark.parametrize("name", LAYERS)
def test_objective_at_the_same_place_gives_the_same_loss_and_gradient(name: str) -> None:
    net = inside(LAYERS[name])
    batch = batch_for(net)
    value, workspace = passed(net, mlp.SquaredError(), batch)
    objective = mlp.Objective(net, mlp.SquaredError())
    objective.batch, objective.workspace = batch, workspace
    out = np.empty_like(net.params)
    assert objective.value(net.params) == pytest.approx(value, rel=1e-14)  # order of summing
    assert objective.value_and_grad(net.params, out) == value
    assert (out == workspace.grad).all()


@pytest.mark.parametrize("name", LAYERS)
def test_objective_disturbs_neither_statistics_nor_noise_nor_workspace(name: str) -> None:
    net = inside(LAYERS[name])
    batch = batch_for(net)
    _, workspace = passed(net, mlp.SquaredError(), batch)
    objective = mlp.Objective(net, mlp.SquaredError())
    objective.batch, objective.workspace = batch, workspace
    before = net.params.copy(), net.statistics.copy(), workspace.grad.copy(), net.rng.bit_generator.state
    for place in (net.params + 1, net.params - 1):
        objective.value(place)
        objective.value_and_grad(place, np.empty_like(place))
    assert (net.params == before[0]).all()
    assert (net.statistics == before[1]).all()
    assert (workspace.grad == before[2]).all()
    assert net.rng.bit_generator.state == before[3]


@pytest.mark.parametrize("name", LAYERS)
def test_objective_at_many_points_is_the_loop_over_points(name: str) -> None:
    """Points of a loss surface: a leading axis that the network has not."""
    net = inside(LAYERS[name])
    batch = batch_for(net)
    _, workspace = passed(net, mlp.SquaredError(), batch)
    objective = mlp.Objective(net, mlp.SquaredError())
    objective.batch, objective.workspace = batch, workspace
    points = net.params + np.random.default_rng(0).standard_normal((4, net.layout.size))
    together = objective.value(points)
    np.testing.assert_allclose(together, [objective.value(p) for p in points], rtol=1e-12)  # order of summing


def test_a_network_elsewhere_has_statistics_of_its_own() -> None:
    net = inside(mlp.BatchNorm())
    net.at(net.params).statistics.fill(7)
    assert not (net.statistics == 7).any()


# prediction


@pytest.mark.parametrize("name", LAYERS)
def test_prediction_does_not_depend_on_the_block(name: str) -> None:
    net = first(LAYERS[name])
    X = np.random.default_rng(0).standard_normal((11, net.n_in))
    np.testing.assert_allclose(mlp.predict(net, X, block=3), mlp.predict(net, X), rtol=1e-12)  # order of summing


@pytest.mark.parametrize(
    ("widths", "blocks"), [((64, 32, 10), [126] * 9 + [124]), ((784, 10), [33] * 38 + [4]), ((784, 128), [1024, 234])]
)
def test_what_is_brief_is_answered_in_blocks_that_need_no_second_thread(
    widths: tuple[int, ...], blocks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenBLAS gives a product of more than 2^18 multiplications to all threads, and these wait for one another.

    On a busy machine three products of 50 µs an epoch doubled the time of `mlp train digits`. Layers of which only a
    few rows are so little are answered by all threads.
    """
    net = mlp.Network([mlp.Dense(n_in, n_out) for n_in, n_out in pairwise(widths)], rng=0)
    X = np.random.default_rng(0).standard_normal((1258, widths[0]))
    sizes: list[int] = []
    untouched = mlp.infer

    def infer(network: mlp.Network, x: mlp.Nodes, workspace: Any) -> Any:
        sizes.append(x.n_samples)
        return untouched(network, x, workspace)

    monkeypatch.setattr("mlp.backprop.infer", infer)
    found = mlp.predict(net, X)
    assert sizes == blocks
    assert sizes[0] * net.layers[0].n_params <= 1 << 18 or widths == (784, 128)
    np.testing.assert_allclose(found, mlp.predict(net, X, block=7), rtol=1e-10, atol=1e-12)  # order of summing
    sizes.clear()
    answer(net, X[:1000], of=1_000_000)  # a part of what takes long: threads pay
    assert sizes == [1000]


def test_prediction_takes_lists_and_no_rows_at_all() -> None:
    net = mlp.Network([mlp.Dense(2, 1, "zeros", bias=3.0)])
    assert mlp.predict(net, [[1, 2], [3, 4]]).tolist() == [[3], [3]]  # type: ignore[arg-type]
    assert mlp.predict(net, np.empty((0, 2))).shape == (0, 1)
