"""Parts that the package does not have: in runs, estimators and comparisons, from a file, and what is refused."""

from __future__ import annotations

import pickle
import runpy
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import cases
import numpy as np
import pytest

import mlp
from mlp.cli import main
from mlp.config import own_parts, parse, read_parts
from mlp.config.own_parts import origin
from mlp.diagnosis import DETECTORS
from mlp.errors import ConfigError, ContractError, HyperparameterError, MLPError, UnknownNameError
from mlp.instruments import DETAILED
from mlp.optimizer_bench.own_parts import OwnParts, receive, send
from mlp.sweep import ProcessPool

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("1*_own_*.py"))


@dataclass
class AverageState(mlp.State):
    m: np.ndarray


@dataclass(frozen=True)
class Average(mlp.Optimizer):
    """u = -η m, m ← β m + g."""

    learning_rate: float = 0.05
    beta: float = 0.5
    mix: tuple[float, ...] = (1.0, 0.0)

    def init(self, params: np.ndarray) -> AverageState:
        return AverageState(mlp.pace(self, params), np.zeros_like(params))

    def update(self, at: mlp.Evaluation, state: AverageState, out: np.ndarray) -> None:
        state.m *= self.beta
        state.m += at.grad * self.mix[0]
        np.multiply(state.m, -state.pace.next(at.loss), out=out)


@dataclass
class HeavyState(AverageState):
    """The same, of another kind."""


class Heavy(Average):
    def init(self, params: np.ndarray) -> AverageState:
        return HeavyState(mlp.pace(self, params), np.zeros_like(params))


@dataclass(frozen=True)
class Bent(mlp.Activation):
    """y = tanh(bx)."""

    b: float = 1.0

    def forward(self, params: np.ndarray, x: mlp.Nodes, y: mlp.Nodes, scratch: Any) -> None:
        np.tanh(self.b * x.values, out=y.values)

    def slope(self, x: np.ndarray, y: np.ndarray, scratch: Any, out: np.ndarray) -> None:
        out[...] = self.b * (1 - y * y)


@dataclass(frozen=True)
class Quartic(mlp.Pointwise):
    """p = ½d² + cd⁴, d = z - t."""

    c: float = 0.1

    def point(self, z: np.ndarray, t: np.ndarray) -> np.ndarray:
        return np.asarray(0.5 * (z - t) ** 2 + self.c * (z - t) ** 4)

    def slope(self, z: np.ndarray, t: np.ndarray, out: np.ndarray) -> None:
        out[...] = (z - t) + 4 * self.c * (z - t) ** 3


@dataclass(frozen=True)
class Perceptron(mlp.Labelled):
    """max(0, largest wrong output - right output): scores, no probabilities."""

    def value(self, output: Any, target: Any, weights: Any) -> Any:
        return self.value_and_grad(output, target, weights, np.empty_like(output))

    def value_and_grad(self, output: Any, target: Any, weights: Any, d_output: Any) -> Any:
        right = np.arange(output.shape[-2])[:, None] == target
        wrong = np.where(right, -np.inf, output)
        worst = wrong == wrong.max(-2, keepdims=True)
        margin = wrong.max(-2) - np.where(right, output, 0).sum(-2)
        share = np.full(len(target), 1 / len(target)) if weights is None else weights / weights.sum()
        d_output[...] = (worst.astype(float) - right) * (margin > 0)[..., None, :] * share
        return (np.maximum(margin, 0) * share).sum(-1)


@dataclass(frozen=True)
class HighLoss(mlp.Detector):
    """The latest loss is above a limit."""

    limit: float = 0.0

    needs = ("loss",)

    def __call__(self, r: Any) -> Iterator[mlp.Finding]:
        if r.loss[-1] > self.limit:
            yield mlp.Finding("high_loss", "info", "The loss is high.")


