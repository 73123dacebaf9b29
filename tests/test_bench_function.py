"""`mlp.bench`: names and objects, in this process and in others, in a folder and without one."""

from __future__ import annotations

import importlib
import json
import pickle
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from sweeping import Halved, bowl

import mlp
from mlp.errors import ConfigError, DataError, HyperparameterError, MLPError
from mlp.optimizer_bench import OptimizerComparison, parse_bench_settings, run_protocol
from mlp.optimizer_bench.own_parts import hash_part
from mlp.problems import PROBLEMS, Problem, function_problem, problem_named
from mlp.sweep import ProcessPool, identity

SHORT: dict[str, Any] = {"seeds": 2, "tuning_seeds": 2, "rates": 3, "epochs": 10}
BOWL = function_problem("bowl", bowl, [(-1, 1)] * 3)


def runs(found: OptimizerComparison) -> Any:
    """What every run came to, by problem and in the order of the rules."""
    return [(problem, cell.rates, cell.tuning, cell.members) for (problem, _), cell in found.cells.items()]


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPool]:
    with ProcessPool(1) as found:
        yield found


def test_bench_is_a_function_after_everything_was_imported() -> None:
    """A module of that name would take its place as soon as somebody imports it."""
    for module in pkgutil.walk_packages(mlp.__path__, "mlp."):
        if "__main__" not in module.name and ".files" not in module.name:
            importlib.import_module(module.name)
    found = mlp.bench("sgd", "xor", **SHORT)
    assert [(row.problem, row.rule, row.n) for row in found.rows()] == [("xor", "sgd", 2)]


def test_it_finds_what_the_command_finds() -> None:
    settings = parse_bench_settings({"bench": {"optimizers": ["sgd", "lbfgs"], "problems": ["xor"], **SHORT}})
    cells: Any = {}
    list(run_protocol(settings, cells))
    assert runs(mlp.bench(["sgd", "lbfgs"], ["xor"], **SHORT)) == runs(OptimizerComparison(cells))


def test_a_rule_as_an_object_is_the_rule_of_that_name() -> None:
    assert runs(mlp.bench(mlp.Momentum(), "xor", **SHORT)) == runs(mlp.bench("momentum", "xor", **SHORT))


def test_the_learning_rates_are_around_the_rules_own_and_its_other_keys_stay() -> None:
    """ "adam" with beta1 = 0.5 in a table, and its learning rate in the middle of three in four decades."""
    settings = parse_bench_settings(
        {
            "bench": {"optimizers": ["adam"], "problems": ["xor"], **SHORT},
            "optimizers": {"adam": {"beta1": 0.5, "learning_rate": [0.0005, 0.05, 5.0]}},
        }
    )
    cells: Any = {}
    list(run_protocol(settings, cells))
    assert runs(mlp.bench(mlp.Adam(0.05, beta1=0.5), "xor", **SHORT)) == runs(OptimizerComparison(cells))


def test_two_rules_of_one_class_have_names_of_their_own() -> None:
    found = mlp.bench({"plain": mlp.SGD(0.1), "half": Halved(0.1)}, "xor", **SHORT)
    assert list(found.cells) == [("xor", "plain"), ("xor", "half")]


def test_learning_rates_may_be_listed_for_all_or_for_each() -> None:
    tried = {
        rule: cell.rates
        for (_, rule), cell in mlp.bench(["sgd", "lbfgs"], "xor", **SHORT | {"rates": [1, 0.1]}).cells.items()
    }
    assert tried == {"sgd": [0.1, 1], "lbfgs": [None]}
    each = mlp.bench(["sgd", "adam"], "xor", **SHORT | {"rates": {"adam": [0.3]}, "tuning_seeds": 1}).cells
    assert each["xor", "adam"].rates == [0.3]
    assert each["xor", "sgd"].rates == [0.1]


def test_a_schedule_stays_as_it_is() -> None:
    (cell,) = mlp.bench(mlp.SGD(mlp.Cosine(0.5, steps=10)), "xor", **SHORT).cells.values()
    assert cell.rates == [None]
    assert not cell.error
    assert len(cell.members) == 2


