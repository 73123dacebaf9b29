// The network of the page, in plain loops: to draw what was not recorded, and to check what was.
const { columns: COLUMNS, layers: LAYERS, names: NAMES, loss: LOSS } = head;
const LAST = COLUMNS.length - 1;
const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const geluInner = (z) => Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3);
// Φ(z): (1 + 2y) e^(y²) erfc(y) as a polynomial in 1 − 6/(y + 3), y = |z|/√2, as in mlp/layers/gelu.py
const ERFC = [1.2530080582697296, -0.13562110612458117, -0.04756229435342038, 0.1296451587027594, -0.11927366341676002, 0.0683080273440099, -0.023770514891530075, 0.0025293918156939696, 0.0018886900977441495, -0.0007798322696543306, -0.00010515831297813128, 0.0001250993424583729, 4.94412434222366e-06, -2.0100542268525612e-05, -7.187883834404266e-07, 3.472370944977168e-06, 3.3669790806407595e-07, -6.166011460398726e-07, -1.205414228648938e-07, 1.0183620603842736e-07, 2.7843881265502222e-08, -1.3312919661038687e-08, -3.1813541434969274e-09, 9.862533510345587e-10];
const normalCdf = (z) => { const y = Math.abs(z) * Math.SQRT1_2, below = 0.5 * ERFC.reduceRight((p, c) => p * (1 - 6 / (y + 3)) + c, 0) * Math.exp(-y * y) / (1 + 2 * y);
  return z > 0 ? 1 - below : below; };
const ACTIVATIONS = {
  Identity: { value: (z) => z, slope: () => 1 },
  Sigmoid: { value: sigmoid, slope: (z, a, l) => a * (1 - a) + l.flat_spot },
  Tanh: { value: Math.tanh, slope: (z, a) => 1 - a * a },
  ReLU: { value: (z) => Math.max(z, 0), slope: (z) => (z > 0 ? 1 : 0) },
  LeakyReLU: { value: (z, l) => (z > 0 ? z : l.negative_slope * z), slope: (z, a, l) => (z > 0 ? 1 : l.negative_slope) },
  ELU: { value: (z, l) => (z > 0 ? z : l.alpha * Math.expm1(z)), slope: (z, a, l) => (z > 0 ? 1 : a + l.alpha) },
  SELU: { value: (z, l) => (z > 0 ? l.scale * z : l.scale * l.alpha * Math.expm1(z)), slope: (z, a, l) => (z > 0 ? l.scale : a + l.scale * l.alpha) },
  GELU: { value: (z) => 0.5 * z * (1 + Math.tanh(geluInner(z))),
    slope: (z) => { const t = Math.tanh(geluInner(z)); return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * Math.sqrt(2 / Math.PI) * (1 + 3 * 0.044715 * z * z); } },
  ExactGELU: { value: (z) => z * normalCdf(z), slope: (z) => normalCdf(z) + z * Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI) },
  SiLU: { value: (z) => z * sigmoid(z), slope: (z, a) => sigmoid(z) + a * (1 - sigmoid(z)) },
  Softplus: { value: (z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), slope: sigmoid },
  Softsign: { value: (z) => z / (1 + Math.abs(z)), slope: (z, a) => (1 - Math.abs(a)) ** 2 },
  HardSigmoid: { value: (z) => clamp(z / 6 + 0.5, 0, 1), slope: (z) => (Math.abs(z) < 3 ? 1 : 0) / 6 },
  HardTanh: { value: (z) => clamp(z, -1, 1), slope: (z) => (Math.abs(z) < 1 ? 1 : 0) },
};
const sum = (values) => { let total = 0; for (const v of values) total += v; return total; };
const softmax = (o) => { const top = Math.max(...o), e = o.map((v) => Math.exp(v - top)), total = sum(e); return e.map((v) => v / total); };
const LOSSES = { // value(o, t) of one sample, slope(o, t, j) in output j, answer(o): what the outputs stand for
  SquaredError: { value: (o, t) => sum(o.map((v, j) => 0.5 * (v - t[j]) ** 2)), slope: (o, t, j) => o[j] - t[j], answer: (o) => o },
  AbsoluteError: { value: (o, t) => sum(o.map((v, j) => Math.abs(v - t[j]))), slope: (o, t, j) => Math.sign(o[j] - t[j]), answer: (o) => o },
  Huber: { value: (o, t) => sum(o.map((v, j) => { const e = Math.abs(v - t[j]), c = Math.min(e, LOSS.delta); return c * (e - 0.5 * c); })),
    slope: (o, t, j) => clamp(o[j] - t[j], -LOSS.delta, LOSS.delta), answer: (o) => o },
  SigmoidCrossEntropy: { value: (o, t) => sum(o.map((v, j) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))) - t[j] * v)), slope: (o, t, j) => sigmoid(o[j]) - t[j], answer: (o) => o.map(sigmoid) },
  SoftmaxCrossEntropy: { value: (o, t) => { const top = Math.max(...o); return top + Math.log(sum(o.map((v) => Math.exp(v - top)))) - sum(o.map((v, j) => t[j] * v)); }, slope: (o, t, j) => softmax(o)[j] - t[j], answer: softmax },
};
const loss = LOSSES[LOSS.kind];
const weightPlace = (c, j, i) => COLUMNS[c].start + j * (COLUMNS[c - 1].n + 1) + i;
const denseOf = (c) => LAYERS[COLUMNS[c].dense];
const activationOf = (c) => (c === 0 || COLUMNS[c].activation === null ? null : LAYERS[COLUMNS[c].activation]);