HALF = mlp.Instrument("half_loss", lambda step: step.loss / 2)
IRIS = mlp.data.load("iris")
ROWS = (IRIS.X[::3], IRIS.y[::3])
PLAIN: dict[str, Any] = {"training": {"epochs": 4}, "record": {"baseline": "never"}}


def experiment(**sections: Any) -> dict[str, Any]:
    """A short run on some rows of iris."""
    return {name: {**PLAIN.get(name, {}), **sections.get(name, {})} for name in {**PLAIN, **sections}}


def everything() -> dict[str, Any]:
    """An experiment whose parts are all from here."""
    return experiment(
        optimizer={"name": Average(0.02, mix=(0.5, 0.5))},
        network={"hidden": [8, 8], "activation": [Bent(0.7), "relu"]},
        loss={"name": Quartic},
        record={"instruments": [HALF, "activation_mean"], "detectors": [HighLoss]},
    )


# in experiments


def test_a_run_takes_parts_that_the_package_does_not_have() -> None:
    run = mlp.run(everything(), ROWS)
    assert (run.config.optimizer.name, run.config.loss.name) == ("average", "quartic")
    assert run.config.optimizer.own == {"learning_rate": 0.02, "beta": 0.5, "mix": [0.5, 0.5]}
    assert run.network.layers[1] == Bent(0.7, n_in=8)
    np.testing.assert_array_equal(run.history["half_loss"], run.history["loss"] / 2)
    assert "activation_mean" in run.history
    assert "high_loss" in {finding.kind for finding in run.findings}


def test_a_twin_of_a_part_of_the_package_trains_bit_for_bit_as_that_part() -> None:
    """With β = 0 `Average` is SGD, and `Bent` is tanh; a schedule and all wrappers are put around both alike."""
    around = {
        "learning_rate": 0.05,
        "schedule": "cosine",
        "clip_norm": 1.0,
        "average": 0.9,
        "lookahead": 3,
        "sam": 0.01,
    }
    mine = experiment(optimizer={"name": Average(beta=0.0), **around}, network={"activation": Bent()})
    theirs = experiment(optimizer={"name": "sgd", **around}, network={"activation": "tanh"})
    np.testing.assert_array_equal(mlp.run(mine, ROWS).network.params, mlp.run(theirs, ROWS).network.params)


def test_objects_of_the_package_stand_for_its_names_and_keys() -> None:
    given = {
        "optimizer": {"name": mlp.Momentum(0.3)},
        "network": {"activation": [mlp.LeakyReLU(0.2), mlp.Tanh]},
        "loss": {"name": mlp.SoftmaxCrossEntropy(0.1)},
    }
    found = parse(given).to_dict()
    assert (found["optimizer"]["name"], found["optimizer"]["learning_rate"]) == ("momentum", 0.3)
    assert found["network"]["activation"] == [{"name": "leaky_relu", "negative_slope": 0.2}, "tanh"]
    assert (found["loss"]["name"], found["loss"]["label_smoothing"]) == ("cross_entropy", 0.1)
    assert "own_parts" not in found


@pytest.mark.parametrize(("loss", "certain"), [(Quartic(), True), (Perceptron(), False)])
def test_a_loss_of_ones_own_learns_classes(loss: mlp.Loss, certain: bool) -> None:
    run = mlp.run(experiment(loss={"name": loss}, training={"epochs": 40}), (IRIS.X, IRIS.y))
    assert run.metrics["train_accuracy"] > 0.9
    assert run.model.head.certain == certain


def test_a_labelled_loss_is_refused_for_numbers() -> None:
    with pytest.raises(ConfigError, match="'perceptron' is for classes, one for each row, and the task is regression"):
        mlp.run(experiment(loss={"name": Perceptron()}), (IRIS.X, IRIS.X[:, 0]))


def test_restarts_and_repair_take_a_rule_of_ones_own() -> None:
    bad = experiment(optimizer={"name": Average(300.0)}, training={"restarts": 2, "epochs": 10})
    repair = mlp.repair(bad, ROWS)
    assert repair.before.config.optimizer.name == "average"
    assert repair.trials


