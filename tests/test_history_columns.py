"""Columns that are kept in less memory say the same as columns that are not."""

from __future__ import annotations

import copy
import pickle
import tempfile

import numpy as np
import pytest

import mlp
from mlp import history_columns
from mlp.history_columns import BLOCK, Column, Seldom


def filled(values: np.ndarray, labels: tuple[str, ...] = ()) -> Column:
    column = Column(values.shape[1:], "", labels)
    column.values.extend(values.ravel().tolist())
    column.steps.extend(range(len(values)))
    return column


def test_losses_of_float32_are_narrow_and_not_changed() -> None:
    values = np.random.default_rng(0).random(2 * BLOCK + 7).astype(np.float32).astype(float)
    column = filled(values)
    column.narrow()
    assert [block.dtype for block in column.old] == [np.float32] * 2
    assert len(column.values) == 7
    for start in (0, 1, BLOCK, 2 * BLOCK + 3):
        np.testing.assert_array_equal(column.array(start), values[start:])


def test_what_is_old_and_much_lies_on_disk_and_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_columns, "IN_MEMORY", 2 * BLOCK * 3 * 4)
    values = np.random.default_rng(0).random((5 * BLOCK + 3, 3)).astype(np.float32).astype(float)
    column = filled(values)
    column.narrow()
    assert [(isinstance(block, np.memmap), len(block) // BLOCK) for block in column.old] == [(True, 2)] * 2 + [
        (False, 1)
    ]
    for found in (column, copy.deepcopy(column), pickle.loads(pickle.dumps(column))):
        np.testing.assert_array_equal(found.array(), values)
        np.testing.assert_array_equal(found.array(4 * BLOCK + 5), values[4 * BLOCK + 5 :])
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda prefix: open("/nowhere/at/all"))  # noqa: SIM115
    column.values.extend(values[:BLOCK].ravel().tolist())
    column.steps.extend(range(BLOCK))
    column.narrow()
    np.testing.assert_array_equal(column.array()[: 5 * BLOCK + 3], values)
    assert not isinstance(column.old[-1], np.memmap)


@pytest.mark.parametrize("odd", [1e-60, 1e60, np.inf])
def test_a_number_that_float32_has_not_keeps_its_block_wide(odd: float) -> None:
    """A gradient that vanishes is not 0: one norm of 1e-60 among 4096 keeps all of them in float64."""
    values = np.random.default_rng(0).random((2 * BLOCK, 2)) + 0.5
    values[5, 1] = odd
    column = filled(values, ("dense1", "dense2"))
    column.narrow()
    assert [block.dtype for block in column.old] == [np.float32 if odd == np.inf else np.float64, np.float32]
    found = column.array()
    assert found[5, 1] == odd
    np.testing.assert_allclose(found, values, rtol=6e-8)


def test_numbers_without_labels_are_narrow_only_if_equal() -> None:
    column = filled(np.full(BLOCK, 0.1))
    column.narrow()
    assert column.old[0].dtype == np.float64
    assert (column.array() == 0.1).all()


def test_what_is_squared_until_it_is_read_is_finished_once() -> None:
    column = filled(np.full((BLOCK - 5, 1), 3.0), ("dense1",))
    column.finish_with(np.sqrt)
    column.values.extend([16.0] * (BLOCK + 9))
    column.steps.extend(range(BLOCK - 5, 2 * BLOCK + 4))
    before = column.array()
    column.narrow()
    np.testing.assert_array_equal(column.array(), before)
    assert set(before[: BLOCK - 5, 0]) == {3.0}
    assert set(before[BLOCK - 5 :, 0]) == {4.0}


def test_a_number_that_seldom_changes_is_read_as_if_it_were_kept_each_time() -> None:
    column, values = Seldom("epochs"), [0, 0, 0, 1, 1, 2, float("nan"), float("nan"), 2, 2]
    put = column.put()
    for step, value in enumerate(values):
        column.steps.append(step)
        put(value)
    np.testing.assert_array_equal(column.array(), values)
    np.testing.assert_array_equal(column.array(4), values[4:])
    np.testing.assert_array_equal(column.settled().array(), values)
    assert len(column.values) < len(values)


def steps(n: int) -> list[int]:
    X, y = np.random.default_rng(0).standard_normal((12, 2)), np.arange(12) % 2
    network = mlp.Network([mlp.Dense(2, 3), mlp.ReLU(), mlp.Dense(3, 2)])
    recorder = mlp.Recorder()
    data = mlp.batches(X, y, 4, rng=0, epochs=10**6)
    for step in recorder.tap(
        mlp.train(network, data, mlp.SoftmaxCrossEntropy(), mlp.Adam(mlp.StepDecay(0.1, every=7)))
    ):
        if step.index == n - 1:
            break
    found = recorder.history
    np.testing.assert_array_equal(found["step"], found.steps("loss"))
    np.testing.assert_array_equal(found["epoch"], found.steps("loss") // 3)
    np.testing.assert_allclose(found["learning_rate"], 0.1 * 0.1 ** (found.steps("loss") // 7))
    return [found.column("loss").values.buffer_info()[1], len(found.column("grad_norm_by_layer").values)]


def test_steps_epochs_and_rates_are_those_of_each_record() -> None:
    assert steps(23) == [23, 46]


def test_a_history_of_a_million_steps_and_twenty_layers_takes_180_mb_at_most() -> None:
    """8 bytes a number were 289 MB. Counted on a tenth of a block's worth, for each column as it grows."""
    labels = tuple(f"dense{i}" for i in range(20))
    column = filled(np.random.default_rng(0).random((4 * BLOCK, 20)), labels)
    column.narrow()
    held = sum(block.nbytes for block in column.old) + 8 * len(column.values)
    by_layer = held / (4 * BLOCK) * 10**6
    rest = (8 + 8) * 10**6 + 2 * by_layer / 7 + 3 * 16 * 10**6 / 7  # losses, steps; two norms and three numbers
    assert by_layer + rest < 180e6
