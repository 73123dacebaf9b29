"""The published table of obstacles as the manual shows it: a line for each rule, a column for each obstacle.

    python benchmarks/show_obstacles.py

Numbers are the starts that get past, in percent of 20. First come the rules that run everywhere, by their mean; then
those that do not, whose mean is one over fewer obstacles.
"""

from __future__ import annotations

import csv
from pathlib import Path

TABLE = Path(__file__).parent / "results" / "obstacles.csv"


def read_rows(path: Path = TABLE) -> list[dict[str, str]]:
    """The lines of the file."""
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def show(rows: list[dict[str, str]]) -> str:
    """The table, and what the numbers of its columns mean."""
    names = list(dict.fromkeys(row["obstacle"] for row in rows))
    past = {(row["rule"], row["obstacle"]): 100 * float(row["past"]) for row in rows if not row["error"]}
    marks = {row["rule"]: "" if row["tuned"] == "True" else "°" for row in rows}

    def mean(rule: str) -> float:
        found = [past[rule, name] for name in names if (rule, name) in past]
        return sum(found) / max(len(found), 1)

    lines = [f"{'rule':<25}" + "".join(f"{i:>4}" for i in range(1, len(names) + 1)) + "  mean"]

    def runs_everywhere(rule: str) -> bool:
        return all((rule, name) in past for name in names)

    for rule in sorted(marks, key=lambda rule: (not runs_everywhere(rule), -mean(rule), rule)):
        cells = "".join(f"{past[rule, name]:4.0f}" if (rule, name) in past else "    " for name in names)
        lines.append(f"{rule + marks[rule]:<25}{cells}{mean(rule):6.0f}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(show(read_rows()))
