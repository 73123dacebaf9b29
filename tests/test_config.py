"""What an experiment file may say, and what is said of one that says something else."""

from __future__ import annotations

import datetime
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlp.config import SECTIONS, override, parse, put, read_toml, to_toml
from mlp.config.loss import ONE_OF_MANY, REGRESSION
from mlp.config.schema import list_elsewhere
from mlp.errors import ConfigError, MLPError
from mlp.experiment import begin
from mlp.layers import ACTIVATIONS
from mlp.optimizers import OPTIMIZERS

CONTRACT = """
[data]
source = "digits"
target = "label"
task = "auto"
validation = 0.15
test = 0.15
scale = "standard"
class_weight = "none"

[network]
hidden = [32]
activation = "relu"
output = "auto"
init = "auto"
bias = 0.0
dropout = 0.0
batch_norm = false
residual = false
frozen = []

[loss]
name = "auto"
l1 = 0.0
l2 = 0.0

[optimizer]
name = "adam"
learning_rate = 0.001
clip_norm = 0.0
schedule = "constant"

[training]
epochs = 20
batch_size = 32
shuffle = true
seed = 0
dtype = "float32"
restarts = 1
early_stopping = false

[record]
every = 1
probe = "auto"
"""
"""The experiment file of the contract, with its defaults."""
NO_DEFAULT = {
    ("data", "source"),
    ("data", "comment"),
    ("data", "group"),
    ("data", "time"),
    ("data", "target"),
    ("optimizer", "learning_rate"),
}
"""Source and target belong to the data; the learning rate is the rule's own, and resolved with it."""

X = np.random.default_rng(0).normal(size=(40, 3))
Y = (X[:, 0] > 0).astype(int)


def one_line(error: BaseException) -> str:
    text = str(error)
    assert text and "\n" not in text
    return text


def refusal(config: Any, **more: Any) -> str:
    with pytest.raises(MLPError) as caught:
        begin(config, (X, Y), **more)
    return one_line(caught.value)


# what it may say


def test_the_contract_is_accepted_as_toml_and_as_a_dict(tmp_path: Path) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(CONTRACT)
    assert parse(read_toml(path)) == parse(tomllib.loads(CONTRACT))


@pytest.mark.parametrize(
    ("section", "key", "default"),
    [
        (section, key, default)
        for section, keys in tomllib.loads(CONTRACT).items()
        for key, default in keys.items()
        if (section, key) not in NO_DEFAULT
    ],
)
def test_what_is_not_said_takes_the_default_of_the_contract(section: str, key: str, default: Any) -> None:
    assert getattr(getattr(parse({}), section), key) == default


@pytest.mark.parametrize(
    "assignment",
    [
        'data.source="x.csv"', "data.source=digits", 'data.target="species"', "data.target=-1", "data.task=multilabel",
        'data.validation="v.csv"', "data.validation=0", "data.test=0.5", "data.scale=minmax",
        "data.class_weight=balanced", "network.hidden=[]", "network.hidden=[64, 32]", 'network.activation=["relu"]',
        "network.output=softmax", "network.init=zeros", 'network.init={name = "normal", std = 0.01}',
        'network.init={name = "uniform", low = -1, high = 1}', "network.bias=-1", "network.dropout=[0.5, 0]",
        "network.batch_norm=true", 'network.frozen=["dense1"]', "loss.name=huber", "loss.delta=2.0", "loss.l1=1e-3",
        "optimizer.momentum=0.9", "optimizer.clip_norm=1", "optimizer.schedule=cosine",
        'optimizer.schedule={name = "warmup", then = {name = "cosine"}, steps = 10}', "training.batch_size=full",
        "training.shuffle=false", "training.dtype=float64", "training.early_stopping=true",
        "training.early_stopping={patience = 3, min_delta = 0.01}", "record.probe=never",
    ],
)  # fmt: skip
def test_every_form_of_a_value_is_accepted_as_it_is(assignment: str) -> None:
    given = override({}, assignment)
    parsed = parse(given).to_dict()
    for section, keys in given.items():
        assert parsed[section] | keys == parsed[section]


