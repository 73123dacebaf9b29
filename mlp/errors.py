"""The tree of exceptions, and the checks that raise them.

    MLPError
    ├── ShapeError             (ValueError)   arrays or layers that do not fit together
    ├── DtypeError             (TypeError)    one network, one dtype; nothing is cast silently
    ├── HyperparameterError    (ValueError)   a number outside the range in which the rule makes sense
    ├── UnknownNameError       (KeyError)     no such optimizer, layer, key, data set ...; carries the nearest
    ├── ConfigError            (ValueError)   an experiment file or dict that says something impossible
    ├── DataError              (ValueError)   data that cannot be trained on; names rows and columns
    ├── FileFormatError        (ValueError)   a file that is not what its name promises
    ├── DownloadError          (OSError)      a file that could not be fetched whole
    ├── NotFittedError         (ValueError)   an estimator asked before it was fitted; also an AttributeError
    ├── DivergenceError   (ArithmeticError)   an estimator's training that came to no numbers; carries findings
    ├── ContractError       (AssertionError)  a part of one's own that does not do what its contract says
    ├── DerivativeError  (NotImplementedError)  a derivative that a layer, a loss or a function does not give
    └── MissingExtraError      (ImportError)  a feature that needs a package which is not installed

`DriftedInputsWarning` is the one warning: a UserWarning, where rows are far off what was learned.

Every message says what was given, what is needed and what to do. Knows nothing of the rest of the package.
"""

from __future__ import annotations

import copyreg
import difflib
import errno
import textwrap
from collections.abc import Iterable
from math import inf, isfinite
from types import UnionType
from typing import Any
from unicodedata import category

REMEDIES = {
    errno.ENOSPC: "Make room there, or write elsewhere",
    errno.EDQUOT: "Your quota is used up: make room there, or write elsewhere",
    errno.EROFS: "Nothing can be written there: give another path",
    errno.EACCES: "You may not write there: give another path, or ask for permission",
    errno.EPERM: "You may not write there: give another path, or ask for permission",
    errno.EFBIG: "It is larger than a file may be (ulimit -f)",
    errno.EIO: "The disk or the terminal may be gone: write elsewhere",
    errno.EMFILE: "Too many files are open: close some, or allow more (ulimit -n)",
    errno.ENAMETOOLONG: "Give a shorter name",
}
"""What to do where the system refuses to write, by its number of the error."""


class MLPError(Exception):
    """Whatever this package raises on purpose.

    >>> import mlp
    >>> try:
    ...     mlp.Adam(-0.1)
    ... except mlp.MLPError as error:
    ...     print(error)
    learning_rate = -0.1 cannot be: it must be a finite number, 0 or more.
    """

    def __str__(self) -> str:
        return visible(self.args[0]) if self.args else ""  # KeyError would quote it

    def __reduce__(self) -> tuple[Any, ...]:
        # by default an exception is made again from its message, which is not what those that carry data take
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class ShapeError(MLPError, ValueError):
    """Arrays or layers that do not fit together.

    >>> import mlp
    >>> try:
    ...     mlp.Network([mlp.Dense(4, 6), mlp.Dense(8, 1)])
    ... except mlp.ShapeError as error:
    ...     print(error)
    layer 2 of 2: Dense(8, 1) takes 8 inputs, but what stands before it gives 6. Make it Dense(6, 1).
    """


class DtypeError(MLPError, TypeError):
    """Numbers of another kind than the network computes with.

    >>> import numpy as np
    >>> import mlp
    >>> rows, target = np.ones((2, 3), np.float32), np.ones((2, 1))
    >>> network = mlp.Network([mlp.Dense(3, 1)], rng=0)
    >>> data = mlp.batches(rows, target, 2, rng=0, epochs=1, dtype=np.float32)
    >>> try:
    ...     next(mlp.train(network, data, mlp.SquaredError(), mlp.SGD(0.1)))
    ... except mlp.DtypeError as error:
    ...     print(error)
    the batch is float32 and the network float64. Give batches(..., dtype=np.float64) or Network(..., dtype=np.float32).
    """


class HyperparameterError(MLPError, ValueError):
    """A hyperparameter outside its range. Carries `name` and `value`.

    >>> HyperparameterError("rate", 2, "below 1").value
    2
    """

    def __init__(self, name: str, value: object, needed: str) -> None:
        self.name, self.value = name, value
        super().__init__(f"{name} = {in_one_line(value)} cannot be: it must be {needed}.")


