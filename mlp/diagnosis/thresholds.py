"""All thresholds of the diagnosis on one page.

Those marked `fitted` were tuned on the seen half of the zoo in `benchmarks/diagnosis` (seeds 0, 2, 4 of eight problems)
and measured on the other half. The others follow from a definition or a source, which stands beside them. A weight says
how sure one sign is of a cause: 1 is certain. Where a sign grows, its weight grows along a `Ramp`.
"""

from __future__ import annotations

from math import log10
from typing import NamedTuple


def between(value: float, low: float, high: float) -> float:
    """How far a ratio has gone from `low` (0) to `high` (1), in steps of its logarithm.

    >>> between(10.0, 1.0, 100.0), between(0.1, 1.0, 100.0), between(1e9, 1.0, 100.0)
    (0.5, 0.0, 1.0)
    """
    if not value > 0:
        return 0.0
    return min(1.0, max(0.0, (log10(value) - log10(low)) / (log10(high) - log10(low))))


class Ramp(NamedTuple):
    """A weight that rises from `least`, where a ratio is `low`, to `most`, where it is `high`.

    >>> Ramp(1.0, 100.0, 0.4, 0.8)(10.0)
    0.6000000000000001
    """

    low: float
    high: float
    least: float
    most: float

    def __call__(self, value: float) -> float:
        """The weight at `value`."""
        return self.least + (self.most - self.least) * between(value, self.low, self.high)


class Slope(NamedTuple):
    """A weight that grows with a share in a straight line.

    >>> Slope(0.25, 0.5)(1.0)
    0.75
    """

    least: float
    rise: float

    def __call__(self, share: float) -> float:
        """The weight at `share`."""
        return self.least + self.rise * share


CERTAIN = 0.85  # fitted. From this weight on a suspicion is an alarm before the run has shown anything

# Progress. The reference is the loss of the best constant answer, the baseline the score of a plain network.
NO_PROGRESS = 0.95  # fitted. A loss of this share of the reference is no progress
ABSURD = 1.5  # a loss of so many times the reference, where most answers are right, is that of outputs far too large
SHORT = 0.05  # fitted. A score that is lower than the baseline's by more than this, and its error, is too low
TINY, EXACT = 16, 0.99  # rows of which no network is asked about others; an r² by which a line meets all rows
FEW_NUMBERS = 40  # rows of which an exact line is told also where little is missing
SHORT_OF_EXACT, ALMOST_EXACT = 0.04, 0.005  # what may be missing of such a line, and what is worth a word
HIGH = 0.95  # an accuracy that is well, where nothing else is known
RISEN = 3.0  # fitted. A loss of so many times its first one, and the reference, has risen
EXPLODED = 1e6  # a loss of so many times that has lost its way: a few more such steps would leave the numbers
BUDGET = 0.1  # fitted. Share of the loss that the planned steps must promise to remove
PROJECTED = 0.7  # fitted. Share of the reference to which the loss must be on its way
STILL_FALLING = 0.05  # fitted. A loss that falls by this share of the reference in the last half was not at its end
MOSTLY_RIGHT = 0.6  # the same of classes: answers that cost so little are mostly right
FEWEST, FEW = 4, 40  # steps by which a fall is seen; fewer steps than the second are few for any network
LONG, ORDINARY_PACE = 300, (1e-4, 0.05)  # steps of a loop, and how far they move the weights, by which it would learn
FORGOTTEN = 0.5  # share of what the losses of steps show as learned; rows asked again that show less were forgotten
PLAINLY_WELL = 0.9  # fitted. Share of the reference that is gone in a run about which there is nothing to say
SMALL_LOSS = 0.1  # fitted. A loss below this, of which nothing else is known, may well be one that has converged
LOOKED_AT = 0.9  # share of the steps made after which a look at the curvature still says where the run is

# Generalization
MEMORISED = (0.9, 0.1)  # fitted. Training score above the first, held-out score lower by more than the second
GAP = 0.1  # fitted. Training answers are so much better than held-out ones
VALIDATION_RISE = 1.2  # fitted. The validation loss has risen to so many times its lowest
GAP_SIGMAS = 2.2  # fitted. The gap is larger than half of `GAP` by so many standard errors
SIGNAL = 3.0  # standard errors by which answers fit better than at random: one table in 700 does so by chance
SHARP, SHARP_ROWS = 0.035, 200  # the standard error of an accuracy of 200 rows: of fewer, no score says much
LIKELY = 2.0  # standard errors by which a score is above a guess: one in forty is so by chance
LITTLE = 0.1  # fitted. An accuracy or r² that may be so much above a guess is worth looking for
FEW_HELD_OUT = 50  # rows to validate on, fewer of which may be answered well by luck
ENOUGH_HELD_OUT = 20  # rows to validate on by which a gap is judged
FEW_ROWS = 150  # below so many rows to train on, those that a plain network had not seen count as held out
HOLDS = 1.8  # fitted. Standard errors by which an experiment's answers fit rows it had not seen better than at random
NEAR, NEAR_ERRORS = 0.03, 1.5  # fitted. By so much, and errors, ridge regression may do better on few rows
MISLEADING = 1.6  # fitted. A loss of so many times the reference on rows that were not seen is that of false certainty
FEWEST_PER_INPUT = 3  # rows for each input, of fewer of which least squares says little
LABEL_NOISE = 0.18  # fitted. Share of labels that contradict their surroundings, for a finding
NOISE_SIGN = 0.12  # fitted. The same, for a suspicion
RARE = 0.1  # a class with less than this share of the rows of the most frequent is rare
MINORITY = (0.2, 0.5)  # fitted. A class of less than the first share of rows has a recall below the second