def test_own_parts_in_another_process_come_to_what_they_come_to_here(pool: ProcessPool) -> None:
    changed = replace(PROBLEMS["xor"], name="short xor", every=2)
    asked = ([Halved(0.2), "sgd"], [BOWL, changed])
    here = mlp.bench(*asked, **SHORT)
    assert runs(mlp.bench(*asked, **SHORT, executor=pool)) == runs(here)
    halves, whole = (here.cells["bowl", rule].members for rule in ("Halved", "sgd"))
    assert halves != whole


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_problem_can_travel_in_a_changed_copy(name: str) -> None:
    copy = pickle.loads(pickle.dumps(replace(PROBLEMS[name], epochs=1)))
    mine, theirs = PROBLEMS[name].begin(1, 0, False), copy.begin(1, 0, False)
    np.testing.assert_array_equal(mine.params, theirs.params)


def test_a_class_of_a_notebook_trains_here_and_is_refused_elsewhere_in_one_line(
    pool: ProcessPool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A notebook's classes are found by `pickle` here, in `__main__`; no other process has them, and they have no file.

    The worker was killed by what it could not make, four times, and the sweep ended in a traceback.
    """
    notebook = ModuleType("notebook_of_a_test")
    monkeypatch.setitem(sys.modules, notebook.__name__, notebook)
    rule = dataclass(frozen=True)(type("Mine", (mlp.SGD,), {"__module__": notebook.__name__}))
    notebook.Mine = rule  # type: ignore[attr-defined]
    assert mlp.bench(rule(), "xor", **SHORT).rows()[0].rule == "Mine"
    with pytest.raises(ConfigError, match="cannot make Mine: No module named 'notebook_of_a_test'") as refused:
        mlp.bench(rule(), "xor", **SHORT, executor=pool, out=tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"stands in no file.*leave out the folder") as unkept:
        mlp.bench(rule(), "xor", **SHORT, out=tmp_path / "here")
    assert "\n" not in f"{refused.value}{unkept.value}"
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_pickled_is_refused_before_a_worker_sees_it(pool: ProcessPool) -> None:
    problem = function_problem("nameless", lambda params, out: bowl(params, out), [(-1, 1)])
    assert mlp.bench("sgd", problem, **SHORT).rows()[0].n == 2
    with pytest.raises(ConfigError, match=r"another process cannot make nameless: .*lambda.*Define it in a file"):
        mlp.bench("sgd", problem, **SHORT, executor=pool)


# the folder


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plots, which take longer than all the rest."""
    monkeypatch.setattr("mlp.optimizer_bench.compare_optimizers.draw_plots", lambda cells, folder: None)


@pytest.mark.usefixtures("undrawn")
def test_the_same_call_goes_on_and_a_changed_rule_runs_anew(tmp_path: Path) -> None:
    journal = tmp_path / "trials.jsonl"
    first = mlp.bench([Halved(0.2), "sgd"], BOWL, **SHORT, out=tmp_path)
    assert {"bench.toml", "trials.jsonl", "summary.csv", "results.csv"} <= {path.name for path in tmp_path.iterdir()}
    whole = journal.read_bytes()
    assert runs(mlp.bench([Halved(0.2), "sgd"], BOWL, **SHORT, out=tmp_path)) == runs(first)
    assert journal.read_bytes() == whole
    mlp.bench([replace(Halved(0.2), learning_rate=0.3), "sgd"], BOWL, **SHORT, out=tmp_path)
    fresh = [json.loads(line)["trial"] for line in journal.read_bytes()[len(whole) :].splitlines()]
    assert {trial["rule"] for trial in fresh} == {"Halved"}


def test_a_fingerprint_changes_with_the_numbers_and_with_the_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the code is that of a function inside an object of the package's."""
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "code_of_a_test.py"
    file.write_text("def f(params, out):\n    return params.sum(-1)\n")
    code = importlib.import_module("code_of_a_test")
    names = [hash_part(function_problem("f", code.f, [(-1, high)])) for high in (1, 1, 2)]
    assert names[0] == names[1] != names[2]
    file.write_text(file.read_text() + "# changed\n")
    assert hash_part(function_problem("f", code.f, [(-1, 1)])) != names[0]
    monkeypatch.delitem(sys.modules, "code_of_a_test")


@pytest.mark.usefixtures("undrawn")
def test_trials_have_the_names_that_version_0_1_0_gave_them(tmp_path: Path) -> None:
    """A journal is read by the names of its trials: with others a bench of before would begin again."""
    mlp.bench("lbfgs", "xor", **SHORT, together=1, out=tmp_path)
    trials = [json.loads(line)["trial"] for line in (tmp_path / "trials.jsonl").read_text().splitlines()[1:]]
    assert [identity(trial) for trial in trials] == [
        f'{{"data":null,"epochs":10,"keys":{{}},"kind":"{kind}","order":{seed},"problem":"xor","rates":[null],'
        f'"rule":"lbfgs","seeds":[{seed}]}}'
        for kind, seed in (("fresh", 0), ("fresh", 1), ("pace", 0))
    ]


# what cannot be


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"optimizers": "addam"}, KeyError, "Did you mean 'adam'"),
        ({"optimizers": mlp.Dense}, HyperparameterError, "a name or an object of class Optimizer"),
        ({"optimizers": 3}, HyperparameterError, "optimizers = 3 cannot be"),
        ({"optimizers": []}, ConfigError, "optimizers = .. cannot be. Allowed: a list of names"),
        ({"optimizers": ["sgd", "sgd"]}, ConfigError, "'sgd' is there twice"),
        ({"optimizers": [mlp.SGD(), mlp.SGD(0.2)]}, ConfigError, "'SGD' is there twice. Give a dict"),
        ({"optimizers": {"sgd": mlp.SGD(0.2)}}, ConfigError, "'sgd' is a name of the package"),
        ({"optimizers": {"plain": "sgd"}}, HyperparameterError, "optimizers = 'sgd' cannot be"),
        ({"problems": "xro"}, KeyError, "Did you mean 'xor'"),
        ({"problems": Problem}, HyperparameterError, "a name or an object of class Problem"),
        ({"problems": replace(PROBLEMS["xor"], epochs=3)}, ConfigError, "'xor' is a name of the package"),
        ({"seeds": 0}, ConfigError, r"mlp.bench, \[bench\] seeds = 0 cannot be"),
        ({"rates": []}, ConfigError, "leaves nothing to try"),
        ({"rates": [0.1, -1]}, ConfigError, "learning_rate = -1.0 cannot be"),
        ({"rates": {"lbfgs": [0.1]}, "optimizers": "lbfgs"}, ConfigError, "has no key 'learning_rate'"),
        ({"data": 3}, ConfigError, "data = 3 cannot be. Allowed: the path of a folder"),
        ({"jobs": 0}, HyperparameterError, "jobs = 0 cannot be"),
        ({"search": "walk"}, ConfigError, "grid | random"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(changes: dict[str, Any], error: Any, words: str) -> None:
    with pytest.raises(MLPError, match=words) as refused:
        mlp.bench(**{"optimizers": "sgd", "problems": "xor", **SHORT, **changes})
    assert isinstance(refused.value, error)


def test_the_class_of_a_rule_will_do_and_a_comparison_is_one_line() -> None:
    """Its repr was "OptimizerComparison()"."""
    found = mlp.bench([mlp.SGD, "rprop"], "xor", **SHORT)
    assert [rule for _, rule in found.cells] == ["SGD", "rprop"]
    assert re.fullmatch(r"<OptimizerComparison of 2 rules; best: (SGD|rprop) on xor>", repr(found))
    assert "no trial is finished" in repr(type(found)())


def test_a_problem_of_the_package_may_be_given_as_an_object() -> None:
    assert list(mlp.bench("sgd", [PROBLEMS["xor"], problem_named("parity-2")], **SHORT).cells) == [
        ("xor", "sgd"),
        ("parity-2", "sgd"),
    ]


@pytest.mark.usefixtures("undrawn")
def test_what_is_found_has_tables_profiles_and_files(tmp_path: Path) -> None:
    found = mlp.bench(["sgd", "rprop"], "xor", **SHORT)
    assert found.text().startswith("xor: train_loss; solved: train_solved ≥ 1\n")
    assert set(found.profiles()) == {"sgd", "rprop"}
    assert "report.html" in found.save(tmp_path / "new")
    assert (tmp_path / "new" / "summary.csv").is_file()