// Forward: {z, a}, each a list of columns.
function forward(params, x) {
  const z = [null], a = [x];
  for (let c = 1; c <= LAST; c++) {
    const below = a[c - 1], layer = activationOf(c), sums = [];
    for (let j = 0; j < COLUMNS[c].n; j++) {
      let total = 0, place = weightPlace(c, j, 0);
      for (let i = 0; i < below.length; i++) total += params[place + i] * below[i];
      sums.push(total + params[place + below.length]);
    }
    z.push(sums);
    a.push(layer ? sums.map((v) => ACTIVATIONS[layer.kind].value(v, layer)) : sums);
  }
  return { z, a };
}
function penalty(params) { // what weight penalties add to the loss; bias weights have none
  let total = 0;
  for (let c = 1; c <= LAST; c++) {
    const { l1, l2 } = denseOf(c);
    if (l1 || l2) for (let j = 0; j < COLUMNS[c].n; j++) for (let i = 0; i < COLUMNS[c - 1].n; i++) { const w = params[weightPlace(c, j, i)]; total += l1 * Math.abs(w) + 0.5 * l2 * w * w; }
  }
  return total;
}
const lossAt = (params, data) => sum(data.X.map((x, s) => loss.value(forward(params, x).a[LAST], data.t[s]))) / data.X.length + penalty(params);

// Forward and backward for every sample: lists [sample] of {z, a, da, delta}, each a list of columns.
function backpropagate(params, data) {
  return data.X.map((x, s) => {
    const { z, a } = forward(params, x), da = [], delta = [];
    for (let c = LAST; c >= 1; c--) {
      const layer = activationOf(c);
      da[c] = range(COLUMNS[c].n).map((j) => {
        if (c === LAST) return loss.slope(a[c], data.t[s], j) / data.X.length;
        let total = 0;
        for (let k = 0; k < COLUMNS[c + 1].n; k++) total += params[weightPlace(c + 1, k, j)] * delta[c + 1][k];
        return total;
      });
      delta[c] = layer ? da[c].map((v, j) => v * ACTIVATIONS[layer.kind].slope(z[c][j], a[c][j], layer)) : da[c];
    }
    return { z, a, da, delta };
  });
}
function gradientOf(params, samples) {
  const gradient = new Float64Array(params.length);
  for (let c = 1; c <= LAST; c++) {
    const { l1, l2 } = denseOf(c), below = COLUMNS[c - 1].n;
    for (let j = 0; j < COLUMNS[c].n; j++) for (let i = 0; i <= below; i++) {
      const place = weightPlace(c, j, i);
      let total = 0;
      for (const { a, delta } of samples) total += delta[c][j] * (i === below ? 1 : a[c - 1][i]);
      gradient[place] = i < below ? total + l2 * params[place] + l1 * Math.sign(params[place]) : total;
    }
  }
  return gradient;
}