# Gradients and layers
GRADIENT_ERROR = 1e-3  # of central differences in float64 about 1e-7 is usual
UPHILL = 0.9  # fitted. Share of the first steps that go uphill
FEW_LOSSES = 30  # a slope through n losses is one by 3 + this / n standard errors: with few, noise alone passes 3
OVERFLOWS = 1e9  # a size of inputs or targets from which the squares of a few sums leave float32
OUT_OF_REACH = 0.05  # fitted. Share of targets that the last layer cannot give
VANISHED = 1e-2  # fitted. The first layer's gradient as a share of the last's; healthy profiles are flat (Glorot 2010)
EXPLODING = 100.0  # the inverse
WEIGHT_GAIN = 3.0  # fitted. Weights of so many times the size that keeps a signal's strength are odd
SATURATED = 0.5  # fitted. Share of sums that lie where the activation is flat
DEAD = 0.5  # fitted. Share of a layer's units that are off for every row
NOISE_RATIO = 3.0  # fitted. Standard error of a batch's gradient to its size (the norm test of Byrd et al. 2012)
PRETRAINING = 0.98  # share of its first error that a pretrained layer must get below

# Rows: for a finding
CONTRADICTIONS = (0.01, 0.5)  # fitted. Share of rows with a twin of another target: information, warning
LOST = 0.25  # fitted. Share of what there is to explain that such twins forbid, for a warning
COARSE = 0.5  # equal rows that a row has by chance: from here on they are the rule in a table of few columns
DRIFTED = 10.0  # ranges by which the middle of a column lies beyond all that was learned: another unit
LEAKED, FLATTERED, ALL_LEAKED = 0.01, 0.03, 0.8  # shares of rows, a gain in score, and a share that leaves hardly a row
MANY_CLASSES, FEW_VALUES, POOR_AMONG_MANY = 20, 20, 0.5  # classes; distinct targets; an accuracy among many
GAP_OF_A_QUANTITY = 0.6  # fitted. Targets of neighbours that differ are so much nearer than any: about 1 for names
INPUT_SIZE, SPREADS = 10.0, 100.0  # fitted. Root mean square of the inputs; widest feature to the narrowest
TARGET_SIZE = 100.0  # fitted. Mean or deviation of numbers to predict

# Signs of causes, all fitted: from where on a sign counts, and its weight.
RATE_TOO_HIGH, RATE_BY_RATIO, RATE_BY_PACE = (2.0, 0.1), Ramp(1.5, 15, 0, 0.85), Ramp(0.05, 0.5, 0, 0.55)
RATE_TOO_LOW, LACK_BY_RATIO, LACK_BY_PACE = (2.0, 1e-4), Ramp(2, 50, 0, 0.88), Ramp(3, 100, 0, 0.5)
LOSS_RISES, LOSS_RISES_ALONG, LOSS_FALLS_ALONG, WENT_DEAD = 0.6, 0.58, 0.45, Slope(0.4, 0.2)
MOMENTUM = Ramp(1.2, 10, 0.3, 0.93)  # of 0.05 / (1 - momentum)
EPSILON, EPSILON_WEIGHT = 1e-5, Ramp(1e-4, 0.1, 0.3, 0.93)
CLIPPED = Ramp(3, 100, 0.3, 0.92)  # of gradient norm to limit
BATCH_NORM_OF_TWO, ONE_ROW, FOUR_ROWS, NOISY_PACE = 0.88, 0.6, 0.3, 0.01
FEW_STEPS, HOPELESS = Ramp(1, 10, 0, 1), Ramp(1, 3, 0, 1)  # of 500 / steps; of 120 / steps
FEW_EPOCHS, LACK_OF_EPOCHS, HOPELESS_EPOCHS = Ramp(1, 6, 0, 1), Slope(0.15, 0.6), 0.88  # of 20 / epochs
FALLS_AT_THE_END, SLOW_AT_THE_END, STOPPED_EARLY = 0.45, 0.4, Ramp(1, 20, 0.2, 0.6)  # of planned steps to those done
LARGE_BATCH, LARGE_SHARE = 48, 0.25  # rows in a step, and their share of all rows
LARGE_BATCH_WEIGHT, HOPELESS_BATCH = Slope(0.4, 0.35), 0.9
GAP_OF_ERRORS = 2.5  # deviations, of .7 each, by which wrong answers of names would have to be close by chance
NUMBERS_AS_CLASSES, MAYBE_CLASSES = 0.86, 0.6
UNSHUFFLED, UNSHUFFLED_AT_RANDOM, ORDERED, NOT_A_NUMBER = 0.85, 0.2, 0.3, 0.8  # ordered: 0 at random, 1 sorted
ORDERED_BATCHES = 0.4  # of a loop whose rows come in an order, while nothing shows that it forgets