class UnknownNameError(MLPError, KeyError):
    """A name that is not known. Carries `name`, `known` and `nearest` (or None).

    >>> UnknownNameError("optimizer", "addam", ["adam", "sgd"]).nearest
    'adam'
    """

    def __init__(self, what: str, name: object, known: Iterable[str]) -> None:
        self.name, self.known = name, sorted(known)
        close = difflib.get_close_matches(str(name).lower(), self.known, n=1, cutoff=0.5)
        self.nearest = close[0] if close else None
        hint = f" Did you mean {self.nearest!r}?" if self.nearest else ""
        super().__init__(f"no {what} {in_one_line(name)}. Known: {', '.join(self.known) or 'none'}.{hint}")


class ConfigError(MLPError, ValueError):
    """An experiment that cannot be run as it is written.

    >>> import mlp
    >>> mlp.run({"data": {"source": "iris"}, "training": {"epochs": 0}})
    Traceback (most recent call last):
    mlp.errors.ConfigError: config, [training] epochs = 0 cannot be. Allowed: a whole number, 1 or more.
    """


class DataError(MLPError, ValueError):
    """Data that cannot be trained on.

    >>> import mlp
    >>> mlp.data.load("nothing.csv")
    Traceback (most recent call last):
    mlp.errors.DataError: nothing.csv cannot be read (No such file or directory). Check the path.
    """


class FileFormatError(MLPError, ValueError):
    """A file that cannot be read as what it claims to be.

    >>> import mlp
    >>> mlp.load_run("nowhere")
    Traceback (most recent call last):
    mlp.errors.FileFormatError: nowhere: this is no run directory, it has no model.npz. Make one with mlp train -o.
    """


class DownloadError(MLPError, OSError):
    """A file that could not be fetched, or whose checksum is wrong.

    >>> issubclass(DownloadError, OSError)
    True
    """


class NotFittedError(MLPError, ValueError, AttributeError):
    """An estimator that is asked for answers before it was fitted.

    >>> import mlp
    >>> try:
    ...     mlp.MLPClassifier().predict([[0.0]])
    ... except ValueError as error:  # also where scikit-learn is loaded, whose own error it is then
    ...     print(error)
    This MLPClassifier is not fitted yet. Call fit with rows and targets first.
    """


class DivergenceError(MLPError, ArithmeticError):
    """An estimator's training that ended in numbers that are none. Carries `findings`.

    >>> import numpy as np
    >>> import mlp
    >>> rows, numbers = np.arange(20.0)[:, None], np.arange(20.0)
    >>> try:
    ...     mlp.MLPRegressor(optimizer="sgd", learning_rate=1e4, random_state=0).fit(rows, numbers)
    ... except mlp.DivergenceError as error:
    ...     print(error.findings[0].kind)
    divergence
    """

    def __init__(self, message: str, findings: Iterable[Any] = ()) -> None:
        self.findings = tuple(findings)
        super().__init__(message)


class ContractError(MLPError, AssertionError):
    """A part of one's own that does not do what its contract says.

    >>> issubclass(ContractError, MLPError)
    True
    """


class DerivativeError(MLPError, NotImplementedError):
    """A derivative that a layer, a loss or a function does not give.

    >>> import mlp
    >>> mlp.AbsoluteError().residuals(None, None, None)
    Traceback (most recent call last):
    mlp.errors.DerivativeError: AbsoluteError is no sum of squares, as least squares need. Use SquaredError.
    """


