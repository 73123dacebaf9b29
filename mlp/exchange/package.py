"""Packages that only some people have: imported when they are needed, asked for by the name of the extra."""

from __future__ import annotations

import importlib
from typing import Any

from mlp.errors import MissingExtraError


def needed(package: str, feature: str, extra: str) -> Any:
    """The package; MissingExtraError where it is not installed."""
    try:
        return importlib.import_module(package)
    except ImportError:
        raise MissingExtraError(feature, extra) from None
