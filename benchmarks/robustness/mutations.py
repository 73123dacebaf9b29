"""Damaged and forged inputs of every format that is read: each is refused in one line, or is right.

    python benchmarks/robustness/mutations.py [--attempts 22000] [--seed 0] [--only NAME]

Half of the inputs are damaged: bits flipped, bytes cut, doubled, spliced, numbers in headers edited. The other half are
forged: arrays swapped, dropped, of other shapes and dtypes, JSON edited, and all of it sealed again with the right
checksum. A file of a run that is read without an error must say what was written, or, where it was sealed again, fit
together: it predicts, and it can be written and read once more.

Counted are tracebacks (any exception but MLPError), hangs (over 20 s), wrong accepts, and files that were opened to
run code in them (a pickle that leaves a mark).
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import mlp
from mlp.config import parse, read_toml, to_toml
from mlp.errors import MLPError
from mlp.experiment.checkpoint import read_checkpoint
from mlp.experiment.resume import restore
from mlp.experiment.run_files import to_json_values
from mlp.experiment.state import begin
from mlp.experiment.watch import watch_epochs
from mlp.history import History
from mlp.optimizer_bench import OptimizerComparison, parse_bench_settings
from mlp.optimizer_bench.protocol import run_protocol
from mlp.optimizer_bench.tables import write_tables
from mlp.report.text import metrics_table, verdict
from mlp.storage import archive, lock

HANG = 20  # seconds
DRAWS = True  # the plots of a bench, which take most of the time
LEAVES = (
    *(None, True, False, -1, 0, 1, 2, 7, 1000, 10**6, 10**12, 10**30, 10**400, 1.5, -0.0, 1e300, "", "x", "inf", "1"),
    *("relu", "class", "\ud800", "a\nb", "\x1b[31m", [], {}, [1], ["x"], [[1]], {"x": 1}, "float64", "regression"),
)
Rng = np.random.Generator


@dataclass
class Tally:
    """What came of the attempts at one format."""

    attempts: int = 0
    refused: int = 0
    accepted: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def fail(self, kind: str, about: str) -> None:
        """Count a failure; keep the first of its kind."""
        self.failures[kind] += 1
        self.examples.setdefault(kind, about)


@dataclass(frozen=True)
class Format:
    """A file that is read. `forge` makes another of the same kind, sealed; `read` raises MLPError, or says what it is.

    `exact`: a damaged file that is read must say what the whole one says. `check` is for forged files: whether what was
    read fits together.
    """

    name: str
    path: Path
    read: Callable[[], Any]
    forge: Callable[[Rng], None] | None = None
    exact: bool = True
    check: Callable[[Any], None] = lambda found: None


# damage


def damage(content: bytes, other: bytes, rng: Rng) -> bytes:
    """Cut short, spliced, with bytes changed, lost or doubled, or with the numbers in a header edited."""
    place, length = int(rng.integers(len(content))), int(rng.integers(1, 40))
    kind = int(rng.integers(9))
    if kind == 0:
        return content[:place]
    if kind == 1:
        return content[:place] + content[place + length :]
    if kind == 2:
        return content[:place] + content[place : place + length] + content[place:]
    if kind == 3:
        start = int(rng.integers(len(other)))
        return content[:place] + other[start : start + length] + content[place + length :]
    if kind == 4:
        return edit_number(content, rng)
    if kind == 5:
        return content[:place] + bytes(rng.integers(0, 256, length, dtype=np.uint8)) + content[place + length :]
    if kind == 8:
        return edit_directory(content, rng)
    damaged = bytearray(content)
    for index in rng.integers(0, len(content), size=1 if kind == 6 else 12):
        damaged[index] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def edit_directory(content: bytes, rng: Rng) -> bytes:
    """A byte in the directory of a zip is another one: a name, a size, a checksum, where a member begins."""
    begins = [match.start() for match in re.finditer(rb"PK\x01\x02", content)]
    if not begins:
        return edit_number(content, rng)
    place = begins[int(rng.integers(len(begins)))] + int(rng.integers(4, 64))
    return content[:place] + bytes([int(rng.integers(256))]) + content[place + 1 :]


def edit_number(content: bytes, rng: Rng) -> bytes:
    """One number of a text or a header is another one."""
    found = [match.span() for match in re.finditer(rb"\d+", content[: 1 << 16])]
    if not found:
        return content[:-1]
    start, stop = found[int(rng.integers(len(found)))]
    numbers = (b"0", b"-1", b"1", b"3", b"999999999999", b"1" * 25, b"9" * 400, b"1e999", b"nan", b"", b'"x"')
    return content[:start] + numbers[int(rng.integers(len(numbers)))] + content[stop:]


# forgery


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where everything stands in a JSON value."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places(part, (*path, key))


def edit_json(value: Any, rng: Rng) -> Any:
    """A JSON value with one thing in it changed, dropped, doubled, swapped or renamed."""
    value = json.loads(json.dumps(value))
    every = list(places(value))
    if not every:
        return LEAVES[int(rng.integers(len(LEAVES)))]
    *way, last = every[int(rng.integers(len(every)))]
    holder = value
    for key in way:
        holder = holder[key]
    kind = int(rng.integers(6))
    if kind < 2:
        holder[last] = LEAVES[int(rng.integers(len(LEAVES)))]
    elif kind == 2:
        del holder[last]
    elif kind == 3 and isinstance(holder, list):
        holder.insert(last, holder[last])
    elif kind == 3:
        holder[f"{last}x"] = holder.pop(last)
    elif kind == 4 and isinstance(holder[last], int | float):
        holder[last] = holder[last] + int(rng.choice([-1, 1, 10]))
    else:
        other = every[int(rng.integers(len(every)))]
        source = value
        for key in other:
            source = source[key] if isinstance(source, list | dict) and _has(source, key) else None
        holder[last] = json.loads(json.dumps(source))
    return value


def _has(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else isinstance(key, int) and key < len(holder)


def edit_arrays(arrays: Mapping[str, Any], rng: Rng) -> dict[str, Any]:
    """Arrays by name with one of them dropped, swapped, renamed, cut, of another shape, dtype or order."""
    found = dict(arrays)
    names = list(found)
    if not names:
        return {"x": np.zeros(3)}
    name, other = names[int(rng.integers(len(names)))], names[int(rng.integers(len(names)))]
    array = found[name]
    kind = int(rng.integers(10))
    if kind == 0:
        del found[name]
    elif kind == 1:
        found[name], found[other] = found[other], found[name]
    elif kind == 2:
        found[f"{name}x"] = found.pop(name)
    elif kind == 3:
        found[name] = array.ravel()[: int(rng.integers(array.size + 1))]
    elif kind == 4:
        found[name] = array.reshape(-1, 1) if array.ndim == 1 else array.T
    elif kind == 5:
        found[name] = array[None]
    elif kind == 6:
        kinds = ("f4", "f8", "i8", "u1", "U3", "?", "f2", "c16")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found[name] = array.astype(kinds[int(rng.integers(len(kinds)))])
    elif kind == 7:
        found[name] = np.concatenate([array.ravel(), array.ravel()[:1]])
    elif kind == 8 and array.size and array.dtype.kind == "f":
        changed = array.copy()
        changed.flat[int(rng.integers(array.size))] = (np.nan, np.inf, 1e30, -1.0)[int(rng.integers(4))]
        found[name] = changed
    else:
        found[name] = np.zeros((), array.dtype)
    return found


def forge_archive(path: Path, *, compressed: bool = False) -> Callable[[Rng], None]:
    """What edits an archive of mlp's and seals it again."""
    whole = archive.read(path, compressed=compressed)

    def forge(rng: Rng) -> None:
        about, arrays = whole.about, dict(whole.arrays)
        for _ in range(int(rng.integers(1, 3))):
            if rng.random() < 0.65:
                about = edit_json(about, rng)
            else:
                arrays = edit_arrays(arrays, rng)
        if not isinstance(about, dict):
            about = {"format": about}
        archive.write(path, about, arrays, compressed=compressed)

    return forge


