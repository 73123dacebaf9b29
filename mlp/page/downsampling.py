"""Which points of a long curve to draw, so that the picture is the one that all of them would make.

M4: in each bucket the first, the least, the greatest and the last point. A curve drawn through them covers the same
pixels, and no spike of a single step is lost. Jugel, Jerzak, Hackenbroich & Markl (2014), "M4: a visualization-oriented
time series data aggregation".
"""

from __future__ import annotations

import numpy as np

from mlp.arrays import Array

BUCKETS = 1024  # more than a chart has columns of pixels
WHOLE = 4096  # points, up to which all are kept


def bucket_extremes(values: Array, buckets: int = BUCKETS, whole: int = WHOLE) -> Array:
    """The places of the points to draw, in order: all of up to `whole`, else at most 4 in each of `buckets`.

    A number that is none (NaN, ±∞) is kept wherever it is the first of its bucket that is none: the curve has a hole
    there, and people should see it.

    >>> bucket_extremes(np.array([0.0, 9.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]), buckets=2, whole=4).tolist()
    [0, 1, 3, 4, 7]
    """
    n = len(values)
    if n <= whole:
        return np.arange(n)
    edges = np.linspace(0, n, buckets + 1).astype(int)
    finite = np.isfinite(values)
    low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
    kept = [edges[:-1], edges[1:] - 1]
    starts = edges[:-1]
    widths = np.diff(edges)
    bucket = np.repeat(np.arange(buckets), widths)
    for found in (low == np.minimum.reduceat(low, starts)[bucket], high == np.maximum.reduceat(high, starts)[bucket]):
        kept.append(_first_of_each(found, bucket))
    kept.append(_first_of_each(~finite, bucket))
    return np.unique(np.concatenate(kept))


def _first_of_each(found: Array, bucket: Array) -> Array:
    """The first place of each bucket where `found` is true."""
    places = np.flatnonzero(found)
    return places[np.unique(bucket[places], return_index=True)[1]]
