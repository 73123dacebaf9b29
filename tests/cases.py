"""The tables: one row for each layer, loss, rule, initializer and schedule; a new row inherits every test.

Instruments need no row here: the tests take all of `DETAILED` and demand a slow twin of each. Below the tables stand
the few networks and batches that all tests share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import erfc, exp, log, sqrt, tanh
from typing import Any, NamedTuple

import numpy as np

import mlp
from mlp import initializers, schedules
from mlp.data import Dataset
from mlp.data.scale import none
from mlp.layers.noise import NoiseScratch
from mlp.layers.residual import BlockScratch
from mlp.preprocessing import Part, Prepared, Preprocessing

WIDTH = 6  # inputs of every layer in the table


class Worked(NamedTuple):
    """Numbers worked out by hand: what a layer makes of one sample x, with these numbers in its parameters."""

    x: Sequence[float]
    y: Sequence[float]
    params: Sequence[float] = ()


class LayerCase(NamedTuple):
    """A layer, and what holds its outputs to something outside, where PyTorch has not computed it (test_backprop).

    `formula`: y of one x, for what works node by node, as a textbook has it. `worked`: one sample by hand.
    """

    layer: mlp.Layer
    formula: Callable[[float], float] | None = None
    worked: Worked | None = None


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848, 1.0507009873554804934

LAYER_CASES: dict[str, LayerCase] = {
    "dense": LayerCase(mlp.Dense(WIDTH, 4)),
    "dense_penalised": LayerCase(mlp.Dense(WIDTH, 4, l1=0.03, l2=0.2, bias=0.5)),
    "identity": LayerCase(mlp.Identity(), lambda x: x),
    "sigmoid": LayerCase(mlp.Sigmoid(), lambda x: 1 / (1 + exp(-x))),
    "tanh": LayerCase(mlp.Tanh(), lambda x: tanh(x)),
    "relu": LayerCase(mlp.ReLU(), lambda x: x if x > 0 else 0),
    "leaky_relu": LayerCase(mlp.LeakyReLU(), lambda x: x if x > 0 else 0.01 * x),
    "leaky_relu_steep": LayerCase(mlp.LeakyReLU(0.3), lambda x: x if x > 0 else 0.3 * x),
    "elu": LayerCase(mlp.ELU(), lambda x: x if x > 0 else exp(x) - 1),
    "elu_small": LayerCase(mlp.ELU(0.5), lambda x: x if x > 0 else 0.5 * (exp(x) - 1)),
    "selu": LayerCase(mlp.SELU(), lambda x: SELU_SCALE * (x if x > 0 else SELU_ALPHA * (exp(x) - 1))),
    "gelu": LayerCase(mlp.GELU(), lambda x: 0.5 * x * (1 + tanh(sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    "exact_gelu": LayerCase(mlp.ExactGELU(), lambda x: 0.5 * x * erfc(-x / sqrt(2))),
    "silu": LayerCase(mlp.SiLU(), lambda x: x / (1 + exp(-x))),
    "softplus": LayerCase(mlp.Softplus(), lambda x: log(1 + exp(x))),
    "softsign": LayerCase(mlp.Softsign(), lambda x: x / (1 + abs(x))),
    "hard_sigmoid": LayerCase(mlp.HardSigmoid(), lambda x: min(max(x / 6 + 0.5, 0), 1)),
    "hard_tanh": LayerCase(mlp.HardTanh(), lambda x: min(max(x, -1), 1)),
    "softmax": LayerCase(mlp.Softmax(), worked=Worked([0, log(2), log(5)], [1 / 8, 1 / 4, 5 / 8])),
    "dropout": LayerCase(mlp.Dropout(0.4)),
    "noise": LayerCase(mlp.Noise(0.3)),
    "maxout": LayerCase(mlp.Maxout(2)),
    "maxout_three": LayerCase(mlp.Maxout(3)),
    "batch_norm": LayerCase(mlp.BatchNorm()),
    "layer_norm": LayerCase(mlp.LayerNorm()),
    "rbf": LayerCase(mlp.RBF(WIDTH, 4)),
    "residual": LayerCase(mlp.Residual([mlp.Dense(WIDTH, 5), mlp.Tanh(), mlp.Dense(5, WIDTH)])),
    "residual_activation_first": LayerCase(mlp.Residual([mlp.Tanh(), mlp.Dense(WIDTH, WIDTH, l2=0.1)])),
    "residual_nested": LayerCase(
        mlp.Residual(
            [
                mlp.Dense(WIDTH, 5, l1=0.02),
                mlp.BatchNorm(),
                mlp.Sigmoid(),
                mlp.Residual([mlp.Dropout(0.3), mlp.Dense(5, 5), mlp.BatchNorm()]),
                mlp.Dense(5, WIDTH),
            ]
        )
    ),
}
LAYERS: dict[str, mlp.Layer] = {name: row.layer for name, row in LAYER_CASES.items()}


class LossCase(NamedTuple):
    """A loss, what it takes for targets, and how many outputs it is tried on."""

    loss: mlp.Loss
    target: str
    n_out: int = 4


LOSSES: dict[str, LossCase] = {
    "squared_error": LossCase(mlp.SquaredError(), "values"),
    "squared_error_one": LossCase(mlp.SquaredError(), "values", 1),
    "absolute_error": LossCase(mlp.AbsoluteError(), "values"),
    "huber": LossCase(mlp.Huber(), "values"),
    "huber_narrow": LossCase(mlp.Huber(0.3), "values"),
    "log_cosh": LossCase(mlp.LogCosh(), "values"),
    "quantile": LossCase(mlp.Quantile(0.9), "values"),
    "poisson": LossCase(mlp.Poisson(), "counts"),
    "softmax": LossCase(mlp.SoftmaxCrossEntropy(), "labels"),
    "softmax_smoothed": LossCase(mlp.SoftmaxCrossEntropy(0.1), "labels"),
    "softmax_soft": LossCase(mlp.SoftmaxCrossEntropy(), "probabilities"),
    "softmax_soft_smoothed": LossCase(mlp.SoftmaxCrossEntropy(0.2), "probabilities"),
    "sigmoid": LossCase(mlp.SigmoidCrossEntropy(), "yes_or_no"),
    "sigmoid_one": LossCase(mlp.SigmoidCrossEntropy(), "yes_or_no", 1),
    "sigmoid_smoothed": LossCase(mlp.SigmoidCrossEntropy(0.1), "yes_or_no"),
    "sigmoid_soft": LossCase(mlp.SigmoidCrossEntropy(), "fractions"),
    "focal": LossCase(mlp.Focal(), "labels"),
    "focal_zero": LossCase(mlp.Focal(0.0), "labels"),
    "focal_half": LossCase(mlp.Focal(0.5), "labels"),
    "sigmoid_focal": LossCase(mlp.SigmoidFocal(), "yes_or_no"),
    "hinge": LossCase(mlp.Hinge(), "labels"),
    "binary_hinge": LossCase(mlp.BinaryHinge(), "yes_or_no"),
}

FALLING = schedules.Exponential(0.05, 200)  # for rules whose steps do not get smaller by themselves
BLOCKS = (slice(0, 9), slice(9, 12))  # of the 12 parameters of reference/problem.py: a matrix of 3 × 3, and a vector
MATRICES = ((slice(0, 9), (3, 3)),)

Invariant = Callable[[np.ndarray, np.ndarray, np.ndarray], Any]


class RuleCase(NamedTuple):
    """A rule, and what holds its steps to something outside: a reference, an invariant, or both.

    `rule`: with a rate that brings the quadratic of test_optimizers to its minimum. `on_way`: with the numbers that its
    reference in reference/optimizers.npz was made with. `by`: what makes this reference, of torch, po
    (pytorch_optimizer), optax or contrib, for parameters p; `python tests/reference/make_optimizers.py NAME` adds it to
    the file. `invariant`: whether the points, gradients and steps of a way through reference/problem.py, each
    (steps, 12), are as the docstring says. It counts where nobody else has computed the rule.
    """

    rule: mlp.Optimizer
    on_way: mlp.Optimizer | None = None
    by: str = ""
    invariant: Invariant | None = None


RULE_CASES: dict[str, RuleCase] = {
    "sgd": RuleCase(mlp.SGD(0.1), mlp.SGD(0.02), "torch.optim.SGD(p, 0.02)"),
    "averaged_sgd": RuleCase(mlp.AveragedSGD(0.1, 10), mlp.AveragedSGD(0.02, start=11)),
    "momentum": RuleCase(mlp.Momentum(0.02), mlp.Momentum(0.01), "torch.optim.SGD(p, 0.01, momentum=0.9)"),
    "nesterov": RuleCase(
        mlp.Nesterov(0.02), mlp.Nesterov(0.01), "torch.optim.SGD(p, 0.01, momentum=0.9, nesterov=True)"
    ),
    "qhm": RuleCase(mlp.QHM(0.1, 0.9), mlp.QHM(0.03, 0.95), "po.QHM(p, 0.03, momentum=0.95, nu=0.7)"),
    "aggmo": RuleCase(mlp.AggMo(0.05), mlp.AggMo(0.01), "po.AggMo(p, 0.01, betas=(0.0, 0.9, 0.99))"),
    "sign_sgd": RuleCase(
        mlp.SignSGD(FALLING),
        mlp.SignSGD(0.03),
        "optax.sign_sgd(0.03)",
        lambda points, grads, steps: abs(steps[0]) == 0.05,
    ),
    "signum": RuleCase(mlp.Signum(FALLING), mlp.Signum(0.03), "optax.signum(0.03, 0.9)"),
    "lion": RuleCase(
        mlp.Lion(schedules.Exponential(0.02, 500)),
        mlp.Lion(0.03, weight_decay=0.1),
        "optax.lion(0.03, weight_decay=0.1)",
    ),
    "adagrad": RuleCase(mlp.Adagrad(0.5), mlp.Adagrad(0.1), "torch.optim.Adagrad(p, 0.1)"),
    "adadelta": RuleCase(
        mlp.Adadelta(epsilon=1e-3), mlp.Adadelta(0.5, 0.95, 1e-4), "torch.optim.Adadelta(p, 0.5, rho=0.95, eps=1e-4)"
    ),
    "rmsprop": RuleCase(mlp.RMSprop(FALLING), mlp.RMSprop(0.01), "torch.optim.RMSprop(p, 0.01)"),
    "rmsprop_momentum": RuleCase(
        mlp.RMSprop(FALLING, 0.9, momentum=0.5),
        mlp.RMSprop(0.01, 0.9, momentum=0.8),
        "torch.optim.RMSprop(p, 0.01, alpha=0.9, momentum=0.8)",
    ),
    "centered_rmsprop": RuleCase(
        mlp.CenteredRMSprop(0.001),
        mlp.CenteredRMSprop(0.003),
        "optax.rmsprop(0.003, decay=0.95, eps=1e-4, centered=True, momentum=0.9)",
    ),
    "adam": RuleCase(mlp.Adam(0.05), mlp.Adam(0.03), "torch.optim.Adam(p, 0.03)"),
    "adamw": RuleCase(
        mlp.AdamW(0.05, weight_decay=0.0),
        mlp.AdamW(0.03, weight_decay=0.1),
        "torch.optim.AdamW(p, 0.03, weight_decay=0.1)",
    ),
    "amsgrad": RuleCase(
        mlp.AMSGrad(0.05), mlp.AMSGrad(0.03, 0.8, 0.9), "torch.optim.Adam(p, 0.03, betas=(0.8, 0.9), amsgrad=True)"
    ),
    "adamax": RuleCase(mlp.Adamax(0.05), mlp.Adamax(0.03), "torch.optim.Adamax(p, 0.03)"),
    "nadam": RuleCase(mlp.NAdam(0.05), mlp.NAdam(0.03), "torch.optim.NAdam(p, 0.03)"),
    "radam": RuleCase(mlp.RAdam(0.05), mlp.RAdam(0.03, 0.9, 0.99), "torch.optim.RAdam(p, 0.03, betas=(0.9, 0.99))"),
    "adabelief": RuleCase(mlp.AdaBelief(0.05), mlp.AdaBelief(0.03), "optax.adabelief(0.03)"),
    "yogi": RuleCase(mlp.Yogi(0.05), mlp.Yogi(0.03)),
    "adan": RuleCase(
        mlp.Adan(0.05), mlp.Adan(0.03, weight_decay=0.1), "po.Adan(p, 0.03, weight_decay=0.1, weight_decouple=False)"
    ),
    "ademamix": RuleCase(
        mlp.AdEMAMix(0.01, 0.9, 0.99, 0.99, 1.0, warm_up=20),
        mlp.AdEMAMix(0.01, weight_decay=0.1),
        "po.AdEMAMix(p, 0.01, weight_decay=0.1, weight_decouple=True)",
    ),
    "adopt": RuleCase(mlp.ADOPT(0.05), mlp.ADOPT(0.03), "contrib.adopt(0.03)"),
    "qhadam": RuleCase(mlp.QHAdam(0.05), mlp.QHAdam(0.01, 0.9, 0.99, 0.7, 0.9)),
    "lars": RuleCase(
        mlp.LARS(FALLING, trust=1.0),
        mlp.LARS(0.1, 0.8, 0.5, 0.1, BLOCKS),
        "optax.lars(0.1, weight_decay=0.1, trust_coefficient=0.5, momentum=0.8)",
    ),
    "lamb": RuleCase(
        mlp.LAMB(FALLING), mlp.LAMB(0.03, weight_decay=0.1, slices=BLOCKS), "optax.lamb(0.03, weight_decay=0.1)"
    ),
    "muon": RuleCase(mlp.Muon(schedules.Exponential(0.2, 300)), mlp.Muon(0.05, weight_decay=0.1, matrices=MATRICES)),
    "shampoo": RuleCase(  # largest: the roots of whole networks take seconds
        mlp.Shampoo(0.5, largest=16), mlp.Shampoo(0.3, 0.1, 1, matrices=MATRICES)
    ),
    "soap": RuleCase(mlp.SOAP(FALLING, largest=16), mlp.SOAP(0.01, epsilon=1e-3, matrices=MATRICES)),
    "adahessian": RuleCase(mlp.AdaHessian(0.1), mlp.AdaHessian(0.1)),
    "sophia": RuleCase(mlp.SophiaH(0.05), mlp.SophiaH(0.05, gamma=0.05, weight_decay=0.1)),
    "polyak": RuleCase(mlp.PolyakStep(0.5), mlp.PolyakStep(0.05), "optax.polyak_sgd(0.05)"),
    "dog": RuleCase(mlp.DoG(), mlp.DoG(distance=1e-3), 'contrib.dog(1.0, ("heuristic", 1e-3))'),
    "dadapt_adam": RuleCase(mlp.DAdaptAdam(), mlp.DAdaptAdam(distance=1e-3), "po.DAdaptAdam(p, 1.0, d0=1e-3)"),
    "prodigy": RuleCase(
        mlp.Prodigy(), mlp.Prodigy(distance=1e-3, weight_decay=0.01), "po.Prodigy(p, 1.0, d0=1e-3, weight_decay=0.01)"
    ),
    "schedule_free_sgd": RuleCase(mlp.ScheduleFreeSGD(0.1), mlp.ScheduleFreeSGD(0.05, weight_decay=0.01)),
    "schedule_free_adamw": RuleCase(mlp.ScheduleFreeAdamW(0.1), mlp.ScheduleFreeAdamW(0.05, weight_decay=0.01)),
    "lookahead": RuleCase(
        mlp.Lookahead(mlp.Adam(0.05), 5),
        mlp.Lookahead(mlp.Momentum(0.01), 5, 0.4),
        "po.Lookahead(torch.optim.SGD(p, 0.01, momentum=0.9), k=5, alpha=0.4)",
    ),
    "sam": RuleCase(mlp.SAM(mlp.Momentum(FALLING), 1e-4), mlp.SAM(mlp.Momentum(0.01), 0.1)),
    "moving_average": RuleCase(mlp.MovingAverage(mlp.Momentum(0.02), 0.99), mlp.MovingAverage(mlp.SGD(0.02), 0.9)),
    "clip_norm": RuleCase(
        mlp.ClipNorm(mlp.Momentum(0.02), 5.0),
        mlp.ClipNorm(mlp.SGD(0.02), 2.0),
        "optax.chain(optax.clip_by_global_norm(2.0), optax.sgd(0.02))",
    ),
    "clip_value": RuleCase(mlp.ClipValue(mlp.Adam(0.05), 1.0)),
    "gradient_noise": RuleCase(mlp.GradientNoise(mlp.SGD(0.1), 0.01, 2.0)),
    "frozen": RuleCase(mlp.Frozen(mlp.SGD(0.1), ())),
    "max_norm": RuleCase(mlp.MaxNorm(mlp.Momentum(0.02), 5.0)),
    "scheduled": RuleCase(mlp.Nesterov(mlp.WarmUp(mlp.Cosine(0.03, 2000), 10))),
    "plateau": RuleCase(mlp.Adam(mlp.ReduceOnPlateau(0.05, window=100, patience=3))),
    "bold_driver": RuleCase(mlp.BoldDriver()),
    "delta_bar_delta": RuleCase(mlp.DeltaBarDelta()),
    "rprop": RuleCase(mlp.Rprop()),
    "rprop_minus": RuleCase(mlp.RpropMinus()),
    "irprop_plus": RuleCase(mlp.IRpropPlus()),
    "irprop_minus": RuleCase(mlp.IRpropMinus()),
    "quickprop": RuleCase(mlp.Quickprop(0.05)),
}
RULES: dict[str, mlp.Optimizer] = {name: row.rule for name, row in RULE_CASES.items()}

RESTLESS = {"gradient_noise"}  # what moves without a gradient too: it is there to leave saddles

SEARCHING: dict[str, mlp.Optimizer] = {  # rules that ask the objective: one vector at a time, no rate to choose
    "fletcher_reeves": mlp.FletcherReeves(),
    "polak_ribiere": mlp.PolakRibiere(),
    "hestenes_stiefel": mlp.HestenesStiefel(),
    "powell_beale": mlp.PowellBeale(),
    "scaled_conjugate_gradient": mlp.ScaledConjugateGradient(),
    "one_step_secant": mlp.OneStepSecant(),
    "bfgs": mlp.BFGS(),
    "lbfgs": mlp.LBFGS(),
    "gauss_newton": mlp.GaussNewton(),
    "levenberg_marquardt": mlp.LevenbergMarquardt(),
    "dogleg": mlp.Dogleg(),
    "newton_cg": mlp.NewtonCG(),
    "trust_region": mlp.TrustRegion(),
    "hessian_free": mlp.HessianFree(),
}
BY_NETWORK = {"bayesian_regularization", "kfac"}  # another minimum than the loss's; only for networks: test_classical


class Quadratic:
    """½ Σ c (θ - θ*)², with everything that a rule may ask for. `at`: the present parameters."""

    def __init__(self, curvature: Any, minimum: Any, at: np.ndarray) -> None:
        self.curvature, self.minimum, self.at = curvature, minimum, at

    @property
    def n_residuals(self) -> int:
        return self.at.shape[-1]

    def value(self, params: np.ndarray) -> Any:
        return 0.5 * (self.curvature * (params - self.minimum) ** 2).sum(-1)

    def value_and_grad(self, params: np.ndarray, out: np.ndarray) -> Any:
        out[...] = self.curvature * (params - self.minimum)
        return self.value(params)

    def hvp(self, v: np.ndarray, out: np.ndarray) -> None:
        out[...] = self.curvature * v

    gnvp = hvp

    def root_jacobian(self, out: np.ndarray) -> None:
        self.jacobian(out)

    def jacobian(self, out: np.ndarray) -> np.ndarray:
        out[...] = np.diag(self.curvature**0.5 * np.ones_like(self.at))
        return np.asarray(self.curvature**0.5 * (self.at - self.minimum))


Variance = Callable[[int, int], float]
INITIALIZERS: dict[str, tuple[initializers.Initializer, Variance]] = {  # and the variance for (n_in, n_out)
    "constant": (initializers.Constant(0.3), lambda n_in, n_out: 0.0),
    "zeros": (initializers.Zeros(), lambda n_in, n_out: 0.0),
    "normal": (initializers.Normal(0.2), lambda n_in, n_out: 0.04),
    "truncated_normal": (initializers.TruncatedNormal(0.2), lambda n_in, n_out: 0.04 * 0.7737413),
    "uniform": (initializers.Uniform(-1, 3), lambda n_in, n_out: 16 / 12),
    "he_normal": (initializers.HeNormal(), lambda n_in, n_out: 2 / n_in),
    "he_uniform": (initializers.HeUniform(), lambda n_in, n_out: 2 / n_in),
    "glorot_normal": (initializers.GlorotNormal(), lambda n_in, n_out: 2 / (n_in + n_out)),
    "glorot_uniform": (initializers.GlorotUniform(), lambda n_in, n_out: 2 / (n_in + n_out)),
    "lecun_normal": (initializers.LeCunNormal(), lambda n_in, n_out: 1 / n_in),
    "lecun_uniform": (initializers.LeCunUniform(), lambda n_in, n_out: 1 / n_in),
    "orthogonal": (initializers.Orthogonal(), lambda n_in, n_out: 1 / max(n_in, n_out)),
    "nguyen_widrow": (initializers.NguyenWidrow(), lambda n_in, n_out: 0.49 * n_out ** (2 / n_in) / n_in),
}

SCHEDULES: dict[str, Any] = {
    "constant": schedules.Constant(0.1),
    "step_decay": mlp.StepDecay(0.1, every=10),
    "exponential": mlp.Exponential(0.1, every=10),
    "cosine": mlp.Cosine(0.1, steps=30, final=0.01),
    "warm_up": mlp.WarmUp(0.1, steps=5),
    "warm_up_cosine": mlp.WarmUp(mlp.Cosine(0.1, steps=30), steps=5),
    "multi_step": mlp.MultiStep(0.1, (10, 15)),
    "inverse_time": mlp.InverseTime(0.1, every=10, power=0.75),
    "polynomial": mlp.Polynomial(0.1, steps=30, power=2.0, final=0.01),
    "cosine_restarts": mlp.CosineRestarts(0.1, steps=10, final=0.01),
    "one_cycle": mlp.OneCycle(0.1, steps=40),
    "triangular": mlp.Triangular(0.1, steps=7, factor=0.5),
    "plateau": mlp.ReduceOnPlateau(0.1, window=2, factor=0.5, patience=2),
}

POPULATIONS = [(3,), (2, 3)]


def known(params: np.ndarray, loss: Any, grad: np.ndarray) -> mlp.Evaluation:
    """What a rule is told at `params`, all of it."""
    return mlp.Evaluation(params, loss, grad, Quadratic(1.0, params - grad, params.copy()))


def target(kind: str, n: int, n_out: int, rng: np.random.Generator) -> Any:
    """Targets as a user hands them in: labels (n,) or (n, n_out)."""
    if kind == "labels":
        return rng.integers(0, n_out, n)
    drawn = {
        "probabilities": lambda: rng.dirichlet(np.ones(n_out), n),
        "yes_or_no": lambda: rng.integers(0, 2, (n, n_out)).astype(float),
        "fractions": lambda: rng.random((n, n_out)),
        "counts": lambda: rng.poisson(2.0, (n, n_out)).astype(float),
        "values": lambda: rng.standard_normal((n, n_out)),
    }
    return drawn[kind]()


def width_after(layer: mlp.Layer) -> int:
    """How many nodes a layer of the table gives."""
    return layer.settled(WIDTH, ()).n_out


def inside(layer: mlp.Layer, *, dtype: Any = np.float64, population: tuple[int, ...] = ()) -> mlp.Network:
    """A network with `layer` between two dense ones: 5 inputs, 3 outputs."""
    layers = [mlp.Dense(5, WIDTH, "lecun_normal", bias=0.1), layer, mlp.Dense(width_after(layer), 3)]
    return mlp.Network(layers, rng=1, dtype=dtype, population=population)


def first(layer: mlp.Layer, *, dtype: Any = np.float64, population: tuple[int, ...] = ()) -> mlp.Network:
    """A network that begins with `layer`: WIDTH inputs, 3 outputs."""
    layers = [replace(layer, n_in=WIDTH), mlp.Dense(width_after(layer), 3)]  # type: ignore[type-var]
    return mlp.Network(layers, rng=1, dtype=dtype, population=population)


def batch_for(net: mlp.Network, n: int = 7, seed: int = 0) -> mlp.Batch:
    """N(0, 1) inputs and targets for `net`."""
    rng = np.random.default_rng(seed)
    X, t = rng.standard_normal((n, net.n_in)), rng.standard_normal((n, net.n_out))
    return mlp.as_batch(X.astype(net.dtype), t.astype(net.dtype))


def passed(net: mlp.Network, loss: mlp.Loss, batch: mlp.Batch) -> tuple[Any, mlp.Workspace]:
    """The loss of one pass, and what it left behind."""
    workspace = mlp.Workspace(net, batch.x.n_samples, input_gradient=True)
    return mlp.value_and_grad(net, loss, batch, workspace), workspace


def member(population: mlp.Network, index: tuple[int, ...]) -> mlp.Network:
    """One network of a population, alone: its parameters and statistics copied."""
    net = mlp.Network(population.layers, rng=9, dtype=population.dtype)
    net.params[...] = population.params[index]
    net.statistics[...] = population.statistics[index]
    return net


def noise_of(theirs: Any, mine: Any, index: tuple[int, ...]) -> Any:
    """`mine`, but with the noise that member `index` of a population met."""
    if isinstance(theirs, NoiseScratch):
        return NoiseScratch(theirs.noise[index], None)
    if isinstance(theirs, BlockScratch):
        pairs = zip(theirs.scratch, mine.scratch, strict=True)
        return mine._replace(scratch=tuple(noise_of(a, b, index) for a, b in pairs))
    return mine


def arrays_in(thing: Any) -> list[np.ndarray]:
    """Every array in nested tuples, lists, dicts and states."""
    if isinstance(thing, np.ndarray):
        return [thing]
    if isinstance(thing, dict):
        thing = list(thing.values())
    if isinstance(thing, tuple | list):
        return [array for part in thing for array in arrays_in(part)]
    if hasattr(thing, "__dict__") and not isinstance(thing, np.random.Generator | np.dtype):
        return arrays_in(list(vars(thing).values()))
    return []


def prepared(train: Part, validation: Part | None = None, task: str = "classification", n_targets: int = 3) -> Prepared:
    """Rows that are ready to train on as they are; classes are 0, 1, ..."""
    features = tuple(f"x{i}" for i in range(train.X.shape[1]))
    labels = np.arange(n_targets) if task == "classification" else None
    names = None if labels is None else tuple(map(str, labels))
    how = Preprocessing(task, features, "y", names, labels, n_targets, none(len(features), features))
    return Prepared(how, train, validation, None, Dataset(train.X, train.y, features))
