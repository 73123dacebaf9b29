"""A bar in a notebook while a run trains, with tqdm where it is installed; nothing anywhere else."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from typing import Any

from mlp.experiment.loop import Epoch


def show_in_notebook(epochs: Iterator[Epoch], n_epochs: int) -> Iterator[Epoch]:
    """Hand on `epochs`; in a notebook show how far they are, with the latest losses."""
    if not is_notebook():
        return epochs
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # without ipywidgets it draws with letters, and complains of that
            from tqdm.auto import tqdm
    except ImportError:
        return epochs
    return _show(epochs, tqdm, n_epochs)


def _show(epochs: Iterator[Epoch], tqdm: Any, n_epochs: int) -> Iterator[Epoch]:
    with tqdm(total=n_epochs, unit="epoch", leave=False) as bar:
        for epoch in epochs:
            scores = {
                f"validation {name}": f"{value:.4g}" for name, value in epoch.validation.items() if name != "loss"
            }
            bar.set_postfix({"loss": f"{epoch.train_loss:.4g}", **scores}, refresh=False)
            bar.update()
            yield epoch


def is_notebook() -> bool:
    """Whether this is the kernel of a notebook: Jupyter's, Colab's, that of an editor."""
    ask: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return hasattr(ask(), "kernel")
