"""A run as a page that explains itself: the verdict, what was found, what was recorded, and what it answers.

`curves` turns the history into charts, `answers` what the model says to held-out rows, and `build` puts all of it on
one page with what was tried and how to do it again. Measures no training, and writes no file.
"""

from mlp.run_page.build import (
    SCRIPTS,
    STYLES,
    Described,
    build_recording_report,
    build_report,
    describe_findings,
    describe_history,
    describe_network,
    describe_run,
    number,
    read_rows,
    say_how_to_repeat,
    write_text,
)
from mlp.run_page.notebook import show_run
from mlp.run_page.surroundings import Looked

__all__ = [
    "SCRIPTS",
    "STYLES",
    "Described",
    "Looked",
    "build_recording_report",
    "build_report",
    "describe_findings",
    "describe_history",
    "describe_network",
    "describe_run",
    "number",
    "read_rows",
    "say_how_to_repeat",
    "show_run",
    "write_text",
]
