// The equations of a step with its numbers put in, each compared with the number that was recorded: the twin of lines.py.
// A line: {group, name, words, parts (text and numbers), value, computed, scale, terms}. It adds up where the two differ
// by rounding alone, (8 + n) ε Σ|terms|. Where the page computed the numbers itself, only gradients can be compared.
const ROUNDINGS = 8;
const superscript = (n) => String(n).replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);

function addsUp(line) {
  if (line.computed === undefined || Object.is(line.computed, line.value) || line.computed === line.value) return true;
  if (!Number.isFinite(line.computed) || !Number.isFinite(line.value)) return !Number.isFinite(line.computed) && !Number.isFinite(line.value);
  return Math.abs(line.computed - line.value) <= (ROUNDINGS + line.terms) * Number.EPSILON * line.scale;
}
function sumLine(group, name, words, pairs, value) {
  const parts = pairs.flatMap(([a, b], k) => (k ? [" + ", a, "·", b] : [a, "·", b]));
  let computed = 0, scale = 0;
  for (const [a, b] of pairs) { computed += a * b; scale += Math.abs(a * b); }
  return { group, name, words, parts, value, computed, scale, terms: pairs.length };
}
function nodeLines(run, step, c, j, s) {
  const { z, a, da, delta } = run.samplesAt(step)[s], p = run.before(step), lines = [];
  const inputs = range(COLUMNS[c - 1].n + 1).map((i) => [p[weightPlace(c, j, i)], i === COLUMNS[c - 1].n ? 1 : a[c - 1][i]]);
  const layer = activationOf(c), act = layer && ACTIVATIONS[layer.kind], N = run.data.X.length;
  lines.push(sumLine("Forward", "z", "Σ w·x", inputs, z[c][j]));
  if (layer) lines.push({ group: "Forward", name: "a", words: `${layer.symbol}(z) = ${layer.words}`, parts: [`${layer.symbol}(`, z[c][j], ")"], value: a[c][j], computed: act.value(z[c][j], layer), scale: Math.max(1, Math.abs(a[c][j])), terms: 1 });
  const what = layer ? "∂L/∂a" : "δ = ∂L/∂z";
  if (c === LAST) {
    const t = run.data.t[s], slope = loss.slope(a[c], t, j);
    lines.push({ group: "Backward", name: what, words: `(${LOSS.slope_words}) / N`, parts: ["with o = ", a[c][j], ", t = ", t[j], ":  ", slope, " / ", N], value: da[c][j], computed: slope / N, scale: (Math.abs(a[c][j]) + Math.abs(t[j]) + 1) / N, terms: 2 });
  } else lines.push(sumLine("Backward", what, "Σ w·δ of the next layer", range(COLUMNS[c + 1].n).map((k) => [p[weightPlace(c + 1, k, j)], delta[c + 1][k]]), da[c][j]));
  if (layer) {
    const slope = act.slope(z[c][j], a[c][j], layer);
    lines.push({ group: "Backward", name: "δ = ∂L/∂z", words: `∂L/∂a · ${layer.symbol}′(z),  ${layer.symbol}′ = ${layer.slope_words}`, parts: [da[c][j], "·", slope], value: delta[c][j], computed: da[c][j] * slope, scale: Math.abs(da[c][j]) * Math.max(1, Math.abs(slope)), terms: 1 });
  }
  return run.recomputed ? lines.map((line) => ({ ...line, computed: undefined })) : lines;
}
function weightLines(run, step, c, j, i) {
  const k = weightPlace(c, j, i), p = run.before(step), samples = run.samplesAt(step), below = COLUMNS[c - 1].n;
  const w = p[k], g = run.grad.at(step)[k], u = run.update.at(step)[k], { l1, l2 } = denseOf(c);
  const pairs = samples.map(({ a, delta }) => [delta[c][j], i === below ? 1 : a[c - 1][i]]);
  let words = `Σ δ·x over ${samples.length} sample${samples.length > 1 ? "s" : ""}`;
  if (l2 && i < below) { pairs.push([l2, w]); words += " + l2·w"; }
  if (l1 && i < below) { pairs.push([l1, Math.sign(w)]); words += " + l1·sign w"; }
  const gradient = sumLine("Gradient", "∂L/∂w", words, pairs, g);
  if (run.recomputed) { // its δ were computed here, through all layers: rounding counts at the size of each
    gradient.scale = 16 * LAST * signalSize(run, step, c, j, i);
    if (!run.isRecorded(step)) gradient.computed = undefined;
  }
  return [gradient, ...ruleLines(run, step, k, g, u), { group: "Update", name: "w after this step", words: "w + Δw", parts: [w, " + ", u], value: run.recomputed ? w + u : run.params.at(step)[k], computed: run.recomputed ? undefined : w + u, scale: Math.abs(w) + Math.abs(u), terms: 1 }];
}
// Σ |x| times what |w| and slopes of at most 1 make of |∂L/∂o|: how large the terms of a gradient can be.
function signalSize(run, step, c, j, i) {
  const p = run.before(step);
  return sum(run.samplesAt(step).map(({ a, da }) => {
    let size = da[LAST].map((v) => Math.abs(v) + 1 / run.data.X.length);
    for (let k = LAST; k > c; k--) size = range(COLUMNS[k - 1].n).map((q) => sum(size.map((v, r) => v * Math.abs(p[weightPlace(k, r, q)]))) + 1e-300);
    return size[j] * (i === COLUMNS[c - 1].n ? 1 : 1 + Math.abs(a[c - 1][i]));
  }));
}
function ruleLines(run, step, k, g, u) {
  const { kind, numbers: r, has_formula } = run.rule, rate = run.rate.flat[step], t = step + 1, lines = [];
  if (!has_formula) return [{ group: "Update", name: "Δw", words: `what ${kind} wrote; there is no formula of it here`, parts: [], value: u }];
  const old = (name) => run.memoryBefore(name, step)[k], now = (name) => run[name].at(step)[k];
  const put = (name, words, parts, computed, scale, value) => lines.push({ group: "Update", name, words, parts, value, computed, scale, terms: 8 });
  if (kind === "SGD") put("Δw", "−η · ∂L/∂w", ["−", rate, " · ", g], -rate * g, Math.abs(rate * g), u);
  if (kind === "Momentum") {
    const v = r.momentum * old("v") - rate * g, scale = Math.abs(r.momentum * old("v")) + Math.abs(rate * g);
    put("v", "μ·v − η·∂L/∂w", [r.momentum, "·", old("v"), " − ", rate, "·", g], v, scale, now("v"));
    put("Δw", "v", [], v, scale, u);
  }
  if (kind === "RMSprop") {
    const s = r.decay * old("s") + (1 - r.decay) * g * g, push = (-rate * g) / (Math.sqrt(s) + r.epsilon);
    put("s", "α·s + (1 − α)·(∂L/∂w)²", [r.decay, "·", old("s"), " + ", 1 - r.decay, "·", g * g], s, s, now("s"));
    if (!r.momentum) put("Δw", "−η·∂L/∂w / (√s + ε)", ["−", rate, "·", g, " / (", Math.sqrt(s), " + ", r.epsilon, ")"], push, Math.abs(push), u);
    else {
      const v = r.momentum * old("v") + push, scale = Math.abs(r.momentum * old("v")) + Math.abs(push);
      put("v", "μ·v − η·∂L/∂w / (√s + ε)", [r.momentum, "·", old("v"), " + ", push], v, scale, now("v"));
      put("Δw", "v", [], v, scale, u);
    }
  }
  if (kind === "Adam") { // the state keeps m/(1 − β₁) and v/(1 − β₂); here they are the paper's
    const m0 = (1 - r.beta1) * old("m"), v0 = (1 - r.beta2) * old("v"), m = r.beta1 * m0 + (1 - r.beta1) * g, v = r.beta2 * v0 + (1 - r.beta2) * g * g;
    const mHat = m / (1 - r.beta1 ** t), vHat = v / (1 - r.beta2 ** t), scale = Math.abs(r.beta1 * m0) + Math.abs((1 - r.beta1) * g), root = Math.sqrt(vHat) + r.epsilon;
    put("m", "β₁·m + (1 − β₁)·∂L/∂w", [r.beta1, "·", m0, " + ", 1 - r.beta1, "·", g], m, scale, now("m") * (1 - r.beta1));
    put("v", "β₂·v + (1 − β₂)·(∂L/∂w)²", [r.beta2, "·", v0, " + ", 1 - r.beta2, "·", g * g], v, v, now("v") * (1 - r.beta2));
    lines.push({ group: "Update", name: "m̂", words: "m / (1 − β₁ᵗ)", parts: [m, " / (1 − ", r.beta1, `${superscript(t)})`], value: mHat }, { group: "Update", name: "v̂", words: "v / (1 − β₂ᵗ)", parts: [v, " / (1 − ", r.beta2, `${superscript(t)})`], value: vHat });
    put("Δw", "−η·m̂ / (√v̂ + ε)", ["−", rate, "·", mHat, " / (", Math.sqrt(vHat), " + ", r.epsilon, ")"], (-rate * mHat) / root, (rate * scale) / (1 - r.beta1 ** t) / root, u);
  }
  return run.recomputed && !run.hasUpdates ? lines.map((line) => ({ ...line, computed: undefined })) : lines;
}
// Every line of a step, for tests and for whoever wants to check a page whole.
function* allLines(run, step) {
  for (let c = 1; c <= LAST; c++) for (let j = 0; j < COLUMNS[c].n; j++) {
    for (let s = 0; s < run.data.X.length; s++) yield* nodeLines(run, step, c, j, s);
    for (let i = 0; i <= COLUMNS[c - 1].n; i++) yield* weightLines(run, step, c, j, i);
  }
}