VANISHING = Ramp(1e2, 1e4, 0.5, 0.8)  # of the last layer's gradient to the first's
FLAT_AT_START, FLAT_WEIGHT = 0.3, Slope(0.3, 0.3)
DEAD_AT_START, DEAD_WEIGHT, SILENT_WEIGHT = 0.3, Slope(0.3, 0.4), Slope(0.35, 0.2)
FROZEN_SEEN, FROZEN_SET = 0.98, 0.95
CONSTANT_OUTPUT, UNREACHABLE, SQUASHED_TWICE, NO_GRADIENT, CLASSES_AS_NUMBERS = 1.0, 0.97, 0.94, 0.9, 0.56
LINEAR, NO_HIDDEN_LAYER, NARROW, NARROW_WEIGHT = 0.93, 0.6, 4, Slope(0.9, -0.1)  # of the width above 1
NARROW_AND_NOTHING = 0.5  # so much of that, where a loop has learned nothing: even a narrow network learns a little
DROPOUT, INPUT_DROPOUT, DROPOUT_WEIGHT, INPUT_DROPOUT_WEIGHT = 0.4, 0.5, Slope(0.3, 0.6), Slope(0.3, 0.65)
DROWNED = 0.4  # so much dropout above those has the whole weight
INPUT_NOISE = Ramp(1, 5, 0.5, 0.95)

DOUBLES, NO_SPREAD = 1.0, 0.97
AT_SADDLE, IN_MINIMUM, ON_PLATEAU, BOUNCES, ON_NOISE_FLOOR = 0.6, 0.6, 0.5, 0.5, 0.3  # a look, after plain settings
GAIN_TOO_SMALL, SMALL_GAIN = 0.5, Ramp(3, 10, 0.6, 0.9)
GAIN_TOO_LARGE, LARGE_GAIN, FIRST_LOSS_TOO_LARGE = 2.0, Ramp(2.2, 4.5, 0.55, 0.92), 0.9
NEGATIVE_BIAS, BIAS_WEIGHT = -0.5, Ramp(0.5, 4, 0.6, 0.96)
PENALTY, PENALTY_WEIGHT, SHRUNK, SHRUNK_WEIGHT = 2e-3, Ramp(3e-3, 0.1, 0.35, 0.92), 0.2, 0.85
WITHOUT_BIAS = 0.7
SMALL_BALL, BALL_WEIGHT = 0.5, Ramp(2, 20, 0.35, 0.95)

INPUT_SIGN = (0.1, 5.0, 30.0)  # root mean square of the inputs below, above; widest feature to the narrowest
INPUT_SMALL, INPUT_LARGE, INPUT_SPREAD = Ramp(8, 40, 0.4, 0.93), Ramp(4, 15, 0.4, 0.93), Ramp(20, 200, 0.4, 0.93)
TARGET_SIGN, TARGET_SMALL, TARGET_LARGE = (0.01, 10.0), Ramp(50, 500, 0.4, 0.94), Ramp(5, 50, 0.4, 0.94)
TAIL, TAIL_WEIGHT = 8.0, Ramp(6, 20, 0.4, 0.97)
CONSTANT, ALL_CONSTANT, HALF_CONSTANT, SOME_CONSTANT = 0.3, 0.99, 0.97, 0.3
TWINS, TWINS_WEIGHT, TWINS_EXONERATED, COARSE_TWINS = 0.03, Ramp(0.03, 0.3, 0.4, 0.98), 0.4, 0.3  # of what is lost
ROWS_PER_INPUT, LACK_OF_ROWS = 10, Ramp(1, 5, 0.3, 0.97)  # the usual rule of thumb; of needed rows to those there are
MANY_INPUTS = 2.0  # fitted. Of so many times the rows that there are, neighbours say little of a label
MEANINGLESS, NOISY, NOISY_BESIDE, NOISY_MAYBE, NOISY_MEMORISED = 0.96, 0.94, 0.7, 0.6, 0.3
MAYBE_MEANINGLESS, FLAT_FOR_LONG = 0.62, 0.35
MEMORISES_FEW, MEMORISES, MEMORISES_MEANINGLESS, VERY_FEW = 0.9, 0.75, 0.65, 80
IMBALANCE = Ramp(1, 10, 0.4, 0.6)  # of `RARE` to the share of the rarest class