def forge_run(folder: Path) -> Callable[[Rng], None]:
    """The same of a model; the files beside it are made to say what it says."""
    forge = forge_archive(folder / "model.npz")

    def forge_all(rng: Rng) -> None:
        forge(rng)
        about = archive.read(folder / "model.npz").about
        with contextlib.suppress(Exception):
            (folder / "config.toml").write_text(to_toml(parse(about["config"]).to_dict()))
        with contextlib.suppress(Exception):
            (folder / "metrics.json").write_text(json.dumps(to_json_values(about["numbers"])))

    return forge_all


def forge_part(run: Path, name: str) -> Callable[[Rng], None]:
    """The same of another file of a run; the model is made to say that it belongs to it."""
    path, model = run / f"{name}.json", archive.read(run / "model.npz")
    compressed = name == "history"
    forge = forge_json(path) if name == "findings" else forge_archive(run / f"{name}.npz", compressed=compressed)

    def forge_both(rng: Rng) -> None:
        forge(rng)
        if name == "findings":
            seal = hashlib.sha256(json.dumps(json.loads(path.read_text()), sort_keys=True).encode()).hexdigest()
        else:
            found = archive.read(run / f"{name}.npz", compressed=compressed)
            seal = archive.seal(found.about["columns"] if compressed else found.about, found.arrays)
        about = {**model.about, "seals": {**model.about["seals"], name: seal}}
        archive.write(run / "model.npz", about, model.arrays)

    return forge_both


