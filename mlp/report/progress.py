"""Progress on standard error, on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from mlp.experiment import Epoch


def watched(epochs: Iterator[Epoch], n_epochs: int) -> Iterator[Epoch]:
    """Hand on `epochs`; on a terminal show how far they are, with tqdm where it is installed."""
    if not sys.stderr.isatty():
        yield from epochs
        return
    try:
        from tqdm import tqdm
    except ImportError:
        yield from _counted(epochs)
        return
    with tqdm(total=n_epochs, unit="epoch", leave=False) as bar:
        for epoch in epochs:
            bar.set_postfix_str(_state(epoch), refresh=False)
            bar.update()
            yield epoch


def _counted(epochs: Iterator[Epoch]) -> Iterator[Epoch]:
    """One line that is written over and over, and gone at the end."""
    try:
        for epoch in epochs:
            print(
                f"\r\033[Kepoch {epoch.number}/{epoch.n_epochs}  {_state(epoch)}",
                end="",
                file=sys.stderr,
                flush=True,
            )
            yield epoch
    finally:
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def _state(epoch: Epoch) -> str:
    """How it goes: training loss, and the score on validation."""
    shown = [f"loss {epoch.train_loss:.4g}"]
    shown += [f"validation {name} {value:.4g}" for name, value in epoch.validation.items() if name != "loss"]
    return ", ".join(shown)
