"""There is one way to write a file: `mlp.storage.atomic`. What would write in another way is found in the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlp

SOURCE = Path(mlp.__file__).parent
WRITE = {"write_text", "write_bytes", "tofile", "savez", "savez_compressed", "savetxt", "mkstemp",
         "NamedTemporaryFile", "os.rename", "os.truncate",
         "np.save", "os.replace", "os.link", "shutil.copy", "shutil.copy2", "shutil.move"}  # fmt: skip
"""Calls that write a file under the name that they are given, or move one there."""
OPEN = {"open", "fdopen", "ZipFile", "GzipFile", "memmap"}
"""Calls that write with some modes."""
ALLOWED = {
    "sinks/output.py": "a log is appended to, line by line; its head is written by `replacing`",
    "sweep.py": "a journal is appended to, one line a call",
    "cli/streams.py": "the null device takes the place of what is closed",
    "data/other_tables.py": "the null device takes the place of standard error for a moment",
    "data/files/convert.py": "a script that made the files of the package, and is not imported",
}


def writing_calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls in a module that write a file by themselves."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        owner, _, name = ast.unparse(node.func).rpartition(".")
        if (
            (owner and name in WRITE)
            or f"{owner}.{name}" in WRITE
            or (name in OPEN and _writes(node))
            or _draws(node, name)
        ):
            yield node


def _writes(node: ast.Call) -> bool:
    """Whether a file is opened in a mode in which it is written."""
    given = [*node.args, *(keyword.value for keyword in node.keywords if keyword.arg in ("mode", "flags"))]
    modes = [part.value for part in given if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    by_mode = any(0 < len(mode) < 4 and set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in modes)
    return by_mode or (ast.unparse(node.func) == "os.open" and "O_RDONLY" not in " ".join(map(ast.unparse, given)))


def _draws(node: ast.Call, name: str) -> bool:
    """Whether a picture is written to a path, and not into an open file."""
    return name == "savefig" and ast.unparse(node.args[0]) != "file"


MODULES = sorted(path for path in SOURCE.rglob("*.py") if "storage" not in path.parts)


def test_every_file_goes_through_the_one_atomic_write() -> None:
    """history.csv and the tables of a bench were opened with "w": a full disk left half of a table, without a word."""
    found = {
        str(path.relative_to(SOURCE)): [node.lineno for node in writing_calls(ast.parse(path.read_text()))]
        for path in MODULES
    }
    others = {name: lines for name, lines in found.items() if lines and name not in ALLOWED}
    assert others == {}, "write with mlp.storage.atomic.writing, or write_file"
    assert set(ALLOWED) <= {name for name, lines in found.items() if lines}, "what is allowed is still needed"


@pytest.mark.parametrize(
    "text",
    [
        "open(path, 'w')", "path.open('ab')", "path.open(mode='x')", "path.write_text(x)", "np.save(path, x)",
        "np.savetxt(path, x)", "os.open(path, os.O_WRONLY | os.O_CREAT)", "zipfile.ZipFile(path, 'w')",
        "figure.savefig(path)", "shutil.copy(a, b)", "os.replace(a, b)",
    ],
)  # fmt: skip
def test_what_writes_is_seen(text: str) -> None:
    assert len([*writing_calls(ast.parse(text))]) == 1


@pytest.mark.parametrize(
    "text",
    ["path.open('rb')", "open(path)", "path.open(encoding='utf-8')", "figure.savefig(file)", "text.replace(a, b)"],
)
def test_what_reads_is_none(text: str) -> None:
    assert not [*writing_calls(ast.parse(text))]
