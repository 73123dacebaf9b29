"""What a bench is asked for: rules, problems, seeds, and the budget for choosing learning rates.

A file has a table [bench] with the keys of `BenchSettings`, and a table [optimizers.NAME] for each rule that is not to
have its defaults: any of the rule's own keys, and `learning_rate` as a number or as a list to choose from. A table
[tune.NAME] says which other keys are tuned, and from where: lists and ranges. From Python
rules and problems come by name or as objects, which `own_parts` holds under their names.
"""

# ruff: noqa: RUF009  -- `key` makes a field, as `field` does
from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from mlp.config import read_parts
from mlp.config.schema import (
    COUNT,
    FLAG,
    NOT_NEGATIVE,
    SEED,
    Allowed,
    check_keys,
    key,
    one_of,
    parse_section,
    refuse_use,
    suggest,
)
from mlp.errors import ConfigError, HyperparameterError, UnknownNameError, check_positive
from mlp.optimizer_bench.data_problem import files_of, is_data
from mlp.optimizer_bench.own_parts import OwnParts, find_named
from mlp.optimizer_bench.setting import SCHEDULE, Length, Setting, apply_setting, like_own, own_setting
from mlp.optimizer_bench.tuning import check_space, draw_settings, list_grid
from mlp.optimizers import OPTIMIZERS, Optimizer
from mlp.problems import Problem, needs_folder

NAMES = Allowed(
    lambda value: isinstance(value, list) and value != [] and all(isinstance(v, str) for v in value), "a list of names"
)
FOLDER = Allowed(lambda value: isinstance(value, str), "the path of a folder")
DECADES = Allowed(lambda value: bool(NOT_NEGATIVE.fits(value)) and value <= 100, "a number from 0 to 100")
FEW = Allowed(lambda value: bool(COUNT.fits(value)) and value <= 10**6, "a whole number from 1 to 1000000")
TABLES = ("optimizers", "tune")  # sections with a table for each rule
FRESH, TUNING = 0, 10_000  # where the seeds of the two halves of the protocol begin: they never meet
OBSTACLE_SETTINGS = {"seeds": 20, "tuning_seeds": 3, "rates": 9, "together": 20}
"""What --obstacles sets: 20 starts that one population holds, and 9 learning rates: the rule's own and 8 others."""


