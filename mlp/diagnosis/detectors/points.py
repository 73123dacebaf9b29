"""Points: where a training rests, as a probe of the curvature saw it and noted it.

Information by itself: every training passes saddles, and most end near some minimum. It alarms where a lack of progress
asks why. What was seen long ago says nothing of where the run is now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import isfinite

from mlp.diagnosis.causes.known_cause import Suspicion
from mlp.diagnosis.causes.layers import FlatRegion, LocalMinimum
from mlp.diagnosis.causes.weights import SaddlePoint
from mlp.diagnosis.evidence import Rest, latest_resting_point
from mlp.diagnosis.finding import Detector, Finding
from mlp.diagnosis.reading import Reading
from mlp.diagnosis.rows_in_words import list_names

KINDS = {"saddle": "saddle_point", "local_minimum": "local_minimum", "plateau": "plateau"}
"""The findings for kinds of points; the others are no fault of the place."""


class RestingPlace(Detector):
    """A saddle, a local minimum or a plateau at which a probe saw the run, in the latest tenth of its steps."""

    kinds = {
        "saddle_point": "the loss falls away in some direction, too gently to get there in time",
        "local_minimum": "every direction leads up, and lower points exist elsewhere",
        "plateau": "changes of some layers no longer reach the outputs, and the loss is flat",
    }
    needs = ("point_kind",)
    explains = True

    def __call__(self, r: Reading) -> Iterator[Finding]:
        found = latest_resting_point(r)
        if found is not None and found.kind in KINDS:
            seen = {name: r.one(f"point_{name}") for name in ("loss", "floor", "least", "largest", "escape", "rows")}
            seen = {name: value for name, value in seen.items() if isfinite(value)}
            say, suspect = SAID[found.kind]
            cause = suspect(r, found).cause
            yield Finding(KINDS[found.kind], "info", say(found), found.layers, found.step, seen, (cause,))


def _saddle(found: Rest) -> str:
    way = f"steps take about {found.escape:.3g} to leave it" if isfinite(found.escape) else "no step leaves it"
    return f"The run stands at a saddle: the least eigenvalue of the Hessian is {found.least:.1e}, and {way}."


def _minimum(found: Rest) -> str:
    return (
        f"The run rests in a local minimum with a loss of {found.loss:.4g}; these rows allow {found.floor:.4g}. "
        "No rate, no direction of curvature and no push leads down from there."
    )


def _plateau(found: Rest) -> str:
    return f"The loss is flat: changes of {list_names(found.layers)} no longer reach the outputs."


SAID: dict[str, tuple[Callable[[Rest], str], Callable[[Reading, Rest], Suspicion]]] = {
    "saddle": (_saddle, SaddlePoint.seen),
    "local_minimum": (_minimum, LocalMinimum.seen),
    "plateau": (_plateau, FlatRegion.seen),
}
"""What is said of a kind of point, and of the cause that it is."""

POINTS: tuple[Detector, ...] = (RestingPlace(),)
