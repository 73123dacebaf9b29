"""The same surroundings for every test, whoever starts it, where and beside what.

One BLAS thread: the networks here are tiny, and two threads on a core that others use wait for each other up to twenty
times as long as they compute. Hypothesis tries the same examples each time: a suite that fails by chance is not read.
`--hypothesis-profile=explore` looks for new ones. OPENBLAS_NUM_THREADS=2 in the environment is left as it is.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ.setdefault(name, "1")  # NumPy reads it when it is loaded, which is later

timeless = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no test is about time
settings.register_profile("mlp", timeless, derandomize=True)
settings.register_profile("explore", timeless)
settings.load_profile("mlp")

# What pytest must not open: the scripts behind the reference files need torch and more, the tests do not.
collect_ignore = [
    "reference/make.py",
    "reference/make_optimizers.py",
    "reference/classic.py",
    "reference/make_state.py",
    "reference/make_runs.py",  # is run by the version that it is about
]


class Said(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`cli("train", "iris")` in an empty folder."""
    from mlp.cli import main

    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            status = int(stop.code or 0)
        return Said(status, *capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium, for the tests of one module."""
    from browser import need_browser, start

    need_browser()
    with start() as found:
        yield found
