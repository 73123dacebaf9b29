"""A classifier and a regressor as scikit-learn has them, with NumPy alone.

Weights of rows and classes, rows to validate on, early stopping, restarts, portions, and what the training says of
itself. Inside a `Pipeline` or `GridSearchCV` they work as they stand.
"""

import numpy as np

import mlp

data = mlp.data.load("digits")
order = np.random.default_rng(0).permutation(len(data.X))
X, y = data.X[order], np.array(data.class_names)[data.y[order]]
train, held_out, test = np.split(np.arange(len(X)), [1000, 1400])

# the defaults: inputs are scaled, labels may be of any kind
plain = mlp.MLPClassifier(random_state=0).fit(X[train], y[train])
print(f"defaults: {plain.score(X[test], y[test]):.3f} of the test rows are right, after {plain.n_iter_} epochs")
print("findings:", [finding.kind for finding in plain.findings_] or "none")

# a layer to each activation, dropout, rows of one's own to validate on; the best weights come back
stopped = mlp.MLPClassifier(
    [64, 32], ["relu", "tanh"], dropout=0.1, epochs=100, early_stopping=True, patience=5, random_state=0
)
stopped.fit(X[train], y[train], X_val=X[held_out], y_val=y[held_out])
lowest = min(stopped.validation_loss_curve_)
print(f"stopped after {stopped.n_iter_} epochs, back to {stopped.best_epoch_}: validation loss {lowest:.3f}")

# weights of rows and of classes; five starts at once
weighted = mlp.MLPClassifier(class_weight={"8": 5}, restarts=5, random_state=0)
weighted.fit(X[train], y[train], sample_weight=np.linspace(0.5, 1.5, len(train)))
print("losses of five starts:", np.round(weighted.restart_losses_, 3))

# portions of a stream
stream = mlp.MLPClassifier(optimizer=mlp.Adam(0.005), random_state=0)
for portion in np.array_split(train, 10):
    stream.partial_fit(X[portion], y[portion], classes=np.unique(y))
print(f"one look at each row, ten portions: {stream.score(X[test], y[test]):.3f}")

# numbers, two at once; going on with the optimizer's memory
t = np.stack([X[:, :32].sum(1), X[:, 32:].sum(1)], axis=1)
numbers = mlp.MLPRegressor(loss="huber", epochs=10, warm_start=True, random_state=0).fit(X[train], t[train])
before = numbers.score(X[test], t[test])
after = numbers.fit(X[train], t[train]).score(X[test], t[test])
print(f"ink above and below: r² {before:.4f}, and ten epochs later {after:.4f}")

# training that comes to no numbers is an error that says why
try:
    mlp.MLPRegressor(optimizer="sgd", learning_rate=1e4, random_state=0).fit(X[train], t[train])
except mlp.DivergenceError as error:
    print("error:", error)
