"""One name, one meaning: public functions of one name that are defined three times or more.

A method that overrides one of a base class is that method. What is left has the same meaning everywhere, and the table
says which: a protocol that no base class states, or the field's word for it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections import defaultdict
from functools import cached_property
from types import ModuleType
from typing import Any

import mlp

MEANINGS = {
    "abandon": "of what is written while it goes on: leave it as it is, after an error",
    "apply": "use it on arrays that are given; the result is returned",
    "at": "the same thing at another place",
    "begin": "make or look at what moves, before the first step",
    "blocks": "the pieces of a whole, in their order",
    "check": "refuse what does not fit",
    "clear": "of a count over an epoch: begin anew",
    "close": "of what is written while it goes on: end it",
    "count": "how many of something there are, or were met",
    "dense": "the dense layers of a network",
    "encode": "labels, texts or targets as the numbers that a network takes",
    "best": "the one that did best",
    "escape": "leave a point, or write characters so that they are text",
    "evaluate": "how good answers are",
    "fill": "write first values into arrays that are given",
    "from_json": "the object that `to_json` wrote",
    "gnvp": "write the product of the Gauss-Newton matrix with a vector",
    "hvp": "write the product of the Hessian with a vector",
    "init": "first values: of parameters, or of a memory",
    "jacobian": "write the derivatives of the residuals into an array",
    "learn": "take in what was seen, and change by it",
    "lengths": "how long each of several vectors is",
    "load": "read from a file or a source",
    "locate": "say at what kind of point a member stands",
    "look": "of what looks on: see one more step or epoch",
    "measure": "numbers that say how good it is now",
    "member": "one member of a population, by itself",
    "n_out": "how many numbers of a sample come out",
    "name": "what it is called",
    "names": "what each of several things is called",
    "next_look": "of a measure: the step at which it looks again",
    "numbers": "the numbers among what is there",
    "of": "the object that is made of what is given",
    "places": "where each of several things lies",
    "predict": "answers for rows",
    "put": "write one value where it belongs",
    "rate": "a learning rate, at a step or of a run",
    "read": "what stands there, as it is meant",
    "read_part": "one part of a whole, as what comes after takes it",
    "read_numbers": "numbers from texts",
    "residuals": "the numbers whose squares the loss adds up",
    "result": "of a count over an epoch: what it came to",
    "root_jacobian": "write the root of the Gauss-Newton matrix into an array",
    "rows": "rows of a table: what a network takes, or what a file gets",
    "reduce": "the sum of what all shards of the rows add",
    "report": "write what was found as a page of HTML, or return its text",
    "save": "write to a file or a folder",
    "score": "one number for how good something is",
    "seen": "of a cause: that a probe saw it at the weights",
    "settle": "decide what was left open",
    "size": "how many numbers there are",
    "steps": "updates that were made, or the descent that makes them",
    "submit": "of workers: have a call carried out",
    "suits": "of a pretrainer: whether it can train a layer",
    "table": "values by name, or what they must be",
    "take": "a part of it: some rows, or the next piece",
    "text": "as people read it on a terminal",
    "to_json": "in lists, dicts, texts and numbers",
    "update": "go on by one: a rule by a step, a log by what is new",
    "value": "the number that a function has there",
    "value_and_grad": "the same, and its gradient is written into an array",
    "weigh": "let samples count by their weights",
    "write": "write a file",
}
"""What all functions of a name do."""


def modules() -> list[ModuleType]:
    """Every module of the package."""
    found = pkgutil.walk_packages(mlp.__path__, "mlp.")
    return [importlib.import_module(m.name) for m in found if "__main__" not in m.name and ".files" not in m.name]


def is_function(thing: Any) -> bool:
    """Whether it is a function, a method or a property."""
    return inspect.isfunction(thing) or isinstance(thing, property | cached_property | classmethod | staticmethod)


def first_definition(kind: type, name: str) -> type:
    """The class at the top of those that `kind` inherits from in which a method of this name stands."""
    return [base for base in kind.__mro__ if name in vars(base) and base.__module__.startswith("mlp")][-1]


def definitions() -> dict[str, set[str]]:
    """Where each public name of a function stands first: in a module, or in a class."""
    found: dict[str, set[str]] = defaultdict(set)
    for module in modules():
        own = [thing for thing in vars(module).values() if getattr(thing, "__module__", "") == module.__name__]
        for thing in own:
            if inspect.isfunction(thing):
                found[thing.__name__].add(module.__name__)
            elif inspect.isclass(thing):
                for name in (name for name, value in vars(thing).items() if is_function(value)):
                    top = first_definition(thing, name)
                    found[name].add(f"{top.__module__}.{top.__qualname__}")
    return {name: places for name, places in found.items() if not name.startswith("_")}


def test_no_name_of_a_function_is_defined_three_times_without_one_meaning() -> None:
    """Rename one of them, or say in MEANINGS what all of them do."""
    often = {name: sorted(places) for name, places in definitions().items() if len(places) >= 3}
    assert {name: places for name, places in often.items() if name not in MEANINGS} == {}
