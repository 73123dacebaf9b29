"""A file that is larger than memory: what is read of it does not stay."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mlp
from mlp.data import Scaling
from mlp.data.blocks import row_blocks, selected
from mlp.preprocessing import Part
from mlp.preprocessing.preprocessing import CELLS

WIDTH = 1 << 14


@pytest.fixture
def mapped(tmp_path: Path) -> Any:
    """A mapped file of 32 MB, most of it holes."""
    with (tmp_path / "X.npy").open("wb") as file:
        np.lib.format.write_array_header_2_0(file, {"descr": "<f4", "fortran_order": False, "shape": (512, WIDTH)})
        file.write(np.arange(WIDTH, dtype=np.float32).tobytes())
        file.truncate(file.tell() + 511 * WIDTH * 4)
    return np.load(tmp_path / "X.npy", mmap_mode="r")


def resident(path: Path) -> int:
    """How many bytes of a mapped file count as memory of this process."""
    maps = re.split(r"\n(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text())
    return sum(int(re.search(r"Rss: +(\d+)", m)[1]) * 1024 for m in maps if str(path) in m.split("\n")[0])  # type: ignore[index]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs /proc")
@pytest.mark.parametrize("rows", [None, np.arange(511, -1, -1)])
def test_no_page_of_a_file_stays_mapped_when_it_is_read_in_blocks(mapped: Any, rows: Any, tmp_path: Path) -> None:
    path, total = tmp_path / "X.npy", 0.0
    for part in row_blocks(*mapped.shape):
        total += selected(mapped, rows, part).sum(dtype=np.float64)
        assert resident(path) == 0
    assert total == WIDTH * (WIDTH - 1) / 2
    assert mapped[:].sum(dtype=np.float64) == total
    assert resident(path) > 30e6, "the measure sees what plain reading leaves"


def test_rows_of_a_view_are_those_of_the_view(mapped: Any) -> None:
    assert selected(mapped[:, 3:5], None, slice(0, 2)).tolist() == [[3, 4], [0, 0]]
    assert type(selected(mapped, None, slice(0, 2))) is np.ndarray


def test_wide_rows_that_stay_on_disk_are_taken_few_at_a_time(mapped: Any) -> None:
    scaling = Scaling(np.zeros(WIDTH), np.full(WIDTH, 2.0))
    blocks = [block.copy() for block in Part(mapped, np.zeros(512), np.arange(512), scaling).blocks(np.float32)]
    assert max(block.size for block in blocks) <= CELLS
    np.testing.assert_array_equal(np.concatenate(blocks), mapped * np.float32(2))


def test_training_from_a_mapped_file_is_training_from_memory(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows, classes = rng.normal(size=(90, 5)).astype(np.float32), rng.integers(0, 2, 90)
    np.save(tmp_path / "X.npy", rows)
    np.save(tmp_path / "y.npy", classes)
    given = {"training": {"epochs": 2, "shuffle": False}, "record": {"probe": "never"}}
    found = mlp.run(given | {"data": {"source": str(tmp_path / "X.npy"), "target": "y.npy"}})
    assert found.network.params.tobytes() == mlp.run(given, (rows, classes)).network.params.tobytes()