def test_numpy_values_are_plain_values() -> None:
    given = {
        "network": {"hidden": np.array([8, 4]), "bias": np.float32(0.5), "batch_norm": np.bool_(True)},
        "training": {"seed": np.int64(3)},
        "optimizer": {"learning_rate": np.float64(0.1)},
    }
    plain = {
        "network": {"hidden": [8, 4], "bias": 0.5, "batch_norm": True},
        "training": {"seed": 3},
        "optimizer": {"learning_rate": 0.1},
    }
    assert parse(given) == parse(plain)


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "windows.toml"
    path.write_bytes(b"\xef\xbb\xbf[training]\r\nepochs = 3\r\n")
    assert parse(read_toml(path)).training.epochs == 3


def test_an_empty_file_is_the_default_experiment(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.touch()
    assert parse(read_toml(path)) == parse({})


# what it may not say

WRONG_VALUES: list[tuple[str, str, list[Any]]] = [
    ("data", "source", [3, "", ["iris"]]),
    ("data", "target", ["", 1.5, True, [], [1.5]]),
    ("data", "task", ["classify", 1]),
    ("data", "validation", [-0.1, 1.0, 2, True, "", float("nan")]),
    ("data", "test", [-0.1, 1, []]),
    ("data", "scale", ["zscore", False]),
    ("data", "class_weight", ["balance", {0: 1.0}]),
    ("network", "hidden", [0, [0], [-3], [1.5], [True], "32", [[3]]]),
    ("network", "activation", [3, "", [1], {}]),
    ("network", "output", ["linear", None]),
    ("network", "init", [3, {}, {"std": 1}, {"name": 3}, {"name": "normal", "std": [1]}]),
    ("network", "bias", ["0", float("inf"), True, 10**400]),
    ("network", "dropout", [1.0, -0.1, "half", [0.5, 1]]),
    ("network", "batch_norm", [1, "yes"]),
    ("network", "residual", [0, None]),
    ("network", "frozen", ["dense1", [1]]),
    ("loss", "name", [3, ""]),
    ("loss", "l1", [-1, "a", float("nan")]),
    ("loss", "l2", [-1e-9, True]),
    ("loss", "delta", [[1, 2], None, float("nan"), datetime.date(2020, 1, 1)]),
    ("optimizer", "name", [1, ["adam"]]),
    ("optimizer", "learning_rate", [[0.1, 0.2], float("inf"), {"a": 1}, None]),
    ("optimizer", "clip_norm", [-1, float("inf"), 10**400]),
    ("optimizer", "schedule", [3, {"steps": 3}, {"name": "warmup", "then": {"steps": 3}}, []]),
    ("training", "epochs", [0, -1, 1.5, "20", True, None]),
    ("training", "batch_size", [0, "all", 2.5, np.array([1, 2])]),
    ("training", "shuffle", [1, "true"]),
    ("training", "seed", [-1, 0.5, "a", None]),
    ("training", "dtype", ["float16", float, "f4"]),
    ("training", "restarts", [0, 1.5]),
    ("training", "early_stopping", [3, {"patience": 0}, {"patience": 3, "delta": 1}, {"min_delta": -1}]),
    ("record", "every", [0, 0.5]),
    ("record", "probe", ["always", 0, 7, np.array([1, 2])]),
]


@pytest.mark.parametrize(("section", "key", "value"), [(s, k, v) for s, k, values in WRONG_VALUES for v in values])
def test_a_value_that_cannot_be_is_refused_with_its_place_and_what_is_allowed(
    section: str, key: str, value: Any
) -> None:
    message = refusal({section: {key: value}}, where="file.toml")
    assert message.startswith(f"file.toml, [{section}] {key} = ")
    assert "Allowed: " in message


def test_every_key_has_values_it_refuses() -> None:
    tested = {(section, key) for section, key, _ in WRONG_VALUES}
    assert tested >= {(s, key) for s, keys in tomllib.loads(CONTRACT).items() for key in keys}


@pytest.mark.parametrize(
    ("config", "parts"),
    [
        ({"netwrok": {}}, ["section 'netwrok'", "Did you mean 'network'?"]),
        ({"network": {"hiden": [3]}}, ["[network]", "'hiden'", "Did you mean 'hidden'?"]),
        ({"training": {"epoch": 3}}, ["[training]", "'epoch'", "Did you mean 'epochs'?"]),
        ({"data": {"own": {}}}, ["[data]", "'own'"]),
        ({"optimizer": {"own": {}}}, ["[optimizer]", "'own'"]),
        ({"network": {"activation": "relo"}}, ["[network] activation", "'relo'", "Did you mean 'relu'?"]),
        ({"network": {"activation": ["relu", "tanh"]}}, ["activation has 2 entries", "1 hidden"]),
        ({"network": {"dropout": [0.1, 0.1]}}, ["dropout has 2 entries", "1 hidden"]),
        ({"network": {"init": "he_norml"}}, ["[network] init", "'he_norml'", "Did you mean 'he_normal'?"]),
        ({"network": {"init": "constant"}}, ["[network] init constant", "needs value"]),
        ({"network": {"init": {"name": "nomal"}}}, ["[network] init", "'nomal'", "Did you mean 'normal'?"]),
        (
            {"network": {"init": {"name": "normal", "sdt": 1}}},
            ["[network] init normal", "'sdt'", "Did you mean 'std'?"],
        ),
        ({"network": {"init": {"name": "normal", "std": "x"}}}, ["[network] init normal", "std = 'x'"]),
        ({"network": {"frozen": ["dense9"]}}, ["frozen", "'dense9'", "dense1, relu1, dense2"]),
        ({"network": {"hidden": [10**12]}}, ["[network] hidden", "does not fit into memory"]),
        ({"network": {"hidden": [10**30]}}, ["[network] hidden", "does not fit into memory"]),
        ({"training": {"restarts": 10**30}}, ["restarts", "does not fit into memory"]),
        ({"loss": {"name": "cross_entrpy"}}, ["[loss] name", "Did you mean 'cross_entropy'?"]),
        ({"loss": {"delta": 2}}, ["[loss] cross_entropy", "'delta'"]),
        ({"loss": {"name": "huber", "delta": -1}}, ["[loss] huber", "delta = -1"]),
        ({"loss": {"name": "poisson"}}, ["[loss] name = 'poisson'", "classes"]),
        ({"optimizer": {"name": "addam"}}, ["[optimizer] name", "'addam'", "Did you mean 'adam'?"]),
        ({"optimizer": {"lerning_rate": 1}}, ["[optimizer] adam", "Did you mean 'learning_rate'?"]),
        ({"optimizer": {"learning_rate": -1}}, ["[optimizer] adam", "learning_rate = -1"]),
        ({"optimizer": {"learning_rate": "fast"}}, ["[optimizer] adam", "learning_rate = 'fast'"]),
        ({"optimizer": {"schedule": "cosin"}}, ["[optimizer] schedule", "Did you mean 'cosine'?"]),
        ({"optimizer": {"schedule": {"name": "step", "evry": 3}}}, ["schedule step", "Did you mean 'every'?"]),
        ({"optimizer": {"schedule": {"name": "cosine", "steps": 0}}}, ["schedule cosine", "steps = 0"]),
        ({"optimizer": {"schedule": {"name": "warmup", "then": 3}}}, ["[optimizer] schedule", "3"]),
        ({"data": {"task": "regression"}, "loss": {"name": "hinge"}}, ["[loss] name = 'hinge'", "squared_error"]),
        ({"data": {"task": "regression", "class_weight": "balanced"}}, ["class_weight", "regression"]),
        ({"data": {"task": "regression"}, "network": {"output": "softmax"}}, ["'softmax'", "Use identity"]),
        ({"data": {"task": "multilabel"}, "network": {"output": "softmax"}}, ["'softmax'", "Use sigmoid"]),
        ({"data": {"validation": 0.6, "test": 0.5}}, ["validation + test"]),
        ({"record": {"probe": 7}}, ["[record] probe = 7", "auto | never", "not built yet"]),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place_and_the_nearest_name(
    config: dict[str, Any], parts: list[str]
) -> None:
    message = refusal(config)
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("section", "key", "name", "meant"),
    [
        ("loss", "name", "mse", "squared_error"),
        ("loss", "name", "MSE", "squared_error"),
        ("loss", "name", "mae", "absolute_error"),
        ("loss", "name", "bce", "cross_entropy"),
        ("loss", "name", "crossentropy", "cross_entropy"),
        ("loss", "name", "log_loss", "cross_entropy"),
        ("loss", "name", "logloss", "cross_entropy"),
        ("network", "activation", "swish", "silu"),
        ("network", "activation", "linear", "identity"),
        ("network", "activation", "logistic", "sigmoid"),
        ("optimizer", "name", "gd", "sgd"),
        ("optimizer", "name", "heavy_ball", "momentum"),
        ("optimizer", "name", "nag", "nesterov"),
    ],
)
def test_what_other_libraries_call_it_is_understood_as_a_hint(section: str, key: str, name: str, meant: str) -> None:
    """By its letters mse is nearest to nothing, and bce neither: the hint was missing where it was most needed."""
    assert refusal({section: {key: name}}).endswith(f"Did you mean {meant!r}?")


def test_what_other_libraries_call_it_leads_to_names_there_are() -> None:
    known = {*REGRESSION, *ONE_OF_MANY, *ACTIVATIONS, *OPTIMIZERS}
    assert set(list_elsewhere().values()) <= known
    assert not known & set(list_elsewhere()), "a name that is taken needs no hint"


@pytest.mark.parametrize("name", ["step", "multi_step", "exponential", "cosine", "one_cycle", "triangular", "plateau"])
@pytest.mark.parametrize("key", ["rate0", "learning_rate"])
def test_a_schedule_starts_from_the_learning_rate_of_the_optimizer(name: str, key: str) -> None:
    """rate0, where a schedule keeps that rate, could be given as well, and won over [optimizer] learning_rate."""
    message = refusal({"optimizer": {"schedule": {"name": name, key: 5}}})
    assert f"schedule {name} has no key {key!r}: the learning rate is [optimizer] learning_rate" in message
    assert "rate0" not in refusal({"optimizer": {"schedule": {"name": name, "rate": 5}}})


def test_batch_norm_needs_two_rows_in_a_batch() -> None:
    """A single row is its own mean: every node became 0, nothing was learned and the run was called healthy."""
    message = refusal({"network": {"batch_norm": True}, "training": {"batch_size": 1}})
    assert "batch_norm" in message and "batch_size = 1" in message and "at least 2 rows" in message


@pytest.mark.parametrize("config", [None, 3, [], [("data", {})], {"data": 3}, {"data": []}, {3: {}}])
def test_anything_but_a_table_of_tables_is_refused(config: Any) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(config)
    one_line(caught.value)


@pytest.mark.parametrize(
    ("config", "name"), [({"optimizer": {"name": "addam"}}, "addam"), ({"netwrok": {}}, "netwrok")]
)
def test_errors_name_the_file(tmp_path: Path, config: Any, name: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(to_toml(config))
    message = refusal(str(path))
    assert message.startswith(f"{path}: ")
    assert name in message


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"[data\n", "line 1"),
        (b"[data]\nsource = iris", "line 2"),
        (b"[data]\nx = 1\nx = 2\n", "line 3"),
        (b"\xff\xfe[data]", "UnicodeDecodeError"),
        (b"\x00", "not TOML"),
        (b"x = " + b"[" * 10_000, "not TOML"),
        (b"x = " + b"1" * 5_000, "not TOML"),
    ],
    ids=["unclosed", "bare", "twice", "utf-16", "null", "deep", "long"],
)
def test_a_file_that_is_not_toml_is_refused_by_name_and_line(tmp_path: Path, content: bytes, complaint: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    message = refusal(str(path))
    assert message.startswith(f"{path}: ")
    assert complaint in message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(str(tmp_path / "none.toml"))
    assert str(tmp_path) in refusal(tmp_path)


def test_a_number_of_thousands_of_digits_can_be_complained_about() -> None:
    assert "thousands of digits" in refusal({"network": {"bias": 16**5000}})


# --set


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("training.epochs=50", {"training": {"epochs": 50}}),
        (" training.epochs = 50 ", {"training": {"epochs": 50}}),
        ("network.hidden=[64, 32]", {"network": {"hidden": [64, 32]}}),
        ("network.activation=tanh", {"network": {"activation": "tanh"}}),
        ('network.activation="tanh"', {"network": {"activation": "tanh"}}),
        ('network.activation=["relu", "tanh"]', {"network": {"activation": ["relu", "tanh"]}}),
        ("training.shuffle=false", {"training": {"shuffle": False}}),
        ("optimizer.learning_rate=1e-3", {"optimizer": {"learning_rate": 1e-3}}),
        ("data.source=a=b.csv", {"data": {"source": "a=b.csv"}}),
        (r"data.source=C:\new\data.csv", {"data": {"source": r"C:\new\data.csv"}}),
        ("network.init.name=normal", {"network": {"init": {"name": "normal"}}}),
        ("data.source=1\n[training]", {"data": {"source": "1\n[training]"}}),
        ("data.target=", {"data": {"target": ""}}),
    ],
)
def test_set_takes_toml_or_else_text(assignment: str, expected: dict[str, Any]) -> None:
    assert override({}, assignment) == expected


