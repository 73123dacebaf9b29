"""Run the code blocks of the README and of the manual, as a reader would: `python tests/manual_blocks.py [FILE ...]`.

The blocks of a page run in their order in one temporary folder, in which a table `houses.csv` lies. Python blocks share
a namespace, `sh` blocks are for bash. A block of `text` right after one of them says what was printed: words must
agree, numbers may differ, and `...` stands for anything. A comment `<!-- not run: REASON -->` before a block leaves it
to `test_manual.py`, which looks at the syntax of every block.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from mlp.cli import main as main_of_mlp

REPOSITORY = Path(__file__).parent.parent
NOT_RUN = re.compile(r"<!-- not run: .+ -->")
SHELL = re.compile(r"[|&<>`]|\\$")  # what only a shell understands
NUMBER = re.compile(r"[-+−]?(\d[\d,]*(\.\d+)?([eE][-+]?\d+)?|\binf\b|\bnan\b)")


class Block(NamedTuple):
    """A piece of code of a page: the language, the text, the line it begins on, and whether it is to be run."""

    language: str
    code: str
    line: int
    runs: bool


def write_table(path: Path) -> None:
    """A table as pages name it: prices of houses."""
    rows = [(rooms, 20 * rooms + area, postcode) for rooms in range(1, 7) for area in range(5) for postcode in (10, 20)]
    lines = [f"{rooms},{area},{postcode},{1500 * area + 2000 * postcode}" for rooms, area, postcode in rows]
    path.write_text("\n".join(["rooms,area,postcode,price", *lines]) + "\n", encoding="utf-8")


def pages() -> list[Path]:
    """Everything that has code blocks for readers to type."""
    manual = sorted((REPOSITORY / "mlp" / "manual").glob("*.md"))
    return [REPOSITORY / "README.md", REPOSITORY / "mlp" / "README.md", *manual]


def blocks(page: Path) -> list[Block]:
    """The code blocks of a page."""
    found: list[Block] = []
    language, begun, code, before = None, 0, [], ""
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if language is None and line.startswith("```"):
            language, begun, code = line[3:].strip(), number, []
        elif language is not None and line == "```":
            found.append(Block(language, "\n".join(code), begun, not NOT_RUN.fullmatch(before)))
            language = None
        elif language is not None:
            code.append(line)
        elif line.strip():
            before = line.strip()
        if language is None and line == "```":
            before = "```"
    assert language is None, f"{page}:{begun}: the block does not end"
    return found


def run_python(code: str, where: str, room: dict[str, Any]) -> str:
    """What a block prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(code, where, "exec"), room)
    return out.getvalue()


def run_shell(code: str) -> str:
    """What a block prints. Commands of `mlp` alone run here, where the package is loaded already."""
    lines = [line for line in code.splitlines() if line.strip()]
    if any(not line.startswith("mlp ") or SHELL.search(line) for line in lines):
        return run_bash(code)
    return "".join(run_mlp(shlex.split(line, comments=True)[1:]) for line in lines)


def run_mlp(words: list[str]) -> str:
    """What a command of `mlp` prints."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as complaints:
        status = main_of_mlp(words)
    assert not status, f"mlp {shlex.join(words)}: status {status}: {complaints.getvalue()}"
    return out.getvalue()


def run_bash(code: str) -> str:
    """What a block prints; the commands of this interpreter come first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-e", "-c", code], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert not done.returncode, f"status {done.returncode}: {done.stderr.strip()[-2000:]}"
    return done.stdout


def agrees(said: str, printed: str) -> bool:
    """Whether a page says what was printed."""
    parts = (re.escape(_words(part)) for part in said.split("..."))
    return re.fullmatch(r"\s*.*?\s*".join(parts), _words(printed), re.DOTALL) is not None


def _words(text: str) -> str:
    return " ".join(NUMBER.sub("#", text).split())


def run_page(page: Path) -> tuple[float, str]:
    """How many seconds the blocks of a page take, and what is wrong with one of them; "" if nothing."""
    start, before = time.perf_counter(), os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        write_table(Path(folder, "houses.csv"))
        try:
            wrong = run_blocks(page, folder)
        finally:
            os.chdir(before)
    return time.perf_counter() - start, wrong


def run_blocks(page: Path, folder: str) -> str:
    """Run the blocks of a page in a folder; what is wrong with the first that fails, "" if none does."""
    room: dict[str, Any] = {"__name__": "__main__"}
    printed = None
    for block in blocks(page):
        os.chdir(folder)
        try:
            if block.language == "text" and block.runs and printed is not None:
                assert agrees(block.code, printed), f"the page says:\n{block.code}\nprinted was:\n{printed}"
            elif block.language == "python" and block.runs:
                printed = run_python(block.code, f"{page}:{block.line}", room)
            else:
                printed = run_shell(block.code) if block.language == "sh" and block.runs else None
        except BaseException as error:
            what = str(error) if isinstance(error, AssertionError) else traceback.format_exc()
            return f"{page}:{block.line}: {what}"
    return ""


def main(names: list[str]) -> int:
    """Run the pages, two at a time; the status is the number of those that fail."""
    chosen = [Path(name).resolve() for name in names] or pages()
    os.environ |= {"MPLBACKEND": "Agg", "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "100"}
    failures = 0
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for page, (seconds, wrong) in zip(chosen, pool.map(run_page, chosen), strict=True):
            print(f"{seconds:5.1f} s  {page.relative_to(REPOSITORY)}", "" if not wrong else f"FAILS\n{wrong}")
            failures += bool(wrong)
    return failures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
