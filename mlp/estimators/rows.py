"""Tables of any kind as matrices of numbers, the names of their columns, and how much each row counts.

Takes lists, arrays, sparse matrices of SciPy, and frames of pandas or polars, and imports none of these libraries.
Errors use scikit-learn's words where its users or its checks rely on them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from mlp.arrays import Array, all_finite
from mlp.data.blocks import row_blocks
from mlp.data.boxed import is_missing
from mlp.data.cells import number
from mlp.data.columns import ColumnRules, fit_encoding
from mlp.data.encoding import Encoding
from mlp.data.frames import is_frame, read_frame, text_table
from mlp.data.labels import label_name
from mlp.data.spelling import find_spelling
from mlp.errors import DataError, DtypeError, HyperparameterError, ShapeError, visible, visible_lines

SHOWN = 5
FAR = 256  # 2²⁵⁶ squared, times all rows there can be, is a number


def column_names(X: Any) -> Array | None:
    """The names of a frame's columns, (n_features,) of str as objects; None where they are not all text."""
    given = getattr(X, "columns", None)
    names = None if given is None or callable(given) else list(given)
    if not names or not any(isinstance(name, str) for name in names):
        return None
    if not all(isinstance(name, str) for name in names):
        kinds = sorted({type(name).__name__ for name in names})
        raise DtypeError(f"the columns of X are named by {kinds}. Name all by text: X.columns = X.columns.astype(str).")
    return np.array(names, dtype=object)


class OtherNamesError(DataError):
    """Columns of other names. Its message has several lines, as scikit-learn's has."""

    def __str__(self) -> str:
        return visible_lines(self.args[0])


def check_names(estimator: str, fitted: Array | None, given: Array | None) -> None:
    """Refuse other columns than those it was fitted on, or another order; warn where only one side has names."""
    if fitted is None and given is None:
        return
    if given is None:
        _warn(f"X does not have valid feature names, but {estimator} was fitted with feature names")
    elif fitted is None:
        _warn(f"X has feature names, but {estimator} was fitted without feature names")
    elif list(fitted) != list(given):
        raise OtherNamesError(_other_names(fitted, given))


def _warn(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=5)


def _other_names(fitted: Array, given: Array) -> str:
    """What is wrong with the names `given`, as scikit-learn says it."""
    message = "The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted(set(given) - set(fitted)), sorted(set(fitted) - set(given))
    message += _listed("Feature names unseen at fit time:", unseen)
    message += _listed("Feature names seen at fit time, yet now missing:", missing)
    if not (unseen or missing):
        message += "Feature names must be in the same order as they were in fit.\n"
    return message