@pytest.mark.parametrize("assignment", ["", "epochs", "epochs=3", "=3", ".epochs=3", "training.=3", "training..x=1"])
def test_set_without_section_key_or_value_is_refused(assignment: str) -> None:
    with pytest.raises(ConfigError, match=r"section\.key=value"):
        override({}, assignment)


def test_set_merges_tables_and_replaces_the_rest() -> None:
    given = {"network": {"init": {"name": "normal", "std": 1.0}, "hidden": [3]}, "data": {"source": "iris"}}
    changed = override(override(given, "network.init.std=0.5"), "network.hidden=[4]")
    assert changed == {
        "network": {"init": {"name": "normal", "std": 0.5}, "hidden": [4]},
        "data": {"source": "iris"},
    }
    assert given["network"]["hidden"] == [3], "what was given is left alone"


def test_any_text_can_be_put_under_a_key() -> None:
    assert put({}, ("data", "source"), '😀 "x".csv')["data"]["source"] == '😀 "x".csv'


# writing and reading again

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18)
RATE = st.floats(0, 1, exclude_max=True)
COUNT = st.integers(1, 10**12)
TABLE = st.dictionaries(TEXT, TEXT | NUMBER | st.booleans(), max_size=3)
NAMED = TEXT | st.builds(lambda table, name: table | {"name": name}, TABLE, TEXT)
KEYS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "data": {
        "source": TEXT,
        "target": TEXT | st.integers(-99, 99),
        "task": st.sampled_from(["auto", "classification", "multilabel", "regression"]),
        "validation": RATE | TEXT,
        "test": RATE | TEXT,
        "scale": st.sampled_from(["standard", "minmax", "none"]),
        "class_weight": st.sampled_from(["none", "balanced"]),
    },
    "network": {
        "hidden": st.lists(COUNT, max_size=3),
        "activation": TEXT | st.lists(TEXT, max_size=3),
        "output": st.sampled_from(["auto", "softmax", "sigmoid", "identity"]),
        "init": NAMED,
        "bias": NUMBER,
        "dropout": RATE | st.lists(RATE, max_size=3),
        "batch_norm": st.booleans(),
        "residual": st.booleans(),
        "frozen": st.lists(TEXT, max_size=3),
    },
    "loss": {"name": TEXT, "l1": st.floats(0, 1e300), "l2": st.floats(0, 1e300), "odd key": NUMBER},
    "optimizer": {"name": TEXT, "learning_rate": NUMBER, "clip_norm": st.floats(0, 1e300), "schedule": NAMED},
    "training": {
        "epochs": COUNT,
        "batch_size": COUNT | st.just("full"),
        "shuffle": st.booleans(),
        "seed": st.integers(0, 2**63),
        "dtype": st.sampled_from(["float32", "float64"]),
        "restarts": COUNT,
        "early_stopping": st.booleans() | st.fixed_dictionaries({}, optional={"patience": COUNT, "min_delta": RATE}),
    },
    "record": {"every": COUNT, "probe": st.sampled_from(["auto", "never"])},
}
CONFIGS = st.fixed_dictionaries(
    {}, optional={name: st.fixed_dictionaries({}, optional=keys) for name, keys in KEYS.items()}
)


