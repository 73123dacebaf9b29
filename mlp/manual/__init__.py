"""The manual: one page of Markdown for each task, and how a page is shown in a terminal.

A topic is the name of a page, another word for it (they stand in a comment at the top of the page), a heading (that
section is shown), the first cell of a row of a table (that row is shown), or the name of a finding or a cause. Every
`.md` file in this folder is a page, and its first line is its title. Below a table, a comment `rows: FAMILY` stands for
the parts that the page does not name: each has a row of what its class says. The pages use little Markdown, and this
module knows no more: headings, paragraphs, lists, tables, code, links.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import zip_longest
from typing import Any

from mlp import layers, losses, optimizers
from mlp.diagnosis.glossary import glossary
from mlp.errors import UnknownNameError

FIRST = "start"
LINK = re.compile(r"\[([^]]+)\]\(([^)\s]+)\)")
PAGE = re.compile(r"([\w-]+)\.md(#.*)?")
ROWS = re.compile(r"<!-- rows: (\w+) -->\n")
SAME_AS = re.compile(r"<!-- also: (.*?) -->")
COMMENT = re.compile(r"<!--.*?-->\n?", re.DOTALL)
CODE = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^(#+) (.*)$", re.MULTILINE)
ITEM = re.compile(r"^(?=- |\d+\. )", re.MULTILINE)
NAME = re.compile(r"`([^`]+)`")
BOLD = re.compile(r"\*\*(.+?)\*\*")
INDENT = "  "


@cache
def read_pages() -> dict[str, str]:
    """The text of every page by its name: first those that the first page links to, in its order, then the others."""
    from importlib.resources import files  # 4 ms, with tempfile and archives: only where a page is read

    folder = files(__name__)
    names = sorted(place.name.removesuffix(".md") for place in folder.iterdir() if place.name.endswith(".md"))
    pages = {name: complete_tables((folder / f"{name}.md").read_text(encoding="utf-8")) for name in names}
    linked = [found[1] for _, place in LINK.findall(pages[FIRST]) if (found := PAGE.fullmatch(place))]
    return {name: pages[name] for name in dict.fromkeys([FIRST, *linked, *names]) if name in pages}


def complete_tables(page: str) -> str:
    r"""A page with a row for each part of a family that it does not name.

    >>> complete_tables("<!-- rows: activations -->\n").splitlines()[0]
    '| `identity` | `Identity` | y = x |'
    """

    def rows(place: re.Match[str]) -> str:
        new = [kind for kind in _families()[place[1]] if f"`{kind.__name__}`" not in page]
        return "".join(f"| `{_called(kind)}` | `{kind.__name__}` | {_first_sentence(kind)} |\n" for kind in new)

    return ROWS.sub(rows, page)


def _families() -> dict[str, list[type[Any]]]:
    """The classes of each family whose parts a page lists."""
    rules, activation = optimizers.OPTIMIZERS.values(), layers.Activation
    kinds = [v for v in vars(layers).values() if isinstance(v, type) and issubclass(v, layers.Layer)]
    return {
        "minibatch_rules": [rule for rule in rules if not rule.full_batch],
        "full_batch_rules": [rule for rule in rules if rule.full_batch],
        "activations": list(layers.ACTIVATIONS.values()),
        "layers": [k for k in kinds if k is not layers.Layer and not issubclass(k, activation)],
        **{f"losses_{targets}": list(table.values()) for targets, table in losses.LOSSES.items()},
    }


def _called(kind: type[Any]) -> str:
    return kind.name or kind.__name__.lower()


def _first_sentence(kind: type[Any]) -> str:
    """What a class is, as a cell of a table: the first sentence of its docstring."""
    return re.split(r"\.? {2}|\. |\.?$", (kind.__doc__ or "").split("\n")[0])[0].replace("|", "\\|")


def find_topic(topic: str) -> str:
    """The page, the section or the row about `topic`; UnknownNameError with near topics where there is none.

    >>> find_topic("Dropout").splitlines()[0]
    '## Dropout'
    """
    pages = read_pages()
    others: dict[str, str] = {
        word: page for page in pages.values() for words in SAME_AS.findall(page) for word in words.split(", ")
    }
    topics = _rows() | _entries() | _sections() | others | pages
    word = _word(topic)
    if word not in topics:
        raise _unknown_topic(topic, word, topics)
    return topics[word]


def _unknown_topic(topic: str, word: str, topics: Iterable[str]) -> UnknownNameError:
    """The error for a topic that there is not."""
    alike = [known for known in topics if len(word) > 2 and word in known]
    near = list(dict.fromkeys([*difflib.get_close_matches(word, topics, n=4), *sorted(alike, key=len)]))[:6]
    error = UnknownNameError("topic in the manual", topic, near)
    error.args = (f"the manual has no topic {topic!r}. {_suggest(near)}mlp help --list lists its pages.",)
    return error


def _suggest(near: Sequence[str]) -> str:
    return f"Near it: {', '.join(near)}. " if near else ""


def list_pages() -> str:
    """A table of all pages: the name of each, and its title."""
    return "\n".join(f"| {name} | {page.splitlines()[0].lstrip('# ')} |" for name, page in read_pages().items())


def render(text: str, width: int, bold: bool) -> str:
    r"""Markdown as plain text of at most `width` columns; code stays as it is, and headings are `bold` or not.

    >>> print(render("# Title\n\nSee [data](data.md).", 40, bold=False))
    Title
    <BLANKLINE>
      See data (mlp help data).
    """
    return "\n\n".join(_render_block(block, width, bold) for block in _blocks(text))


def _sections() -> dict[str, str]:
    """Every section of every page by its heading; of two with one heading the first."""
    found: dict[str, str] = {}
    for page in read_pages().values():
        starts = [(match.start(), len(match[1]), match[2]) for match in HEADING.finditer(CODE.sub(_blank, page))]
        for start, level, title in starts:
            end = next((other for other, its, _ in starts if other > start and its <= level), len(page))
            found.setdefault(_word(title), page[start:end])
    return found


def _rows() -> dict[str, str]:
    """Every row of a table below its heading, by each name in its first cell; a key also as `section.key`."""
    found: dict[str, str] = {}
    for page in read_pages().values():
        heading = ""
        for block in _blocks(page):
            if block.startswith("#"):
                heading = block
            elif block.startswith("|"):
                head, _, *rows = block.splitlines()
                section = f"{named[1]}." if (named := re.search(r"\[(\w+)\]", heading)) else ""
                for row in rows:
                    text = "\n\n".join([heading, f"{head}\n{row}"])
                    for name in NAME.findall(row.split("|")[1]):
                        found.setdefault(_word(name), text)
                        found.setdefault(section + _word(name), text)
    return found


def _entries() -> dict[str, str]:
    """What every finding and every cause means, by its name; some names are both."""
    found: dict[str, str] = {}
    for kind, name, meaning in (line.split(maxsplit=2) for line in glossary()):
        what = "a finding" if kind == "kind" else "a cause"
        found[name] = f"{found.get(name, f'# {name}')}\n\nAs {what}: {meaning}."
    return {name: f"{text}\n\nMore: [diagnosis](diagnosis.md)" for name, text in found.items()}


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _word(topic: str) -> str:
    """A topic as it is looked up."""
    return " ".join(re.sub(r"[`\[\]]", "", topic).lower().split()).removeprefix("mlp ")


def _blocks(text: str) -> Iterator[str]:
    """Headings, paragraphs, lists, tables, and pieces of code, which may hold empty lines."""
    for part in CODE.split(COMMENT.sub("", text)):
        if part.startswith("```"):
            yield part
        else:
            yield from (block.strip("\n") for block in re.split(r"\n{2,}", part) if block.strip())


def _render_block(block: str, width: int, bold: bool) -> str:
    if block.startswith("```"):
        return textwrap.indent("\n".join(block.splitlines()[1:-1]), INDENT * 2)
    text = BOLD.sub(r"\1", LINK.sub(_link, block))
    if heading := HEADING.match(text):
        title = textwrap.fill(heading[2], width)
        return f"\033[1m{title}\033[0m" if bold else title
    if text.startswith("|"):
        return textwrap.indent("\n".join(_table(text, width - len(INDENT))), INDENT)
    return "\n".join(_wrapped(item, width) for item in ITEM.split(text) if item)


def _link(match: re.Match[str]) -> str:
    text, place = match.groups()
    page = PAGE.fullmatch(place)
    if page or place.startswith("#"):
        return f"{text} (mlp help {page[1]})" if page else text
    return f"{text} ({place.lstrip('./')})" if place.lstrip("./") not in text else text


def _wrapped(text: str, width: int) -> str:
    """A paragraph or an item of a list, whose further lines begin below its first word."""
    hang = " " * len(found[0]) if (found := re.match(r"- |\d+\. ", text)) else ""
    return textwrap.fill(
        " ".join(text.split()), width, initial_indent=INDENT, subsequent_indent=INDENT + hang, break_on_hyphens=False
    )


def _table(text: str, width: int) -> Iterator[str]:
    """The lines of a table; its widest column gives way until the table fits."""
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in text.splitlines()]
    rows = [[cell.replace("\\|", "|") for cell in row] for row in rows if any(row) and set("".join(row)) - set("-:")]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    while sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    for row in rows:
        cells = [textwrap.wrap(cell, n, break_on_hyphens=False) for cell, n in zip(row, widths, strict=True)]
        for line in zip_longest(*cells, fillvalue=""):
            yield "  ".join(part.ljust(n) for part, n in zip(line, widths, strict=True)).rstrip()
