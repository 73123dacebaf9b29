"""A classifier for handwritten digits, with the library's own parts: load, split, scale, train, test."""

import numpy as np

import mlp

digits = mlp.data.load("digits")
parts = mlp.data.split(len(digits.X), test=0.25, rng=0, labels=digits.y)
scaling = mlp.data.scale.standard(digits.X, parts.train)
X_train, X_test = (scaling.apply(digits.X, np.float32, rows) for rows in (parts.train, parts.test))
y_train, y_test = digits.y[parts.train], digits.y[parts.test]

net = mlp.Network([mlp.Dense(64, 32), mlp.ReLU(), mlp.Dense(32, 10)], rng=0, dtype=np.float32)
print(net, "\n")

n_steps = 20 * -(-len(X_train) // 32)
rule = mlp.Adam(mlp.Cosine(0.01, steps=n_steps))
recorder = mlp.Recorder()
for step in recorder.tap(
    mlp.train(net, mlp.batches(X_train, y_train, 32, rng=0, epochs=20), mlp.SoftmaxCrossEntropy(), rule)
):
    if step.index % 200 == 0:
        rate = step.state.learning_rate
        print(f"epoch {step.epoch:2}  step {step.index:3}  loss {step.loss:.4f}  learning rate {rate:.5f}")

answers = mlp.predict(net, X_test).argmax(axis=1)
accuracy = (answers == y_test).mean()
wrong = np.flatnonzero(answers != y_test)
print(f"\ntest accuracy {accuracy:.4f} on {len(y_test)} digits; wrong on {len(wrong)}, of which the first:")
for row in digits.X[parts.test][wrong[0]].reshape(8, 8):
    print("    " + "".join(" .:-=+*#%@"[min(9, int(v) * 10 // 17)] * 2 for v in row))
print(f"    a {y_test[wrong[0]]}, read as {answers[wrong[0]]}")
assert accuracy > 0.95
