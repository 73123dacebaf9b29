"""Data sets with a name: those that come with the package, and those made by a formula."""

from __future__ import annotations

import numpy as np
import pytest

from mlp.data import blobs, catalogue, encoder, load, moons, parity, rings, two_spirals, xor
from mlp.errors import DataError, HyperparameterError

LOCAL = [entry for entry in catalogue() if entry.kind != "download"]


@pytest.mark.parametrize("entry", LOCAL, ids=lambda entry: entry.name)
def test_the_catalogue_says_what_is_loaded(entry: object) -> None:
    data = load(entry.name)  # type: ignore[attr-defined]
    n_classes = None if data.class_names is None else len(data.class_names)
    assert (*data.X.shape, n_classes) == (entry.n_rows, entry.n_features, entry.n_classes)  # type: ignore[attr-defined]
    assert (data.description, data.source, data.licence) == (entry.description, entry.source, entry.licence)  # type: ignore[attr-defined]


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_every_data_set_states_its_source_and_licence(entry: object) -> None:
    assert entry.description and entry.source and entry.licence  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer"])
def test_embedded_sets_are_those_of_scikit_learn_bit_for_bit(name: str) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    reference = getattr(datasets, f"load_{name}")()
    data = load(name)
    assert np.array_equal(data.X, reference.data)
    assert np.array_equal(data.y, reference.target)
    assert data.class_names == tuple(str(label) for label in reference.target_names)
    assert data.feature_names == tuple(reference.feature_names)


def test_digits_are_8_bit_pixels() -> None:
    assert load("digits").X.dtype == np.uint8


def test_xor_is_true_where_the_bits_differ() -> None:
    data = xor()
    assert data.y.tolist() == [int(a != b) for a, b in data.X]


def test_parity_of_three_bits_by_hand() -> None:
    data = parity(3)
    rows = ["".join(str(int(bit)) for bit in row) for row in data.X]
    assert rows == ["000", "001", "010", "011", "100", "101", "110", "111"]
    assert data.y.tolist() == [0, 1, 1, 0, 1, 0, 0, 1]


def test_parity_of_any_size_has_a_name() -> None:
    assert load("parity-7").X.shape == (128, 7)


def test_two_spirals_begin_as_in_the_cmu_benchmark() -> None:
    """Worked numbers: radius 6.5 at angle 0; 6.5·103/104 = 6.4375 at π/16; 6.5·102/104 = 6.375 at π/8."""
    data = two_spirals()
    expected = [
        [0.0, 6.5],
        [-0.0, -6.5],
        [1.25589, 6.31380],
        [-1.25589, -6.31380],
        [2.43960, 5.88973],
    ]
    assert data.X[:5] == pytest.approx(np.array(expected), abs=1e-5)  # the benchmark prints five decimals
    assert data.y[:5].tolist() == [1, 0, 1, 0, 1]


def test_two_spirals_have_97_points_each_and_end_at_half_a_unit() -> None:
    data = two_spirals()
    assert np.bincount(data.y).tolist() == [97, 97]
    assert np.hypot(*data.X[-1]) == pytest.approx(6.5 * 8 / 104)


def test_an_encoder_reproduces_its_patterns() -> None:
    data = encoder(8)
    assert data.X.tolist() == np.eye(8).tolist() == data.y.tolist()


def test_an_encoder_is_named_by_its_three_widths() -> None:
    assert load("encoder-8-3-8").X.shape == (8, 8)


def test_problems_that_are_complete_say_so() -> None:
    complete = {entry.name for entry in LOCAL if load(entry.name).complete}
    assert complete == {"xor", "parity", "encoder-10-5-10"}


@pytest.mark.parametrize("draw", [rings, blobs, moons])
def test_equal_seeds_draw_equal_points_and_others_do_not(draw: object) -> None:
    first, second, other = draw(rng=1), draw(rng=1), draw(rng=2)  # type: ignore[operator]
    assert np.array_equal(first.X, second.X)
    assert not np.array_equal(first.X, other.X)


def test_rings_without_noise_have_whole_radii() -> None:
    data = rings(n_samples=30, n_rings=3, noise=0)
    assert np.hypot(*data.X.T) == pytest.approx(data.y + 1)


def test_moons_without_noise_lie_on_two_half_circles() -> None:
    data = moons(n_samples=50, noise=0)
    upper, lower = data.X[data.y == 0], data.X[data.y == 1]
    assert np.hypot(*upper.T) == pytest.approx(1)
    assert np.hypot(*(lower - [1, 0.5]).T) == pytest.approx(1)
    assert (upper[:, 1] >= 0).all() and (lower[:, 1] <= 0.5).all()


def test_blobs_without_noise_are_their_centres() -> None:
    assert len(np.unique(blobs(n_samples=40, n_classes=4, n_features=5, noise=0).X, axis=0)) == 4


@pytest.mark.parametrize("name", ["parity-0", "parity-17", "encoder-1-1-1"])
def test_sizes_that_make_no_sense_are_refused(name: str) -> None:
    with pytest.raises(HyperparameterError):
        load(name)


def test_a_set_with_its_own_target_takes_no_other() -> None:
    assert load("iris", target="species").y is not None
    assert load("iris", target="label").y is not None
    with pytest.raises(DataError, match="iris has no target 'petal': it has its own, 'species'"):
        load("iris", target="petal")
