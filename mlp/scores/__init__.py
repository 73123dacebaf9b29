"""How good answers are, as numbers: from the truth and the answers alone.

`classes` counts answers, `chances` judges probabilities, `values` numbers, `paired` whether two models differ. Where
scikit-learn has a metric of the same name, the numbers are its. What is not defined is NaN: the AUC of a class without
rows, say. Knows arrays only.
"""

from mlp.scores.chances import auc, aucs, brier, calibration_error, log_loss, one_of
from mlp.scores.classes import ClassScores, balanced_accuracy, by_class, confusion
from mlp.scores.paired import sign_test
from mlp.scores.values import mae

__all__ = [
    "ClassScores",
    "auc",
    "aucs",
    "balanced_accuracy",
    "brier",
    "by_class",
    "calibration_error",
    "confusion",
    "log_loss",
    "mae",
    "one_of",
    "sign_test",
]
