"""The sigmoid perceptron with a bias node: is the point above the plane? Every number of one backward pass, printed.

The data are the classic ones of perceptron tutorials: points (x, y, z) drawn at random, and a target of 1 where the
point lies above the plane z = 0.5 x - 0.3 y + 0.2, else 0. One hidden layer of sigmoids, one sigmoid output, squared
error ½(t - y)², and a bias node in the input layer and in the hidden layer: a node whose output is always 1.
"""

import numpy as np

import mlp

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, (500, 3))
t = (X[:, 2] > 0.5 * X[:, 0] - 0.3 * X[:, 1] + 0.2).astype(float)[:, None]

net = mlp.Network([mlp.Dense(3, 2), mlp.Sigmoid(), mlp.Dense(2, 1), mlp.Sigmoid()], rng=0)
loss, rate = mlp.SquaredError(), 0.5
workspace = mlp.Workspace(net, n_samples=1)


def show(title: str, values: np.ndarray) -> None:
    print(f"{title:51}", "  ".join(f"{v:9.5f}" for v in np.ravel(values)))


print("One sample, forward\n")
batch = mlp.as_batch(X[:1], t[:1])
value = mlp.value_and_grad(net, loss, batch, workspace)
inputs, z1, a1, z2, a2 = workspace.nodes
_, d_z1, d_a1, d_z2, d_a2 = workspace.d_nodes
W1, W2 = net.views[0], net.views[2]
show("inputs x, then the bias node", inputs.with_bias)
for j in range(2):
    show(f"weights into hidden node {j + 1} (last: from the bias)", W1[j])
show("sums z1 = W1 · [x; 1]", z1.values)
show("hidden outputs a1 = σ(z1), then the bias node", a1.with_bias)
show("weights into the output node", W2)
show("sum z2 = W2 · [a1; 1]", z2.values)
show("output a2 = σ(z2)", a2.values)
show("target t", t[0])
show("loss ½(t - a2)²", value)

print("\nThe same sample, backward\n")
show("∂L/∂a2 = a2 - t", d_a2)
show("∂L/∂z2 = ∂L/∂a2 · a2(1 - a2)", d_z2)
show("∂L/∂W2 = ∂L/∂z2 · [a1; 1]ᵀ", workspace.grads[2])
show("∂L/∂a1 = W2ᵀ · ∂L/∂z2, without the bias", d_a1)
show("∂L/∂z1 = ∂L/∂a1 · a1(1 - a1)", d_z1)
for j in range(2):
    show(f"∂L/∂W1, row {j + 1} = ∂L/∂z1 · [x; 1]ᵀ", workspace.grads[0][j])

# the same by hand, with Python's own arithmetic
x = [*X[0], 1.0]
hidden = [1 / (1 + np.exp(-sum(w * v for w, v in zip(row, x, strict=True)))) for row in W1]
output = 1 / (1 + np.exp(-sum(w * v for w, v in zip(W2[0], [*hidden, 1.0], strict=True))))
delta = (output - t[0, 0]) * output * (1 - output)
by_hand = [[delta * W2[0, j] * hidden[j] * (1 - hidden[j]) * v for v in x] for j in range(2)]
assert np.allclose(workspace.grads[0], by_hand, rtol=1e-12), "backpropagation is the chain rule, nothing else"

show("update of W2 = -η ∂L/∂W2, η = 0.5", -rate * workspace.grads[2])

print("\nTraining, one sample at a time\n")
recorder = mlp.Recorder(mlp.ESSENTIAL)
for step in recorder.tap(mlp.train(net, mlp.batches(X, t, size=1, rng=0, epochs=20), loss, mlp.SGD(rate))):
    if step.index % 2000 == 0:
        recent = recorder.history["loss"][-500:].mean()
        print(f"epoch {step.epoch:2}: mean loss of the last samples {recent:.5f}")
right = ((mlp.predict(net, X) > 0.5) == t).mean()
print(f"\n{100 * right:.1f} % of the points are put on the right side")
assert right > 0.97
