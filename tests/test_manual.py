"""The README, the manual and `mlp help`: blocks run, links lead somewhere, every key and command has its place."""

from __future__ import annotations

import ast
import re
import tomllib
from dataclasses import fields
from itertools import chain
from pathlib import Path

import pytest
from manual_blocks import REPOSITORY, agrees, blocks, pages, run_page

import mlp
from mlp import manual
from mlp.cli import main
from mlp.cli.arguments import COMMANDS
from mlp.config import SECTIONS, Config
from mlp.diagnosis.glossary import glossary
from mlp.layers import ACTIVATIONS
from mlp.losses import LOSSES
from mlp.optimizer_bench.bench_settings import BenchSettings
from mlp.optimizers import OPTIMIZERS
from mlp.schedules import SCHEDULES

MANUAL = Path(manual.__file__).parent
LINK = re.compile(r"\]\(([^)\s]+)\)")
EVERY_PAGE = pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(REPOSITORY)))


@EVERY_PAGE
def test_blocks_of_a_page_run_and_print_what_it_says(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    _, wrong = run_page(page)
    assert not wrong, wrong


@EVERY_PAGE
def test_blocks_of_a_page_can_be_read(page: Path) -> None:
    """Also those that are not run: Python parses them, TOML is an experiment, and commands exist."""
    for block in blocks(page):
        if block.language == "python":
            ast.parse(block.code)
        elif block.language == "toml":
            tomllib.loads(block.code)
        elif block.language == "sh":
            assert set(re.findall(r"^mlp (\w+)", block.code, re.MULTILINE)) <= set(COMMANDS)
        else:
            assert block.language in ("text", ""), f"{page}:{block.line}: {block.language}"


@EVERY_PAGE
def test_links_lead_somewhere(page: Path) -> None:
    places = [place.partition("#")[0] for place in LINK.findall(page.read_text(encoding="utf-8"))]
    missing = [place for place in places if place and "://" not in place and not (page.parent / place).exists()]
    assert not missing


def test_a_page_that_says_something_else_is_found_out() -> None:
    assert agrees("loss 0.5\n...\nend", "loss 0.25\nmore\nend")
    assert not agrees("loss 0.5 now", "loss 0.5 then")


def test_readme_is_short() -> None:
    assert len((REPOSITORY / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_readme_promises_no_more_optimizers_than_there_are() -> None:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    promised = re.search(r"More than (\d+) optimizers", text)
    assert promised
    assert int(promised[1]) < len(OPTIMIZERS)
    assert min(map(len, (ACTIVATIONS, SCHEDULES, [*chain(*LOSSES.values())]))) >= 12  # "a dozen and more of each"


def test_every_page_begins_with_its_title() -> None:
    for name, page in manual.read_pages().items():
        assert page.startswith("# "), name


# every name has its place


def section_rows(page: str, heading: str) -> dict[str, str]:
    """The first two cells of the rows of the table below a heading."""
    section = (MANUAL / page).read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(re.findall(r"^\| `([^`|]+)` \| *([^|]*?) *\|", section, re.MULTILINE))


@pytest.mark.parametrize("name", SECTIONS)
def test_every_key_has_its_row_with_its_default(name: str) -> None:
    """A key that is added needs a row in mlp/manual/config.md, | `key` | `default` | what it is |."""
    rows = section_rows("config.md", f"[{name}]")
    assert {f.name for f in fields(SECTIONS[name])} - {"own"} <= set(rows)
    for key, default in Config().to_dict()[name].items():
        assert tomllib.loads(f"value = {rows[key].strip('`')}")["value"] == default, key


def test_every_key_of_a_bench_has_its_row_with_its_default() -> None:
    rows = section_rows("bench.md", "Settings in a file")
    settings = BenchSettings()
    keys = [f.name for f in fields(BenchSettings) if "allowed" in f.metadata]
    assert set(rows) == set(keys)
    for key in keys:
        assert tomllib.loads(f"value = {rows[key].strip('`')}")["value"] == getattr(settings, key), key


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_on_the_page_of_commands(name: str) -> None:
    text = (MANUAL / "commands.md").read_text(encoding="utf-8")
    section = next(part for part in text.split("\n## ") if f"mlp {name}" in part.splitlines()[0])
    options = [option for argument in COMMANDS[name].arguments for option in argument.names if option.startswith("-")]
    assert [option for option in options if f"`{option}`" not in section] == []


def test_a_part_that_a_page_does_not_name_has_a_row_of_what_its_class_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new part needs no line in the manual, and the rows that somebody wrote are not written again."""

    class Halved(mlp.Activation):
        """y = ½x.  φ′ = ½ | always."""

        name = "halved"

    pages = "optimizers", "network", "losses"
    texts = {page: (MANUAL / f"{page}.md").read_text(encoding="utf-8") for page in pages}
    for text in texts.values():
        named = set(re.findall(r"`(\w+)`", text))
        assert all(manual.complete_tables(text).count(f"| `{name}` |") == text.count(f"| `{name}` |") for name in named)
    monkeypatch.setitem(ACTIVATIONS, "halved", Halved)
    assert "\n| `halved` | `Halved` | y = ½x |\n" in manual.complete_tables(texts["network"])
    assert manual.complete_tables("<!-- rows: layers -->\n| y_j | `a` |").count("\n") > 5


def test_every_public_name_is_somewhere_in_the_manual() -> None:
    text = "\n".join(manual.read_pages().values())
    words = set(re.findall(r"\w+", text))
    assert [name for name in mlp.__all__ if name not in words and not name.startswith("_")] == []


# mlp help


def shown(capsys: pytest.CaptureFixture[str], *topic: str) -> str:
    assert main(["help", *topic]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("topic", "title"),
    [
        ("", "Start here"),
        ("optimizers", "Optimizers and schedules"),
        ("Early stopping", "Early stopping"),
        ("mlp train", "mlp train"),
        ("train", "mlp train"),
        ("batch_size", "[training]"),
        ("training.batch_size", "[training]"),
        ("adam", "Rules for minibatches"),
        ("optimizer", "Optimizers and schedules"),
        ("activation", "The network"),
        ("layer", "The network"),
        ("loss", "Losses"),
        ("own detector", "Parts of your own"),
        ("write your own", "Parts of your own"),
        ("vanishing_gradients", "vanishing_gradients"),
        ("saturating_activations", "saturating_activations"),
    ],
)
def test_help_finds_a_page_a_heading_a_command_a_key_or_a_finding(
    topic: str, title: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(capsys, *topic.split()).splitlines()[0] == title


@pytest.mark.parametrize("name", [*COMMANDS, *SECTIONS, *OPTIMIZERS])
def test_help_knows_every_command_section_and_optimizer(name: str) -> None:
    assert manual.find_topic(name)


def test_help_knows_every_key_finding_and_cause() -> None:
    keys = [f"{section}.{f.name}" for section, kind in SECTIONS.items() for f in fields(kind) if f.name != "own"]
    for name in [*keys, *(line.split()[1] for line in glossary())]:
        assert manual.find_topic(name)


def test_help_lists_every_page(capsys: pytest.CaptureFixture[str]) -> None:
    names = [line.split()[0] for line in shown(capsys, "--list").splitlines()]
    assert names[0] == "start"
    assert set(names) == {path.stem for path in MANUAL.glob("*.md")}


@pytest.mark.parametrize(("topic", "near"), [("Optimisers", "optimizers"), ("batchsize", "batch_size")])
def test_an_unknown_topic_is_one_line_with_near_ones(topic: str, near: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["help", topic]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert near in err


@pytest.mark.parametrize("name", manual.read_pages())
@pytest.mark.parametrize("width", [40, 100])
def test_a_page_as_text_fits_the_terminal_and_has_no_colour(name: str, width: int) -> None:
    """Code is not broken, and neither is a word without a space."""
    text = manual.render(manual.read_pages()[name], width, bold=False)
    assert "\033" not in text
    assert "](" not in text
    code = {line.strip() for block in blocks(MANUAL / f"{name}.md") for line in block.code.splitlines()}
    prose = [line for line in text.splitlines() if line.strip() not in code]
    assert [line for line in prose if len(line) > width and len(line.split()) > 3 and "  " not in line.strip()] == []


def test_headings_are_bold_on_a_terminal() -> None:
    assert manual.render("# Title", 40, bold=True) == "\033[1mTitle\033[0m"


# the reference


def test_reference_of_all_public_names_is_written_without_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("pdoc")
    assert main(["help", "--reference", str(tmp_path / "reference")]) == 0
    text = (tmp_path / "reference" / "mlp.html").read_text(encoding="utf-8")
    assert [name for name in mlp.__all__ if f'id="{name}"' not in text and f"mlp/{name}.html" not in text] == []
    assert capsys.readouterr().err == ""


def test_reference_never_replaces_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").touch()
    assert main(["help", "--reference", str(tmp_path)]) == 2
    assert "new or empty" in capsys.readouterr().err
