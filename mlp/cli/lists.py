"""Commands that print what there is: data sets, rules, findings, pages of the manual. Each imports what it prints."""

from __future__ import annotations

import argparse
import re
import shutil

from mlp.cli.process import DONE, is_colored


def list_data(given: argparse.Namespace) -> int:
    """The data sets, one line each."""
    from mlp.data import catalogue

    for entry in catalogue():
        size = f"{entry.n_rows} × {entry.n_features}"
        print(f"{entry.name:18}{entry.kind:10}{size:>14}  {entry.description} [{entry.source}; {entry.licence}]")
    return DONE


def list_findings(given: argparse.Namespace) -> int:
    """Kinds and causes, one line each."""
    from mlp.diagnosis.glossary import glossary

    print(*glossary(), sep="\n")
    return DONE


def list_optimizers(given: argparse.Namespace) -> int:
    """The rules, one line each, with their sources: what comes before and with the first year of the last paragraph."""
    from mlp.config.own_parts import RULE
    from mlp.optimizers import OPTIMIZERS

    rules = {**OPTIMIZERS, **given.own.of(RULE)}
    width = 2 + max(map(len, rules))
    for name, rule in rules.items():
        said = (rule.__doc__ or "").split(">>>")[0].rstrip()  # what comes before its example
        lines = [" ".join(part.split()) for part in said.split("\n\n")]
        source = re.match(r".*?\(\d{4}", lines[-1])
        print(f"{name:{width}}{lines[0]}" + (f" {source[0]})" if source else ""))
    return DONE


def show_help(given: argparse.Namespace) -> int:
    """A page or a piece of the manual, or the list of all pages; bold headings only on a terminal."""
    from mlp import manual

    if given.reference is not None:
        from mlp.manual.reference import write_reference

        print(write_reference(given.reference))
        return DONE
    page = manual.list_pages() if given.list else manual.find_topic(" ".join(given.topic) or manual.FIRST)
    print(manual.render(page, min(shutil.get_terminal_size().columns, 100), is_colored()))
    return DONE