def _listed(heading: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    return (
        "\n".join([heading, *(f"- {visible(name)}" for name in names[:SHOWN]), *["- ..."] * (len(names) > SHOWN)])
        + "\n"
    )


class Rows(NamedTuple):
    """Rows as numbers X. `n` were given, and of these `kept` are left, None for all.

    `encoding`: how the columns of a frame with texts became those of X.
    """

    X: Array
    n: int
    encoding: Encoding | None = None
    kept: Array | None = None

    def of(self, values: Any) -> Any:
        """The values of the rows that are left; None for None."""
        return values if values is None or self.kept is None else values[self.kept]


def read_rows(X: Any, name: str, estimator: str, rules: ColumnRules, encoding: Encoding | None = None) -> Rows:
    """Rows as numbers. Columns of texts in a frame are encoded by `encoding`; without one, as `rules` say."""
    table = text_table(X, name)
    if table is None and encoding is None and not (rules.categorical and is_frame(X)):
        found = matrix(X, estimator, name, missing=rules.policy.missing != "refuse")
        return Rows(found, len(found))
    table = read_frame(X, name) if table is None else table
    if encoding is None:
        rules.check(table)
        kept, encoding, found = fit_encoding(table, (), rules)
        return Rows(found, len(table.lines), encoding, np.array(kept.lines))
    table = encoding.read(table)
    rows = encoding.rows_to_keep(table, targets=False)
    kept = table if rows is None else table.take(rows.tolist())
    return Rows(encoding.encode(kept), len(table.lines), encoding, np.array(kept.lines))


def matrix(X: Any, estimator: str, name: str = "X", *, missing: bool = False) -> Array:
    """Rows of finite numbers (n, n_features), in their own dtype; a copy only where one is needed.

    With `missing`, cells may be NaN.

    Sparse matrices become dense: a row whose features are scaled to mean 0 is no longer sparse.
    """
    try:
        found = np.asarray(as_dense(X, name))
    except ValueError as error:
        raise DataError(f"{name} is no table: {' '.join(str(error).split())}") from None
    if found.dtype.kind == "O" and not found.ndim:
        kind = type(X).__name__
        what = f"give {name}.collect()" if hasattr(X, "collect") else "give an array, a list of rows, or a frame"
        raise DtypeError(f"{name} is a {kind}, and rows of numbers are needed: {what}.")
    if missing and found.dtype.kind == "O":
        found = np.where(np.vectorize(is_missing, otypes=[bool])(found), np.nan, found)
    found = _numbers(found, name, column_names(X))
    if found.ndim != 2:
        raise ShapeError(
            f"Expected 2D array, got {found.ndim}D array instead: {name} has shape {found.shape}. Reshape your data "
            f"using {name}.reshape(-1, 1) if it has a single feature or {name}.reshape(1, -1) if it is a single sample."
        )
    for size, what in ((len(found), "sample"), (found.shape[1], "feature")):
        if not size:
            shape = f"({found.shape[0]}, {found.shape[1]})"
            raise DataError(
                f"Found array with 0 {what}(s) (shape={shape}) while a minimum of 1 is required by {estimator}."
            )
    check_finite(found, name, column_names(X), missing=missing)
    return found


def as_dense(values: Any, name: str) -> Any:
    """Sparse matrices and arrays of SciPy as dense arrays; NumPy would make one object of them. All else as it is."""
    if not (hasattr(values, "toarray") and hasattr(values, "nnz")):
        return values
    try:
        return values.toarray()
    except (MemoryError, ValueError):  # NumPy raises either, depending on how far an array is from possible
        raise DataError(
            f"{name} is a sparse matrix {values.shape}. A network takes dense rows, and as such it does not fit into "
            "memory. Give fewer features, or fewer rows at a time with partial_fit."
        ) from None


def _numbers(values: Array, name: str, names: Array | None) -> Array:
    """Real numbers; objects that hold numbers as float64."""
    if values.dtype.kind in "biuf":
        return values.astype(np.float64) if values.dtype == np.float16 else values
    if values.dtype.kind == "c":
        raise DataError(f"Complex data not supported: {name} holds {values.dtype}. Give real and imaginary part apart.")
    if values.dtype.kind != "O":
        raise DataError(
            f"{name} holds {values.dtype} values, and numbers are needed. Encode text and dates as numbers."
        )
    try:
        found = values.astype(np.float64)
    except (ValueError, TypeError):
        found = None
    except OverflowError:
        raise DataError(f"{name} holds whole numbers beyond 1e308. Rescale them.") from None
    texts = (cell for cell in values.flat if isinstance(cell, str))
    if found is None or any(np.isnan(number(cell)) for cell in texts):  # for NumPy 1_000 is one, as for Python
        _refuse_cell(values, name, names)
    return found


def _refuse_cell(values: Array, name: str, names: Array | None) -> NoReturn:
    """Raise the error for the first object that is no number; for text only if there is no other object."""
    cells = ((i, cell) for i, cell in np.ndenumerate(values) if cell is not None and not isinstance(cell, float))
    odd = [(i, cell) for i, cell in cells if np.isnan(number(cell))]
    place, cell = next(((i, cell) for i, cell in odd if not isinstance(cell, str)), odd[0])
    if not isinstance(cell, str):
        needed = "float() argument must be a string or a real number"  # as scikit-learn's users know it
        raise DtypeError(f"{name} holds {cell!r} at {_place(place, names)}, and objects are no numbers: {needed}.")
    remedy = find_spelling(cell) or "Encode text and dates as numbers."
    raise DataError(f"{name} holds {cell!r} at {_place(place, names)}, and numbers are needed. {remedy}")


def _place(index: Sequence[int], names: Array | None = None) -> str:
    words = [f"row {index[0]}"] if index else []
    return ", ".join(words + [f"column {j if names is None else repr(names[j])}" for j in index[1:]])


def check_finite(values: Array, name: str, names: Array | None = None, *, missing: bool = False) -> None:
    """Refuse NaN and infinities, with their places; with `missing`, infinities only."""
    if values.dtype.kind != "f" or all_finite(values):
        return
    for part in row_blocks(len(values), max(1, values.size // len(values))):
        bad = np.argwhere(np.isinf(values[part]) if missing else ~np.isfinite(values[part]))
        if len(bad):
            places = [(int(i[0]) + part.start, *map(int, i[1:])) for i in bad[:SHOWN]]
            kind = "NaN" if np.isnan(values[places[0]]) else "inf (infinity)"
            shown = "; ".join(_place(place, names) for place in places) + ("; ..." if len(bad) > SHOWN else "")
            remedy = "Fill these cells in, or leave their rows out"
            if kind == "NaN" and name == "X":
                remedy += '; or have this done: missing="impute" or "drop"'
            raise DataError(f"Input {name} contains {kind}: {shown}. {remedy}.")


# weights: a row of weight k counts like k rows, and a row of weight 0 like none


def sample_weights(given: Any, n: int, name: str = "sample_weight") -> Array | None:
    """A finite number ≥ 0 for each of n rows, at least one of them above 0; None where none were given."""
    if given is None:
        return None
    try:
        found = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must hold a number for each row.") from None
    if found.ndim == 0:
        found = np.full(n, found)
    if found.shape != (n,):
        raise DataError(f"{name} has shape {found.shape}; X has {n} rows, and each needs one weight.")
    if not np.isfinite(found).all() or (found < 0).any():
        row = int(np.argmin(np.isfinite(found) & (found >= 0)))
        raise DataError(f"{name} must be finite and 0 or more; row {row} has {found[row]}.")
    if not found.any():
        raise DataError(f"{name} is zero for all rows: Sample weights must contain at least one non-zero number.")
    return _within_reach(found)


def _within_reach(weights: Array) -> Array:
    """The weights, divided by a power of two where their sum or their product with others might leave the numbers.

    Only their ratios count, and a power of two changes no digit of them.
    """
    exponent = int(np.frexp(weights.max())[1])
    return np.ldexp(weights, -exponent) if abs(exponent) > FAR else weights


def check_class_weight(given: Any) -> None:
    """Refuse what is neither None, "balanced" nor a weight for each class."""
    is_table = isinstance(given, Mapping) and all(_is_weight(weight) for weight in given.values())
    if given is not None and not is_table and (not isinstance(given, str) or given != "balanced"):
        raise HyperparameterError("class_weight", given, 'None, "balanced", or {class: weight ≥ 0}')


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and bool(np.isfinite(value) and value >= 0)


def class_weights(given: Mapping[Any, float], classes: Array, codes: Array) -> Array:
    """The weight of each class (n_classes,); 1 for a class that is not named."""
    names = [label_name(label) for label in classes]
    found = np.ones(len(classes))
    for label, weight in given.items():
        if label_name(label) not in names:
            raise DataError(f"class_weight names {label!r}, and the classes are {classes.tolist()}.")
        found[names.index(label_name(label))] = weight
    if not found[codes].any():
        raise DataError("class_weight is zero for all classes that y holds: no row counts.")
    return _within_reach(found)
