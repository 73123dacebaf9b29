"""Estimators: classifier and regressor as users of scikit-learn expect them, without scikit-learn.

They turn tables and labels into an experiment, run it, and answer. What scikit-learn wants to know of an estimator, its
tags, which metadata it takes, its callbacks, stands in `bridge`, which alone imports it, and only when asked.
"""

from mlp.estimators.classifier import MLPClassifier
from mlp.estimators.configuration import clone
from mlp.estimators.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "clone"]
