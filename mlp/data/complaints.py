"""How a refusal names the places where data is wrong: the first few of them, and how many there are.

Every message is one line, whatever the file or the library underneath has put into it. Knows nothing of files
or arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from mlp.errors import MLPError

SHOWN = 3
LONGEST_CELL = 40

FILL = (
    "Fill them in, or delete these rows or columns; or have this done: "
    'missing = "impute" or "drop" (--set data.missing=impute).'
)
"""What to do about missing cells."""


@contextmanager
def found_in(place: object) -> Iterator[None]:
    """Begin what is refused within by where it was found (a file, a key), unless it says so itself.

    >>> with found_in("rows.npz"):
    ...     raise MLPError("X has no rows.")
    Traceback (most recent call last):
    mlp.errors.MLPError: rows.npz: X has no rows.
    """
    try:
        yield
    except MLPError as error:
        where = one_line(place)
        if where not in str(error):  # as the empty place is
            error.args = (f"{where}: {error}",)
        raise


def one_line(text: object) -> str:
    r"""The text with every run of white space, line breaks included, as one blank.

    >>> one_line("bad\n  header")
    'bad header'
    """
    return " ".join(str(text).split())


def quoted(cell: object) -> str:
    """A cell as it stands in a message: in quotes if it is text, cut when it is long."""
    shown = one_line(repr(str(cell)) if isinstance(cell, str) else repr(cell))
    return shown if len(shown) <= LONGEST_CELL else shown[: LONGEST_CELL - 4] + "...'"


def first_few(places: Sequence[str], n_places: int | None = None) -> str:
    """The first places, and how many more there are.

    >>> first_few(["line 2", "line 5", "line 6", "line 9"])
    'line 2; line 5; line 6; and 1 more'
    """
    n_more = (len(places) if n_places is None else n_places) - min(len(places), SHOWN)
    more = [f"and {n_more} more"] if n_more > 0 else []
    return "; ".join([*places[:SHOWN], *more])


def names(known: Iterable[object], longest: int = 10) -> str:
    """Some names, quoted and in the order given; a long list is cut and counted."""
    every = [quoted(str(name)) for name in known]
    rest = f", ... ({len(every)} in all)" if len(every) > longest else ""
    return ", ".join(every[:longest]) + rest


def counted(n: int, thing: str) -> str:
    """A number and its noun.

    >>> counted(1, "missing cell"), counted(3, "missing cell")
    ('1 missing cell', '3 missing cells')
    """
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"
