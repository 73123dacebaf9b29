"""Estimators: a classifier and a regressor as users of scikit-learn expect them, without scikit-learn.

They turn tables and labels into an experiment, run it, and answer. `sklearn_bridge` alone imports scikit-learn, and
only when it is asked.
"""

from mlp.estimators.classifier import MLPClassifier
from mlp.estimators.configuration import clone
from mlp.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "clone"]