# files


def write(folder: Path, text: str, name: str = "parts.py") -> str:
    """A file with parts."""
    path = folder / name
    path.write_text(f"from dataclasses import dataclass\nimport numpy as np\nimport mlp\n{text}", encoding="utf-8")
    return str(path)


RULE = """
@dataclass(frozen=True)
class HalfStep(mlp.Optimizer):
    '''Half of what SGD does.'''
    learning_rate: float = 0.1
    def init(self, params):
        return mlp.State(mlp.pace(self, params))
    def update(self, at, state, out):
        np.multiply(at.grad, -0.5 * state.pace.next(at.loss), out=out)
"""
ACTIVATION = """
@dataclass(frozen=True)
class Wave(mlp.Activation):
    def forward(self, params, x, y, scratch):
        np.sin(x.values, out=y.values)
    def slope(self, x, y, scratch, out):
        np.cos(x, out=out)
"""
TRAIN = ["train", "iris", "--set", "training.epochs=3", "--set", "record.baseline=never"]


def test_a_command_knows_what_a_file_defines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`config.toml` keeps names, keys and the file's hash. Without the file it is named; a changed one is said."""
    file, folder = write(tmp_path, RULE + ACTIVATION), str(tmp_path / "run")
    named = ["--set", "optimizer.name=HalfStep", "--set", "network.activation=wave"]
    assert main([*TRAIN, *named, "--use", file, "-o", folder]) == 0
    digest = sha256(Path(file).read_bytes()).hexdigest()
    assert f'half_step = {{file = "parts.py", sha256 = "{digest}"}}' in (tmp_path / "run/config.toml").read_text()
    capsys.readouterr()
    for command in (["evaluate", folder, "iris"], ["resume", folder, "--epochs", "5"]):
        assert main(command) == 2
        assert f"needs wave from parts.py (SHA-256 {digest}). Add --use parts.py" in capsys.readouterr().err
        assert main([*command, "--use", file]) == 0
    write(tmp_path, RULE + ACTIVATION + "# changed")
    capsys.readouterr()
    assert main(["evaluate", folder, "iris", "--use", file]) == 0
    assert capsys.readouterr().err == f"mlp: parts.py has changed since {folder} was trained: answers may be others.\n"
    assert main(["resume", folder, "--epochs", "6", "--use", file]) == 2
    assert "has changed since the run began" in capsys.readouterr().err


def test_a_run_whose_answers_need_no_part_is_evaluated_without_the_file(tmp_path: Path) -> None:
    run = mlp.run(experiment(optimizer={"name": "half_step"}), ROWS, tmp_path / "run", use=write(tmp_path, RULE))
    again = mlp.load_run(tmp_path / "run")
    np.testing.assert_array_equal(again.predict(IRIS.X), run.predict(IRIS.X))
    assert again.config == run.config


def test_a_stopped_run_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole = mlp.run(experiment(optimizer={"name": Average()}, training={"epochs": 8}), ROWS)
    mlp.run(experiment(optimizer={"name": Average()}, training={"epochs": 5}), ROWS, tmp_path / "run")
    with pytest.raises(ConfigError, match=r"needs average from test_own_parts\.py"):
        mlp.resume(tmp_path / "run", 8, ROWS)
    again = mlp.resume(tmp_path / "run", 8, ROWS, use=Average)
    np.testing.assert_array_equal(again.network.params, whole.network.params)


def test_what_a_notebook_defines_is_asked_for_as_a_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = ModuleType("notebook_of_a_test")
    monkeypatch.setitem(sys.modules, notebook.__name__, notebook)
    kind = dataclass(frozen=True)(type("Curved", (Bent,), {"__module__": notebook.__name__}))
    run = mlp.run(experiment(network={"activation": kind(2.0)}), ROWS, tmp_path / "run")
    with pytest.raises(ConfigError, match=r"a notebook or session defined and no file holds.*use=\[\.\.\.\]"):
        mlp.load_run(tmp_path / "run")
    np.testing.assert_array_equal(mlp.load_run(tmp_path / "run", use=kind).predict(IRIS.X), run.predict(IRIS.X))


