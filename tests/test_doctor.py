"""`mlp doctor`: children measure real steps, and one recommendation follows from what they say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mlp
from mlp import doctor
from mlp.cli import main
from mlp.cli.threads import VARIABLES, limit_threads


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A machine whose children say what the test wants: µs of a step by setting; None for one that fails."""
    steps: dict[str, Any] = {"": 100.0}
    monkeypatch.setattr(doctor, "list_settings", lambda: [{"A": name} if name else {} for name in steps])
    monkeypatch.setattr(
        doctor, "_ask_child", lambda setting, *_: steps[setting.get("A", "")] and (steps[setting.get("A", "")], 1.0)
    )
    return steps


def test_the_fastest_setting_is_recommended_with_its_gain_and_how_to_keep_it(machine: dict[str, Any]) -> None:
    machine.update({"1": 50.0, "2": 80.0, "3": None})
    found = doctor.examine_machine((4, 2))
    assert [measured.gain for measured in found.settings] == [1.0, 2.0, 1.25]
    assert "Set A=1: steps are 2.00 times as fast" in found.advice
    assert "export A=1" in found.text()
    assert found.to_json()["advice"] == found.advice


def test_a_gain_below_a_tenth_is_none(machine: dict[str, Any]) -> None:
    """Two measurements of one setting differ by some percent."""
    machine["1"] = 95.0
    assert doctor.examine_machine((4, 2)).advice.startswith("Leave everything as it is")


def test_a_child_says_how_fast_a_real_step_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "SECONDS", 0.0)
    doctor.print_speed([4, 3, 2], 8)
    step, gflops = json.loads(capsys.readouterr().out)
    assert step > 0
    assert gflops > 0


def test_a_kernel_that_the_processor_cannot_run_is_left_out() -> None:
    assert doctor._ask_child({"PYTHONHOME": "/nowhere"}, (2, 2), 4) is None


def test_settings_begin_with_the_present_one() -> None:
    settings = doctor.list_settings()
    assert settings[0] == {}
    assert dict.fromkeys(VARIABLES, "1") in settings
    assert doctor.THREADS == VARIABLES


@pytest.mark.parametrize("widths", ["784", "784-x", "784-0-10", "4-3-1", "-1-2"])
def test_widths_that_are_none_are_refused_in_one_line(widths: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status = main(["doctor", widths])
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_threads_are_set_before_numpy_is_imported() -> None:
    """OpenBLAS reads its variables once: set afterwards they hold for nothing."""
    program = (
        "import os, sys; import mlp.cli; assert 'numpy' not in sys.modules\n"
        "try: mlp.cli.main(['train', '--threads', '3', '--help'])\n"
        "except SystemExit: print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(mlp.__file__).parents[1])}
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert ended.stdout.splitlines()[-1] == "3"


@pytest.mark.parametrize("arguments", [["train", "--threads=2"], ["train", "--threads", "2"]])
def test_both_ways_to_write_an_option_are_read(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "1")
    limit_threads(arguments)
    assert {os.environ[name] for name in VARIABLES} == {"2"}


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5"])
def test_a_number_of_threads_that_is_none_is_refused(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = {name: os.environ.get(name) for name in VARIABLES}
    with pytest.raises(SystemExit) as end:
        main(["train", "xor", f"--threads={number}"])
    assert end.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert {name: os.environ.get(name) for name in VARIABLES} == before


@pytest.mark.parametrize(
    ("threads", "quota", "load", "work", "said"),
    [
        ("8", "200000 100000", 0.0, 10**7, "may use 2 of the processors: --threads 2"),
        ("", "50000 100000", 0.0, 10**7, "may use 0.5 of the processors: --threads 1"),
        ("4", "max 100000", 19.0, 10**7, "busy (load 19, 4 processors): --threads 1"),
        ("4", "max 100000", 2.0, 10**7, ""),
        ("1", "max 100000", 19.0, 10**7, ""),
        ("8", "200000 100000", 19.0, 10**5, ""),
    ],
)
def test_training_says_where_fewer_threads_are_plainly_faster(
    threads: str, quota: str, load: float, work: int, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With two threads on two busy cores a step took 400 times as long as with one; small products take one anyway."""
    from mlp.cli import threads as module

    (tmp_path / "cpu.max").write_text(quota)
    monkeypatch.setattr(module, "GROUP", tmp_path / "cpu.max")
    for name in module.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: range(4), raising=False)
    monkeypatch.setattr(module.os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
    found = module.advise_threads(work)
    assert said in found
    assert bool(found) == bool(said)


@pytest.mark.parametrize(
    ("kernel", "avx512", "work", "is_said"),
    [("Haswell", True, 10**7, True), ("Haswell", False, 10**7, False), ("SkylakeX", True, 10**7, False),
     ("", True, 10**7, False), ("Zen", True, 10**5, False)],
)  # fmt: skip
def test_training_says_where_the_environment_asks_for_older_kernels(
    kernel: str, avx512: bool, work: int, is_said: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that somebody set for equal bits everywhere made large products half as fast, and nobody knew."""
    from mlp.cli import threads as module

    monkeypatch.setenv("OPENBLAS_CORETYPE", kernel)
    monkeypatch.setattr(module, "_has_avx512", lambda: avx512)
    assert (kernel in module.advise_kernels(work)) == is_said or not kernel
    assert bool(module.advise_kernels(work)) == is_said