// What was recorded of one training. Where only a part was shipped, the rest is computed here, and `recomputed` is true.
function openRun(about, arrays, data) {
  const of = (name) => arrays[`${about.prefix}${name}`], first = of("params0").flat;
  const run = { ...about, T: of("loss").length, loss: of("loss"), rate: of("rate"), data, recomputed: about.every > 0 };
  if (run.recomputed) Object.assign(run, replay(run, of, first));
  else for (const name of ["params", "grad", "update", ...about.memory]) run[name] = of(name);
  run.before = (step) => (step ? run.params.at(step - 1) : first);
  const zeros = new Float64Array(first.length);
  run.memoryBefore = (name, step) => (step ? run[name].at(step - 1) : zeros);
  // the numbers of all samples at a step, from the recorded arrays or computed from its parameters
  let step = -1, samples = null;
  run.samplesAt = (wanted) => {
    if (wanted !== step) samples = run.recomputed ? backpropagate(run.before(wanted), data) : readSamples(of, wanted, data);
    step = wanted;
    return samples;
  };
  run.isRecorded = (wanted) => !run.recomputed || wanted % about.every === 0;
  return run;
}
function readSamples(of, step, data) {
  const N = data.X.length, pick = (name, n, s) => { const from = of(name).at(step); return range(n).map((j) => from[j * N + s]); };
  const zs = COLUMNS.map((c) => c.dense + 1), as = COLUMNS.map((c) => (c.activation === null ? c.dense : c.activation) + 1);
  return data.X.map((x, s) => {
    const found = { z: [null], a: [x], da: [null], delta: [null] };
    for (let c = 1; c <= LAST; c++) {
      const n = COLUMNS[c].n;
      found.z.push(pick(`y${zs[c]}`, n, s)); found.a.push(pick(`y${as[c]}`, n, s));
      found.da.push(pick(`d${as[c]}`, n, s)); found.delta.push(pick(`d${zs[c]}`, n, s));
    }
    return found;
  });
}
// Train again from the first parameters: gradients (and parameters) of every `every`-th step were recorded.
function replay(run, of, first) {
  const T = run.T, P = first.length, room = () => makeArray(new Float64Array(T * P), [T, P]);
  const out = { params: room(), grad: room(), update: room() };
  for (const name of run.memory) out[name] = room();
  let params = Float64Array.from(first);
  const memory = Object.fromEntries(run.memory.map((name) => [name, new Float64Array(P)]));
  for (let step = 0; step < T; step++) {
    const recorded = step % run.every === 0;
    if (recorded && of("before")) params = Float64Array.from(of("before").at(step / run.every));
    const g = recorded ? of("grad").at(step / run.every) : gradientOf(params, backpropagate(params, run.data));
    const u = of("update") ? of("update").at(step) : ruleUpdate(run, g, run.rate.flat[step], step + 1, memory);
    for (let k = 0; k < P; k++) params[k] += u[k];
    out.params.at(step).set(params); out.grad.at(step).set(g); out.update.at(step).set(u);
    for (const name of run.memory) out[name].at(step).set(memory[name]);
  }
  return out;
}
function ruleUpdate(run, g, rate, t, memory) { // as mlp.optimizers computes it, operation for operation
  const { kind, numbers: r } = run.rule, u = new Float64Array(g.length), { m, v, s } = memory;
  if (kind === "SGD") for (let k = 0; k < g.length; k++) u[k] = g[k] * -rate;
  if (kind === "Momentum") for (let k = 0; k < g.length; k++) { v[k] = v[k] * r.momentum + g[k] * -rate; u[k] = v[k]; }
  if (kind === "RMSprop") for (let k = 0; k < g.length; k++) {
    s[k] = s[k] * r.decay + g[k] * g[k] * (1 - r.decay);
    u[k] = (g[k] / (Math.sqrt(s[k]) + r.epsilon)) * -rate;
    if (r.momentum) { v[k] = v[k] * r.momentum + u[k]; u[k] = v[k]; }
  }
  if (kind === "Adam") {
    const size = ((1 - r.beta2) / (1 - r.beta2 ** t)) ** 0.5, factor = (-rate * (1 - r.beta1)) / ((1 - r.beta1 ** t) * size);
    for (let k = 0; k < g.length; k++) {
      m[k] = m[k] * r.beta1 + g[k];
      v[k] = v[k] * r.beta2 + g[k] * g[k];
      u[k] = (m[k] / (Math.sqrt(v[k]) + r.epsilon / size)) * factor;
    }
  }
  return u;
}
