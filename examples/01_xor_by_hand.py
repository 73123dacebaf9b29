"""The training loop in six lines, by hand: exclusive or.

Nothing is hidden: forward and backward fill the arrays of `workspace`, the rule writes a step into `update`, and the
step is added to the flat vector of parameters, of which every weight matrix is a view.
"""

import numpy as np

import mlp

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
t = np.array([[0.0], [1.0], [1.0], [0.0]])

net = mlp.Network([mlp.Dense(2, 4), mlp.Tanh(), mlp.Dense(4, 1)], rng=0)
loss, rule = mlp.SquaredError(), mlp.Momentum(0.1)
workspace, state, update = mlp.Workspace(net, n_samples=4), rule.init(net.params), np.empty_like(net.params)

for step, batch in enumerate(mlp.batches(X, t, size=4, rng=0, epochs=500)):
    value = mlp.value_and_grad(net, loss, batch, workspace)
    rule.update(mlp.Evaluation(net.params, value, workspace.grad), state, update)
    net.params += update
    if step % 100 == 0:
        print(f"step {step:3}: loss {value:.6f}")

print("\n  x1  x2   output")
for x, y in zip(X, mlp.predict(net, X), strict=True):
    print(f"{x[0]:4.0f}{x[1]:4.0f}{y[0]:9.4f}")
assert value < 1e-3, "it has learned exclusive or"
