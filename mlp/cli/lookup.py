"""The commands that look something up: `mlp config`, `data`, `optimizers`, `findings` and `help`.

Each lists what there is; with a name it shows that one entry whole, with its mathematics. The words stand at the keys,
the data sets, the rules and the detectors themselves.
"""

from __future__ import annotations

import argparse
import inspect
import re
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from mlp import manual
from mlp.cli.process import DONE
from mlp.cli.streams import is_colored, show
from mlp.config.key_table import describe_keys
from mlp.config.own_parts import RULE
from mlp.config.schema import DERIVED, unknown_name
from mlp.config.toml import to_toml_value
from mlp.data import catalogue
from mlp.data.sources import describe_formula
from mlp.diagnosis import DETECTORS, Detector, KnownCause, known_causes
from mlp.diagnosis.glossary import glossary, kinds
from mlp.errors import UnknownNameError
from mlp.manual.reference import write_reference
from mlp.optimizers import OPTIMIZERS


def show_help(given: argparse.Namespace) -> int:
    """A page or a piece of the manual, or the list of all pages."""
    if given.reference is not None:
        show(write_reference(given.reference))
        return DONE
    print(_rendered(manual.list_pages() if given.list else manual.find_topic(" ".join(given.topic) or manual.FIRST)))
    return DONE


def show_config(given: argparse.Namespace) -> int:
    """All keys with their defaults, those of a section, or one key."""
    print(_rendered(describe_keys(given.key or "")))
    return DONE


def _rendered(markdown: str) -> str:
    """Markdown for this terminal; headings are bold on a terminal only."""
    return manual.render(markdown, min(shutil.get_terminal_size().columns, 100), is_colored())


# data sets


def list_data(given: argparse.Namespace) -> int:
    """The data sets, one line each; or one of them."""
    entries = {entry.name: entry for entry in catalogue()}
    if given.name is not None:
        show("\n".join(_describe_data(_find("data set", given.name, entries))))
        return DONE
    for entry in entries.values():
        size = f"{entry.n_rows} × {entry.n_features}"
        show(f"{entry.name:18}{entry.kind:10}{size:>14}  {entry.description} [{entry.source}; {entry.licence}]")
    return DONE


def _describe_data(entry: Any) -> Iterator[str]:
    """What is known of a data set, and how a formula makes it."""
    yield f"{entry.name}: {entry.description}"
    target = "a vector" if entry.n_classes is None else f"one of {entry.n_classes} classes"
    yield f"\n{entry.n_rows} rows, {entry.n_features} features, {target}; {entry.kind}"
    if formula := describe_formula(entry.name):
        yield f"\n{formula}"
    yield f"\nSource: {entry.source}. Licence: {entry.licence}."
    yield f"Try it: mlp train {entry.name}"


# optimizers


def list_optimizers(given: argparse.Namespace) -> int:
    """The rules, one line each, with their sources: what comes before and with the first year of the last paragraph.

    With a name, one of them: its mathematics and its keys.
    """
    rules = {**OPTIMIZERS, **given.own.of(RULE)}
    if given.name is not None:
        show("\n".join(_describe_rule(given.name, _find("optimizer", given.name, rules))))
        return DONE
    width = 2 + max(map(len, rules))
    for name, rule in rules.items():
        lines = [" ".join(part.split()) for part in _words(rule).split("\n\n")]
        source = re.match(r".*?\(\d{4}", lines[-1])
        show(f"{name:{width}}{lines[0]}" + (f" {source[0]})" if source else ""))
    return DONE


def _words(kind: Any) -> str:
    """The docstring of a class, without its example."""
    return inspect.cleandoc(kind.__doc__ or "").split(">>>")[0].rstrip()


def _describe_rule(name: str, rule: Any) -> Iterator[str]:
    """The mathematics of a rule, and its keys with their defaults."""
    yield f"{name}\n\n{textwrap.indent(_words(rule), '  ')}\n"
    yield f"Keys of [optimizer] with name = {to_toml_value(name)}:"
    for f in fields(rule) if is_dataclass(rule) else ():
        if f.name not in DERIVED:
            yield f"  {f.name:22}{_default_of(f, rule.usual_rate)}"
    if rule.aliases:
        yield f"Elsewhere it is called {', '.join(rule.aliases)}."
    if name in OPTIMIZERS:
        yield f"In Python: mlp.{rule.__name__}"


def _default_of(f: Any, usual_rate: float | None) -> str:
    if f.default is not MISSING:
        return to_toml_value(f.default)
    if f.default_factory is not MISSING:
        return to_toml_value(f.default_factory())
    return f"to be given{f'; usual: {usual_rate:g}' if f.name == 'learning_rate' and usual_rate else ''}"


# findings


def list_findings(given: argparse.Namespace) -> int:
    """Kinds and causes, one line each; or one of them. Those of one's own are known too."""
    detectors = (*DETECTORS, *given.own.detectors())
    if given.name is None:
        show("\n".join(glossary(detectors)))
        return DONE
    means, causes = kinds(detectors), known_causes(detectors)
    _find("finding", given.name, {**means, **causes})
    said = [*_describe_kind(given.name, detectors)] if given.name in means else []
    said += [*_describe_cause(causes[given.name])] if given.name in causes else []
    show("\n\n".join(said))
    return DONE


def _describe_kind(name: str, detectors: Sequence[Detector]) -> Iterator[str]:
    """What a kind of finding means, when it is found, and what may be behind it."""
    yield f"{name} (a finding): {kinds(detectors)[name]}."
    for detector in detectors:
        if name in detector.kinds:
            yield textwrap.indent(_words(type(detector)), "  ")


def _describe_cause(cause: KnownCause) -> Iterator[str]:
    """What a cause means, and what to do about it."""
    yield f"{cause.name} (a cause): {cause.meaning}."
    yield textwrap.indent(f"{_words(type(cause))}\n\nWhat to do: {cause.remedy}.", "  ")


def _find(what: str, name: str, known: Mapping[str, Any]) -> Any:
    """What goes by a name; UnknownNameError, with near ones, where nothing does."""
    if name not in known:
        raise _short(unknown_name(what, name, known), what)
    return known[name]


def _short(error: UnknownNameError, what: str) -> UnknownNameError:
    """The same error without the list of all names, which a command shows."""
    hint = f" Did you mean {error.nearest!r}?" if error.nearest else ""
    error.args = (f"no {what} {error.name!r}.{hint} Without a name, all are listed.",)
    return error