def forge_npz(path: Path) -> Callable[[Rng], None]:
    """What edits the arrays of a user's .npz; now and then there is a pickle in it."""
    with np.load(path) as stored:
        whole = {name: stored[name] for name in stored.files}

    def forge(rng: Rng) -> None:
        arrays = edit_arrays(whole, rng)
        if rng.random() < 0.1:
            arrays["y"] = np.array([Bomb(path.with_name("mark"))] * 2, dtype=object)
        np.savez(path, **arrays)

    return forge


class Bomb:
    """Leaves a mark where somebody unpickles it."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.touch, (self.mark,)


def forge_npy(path: Path) -> Callable[[Rng], None]:
    """Another array in its place, or a pickle."""
    whole = np.load(path)

    def forge(rng: Rng) -> None:
        found = edit_arrays({"X": whole}, rng)
        np.save(path, next(iter(found.values()), np.array([Bomb(path.with_name("mark"))], dtype=object)))

    return forge


def forge_text(path: Path) -> Callable[[Rng], None]:
    """What edits lines and cells of a text; what is made is whole text."""
    whole = path.read_text(encoding="utf-8")
    pieces = (
        *(
            "",
            "\n",
            ",",
            '"',
            "\t",
            ";",
            "=",
            "-1",
            "nan",
            "1" * 400,
            "1e999",
            "é",
            "\x00",
            "\ufeff",
            "\u202e",
            "[",
            "]",
        ),
        *("[[x]]", "x.y.z = 1", "a" + ".a" * 2000 + " = 1", "\x1b[2J", "~nouser/x", "2024-01-01", "true", "{}", "''"),
    )

    def forge(rng: Rng) -> None:
        lines = whole.splitlines(keepends=True)
        for _ in range(int(rng.integers(1, 4))):
            i = int(rng.integers(len(lines)))
            j, kind = int(rng.integers(len(lines))), int(rng.integers(5))
            if kind == 0:
                del lines[i]
            elif kind == 1:
                lines[i], lines[j] = lines[j], lines[i]
            elif kind == 2:
                lines.insert(i, lines[j])
            else:
                place = int(rng.integers(len(lines[i]) + 1))
                stop = place + int(rng.integers(4)) if kind == 3 else place
                lines[i] = lines[i][:place] + pieces[int(rng.integers(len(pieces)))] + lines[i][stop:]
            lines = lines or [""]
        path.write_text("".join(lines), encoding="utf-8")

    return forge


def forge_lines(path: Path) -> Callable[[Rng], None]:
    """What edits one line of a file of JSON lines."""
    whole = [json.loads(line) for line in path.read_text().splitlines()]

    def forge(rng: Rng) -> None:
        lines = list(whole)
        i = int(rng.integers(len(lines)))
        lines[i] = edit_json(lines[i], rng)
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    return forge


def forge_json(path: Path) -> Callable[[Rng], None]:
    """What edits a JSON file."""
    whole = json.loads(path.read_text())
    return lambda rng: (path.write_text(json.dumps(edit_json(whole, rng))), None)[1]


def forge_safetensors(path: Path) -> Callable[[Rng], None]:
    """What edits header and metadata of a safetensors file; lengths are made right again."""
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])

    def forge(rng: Rng) -> None:
        found = header
        if rng.random() < 0.6:
            about = dict(found["__metadata__"])
            about["layers"] = json.dumps(edit_json(json.loads(about["layers"]), rng))
            found = {**found, "__metadata__": about}
        else:
            found = edit_json(found, rng)
        text = json.dumps(found).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + size :])

    return forge


# what is read, and what it must say


class WrongError(Exception):
    """What was read does not fit together."""


def need(holds: Any, what: str) -> None:
    """Refuse what does not hold."""
    if not holds:
        raise WrongError(what)


X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.where(X[:, 0] > 0, "yes", "no")


def make_run(folder: Path) -> Path:
    """A run directory with checkpoint and findings, of a table with text labels."""
    source = folder / "rows.csv"
    rows = [f"{a:.6g},{b:.6g},{c:.6g},{'red' if b > 0 else 'blue'},{y}" for (a, b, c), y in zip(X, Y, strict=True)]
    source.write_text("a,b,c,colour,label\n" + "\n".join(rows) + "\n")
    config = {
        "data": {"source": str(source)},
        "network": {"hidden": [3], "batch_norm": True},
        "optimizer": {"name": "adam", "schedule": "cosine"},
        "training": {"epochs": 2},
        "record": {"baseline": "never"},
    }
    with mock.patch("time.perf_counter", lambda: 0.0):  # so that an attempt of a number is the same each time
        mlp.run(config, out=folder / "run")
    return folder / "run"


def say_run(folder: Path) -> Callable[[], Any]:
    """Everything that a run directory says."""

    def read() -> Any:
        run = mlp.load_run(folder)
        rows = run.load_rows(folder.parent / "rows.csv")
        probabilities = run.predict_proba(rows).tobytes() if run.model.head.certain else b""
        run.predict(rows)
        metrics_table(run), verdict(run)
        way = [] if run.waypoints is None else [(n, p.tobytes()) for n, p in run.waypoints.packed().items()]
        return run, (probabilities, run.metrics, run.config, run.findings, run.steps, way, run.history.seal())

    return read


def check_run(found: Any) -> None:
    """A run that fits together: counts agree, it predicts, and can be written and read again."""
    run, said = found
    inputs, network = run.model.preprocessing, run.model.network
    need(network.n_in == inputs.n_in == len(inputs.feature_names), "inputs")
    need(network.n_out == run.model.head.n_out, "outputs")
    names = inputs.class_names or ()
    need(len(set(names)) == len(names), "class names")
    need(inputs.task != "classification" or len(names) == len(inputs.class_labels) == inputs.n_targets, "classes")
    need(run.steps >= 0, "steps")
    with tempfile.TemporaryDirectory() as place:
        run.save(Path(place) / "again")
        again = mlp.load_run(Path(place) / "again")
        need(again.history.seal() == said[-1] and again.config == run.config, "written again")


def show_run(found: Any) -> None:
    """What a run says, shown in every way there is: as text and as pages, and the landscape of its training."""
    run, _ = found
    check_run(found)
    mlp.diagnose(run.history)
    run.report()
    run._repr_html_()
    run.landscape(line=True, trajectory=True, points=3)


def say_checkpoint(folder: Path, *, go_on: bool) -> Callable[[], Any]:
    """Everything that a checkpoint says; and, to see that it fits together, one more epoch from there."""

    def read() -> Any:
        saved = read_checkpoint(folder)
        saved.history  # noqa: B018
        if go_on:
            setup, state = restore(saved, epochs=saved.config.training.epochs + 1)
            for _ in watch_epochs(setup, state):
                pass
        arrays = {name: (a.tobytes(), a.dtype, a.shape) for name, a in saved.arrays.items()}
        return saved, (saved._replace(arrays={}), arrays)

    return read


def say_history(path: Path) -> Callable[[], Any]:
    """The history, judged."""

    def read() -> Any:
        found = History.load(path)
        mlp.diagnose(found)
        return found, found.seal()

    return read


def say_data(source: str, target: str | None = None) -> Callable[[], Any]:
    """The data set, prepared to train on."""

    def read() -> Any:
        data = {"source": source} | ({"target": target} if target else {})
        setup, _ = begin({"data": data, "training": {"epochs": 1}})
        return setup, None

    return read


def say_journal(folder: Path) -> Callable[[], Any]:
    """A bench of the same settings in that folder: finished trials are taken from its journal."""

    def read() -> Any:
        asked = {"optimizers": ["sgd"], "problems": ["xor"], "seeds": 2, "rates": 1, "epochs": 3}
        found = OptimizerComparison()
        for _ in run_protocol(parse_bench_settings({"bench": asked}), found.cells, None, folder):
            pass
        found.text()
        write_tables(found.cells, folder)
        if DRAWS:
            found.plot(folder)
        return found, None

    return read


def say_search(folder: Path) -> Callable[[], Any]:
    """The same of a search over numbers."""
    config = {"data": {"source": "iris"}, "training": {"epochs": 2}, "record": {"probe": "never", "baseline": "never"}}

    def read() -> Any:
        with mock.patch("mlp.grid_search.search.draw_plot", lambda *_: None):  # a second each; from the same cells
            found = mlp.grid(config, over={"network.hidden": [2, 3]}, seeds=1, folds=2, out=folder)
        found.text()
        return found, None

    return read


def say_lock(folder: Path) -> Callable[[], Any]:
    """A folder that another process may have, by what its lock says."""

    def read() -> Any:
        with lock.holding(folder):
            pass
        return None, None

    return read


def formats(folder: Path) -> list[Format]:
    """Every format that is read, with a whole file of each in `folder`."""
    run = make_run(folder)
    data = folder / "data"
    data.mkdir()
    X32, codes = X.astype(np.float32), (Y == "yes").astype(np.int64)
    np.savez(
        data / "rows.npz", X=X32, y=codes, class_names=np.array(["no", "yes"]), feature_names=np.array(list("abc"))
    )
    np.savez(data / "parts.npz", X_train=X, y_train=Y, X_test=X[:9], y_test=Y[:9])
    np.save(data / "X.npy", X)
    np.save(data / "y.npy", codes)
    pixels = (np.abs(X) * 50).astype(np.uint8)
    images = bytes([0, 0, 8, 2]) + (40).to_bytes(4, "big") + (3).to_bytes(4, "big") + pixels.tobytes()
    labels = bytes([0, 0, 8, 1]) + (40).to_bytes(4, "big") + codes.astype(np.uint8).tobytes()
    (data / "images.idx").write_bytes(images)
    (data / "labels.idx").write_bytes(labels)
    (data / "images.idx.gz").write_bytes(gzip.compress(images, mtime=0))
    table = (folder / "rows.csv").read_text()
    (data / "rows.csv").write_text(table)
    rows = [dict(zip("abcd", (*map(float, row), y), strict=True)) for row, y in zip(X.round(3), Y, strict=True)]
    (data / "rows.jsonl").write_text("".join(json.dumps(row).replace('"d"', '"label"') + "\n" for row in rows))
    (data / "rows.tsv").write_text(table.replace(",", "\t"))
    mlp.to_safetensors(mlp.load_run(run).network, data / "net.safetensors")
    mlp.to_safetensors(mlp.Network([mlp.Dense(2, 3), mlp.ReLU(), mlp.Dense(3, 1)]), data / "plain.safetensors")
    experiment = {
        "data": {"source": str(data / "rows.csv"), "target": "label"},
        "network": {"hidden": [4, 3], "activation": ["tanh", "relu"], "init": {"name": "normal", "std": 0.1}},
        "optimizer": {"name": "momentum", "learning_rate": 0.1, "schedule": {"name": "cosine"}},
        "training": {"epochs": 2, "early_stopping": {"patience": 3}},
    }
    (data / "experiment.toml").write_text(to_toml(experiment))
    bench = folder / "bench"
    bench.mkdir()
    say_journal(bench)()
    pair = f"{data / 'images.idx'},{data / 'labels.idx'}"
    packed = f"{data / 'images.idx.gz'},{data / 'labels.idx'}"

    return [
        *run_formats(run),
        *(data_format(data / name, str(data / name), forge_text) for name in ("rows.csv", "rows.tsv")),
        data_format(data / "rows.jsonl", str(data / "rows.jsonl"), forge_lines, target="label"),
        *tables_of_polars(data),
        *(data_format(data / name, str(data / name), forge_npz) for name in ("rows.npz", "parts.npz")),
        *(data_format(data / name, str(data / "X.npy"), forge_npy, str(data / "y.npy")) for name in ("X.npy", "y.npy")),
        data_format(data / "images.idx", pair),
        data_format(data / "images.idx.gz", packed),
        other_format(data / "experiment.toml", forge_text, lambda path: begin(str(path))),
        other_format(data / "net.safetensors", forge_safetensors, mlp.from_safetensors),
        other_format(data / "plain.safetensors", forge_safetensors, mlp.from_torch),
        other_format(bench / "bench.toml", forge_text, lambda path: parse_bench_settings(read_toml(path), "bench")),
        *journal_formats(folder),
        Format("trials.jsonl", bench / "trials.jsonl", say_journal(bench), forge_lines(bench / "trials.jsonl"), False),
    ]


def tables_of_polars(data: Path) -> list[Format]:
    """Parquet, Arrow and Excel, where polars is installed to read them."""
    try:
        import polars
    except ImportError:
        return []
    frame = polars.DataFrame({"a": X[:, 0], "b": X[:, 1], "label": Y})
    frame.write_parquet(data / "rows.parquet")
    frame.write_ipc(data / "rows.arrow")
    return [data_format(data / name, str(data / name)) for name in ("rows.parquet", "rows.arrow")]


def run_formats(run: Path) -> list[Format]:
    """The files of a run directory."""
    model, point, history = (run / name for name in ("model.npz", "checkpoint.npz", "history.npz"))
    found = run / "findings.json"
    forge_point, forge_history = forge_archive(point), forge_archive(history, compressed=True)
    return [
        Format("model.npz", model, say_run(run), forge_run(run), check=check_run),
        Format("checkpoint.npz", point, say_checkpoint(run, go_on=False)),
        Format("checkpoint.npz, on", point, say_checkpoint(run, go_on=True), forge_point, exact=False),
        Format("history.npz", history, say_history(history), forge_history),
        Format("config.toml", run / "config.toml", say_run(run), forge_text(run / "config.toml")),
        Format("metrics.json", run / "metrics.json", say_run(run), forge_json(run / "metrics.json")),
        Format("findings.json", found, say_run(run), forge_json(found)),
        Format("trajectory.npz", run / "trajectory.npz", say_run(run), forge_part(run, "trajectory"), check=show_run),
        Format("history.npz, of a run", history, say_run(run), forge_part(run, "history"), check=show_run),
        Format("findings.json, sealed", found, say_run(run), forge_part(run, "findings"), check=show_run),
    ]


def journal_formats(folder: Path) -> list[Format]:
    """The journal of a search, and a lock that a process has left."""
    search, left = folder / "search", folder / "left"
    for place in (search, left):
        place.mkdir()
    say_search(search)()
    path = left / lock.NAME
    path.write_text(json.dumps(lock._myself()._replace(process=2**22 + 1)._asdict()))
    whole = path.read_bytes()

    def read() -> Any:
        try:
            return say_lock(left)()
        finally:
            path.write_bytes(whole)

    journal = search / "trials.jsonl"
    return [
        Format("trials.jsonl of a search", journal, say_search(search), forge_lines(journal), False),
        Format(lock.NAME, path, read, forge_json(path), False),
    ]


def data_format(path: Path, source: str, forge: Any = None, target: str | None = None) -> Format:
    """A file with rows to train on."""
    return Format(path.name, path, say_data(source, target), forge(path) if forge else None, exact=False)


def other_format(path: Path, forge: Any, read: Callable[[Path], Any]) -> Format:
    """A file that `read` reads, and nothing is known of what it must say."""
    return Format(path.name, path, lambda: (read(path), None), forge(path), exact=False)


# attempts


class Hang(BaseException):
    """Took too long."""


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise `Hang` inside after so many seconds."""

    def end(*_: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def attempt(one: Format, right: Any, forged: bool, tally: Tally, about: str) -> None:
    """Read the file that stands there now, and count what comes of it."""
    tally.attempts += 1
    try:
        with limited(HANG), warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("error", RuntimeWarning)
            found, said = one.read()
            if forged:
                one.check((found, said))
    except MLPError as error:
        tally.refused += 1
        if "\n" in str(error) or not str(error).isprintable():
            tally.fail("raw characters in a message", f"{about}: {str(error)!r:.200}")
        if one.exact and not forged and one.path.name not in str(error):
            tally.fail("a message without the file", f"{about}: {str(error)!r:.200}")
    except Hang:
        tally.fail("hang", about)
    except WrongError as error:
        tally.fail(f"wrong accept: {error}", about)
    except RecursionError:
        tally.fail("traceback: RecursionError", about)
    except Exception as error:
        frames = traceback.extract_tb(error.__traceback__)
        inner = next((f for f in reversed(frames) if f"{os.sep}mlp{os.sep}" in f.filename), frames[-1])
        place = f"{Path(inner.filename).name}:{inner.lineno}"
        tally.fail(f"traceback: {type(error).__name__} at {place}: {str(error)[:60]}", about)
    else:
        tally.accepted += 1
        if not forged and one.exact and said != right:
            tally.fail("wrong accept: damaged", about)


def put(path: Path, content: bytes) -> None:
    """Write a new file in its place: one that is cut to nothing first is waited for by some file systems."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def attack(one: Format, attempts: int, seed: list[int], other: bytes) -> Tally:
    """Damage and forge one format so often, in turn."""
    content, tally, (_, right) = one.path.read_bytes(), Tally(), one.read()
    beside = {path: path.read_bytes() for path in one.path.parent.iterdir() if path.is_file()}
    for number in range(attempts):
        rng = np.random.default_rng([*seed, number])
        forged = one.forge is not None and number % 2 == 1
        try:
            if forged and one.forge is not None:
                with contextlib.suppress(TypeError, ValueError, KeyError, UnicodeError):
                    one.forge(rng)
            else:
                put(one.path, damage(content, other, rng))
            attempt(one, right, forged, tally, f"{one.name}, seed {seed}, number {number}")
            if one.path.with_name("mark").exists():
                one.path.with_name("mark").unlink()
                tally.fail("code was run", f"number {number}")
        finally:
            for path, whole in (beside if forged else {one.path: content}).items():
                put(path, whole)
    return tally


def run(attempts: int, seed: int, only: str = "") -> Iterator[tuple[str, Tally]]:
    """Attack every format, so many attempts in all; what came of each, as soon as it is known."""
    folder = Path(tempfile.mkdtemp(prefix="mutations"))
    try:
        every = formats(folder)
        other = (folder / "run" / "history.npz").read_bytes()
        chosen = [(i, one) for i, one in enumerate(every) if only in one.name]
        each = -(-attempts // len(chosen))
        for i, one in chosen:
            yield one.name, attack(one, each, [seed, i], other)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    """Print attempts and failures; 1 where there are any."""
    given = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    given.add_argument("--attempts", type=int, default=22_000)
    given.add_argument("--seed", type=int, default=0)
    given.add_argument("--only", default="")
    asked = given.parse_args()
    n_attempts = n_failures = 0
    for name, tally in run(asked.attempts, asked.seed, asked.only):
        n = sum(tally.failures.values())
        counts = f"{tally.attempts:7} attempts {tally.refused:6} refused {tally.accepted:6} accepted {n:6} failures"
        print(f"{name:24}{counts}", flush=True)
        for kind, count in tally.failures.most_common():
            print(f"    {count:5}  {kind}   [{tally.examples[kind]}]", flush=True)
        n_attempts, n_failures = n_attempts + tally.attempts, n_failures + n
    print(f"{n_attempts} attempts, {n_failures} failures")
    return int(n_failures > 0)


if __name__ == "__main__":
    sys.exit(main())
