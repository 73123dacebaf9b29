"""The keys of an experiment as tables of Markdown: each with its default, and what it is.

All of it is read from the sections themselves, so what is shown is what is accepted. The page of the manual has the
same rows; a test holds it to them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any, NamedTuple

from mlp.config.config import SECTIONS
from mlp.config.names_elsewhere import find_place
from mlp.config.toml import to_toml_value
from mlp.errors import UnknownNameError

FURTHER = {
    "loss": "Further keys are the loss's own: `delta`, `quantile`, `label_smoothing`, `gamma`.",
    "optimizer": "Further keys are the rule's own: `mlp optimizers adam` shows those of adam.",
}


class KeyRow(NamedTuple):
    """A key: its `default` as TOML writes it, "" for none; what it is; and what it takes."""

    section: str
    name: str
    default: str
    meaning: str
    allowed: str

    def markdown(self) -> str:
        """As a row of a table."""
        default = f"`{self.default}`" if self.default else ""
        return f"| `{self.name}` | {default} | {self.meaning.replace('|', chr(92) + '|')} |".replace("|  |", "| |")


def key_rows(section: str) -> Iterator[KeyRow]:
    """The keys of a section, in the order in which they stand there."""
    for f in fields(SECTIONS[section]):
        if "allowed" in f.metadata:
            value = _default(f)
            text = "" if value is None else to_toml_value(value)
            yield KeyRow(section, f.name, text, f.metadata["meaning"], f.metadata["allowed"].words)


def _default(f: Field[Any]) -> Any:
    return f.default if f.default_factory is MISSING else f.default_factory()


def describe_sections(names: Iterator[str] | list[str]) -> str:
    """All keys of some sections, each section as a heading and a table."""
    return "\n\n".join(part for name in names for part in _describe_section(name))


def _describe_section(name: str) -> Iterator[str]:
    yield f"## [{name}]"
    yield "\n".join(["| key | default | what it is |", "|---|---|---|", *(row.markdown() for row in key_rows(name))])
    if name in FURTHER:
        yield FURTHER[name]


def describe_keys(asked: str) -> str:
    """What is asked for by the name of a section, of a key, or by `section.key`; "" asks for all.

    UnknownNameError for anything else, with what it may be called here.
    """
    if not asked:
        return describe_sections(list(SECTIONS))
    if asked.strip("[]") in SECTIONS:
        return describe_sections([asked.strip("[]")])
    rows = [row for section in SECTIONS for row in key_rows(section)]
    found = [row for row in rows if asked in (row.name, f"{row.section}.{row.name}")]
    if not found:
        raise _unknown_key(asked, rows)
    return "\n\n".join(map(_describe_key, found))


def _describe_key(row: KeyRow) -> str:
    default = f"Default: `{row.default}`. " if row.default else ""
    return (
        f"## {row.section}.{row.name}\n\n{row.meaning[:1].upper()}{row.meaning[1:]}.\n\n"
        f"{default}Allowed: {row.allowed.rstrip('.')}.\n\n"
        f"Set it with `--set {row.section}.{row.name}=VALUE`, or below `[{row.section}]` in an experiment file."
    )


def _unknown_key(asked: str, rows: list[KeyRow]) -> UnknownNameError:
    """The error for what is neither a section nor a key."""
    error = UnknownNameError("key", asked, [*SECTIONS, *(row.name for row in rows)])
    meant = find_place(asked.rpartition(".")[2]) or error.nearest
    hint = f" Did you mean {meant!r}?" if meant else ""
    error.args = (f"no section and no key {asked!r}.{hint} mlp config lists all.",)
    return error
