"""One step of backpropagation written out in full, as a textbook has it: for homework, and for checking by hand."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import groupby

from mlp.errors import check_count
from mlp.microscope.lines import Line, step_lines
from mlp.microscope.loss_formulas import loss_formula
from mlp.microscope.numbers import Numbers, numbers_of
from mlp.microscope.rule_formulas import RULE_FORMULAS
from mlp.optimizers import Optimizer
from mlp.training import Step

HEADINGS = {"z": "Forward", "a": "Forward", "∂L/∂a": "Backward", "δ": "Backward"}


@dataclass(frozen=True)
class Worksheet:
    """A worked step: `title`, a few facts as `preamble`, and its `lines`. `print` shows it as text.

    `markdown()` and `csv()` have the same numbers; those of `csv()` are exact, and can be read back.
    """

    title: str
    preamble: tuple[str, ...]
    lines: tuple[Line, ...]
    digits: int = 4

    def __str__(self) -> str:
        return self.text()

    def text(self) -> str:
        """As plain text."""
        rows = [self.title, "=" * len(self.title), "", *self.preamble]
        for heading, lines in self._sections():
            rows += ["", heading, "-" * len(heading)]
            rows += [f"{line.place:<{self._width}}   {self._equation(line)}" for line in lines]
        return "\n".join(rows) + "\n"

    def markdown(self) -> str:
        """As Markdown."""
        rows = [f"# {_plain(self.title)}", "", *(f"- {_plain(line)}" for line in self.preamble)]
        for heading, lines in self._sections():
            rows += ["", f"## {heading}", "", "| where | equation |", "|---|---|"]
            rows += [f"| {_plain(line.place)} | {_plain(self._equation(line))} |" for line in lines]
        return "\n".join(rows) + "\n"

    def csv(self) -> str:
        """As CSV: sample, where, what, the formula, the numbers in it, and the result in full."""
        out = StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["sample", "where", "what", "formula", "numbers", "value"])
        for line in self.lines:
            numbers = "".join(part if isinstance(part, str) else repr(part) for part in line.parts)
            sample = "" if line.sample is None else line.sample + 1
            writer.writerow([sample, line.place, line.name, line.words, numbers, repr(line.value)])
        return out.getvalue()

    @property
    def _width(self) -> int:
        return max(len(line.place) for line in self.lines)

    def _sections(self) -> Iterator[tuple[str, list[Line]]]:
        """The lines under their headings: forward and backward for each sample, then the weights."""

        def heading(line: Line) -> str:
            part = HEADINGS.get(line.name, "Gradients and updates") if line.sample is not None else None
            return f"{part}, sample {line.sample + 1}" if part and line.sample is not None else "Gradients and updates"

        for name, lines in groupby(self.lines, heading):
            yield name, list(lines)

    def _equation(self, line: Line) -> str:
        """Name = words = numbers = value."""
        numbers = ""
        for part in line.parts:
            numbers += part if isinstance(part, str) else self._number(part, in_sum=not numbers.endswith("("))
        middle = f" = {numbers}" if numbers else ""
        return f"{line.name} = {line.words}{middle} = {self._number(line.value, in_sum=False)}"

    def _number(self, value: float, *, in_sum: bool = True) -> str:
        """A number with so many significant digits; a negative one inside a sum in brackets."""
        text = f"{value:.{self.digits}g}".replace("-", "−")
        return f"({text})" if value < 0 and in_sum else text


def worked_step(step: Step, *, rule: Optimizer | None = None, digits: int = 4) -> Worksheet:
    """One step written out in full: every z, a, δ, ∂L/∂w and Δw with its formula and its numbers.

    `step` is one of those that `train` yields, of a network of at most 60 nodes in float64. `rule`: the optimizer, for
    its formula; plain gradient descent is recognised without it. `digits`: significant digits of the text. ShapeError
    for layers and losses of which the microscope has no formula.

    >>> import mlp
    >>> net = mlp.Network([mlp.Dense(1, 1)], rng=0)
    >>> net.params = [0.5, 0.0]
    >>> step = next(mlp.train(net, [mlp.as_batch([[2.0]], [[3.0]])], mlp.SquaredError(), mlp.SGD(0.1)))
    >>> print(*str(mlp.worked_step(step)).splitlines()[-3:], sep=chr(10))
    bias of the inputs → o   ∂L/∂w = Σ δ·x over 1 samples = (−2)·1 = −2
    bias of the inputs → o   Δw = −η·∂L/∂w = 0.2
    bias of the inputs → o   w + Δw = the weight after this step = 0 + 0.2 = 0.2
    """
    check_count("digits", digits)
    return write_sheet(numbers_of(step, rule), digits)


def write_sheet(numbers: Numbers, digits: int = 4) -> Worksheet:
    """The worksheet of these numbers."""
    widths = " → ".join(str(column.n) for column in numbers.graph.columns)
    formula = RULE_FORMULAS.get(type(numbers.rule))
    rate = "" if numbers.rate != numbers.rate else f", η = {numbers.rate:.{digits}g}"
    preamble = (
        f"The network has {widths} nodes and {numbers.params.size} weights, bias weights included.",
        f"The loss is the mean of {loss_formula(numbers.loss).words} over {numbers.n_samples} samples; "
        f"before this step it is {numbers.value:.{digits}g}.",
        f"The rule: {formula.words}{rate}." if formula else f"The rule has no formula here{rate}.",
        "A bias node is a node whose output is always 1; its weights are the biases.",
    )
    return Worksheet(f"Step {numbers.index}, written out", preamble, tuple(step_lines(numbers)), digits)


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    for mark in "\\`*_|<>[]#":
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())