@settings(max_examples=150)
@given(CONFIGS)
def test_what_is_written_as_toml_is_read_again_as_it_was(given: dict[str, Any]) -> None:
    config = parse(given)
    assert parse(tomllib.loads(to_toml(config.to_dict()))) == config


@settings(max_examples=100)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), TEXT, max_size=4))
def test_odd_keys_and_texts_survive_toml(table: dict[str, str]) -> None:
    assert tomllib.loads(to_toml({"data": table})) == {"data": table}


# whatever may come

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=3)
    | st.sampled_from([np.arange(3.0), np.float32(1), np.array("x"), 10**400, datetime.date(2020, 1, 1), object()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = sorted({key for keys in KEYS.values() for key in keys})
SECTION = ODD | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), ODD, max_size=3)


@settings(max_examples=300)
@given(ODD | st.dictionaries(st.sampled_from(list(SECTIONS)) | st.text(max_size=4), SECTION, max_size=3))
def test_any_object_is_a_configuration_or_an_error_of_one_line(given: Any) -> None:
    try:
        parse(given)
    except MLPError as error:
        one_line(error)


LINES = st.sampled_from([*CONTRACT.splitlines(), "[", "]", "=", '"""', "'", "\\", "{", "a.b.c = 1", "[[data]]", "#"])


