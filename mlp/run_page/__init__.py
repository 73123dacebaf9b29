"""A run as a page that explains itself: the verdict, what was found, what was recorded, and what it answers.

`curves` turns the history into charts, `answers` what the model says to held-out rows, and `build` puts all of it on
one page with what was tried and how to do it again. Measures no training, and writes no file.
"""

from mlp.run_page.build import build_report, read_rows
from mlp.run_page.notebook import show_run

__all__ = ["build_report", "read_rows", "show_run"]