@dataclass(frozen=True)
class BenchSettings:
    """Every key of [bench].

    `rates` learning rates, from `decades` decades around the rule's own, are tried with `tuning_seeds` seeds. The best
    then runs with `seeds` fresh ones. `search`: "grid", in equal steps of the logarithm, "random", or "halving", which
    goes on with the best quarter only, four times as long. `together`: how many seeds share one order of the batches,
    and so can train as one population. `epochs`: instead of each problem's own, if not 0. `seed`: where all seeds
    begin. `obstacles`: of every problem it is asked whether a rule gets past it; past a problem that is no obstacle is
    who reaches its target. `tables`: the tables [optimizers.NAME] by name. `tune`: the tables [tune.NAME], with lists
    and ranges of any hyperparameters and a list of schedules; `rates` is how many settings are drawn from them.
    """

    optimizers: list[str] = key(["sgd", "momentum", "adam"], NAMES)
    problems: list[str] = key(["digits", "two_spirals", "rosenbrock"], NAMES)
    seeds: int = key(10, FEW)
    tuning_seeds: int = key(3, FEW)
    rates: int = key(9, FEW)
    decades: float = key(4.0, DECADES)
    search: str = key("grid", one_of("grid", "random", "halving"))
    together: int = key(5, FEW)
    epochs: int = key(0, SEED)
    seed: int = key(0, SEED)
    obstacles: bool = key(False, FLAG)
    data: str = key("", FOLDER)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    tune: dict[str, dict[str, Any]] = field(default_factory=dict)
    own_parts: OwnParts = field(default_factory=OwnParts)

    def keys(self, name: str) -> dict[str, Any]:
        """The keys of a rule's table, without the learning rates."""
        return {key: value for key, value in self.tables.get(name, {}).items() if key != "learning_rate"}

    def make_rule(self, name: str) -> Optimizer:
        """The rule of that name with the keys of its table, and its own learning rate."""
        return self.own_parts.make_rule(name, self.keys(name))

    def listed_rates(self, name: str) -> list[Any]:
        """The learning rates of a rule's table."""
        given = self.tables.get(name, {}).get("learning_rate", [])
        return given if isinstance(given, list) else [given]

    def find_problem(self, name: str) -> Problem:
        """The problem of that name, as it is judged here."""
        found = self.own_parts.find_problem(name, self.data or None)
        return replace(found, by_target=True) if self.obstacles else found

    def settings(self, name: str) -> list[Setting]:
        """What is tried of a rule: its learning rates, or the settings that [tune.NAME] says.

        A random search begins with what the rule has if nobody tunes it, `own_setting`; the draws come on top.
        """
        if name not in self.tune:
            return list(self.learning_rates(name))
        space, own = self._space(name), self.own_setting(name)
        if self.search == "grid":
            drawn = list_grid(space)
        else:
            drawn = draw_settings(space, self.rates, np.random.default_rng([self.seed, *name.encode()]))
        first = [own] if isinstance(own, dict) and self.search == "random" else []
        return [*first, *(like_own(self.make_rule(name), setting) for setting in drawn)]

    def _space(self, name: str) -> dict[str, Any]:
        """The table [tune.NAME], with learning rates if it has none and the rule has one."""
        space, rates = dict(self.tune[name]), self.learning_rates(name)
        if "learning_rate" in space or rates == [None]:
            return space
        usual = self._usual_rate(name)
        if self.search == "grid" or self.listed_rates(name) or usual is None:
            return {**space, "learning_rate": rates}
        far = 10 ** (self.decades / 2)
        return {**space, "learning_rate": {"low": usual / far, "high": usual * far}}

    def own_setting(self, name: str) -> Setting:
        """What the rule has if nobody tunes it, in the form of `settings`; None where it has no default."""
        if not getattr(self.make_rule(name), "has_default", True):
            return None
        if name not in self.tune:
            return None if self.listed_rates(name) else self._usual_rate(name)
        space = self._space(name)
        rated = "learning_rate" in space and self._usual_rate(name) is None
        return None if rated else own_setting(self.make_rule(name), list(space))

    def is_chosen(self, name: str) -> bool:
        """Whether somebody has said what the rule's numbers are to be, or where to look for them."""
        return name in self.tables or name in self.tune

    def _usual_rate(self, name: str) -> float | None:
        """The learning rate that a rule has if nobody says another; None where it has none, or a schedule."""
        rule = self.make_rule(name)
        usual = {f.name: getattr(rule, f.name) for f in fields(rule)}.get("learning_rate")  # type: ignore[arg-type]
        return float(usual) if isinstance(usual, int | float) else None

    def learning_rates(self, name: str) -> list[float | None]:
        """What is tried, each once and in rising order; [None] for a rule without one, or with a schedule."""
        if given := self.listed_rates(name):
            return sorted(set(given))
        usual = self._usual_rate(name)
        if usual is None:
            return [None]
        return [*sorted({float(f"{rate:.4g}") for rate in usual * 10 ** self._powers(name)})]

    def _powers(self, name: str) -> Any:
        """Powers of ten around 0."""
        half = self.decades / 2
        if self.search == "grid":
            return np.linspace(-half, half, self.rates) if self.rates > 1 else np.zeros(1)
        drawn = np.random.default_rng([self.seed, *name.encode()]).uniform(-half, half, self.rates)
        return np.sort([0.0, *drawn] if self.search == "random" else drawn)

    def seeds_of(self, first: int, n: int) -> list[list[int]]:
        """n seeds, in blocks that share an order of the batches."""
        seeds = [self.seed + first + i for i in range(n)]
        return [seeds[i : i + self.together] for i in range(0, n, self.together)]

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """As a file has it."""
        bench = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("tables", "tune", "own_parts")}
        tables = {"optimizers": self.tables, "tune": self.tune}
        return {"bench": bench} | {name: table for name, table in tables.items() if table}