class MissingExtraError(MLPError, ImportError):
    """A feature that needs an optional package. Carries `extra`.

    >>> print(MissingExtraError("a plot", "plot"))
    a plot needs the extra 'plot': pip install 'mlp[plot]'
    """

    def __init__(self, feature: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{feature} needs the extra '{extra}': pip install 'mlp[{extra}]'")


class DriftedInputsWarning(UserWarning):
    """Rows to answer that are far off the rows that were trained on. Carries the names of the `columns`.

    >>> import mlp
    >>> issubclass(mlp.DriftedInputsWarning, UserWarning)
    True
    """

    def __init__(self, message: str, columns: Iterable[str] = ()) -> None:
        self.columns = tuple(columns)
        super().__init__(message)

    def __str__(self) -> str:
        return visible(self.args[0])


def visible(text: object) -> str:
    r"""The text in which a terminal shows every character: those it would obey, or hide, are written as escapes.

    These are control characters, line ends, marks of direction and of no width, halves of surrogate pairs and what
    Unicode has no character for. The one place that makes names fit to be printed.

    >>> print(visible("a\x1b[31m\nb\u202e\ud800 é"))
    a\x1b[31m\nb\u202e\ud800 é
    """
    given = str(text)
    if given.isprintable():
        return given
    return "".join(c if c.isprintable() or category(c) == "Zs" else _escape(c) for c in given)


def visible_lines(text: object) -> str:
    """The same of each line of a text of several."""
    return "\n".join(map(visible, str(text).split("\n")))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def os_reason(error: OSError) -> str:
    """What the system has against it, and what to do, as the end of a message.

    >>> os_reason(OSError(errno.ENOSPC, "No space left on device"))
    'No space left on device. Make room there, or write elsewhere.'
    """
    said = error.strerror or in_one_line(error)
    return f"{said}. {REMEDIES.get(error.errno or 0, 'Give another path')}."


def in_one_line(value: object) -> str:
    """The repr, without line ends and not endless."""
    try:
        return textwrap.shorten(repr(value), 80, placeholder=" …")
    except Exception:  # a repr that fails, and whole numbers of more digits than Python writes
        return f"a {type(value).__name__}"


def check_positive(name: str, value: Any) -> None:
    """Refuse anything but finite numbers > 0."""
    _check(name, value, lambda v: v > 0, "a finite number above 0")


def check_not_negative(name: str, value: Any) -> None:
    """Refuse anything but finite numbers ≥ 0."""
    _check(name, value, lambda v: v >= 0, "a finite number, 0 or more")


def check_finite(name: str, value: Any) -> None:
    """Refuse anything but finite numbers."""
    _check(name, value, lambda v: True, "a finite number")


def check_fraction(name: str, value: Any) -> None:
    """Refuse anything but numbers in [0, 1)."""
    _check(name, value, lambda v: 0 <= v < 1, "in the range 0 ≤ value < 1")


def check_between(name: str, value: Any) -> None:
    """Refuse anything but numbers in (0, 1)."""
    check_fraction(name, value)
    check_positive(name, value)


def check_above_one(name: str, value: Any) -> None:
    """Refuse anything but finite numbers > 1."""
    check_positive(name, value)
    if value <= 1:
        raise HyperparameterError(name, value, "above 1")


def _is_whole(value: Any) -> bool:
    """Whether it is a whole number, of Python or NumPy."""
    import numpy as np  # here: what only shows a help does without

    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _is_real(value: Any) -> bool:
    """Whether it is a real number, of Python or NumPy."""
    import numpy as np

    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def check_count(name: str, value: Any) -> None:
    """Refuse anything but whole numbers ≥ 1."""
    if not _is_whole(value) or value < 1:
        raise HyperparameterError(name, value, "a whole number, 1 or more")


def check_whole(name: str, value: Any) -> None:
    """Refuse anything but whole numbers ≥ 0."""
    if not _is_whole(value) or value < 0:
        raise HyperparameterError(name, value, "a whole number, 0 or more")


def check_flag(name: str, value: Any) -> None:
    """Refuse anything but True and False."""
    import numpy as np

    if not isinstance(value, bool | np.bool_):
        raise HyperparameterError(name, value, "True or False")


def check_kind(name: str, value: Any, kind: type[Any] | UnionType, needed: str) -> None:
    """Refuse what is no instance of `kind`, a class instead of an instance and arguments in the wrong order say."""
    if not isinstance(value, kind):
        raise HyperparameterError(name, value, needed)


def check_iterable(name: str, value: Any, needed: str) -> None:
    """Refuse what cannot be gone through; an array of a single number cannot, though it looks as if."""
    try:
        iter(value)
    except TypeError:
        raise HyperparameterError(name, value, needed) from None


def _check(name: str, value: Any, allowed: Any, needed: str) -> None:
    if not _is_real(value):
        raise HyperparameterError(name, value, needed)
    try:
        number = float(value)
    except OverflowError:  # an int beyond the largest float
        number = inf
    if not isfinite(number) or not allowed(number):
        raise HyperparameterError(name, value, needed)