@settings(max_examples=300)
@given(st.lists(LINES | st.text(max_size=6), max_size=8).map("\n".join))
def test_any_text_is_a_configuration_or_an_error_of_one_line(tmp_path_factory: Any, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "odd.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        parse(read_toml(path), "odd.toml")
    except MLPError as error:
        one_line(error)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(["loss", "optimizer"]), SECTION, max_size=2))
def test_any_keys_of_rules_and_losses_are_built_or_refused_in_one_line(given: dict[str, Any]) -> None:
    try:
        begin(given, (X, Y))
    except MLPError as error:
        one_line(error)


# paths

PATHS = ['source = "d.csv"', 'source = "iris"\nvalidation = "d.csv"', 'source = "iris"\ntest = "d.csv"']


@pytest.mark.parametrize("data", PATHS)
def test_a_missing_file_of_a_file_in_another_folder_says_where_paths_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: str
) -> None:
    """The data lay beside the experiment file, and "d.csv cannot be read" did not say where it was looked for."""
    (tmp_path / "study").mkdir()
    (tmp_path / "study/d.csv").write_text("a,y\n1,0\n2,1\n")
    (tmp_path / "study/e.toml").write_text(f"[data]\n{data}\n")
    hint = f"Paths in study/e.toml start from the working directory, {tmp_path}."
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MLPError) as caught:
        begin("study/e.toml")
    assert one_line(caught.value).endswith(hint)
    monkeypatch.chdir(tmp_path / "study")
    (tmp_path / "study/d.csv").unlink()
    with pytest.raises(MLPError) as caught:
        begin("e.toml")
    assert "start from" not in one_line(caught.value), "it is the same folder"
