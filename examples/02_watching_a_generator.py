"""The loop as an iterator: `train` yields a step, you look at what you like, and stop when you have seen enough.

The network is the 2-3-1 sigmoid network of the textbooks, trained on parity. Its hidden sigmoids hand back at most a
quarter of the error signal that reaches them, and you can see it.
"""

import mlp

data = mlp.data.parity(2)
net = mlp.Network([mlp.Dense(2, 3), mlp.Sigmoid(), mlp.Dense(3, 1), mlp.Sigmoid()], rng=1)
batches = mlp.batches(data.X, data.y[:, None], size=4, rng=0, epochs=5000)
recorder = mlp.Recorder(mlp.DETAILED)

print(f"{'step':>5}{'loss':>10}   gradient norm of each dense layer   what each layer hands back")
for step in recorder.tap(mlp.train(net, batches, mlp.SquaredError(), mlp.Momentum(0.9))):
    if step.index % 100 == 0:
        norms = [mlp.norm(grad) for grad in step.workspace.grads if grad.size]
        gains = zip(recorder.history.labels("backward_gain"), recorder.history["backward_gain"][-1], strict=True)
        shown = "  ".join(f"{name} {gain:.3f}" for name, gain in gains)
        print(f"{step.index:5}{step.loss:10.5f}   {norms[0]:.5f} {norms[1]:.5f}                    {shown}")
    if step.loss < 0.001:
        print(f"{step.index:5}{step.loss:10.5f}   good enough: break")
        break

first_sigmoid = recorder.history["backward_gain"][:, 0]
assert first_sigmoid.max() <= 0.25, "a sigmoid's slope is at most 1/4"
assert step.loss < 0.001
