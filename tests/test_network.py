"""Networks and workspaces: names, layout, and what owns what."""

from __future__ import annotations

import numpy as np
import pytest
from cases import LAYERS, arrays_in, batch_for, inside, passed

import mlp


def deep() -> mlp.Network:
    return mlp.Network(
        [
            mlp.Dense(3, 4),
            mlp.BatchNorm(),
            mlp.ReLU(),
            mlp.Residual([mlp.Dense(4, 5), mlp.ReLU(), mlp.Residual([mlp.Dense(5, 5)]), mlp.Dense(5, 4)]),
            mlp.ReLU(),
            mlp.Dense(4, 2),
        ],
        rng=0,
    )


def test_layers_are_numbered_by_kind() -> None:
    assert deep().layout.names == ("dense1", "batchnorm1", "relu1", "residual1", "relu2", "dense2")


def test_layers_with_parameters_are_named_apart() -> None:
    assert deep().layout.block_names == ("dense1", "batchnorm1", "residual1", "dense2")


def test_the_number_of_parameters_by_worked_numbers() -> None:
    """4·(3+1), 2·4, 5·(4+1) + 5·(5+1) + 4·(5+1), 2·(4+1)."""
    net = deep()
    assert [s.stop - s.start for s in net.layout.slices] == [16, 8, 0, 79, 0, 10]
    assert net.params.shape == (113,) == (net.layout.size,)
    assert net.statistics.shape == (8,)


def test_widths_follow_from_what_stands_before() -> None:
    net = mlp.Network([mlp.Dense(2, 6), mlp.Tanh(), mlp.Maxout(3), mlp.LayerNorm(), mlp.Dense(2, 1)])
    assert [(layer.n_in, layer.n_out) for layer in net.layers] == [(2, 6), (6, 6), (6, 2), (2, 2), (2, 1)]
    assert (net.n_in, net.n_out) == (2, 1)


def test_a_weight_matrix_is_a_view_whose_last_column_leaves_the_bias_node() -> None:
    net = mlp.Network([mlp.Dense(2, 3, bias=0.5)], rng=0)
    assert net.views[0].shape == (3, 3)
    assert (net.views[0][:, -1] == 0.5).all()
    net.params[0] = 42
    assert net.views[0][0, 0] == 42


def test_dense_without_inputs_gives_its_bias() -> None:
    assert mlp.predict(mlp.Network([mlp.Dense(2, 1, bias=0.5)]), np.zeros((1, 2))) == 0.5


@pytest.mark.parametrize("name", LAYERS)
def test_the_same_seed_makes_the_same_network(name: str) -> None:
    a, b = inside(LAYERS[name]), inside(LAYERS[name])
    assert (a.params == b.params).all()
    assert (a.statistics == b.statistics).all()


def test_another_seed_makes_another_network() -> None:
    assert (mlp.Network([mlp.Dense(2, 3)], rng=0).params != mlp.Network([mlp.Dense(2, 3)], rng=1).params).any()


def test_two_networks_of_the_same_layers_share_nothing() -> None:
    layers = [mlp.Dense(2, 3), mlp.BatchNorm(), mlp.Dropout(), mlp.Dense(3, 1)]
    a, b = mlp.Network(layers), mlp.Network(layers)
    a.params.fill(7)
    a.statistics.fill(7)
    assert not (b.params == 7).any()
    assert not (b.statistics == 7).any()


def test_two_workspaces_of_one_network_share_nothing_but_its_statistics() -> None:
    net = deep()
    a, b = (arrays_in(mlp.Workspace(net, 5)) for _ in range(2))
    shared = [x for x in a for y in b if np.shares_memory(x, y)]
    assert all(np.shares_memory(x, net.statistics) for x in shared)


def test_passes_of_one_network_in_two_workspaces_do_not_meet() -> None:
    net = deep()
    a, b = batch_for(net, seed=1), batch_for(net, seed=2)
    _, first = passed(net, mlp.SquaredError(), a)
    before = first.grad.copy(), first.nodes[-1].values.copy()
    passed(net, mlp.SquaredError(), b)
    assert (first.grad == before[0]).all()
    assert (first.nodes[-1].values == before[1]).all()


def test_a_workspace_lies_in_plain_sight() -> None:
    """Node by node, as ARCHITECTURE part 2 says it."""
    net = mlp.Network([mlp.Dense(3, 4), mlp.Tanh(), mlp.Dense(4, 2)], population=(5,))
    _, w = passed(net, mlp.SquaredError(), batch_for(net, n=6))
    assert [n.values.shape for n in w.nodes] == [(3, 6), (5, 4, 6), (5, 4, 6), (5, 2, 6)]
    assert [n.with_bias.shape for n in w.nodes] == [(4, 6), (5, 5, 6), (5, 5, 6), (5, 3, 6)]
    assert [d.shape for d in w.d_nodes] == [(5, 3, 6), (5, 4, 6), (5, 4, 6), (5, 2, 6)]
    assert w.grad.shape == net.params.shape == (5, 4 * 4 + 2 * 5)
    assert w.grads[0].shape == (5, 4, 4)


def test_nobody_asks_below_the_first_layer_with_parameters() -> None:
    net = mlp.Network([mlp.Tanh(n_in=3), mlp.Dense(3, 2)])
    w = mlp.Workspace(net, 4)
    mlp.value_and_grad(net, mlp.SquaredError(), batch_for(net, n=4), w)
    assert w.d_nodes[:2] == [None, None]
    assert w.d_nodes[2] is not None


def test_a_network_without_parameters_is_a_network() -> None:
    net = mlp.Network([mlp.Tanh(n_in=3)])
    value, w = passed(net, mlp.SquaredError(), batch_for(net))
    assert np.isfinite(value)
    assert w.grad.shape == (0,)


def test_places_name_the_layers_inside_residual_blocks_too() -> None:
    net = deep()
    _, w = passed(net, mlp.SquaredError(), batch_for(net))
    assert [place.name for place in w.places(net)] == [
        "dense1", "batchnorm1", "relu1",
        "residual1", "residual1.dense1", "residual1.relu1",
        "residual1.residual1", "residual1.residual1.dense1", "residual1.dense2",
        "relu2", "dense2",
    ]  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_a_place_holds_what_its_layer_met(name: str) -> None:
    """Backward once more at each place, from what the place shows, gives the gradient that the place shows."""
    net = inside(LAYERS[name])
    _, w = passed(net, mlp.SquaredError(), batch_for(net))
    for place in w.places(net):
        assert place.x.values.shape[-2:] == (place.layer.n_in, 7)
        assert place.y.values.shape[-2:] == (place.layer.n_out, 7)
        assert place.d_y.shape == place.y.values.shape
        if isinstance(place.layer, mlp.Dense) and not place.layer.penalised:
            np.testing.assert_allclose(place.grad, place.d_y @ place.x.with_bias.T, rtol=1e-13, atol=1e-15)  # BLAS


def test_a_repr_shows_every_layer_and_the_size() -> None:
    text = repr(mlp.Network([mlp.Dense(2, 3), mlp.Sigmoid(), mlp.Dense(3, 1)], population=(2,), dtype=np.float32))
    assert "13 parameters, float32, population=(2,)" in text
    assert all(name in text for name in ("dense1: Dense(n_in=2, n_out=3", "sigmoid1: Sigmoid(n_in=3", "dense2: "))


def test_a_generator_given_is_the_one_used() -> None:
    rng = np.random.default_rng(5)
    assert mlp.Network([mlp.Dense(2, 2)], rng=rng).rng is rng