def read_files(settings: BenchSettings) -> list[Path]:
    """The files and folders that a bench reads, and must not write over."""
    own = [path for name in settings.problems if is_data(name) for path in files_of(name)]
    return [*own, *([Path(settings.data)] if settings.data else [])]


def parse_bench_settings(
    given: Mapping[str, Any], where: str = "bench", own: OwnParts | None = None, use: Any = ()
) -> BenchSettings:
    """The tables of a file as settings. Every mistake is named before anything runs; `where` is what errors call it.

    `own` parts have their names already; `use` are files and classes that names may stand for.
    """
    refuse_use(given, where)
    for name in given:
        if name not in ("bench", *TABLES):
            raise ConfigError(f"{where}: there is no section {name!r}. {suggest(name, ['bench', *TABLES])}")
    for section in TABLES:
        tables = given.get(section, {})
        named = {f"{section}.{name}": table for name, table in tables.items()} if isinstance(tables, Mapping) else {}
        for place, table in {section: tables, **named}.items():
            if not isinstance(table, Mapping):
                raise ConfigError(f"{where}, [{place}]: a table is needed; given was {table!r}.")
    tables, tune = (given.get(section, {}) for section in TABLES)
    found: BenchSettings = parse_section(BenchSettings, given.get("bench", {}), f"{where}, [bench]")
    objects, others = own or OwnParts(), find_named(read_parts(use), found.optimizers, found.problems)
    whole = OwnParts({**others.rules, **objects.rules}, {**others.problems, **objects.problems})
    found = replace(found, tables=dict(tables), tune=dict(tune), own_parts=whole)
    _check_parts(found, where)
    return found


def _check_parts(found: BenchSettings, where: str) -> None:
    """Refuse rules and problems that are unknown or there twice, and rules that cannot be made."""
    for what, names in (("optimizers", found.optimizers), ("problems", found.problems)):
        if twice := [name for name in names if names.count(name) > 1]:
            raise ConfigError(f"{where}, [bench] {what} names {twice[0]!r} twice. Once is enough.")
    known = {**OPTIMIZERS, **found.own_parts.rules}
    for name in [*found.optimizers, *found.tables, *found.tune]:
        if name not in known:
            raise UnknownNameError("optimizer", name, known)
    for name in found.problems:
        problem = found.find_problem(name)
        if needs_folder(name):  # better now than in the middle
            problem.begin(0, 0, False)
    for name in found.optimizers:
        _check_rule(found, name, f"{where}, [optimizers.{name}]")


def _check_rule(found: BenchSettings, name: str, where: str) -> None:
    """Make the rule once at every learning rate."""
    table = found.tables.get(name, {})
    known = [f.name for f in fields(found.own_parts.rules.get(name, OPTIMIZERS.get(name)))]  # type: ignore[arg-type]
    if SCHEDULE in table:
        raise ConfigError(f"{where}: a schedule stands in [tune.{name}]: schedule = [{table[SCHEDULE]!r}].")
    check_keys(known, table, where)
    if table.get("learning_rate") == []:
        raise ConfigError(f"{where} learning_rate = [] leaves nothing to try. Give one, or leave the key out.")
    place = where.replace("[optimizers.", "[tune.")
    if name in found.tune:
        check_keys([*known, SCHEDULE], found.tune[name], place)
        check_space(found.tune[name], place, found.search == "grid")
    try:
        for rate in found.listed_rates(name):
            check_positive("learning_rate", rate)
        for setting in found.settings(name):
            apply_setting(found.make_rule(name), setting, Length(1000, 10))  # no schedule asks for more than exists
    except (ConfigError, HyperparameterError, UnknownNameError, TypeError) as error:
        raise ConfigError(f"{place if name in found.tune else where}: {error}") from None
