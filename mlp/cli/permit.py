"""What a command may write."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from mlp.storage.permission import Permission


def permit(given: argparse.Namespace, read: Iterable[Path]) -> Permission:
    """What a command may write that reads these files. Standard output may not have been led into one of them."""
    found = Permission([*read, *map(Path, given.use)], getattr(given, "force", False))
    found.check_stream(sys.stdout)
    return found