BAD = {
    "nothing": ("x = 1\n", "defines no part"),
    "syntax": ("def f(:\n", "line 4: this is not Python"),
    "error": ("\nraise RuntimeError('no\\nway')\n", "line 5: RuntimeError: no way"),
    "import": ("import nowhere_at_all\n", "line 4: ModuleNotFoundError"),
    "exit": ("raise SystemExit('bye')\n", "SystemExit: bye"),
    "name": (RULE.replace("HalfStep", "Adam"), "the package has the optimizer 'adam'"),
    "twice": (RULE + RULE.replace("HalfStep", "Half_Step"), "two parts of the name 'half_step'"),
    "plain": (RULE.replace("@dataclass(frozen=True)", ""), "HalfStep is no dataclass"),
    "null": ("\0", "not Python"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_defines_no_part_is_refused_in_one_line(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, needle = BAD[kind]
    assert main([*TRAIN, "--use", write(tmp_path, text), "-o", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert needle in said
    assert said.count("\n") == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("path", ["missing.py", ".", "table.csv"])
def test_what_is_no_python_file_is_refused_in_one_line(
    path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    assert main([*TRAIN, "--use", str(tmp_path / path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("line", ["use = 'parts.py'", "[optimizer]\nuse = 'parts.py'", "[record]\nuse = ['parts.py']"])
def test_an_experiment_file_runs_no_code(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "parts.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    (tmp_path / "exp.toml").write_text(line)
    assert main([*TRAIN, "-c", str(tmp_path / "exp.toml")]) == 2
    assert "a stranger's file must not run code" in capsys.readouterr().err
    (tmp_path / "bench.toml").write_text(line.replace("optimizer", "bench").replace("record", "bench"))
    assert main(["bench", "-c", str(tmp_path / "bench.toml")]) == 2
    assert "a stranger's file must not run code" in capsys.readouterr().err
    assert not (tmp_path / "ran").exists()


def test_a_part_that_fails_while_it_trains_is_named_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path, RULE.replace("np.multiply(", "[][1], np.multiply("))
    assert main([*TRAIN, "--use", file, "--set", "optimizer.name=half_step", "-o", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err.endswith("line 12: IndexError: list index out of range\n")


def test_a_name_that_is_nearly_one_of_ones_own_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'half_step'"):
        mlp.run(experiment(optimizer={"name": "halfstep"}), ROWS, use=write(tmp_path, RULE))


@pytest.mark.parametrize(
    ("sections", "needle"),
    [
        ({"optimizer": {"name": Average(mlp.Cosine(0.1, 10))}}, "contains a schedule"),
        ({"optimizer": {"name": mlp.SAM(mlp.SGD(0.1), 0.1)}}, "a name, or one of"),
        ({"optimizer": {"name": Average, "gamma": 1}}, "has no key 'gamma'"),
        ({"optimizer": {"name": Quartic()}}, "a name, or one of"),
        ({"network": {"activation": np.tanh}}, "cannot be"),
        ({"record": {"instruments": ["no_such"]}}, "no_such"),
    ],
)
def test_what_is_no_such_part_is_refused(sections: Any, needle: str) -> None:
    with pytest.raises(MLPError, match=needle) as caught:
        mlp.run(experiment(**sections), ROWS)
    assert "\n" not in str(caught.value)


def test_use_takes_parts_and_nothing_else() -> None:
    with pytest.raises(HyperparameterError, match=r"a class of mlp\.Optimizer"):
        read_parts([3])
    assert set(read_parts([Average, HALF]).of(own_parts.RULE)) == {"average"}
    assert origin(Average)["file"] == "test_own_parts.py"


# estimators


def test_an_estimator_takes_parts_and_can_be_copied_stored_and_searched() -> None:
    base = pytest.importorskip("sklearn.base")
    search = pytest.importorskip("sklearn.model_selection")
    given = mlp.MLPClassifier(
        [8], Bent(0.5), optimizer=Average(0.05), loss=Quartic(), restarts=2, epochs=3, random_state=0
    )
    first = base.clone(given).fit(*ROWS)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(first)).predict(IRIS.X), first.predict(IRIS.X))
    assert first.get_params()["optimizer"] == Average(0.05)
    assert first.set_params(warm_start=True).fit(*ROWS).n_iter_ == 6
    portions = mlp.MLPClassifier([8], [Bent()], optimizer=Average(0.05), random_state=0)
    assert portions.partial_fit(*ROWS, classes=[0, 1, 2]).partial_fit(*ROWS).n_iter_ == 2
    grid = {"optimizer": [Average(0.01), "adam"], "activation": [Bent(), "relu"]}
    found = search.GridSearchCV(mlp.MLPClassifier([4], epochs=1, random_state=0), grid, cv=2).fit(*ROWS)
    assert len(found.cv_results_["params"]) == 4


def test_a_class_that_was_defined_anew_does_not_go_on_with_the_memory_of_the_old_one() -> None:
    """As in a notebook: the same name and keys, and a state of another kind."""
    kinds = [type("Cell", (Average,), {"init": init}) for init in (Average.init, Heavy.init)]
    estimator = mlp.MLPClassifier([4], optimizer=kinds[0](0.05), epochs=2, warm_start=True, random_state=0).fit(*ROWS)
    estimator.set_params(optimizer=kinds[1](0.05)).fit(*ROWS)
    assert type(estimator._trained.memory) is HeavyState


# comparisons


def test_a_worker_makes_the_parts_of_a_file_from_its_text(tmp_path: Path) -> None:
    """The file is gone when the worker starts: it gets the text."""
    file = write(tmp_path, RULE + "bowl = mlp.function_problem('my_bowl', lambda p, out: 0, [(-1, 1)])\n")
    parts = read_parts(file)
    Path(file).unlink()
    asked: dict[str, Any] = {"seeds": 2, "tuning_seeds": 1, "rates": 1, "epochs": 5, "use": parts}
    here = mlp.bench(["HalfStep", "sgd"], "xor", **asked)
    with ProcessPool(1) as pool:
        there = mlp.bench(["HalfStep", "sgd"], "xor", executor=pool, **asked)
    assert [cell.members for cell in there.cells.values()] == [cell.members for cell in here.cells.values()]
    sent = send(OwnParts({"half_step": parts.parts[0]}), ProcessPool(1))
    assert receive(sent).rules["half_step"] is parts.parts[0]


def test_keys_of_a_table_go_to_a_rule_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = write(tmp_path, RULE), tmp_path / "bench"
    (tmp_path / "bench.toml").write_text(
        "[bench]\noptimizers = ['half_step']\nproblems = ['xor']\nseeds = 1\nepochs = 3\n"
        "[optimizers.half_step]\nlearning_rate = 0.5\n"
    )
    command = ["bench", "-c", str(tmp_path / "bench.toml"), "-o", str(folder), "--jobs", "1"]
    assert main(command) == 2
    assert "no optimizer 'half_step'" in capsys.readouterr().err
    assert main([*command, "--use", file]) == 0
    assert "half_step   0.5" in capsys.readouterr().out


# the contract


@pytest.mark.parametrize("part", [Average(), Bent(0.5), Quartic(), Perceptron()], ids=lambda part: type(part).__name__)
def test_parts_from_outside_are_held_to_the_contract(part: Any) -> None:
    mlp.check_part(part)


PACKAGE: list[tuple[Any, Any]] = [
    *((part, None) for part in (cases.RULES | cases.LAYERS | cases.SEARCHING).values()),
    *(
        (case.loss, cases.target(case.target, 7, case.n_out, np.random.default_rng(0)))
        for case in cases.LOSSES.values()
    ),
]


@pytest.mark.parametrize(("part", "target"), PACKAGE, ids=lambda value: type(value).__name__)
def test_the_parts_of_the_package_keep_the_contract_that_others_are_held_to(part: Any, target: Any) -> None:
    mlp.check_part(part, target)


class WrongRule(Average):
    def update(self, at: mlp.Evaluation, state: AverageState, out: np.ndarray) -> None:
        grad = at.grad
        grad *= 2
        super().update(at, state, out)


class Uphill(Average):
    def update(self, at: mlp.Evaluation, state: AverageState, out: np.ndarray) -> None:
        super().update(at, state, out)
        out *= -1


class Mixing(Average):
    def update(self, at: mlp.Evaluation, state: AverageState, out: np.ndarray) -> None:
        super().update(at, state, out)
        out /= 1 + np.linalg.norm(at.grad)


class WrongSlope(Bent):
    def slope(self, x: np.ndarray, y: np.ndarray, scratch: Any, out: np.ndarray) -> None:
        out[...] = 1 - y


class WrongLoss(Quartic):
    def slope(self, z: np.ndarray, t: np.ndarray, out: np.ndarray) -> None:
        out[...] = z - t


class Uncounted(Average):
    def update(self, at: mlp.Evaluation, state: AverageState, out: np.ndarray) -> None:
        np.multiply(at.grad, -self.learning_rate, out=out)


class Unscheduled(Average):
    def update(self, at: mlp.Evaluation, state: AverageState, out: np.ndarray) -> None:
        state.pace.next(at.loss)
        np.multiply(at.grad, -0.1, out=out)


class Loose(mlp.Optimizer):
    def update(self, at: mlp.Evaluation, state: Any, out: np.ndarray) -> None:
        np.multiply(at.grad, -state.pace.next(at.loss), out=out)


class Quiet(mlp.Detector):
    needs = ("loss",)


class Named(Quiet):
    kinds: ClassVar[Any] = {"named": "something"}

    def __call__(self, r: Any) -> Any:
        yield mlp.Finding("unnamed", "info", "It is so.")


class Fragile(Named):
    def __call__(self, r: Any) -> Any:
        yield self.finding("info", f"The loss is {int(r.loss[-1])}.", {})


class Mute(mlp.diagnosis.KnownCause):
    name, meaning = "mute", "it says no remedy"


class Advised(Named):
    causes = (Mute(),)


def nudge(step: mlp.Step) -> float:
    step.network.params[0] += 1e-9
    return 0.0


FAULTS: list[tuple[Any, str]] = [
    (Uncounted(), "state.t is 0 after 5 updates"),
    (Unscheduled(), "a schedule changes nothing"),
    (Loose(), "it is no dataclass"),
    (Quiet(), "kinds is missing"),
    (Quiet, "kinds is missing"),
    (Named(), "it yields 'unnamed'"),
    (Fragile(), "raises ValueError where its columns are NaN"),
    (Advised(), "the cause Mute must say its name, its meaning and its remedy"),
    (mlp.Instrument("nudge", nudge), "nudge: it changes the training"),
    (mlp.Instrument("broken", lambda step: step.nothing), "broken: it raises AttributeError"),
    (mlp.Instrument("endless", lambda step: np.inf), "endless: it gives what is no finite number"),
    (WrongRule(), "writes to at.params or at.grad"),
    (Uphill(), "does not go down"),
    (Mixing(), "three vectors at once"),
    (WrongSlope(), "backward is not the gradient"),
    (WrongLoss(), "does not write ∂L/∂output"),
]


@pytest.mark.parametrize(("part", "needle"), FAULTS, ids=lambda case: type(case).__name__)
def test_a_fault_is_named(part: Any, needle: str) -> None:
    with pytest.raises(ContractError, match=needle):
        mlp.check_part(part)


@pytest.mark.parametrize("part", [*DETECTORS, *DETAILED], ids=lambda part: getattr(part, "name", type(part).__name__))
def test_detectors_and_instruments_of_the_package_keep_their_contract_too(part: Any) -> None:
    mlp.check_part(part)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_file_to_use(path: Path) -> None:
    """Each example names what it defines, and defines it without training anything."""
    assert read_parts(str(path)).parts
    assert runpy.run_path(str(path))["__doc__"].startswith("Write your own ")


class Loud(mlp.Detector):
    """It finds something in every run."""

    kinds: ClassVar[Any] = {"loud": "there are losses"}
    needs = ("loss",)

    def __call__(self, r: Any) -> Iterator[mlp.Finding]:
        yield self.finding("info", f"There are {len(r.loss)} losses.", {})


def test_a_class_does_wherever_an_object_does() -> None:
    """mlp.run took the class of a rule, and MLPClassifier, mlp.bench and mlp.diagnose refused it."""
    for kind, name in ((Average, "average"), (mlp.SGD, "sgd")):
        mlp.MLPClassifier(optimizer=kind, epochs=1).fit(*ROWS)
        run = mlp.run({"optimizer": {"name": kind}, "training": {"epochs": 1}}, ROWS)
        assert run.config.optimizer.name == name
    mlp.MLPRegressor(loss=Quartic, activation=Bent, epochs=1).fit(IRIS.X, IRIS.X[:, 0])
    assert mlp.diagnose({"loss": [1.0, 0.5]}, [Loud])[0].kind == "loud"


@pytest.mark.parametrize("given", ["Loud", ["Loud"], "one", "class"])
def test_one_detector_needs_no_list(given: Any) -> None:
    given = {"one": Loud(), "class": Loud}.get(given, given) if isinstance(given, str) else given
    config = {"record": {"detectors": given}, "training": {"epochs": 1}}
    assert "loud" in {f.kind for f in mlp.run(config, ROWS, use=[Loud]).findings}


def test_an_unknown_detector_says_that_the_package_has_none_to_name() -> None:
    """It ended in "Known: ."."""
    with pytest.raises(ConfigError, match=r"no detector 'lod'. Known: none; --use FILE brings some"):
        mlp.run({"record": {"detectors": "lod"}}, ROWS)


def test_a_run_in_the_place_of_an_experiment_is_told_what_to_give() -> None:
    run = mlp.run({"training": {"epochs": 1}}, ROWS)
    for call in (mlp.run, mlp.repair):
        with pytest.raises(ConfigError, match=r"this is a run. Give its experiment and the rows: run.config"):
            call(run)
    assert mlp.run(run.config, ROWS).network.params.tobytes() == run.network.params.tobytes()


LOUD = """
import mlp
class Loud(mlp.Detector):
    'It finds something in every run.'
    kinds = {"loud": "there are losses"}
    needs = ("loss",)
    def __call__(self, r):
        yield self.finding("info", "There are losses.", {})
"""


def test_the_command_line_says_which_detectors_are_not_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A detector of --use was left out without a word, and a diagnosis without --use said "healthy"."""
    monkeypatch.chdir(tmp_path)
    Path("parts.py").write_text(LOUD)
    train = [*TRAIN, "-q", "--use", "parts.py", "-o"]
    assert main([*train, "a"]) == 0
    assert "'loud' of --use is not asked: add --set 'record.detectors=[\"loud\"]'" in capsys.readouterr().err
    assert main([*train, "b", "--set", "record.detectors=loud"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["diagnose", "b"]) == 0
    out, err = capsys.readouterr()
    assert "loud" not in out
    assert err == "mlp: this run was also judged by loud (parts.py), which is not asked here: add --use parts.py\n"
    assert main(["diagnose", "b", "--use", "parts.py"]) == 0
    out, err = capsys.readouterr()
    assert "There are losses." in out
    assert err == ""
    assert main(["findings", "loud", "--use", "parts.py"]) == 0
    assert "loud (a finding): there are losses." in capsys.readouterr().out
    assert main(["findings", "loud"]) == 2
