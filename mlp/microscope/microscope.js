// The page: the network as a picture, one step and one sample at a time, and the numbers behind whatever is chosen.
const VIEWS = { forward: "Forward a", backward: "Backward δ", gradient: "Gradient ∂L/∂w", update: "Update Δw" };
const state = { run: 0, step: 0, sample: 0, view: "forward", at: { c: LAST, j: 0 }, digits: 4, playing: null };
let RUNS = [], DATA = null, nodes = [], edges = [], ui = {};
const current = () => RUNS[state.run];
const isEdge = (place) => place.i !== undefined;
const samePlace = (a, b) => a.c === b.c && a.j === b.j && a.i === b.i;
const address = (place) => [place.c, place.j, ...(isEdge(place) ? [place.i] : [])].join(".");
const isBias = (c, j) => j === COLUMNS[c].n;
const titleOf = (p) => (isEdge(p) ? `Weight from ${NAMES[p.c - 1][p.i]} to ${NAMES[p.c][p.j]}` : isBias(p.c, p.j) ? `Bias node: ${NAMES[p.c][p.j]}` : `Node ${NAMES[p.c][p.j]}`);
const inputText = (x) => (x.length > 4 ? `(${x.slice(0, 3).map((v) => formatNumber(v, 3)).join(", ")}, … ${x.length} inputs)` : `(${x.map((v) => +v.toPrecision(3)).join(", ").replace(/-/g, "−")})`);
const targetText = (t) => t.map((v) => +v.toPrecision(3)).join(", ").replace(/-/g, "−");

// ---- the picture
function layOut(width) {
  const down = width < 560, most = Math.max(...COLUMNS.map((column, c) => column.n + (c < LAST ? 1 : 0)));
  const across = down ? width : clamp(most * 84 + 40, 300, 560), gap = down ? 104 : (width - 110) / LAST;
  const margin = down ? 40 : 0, spacing = Math.min(down ? 80 : 96, (across - 16 - margin) / most), radius = clamp(Math.min(spacing * 0.36, gap * 0.36), 6, down ? 24 : 27);
  const height = down ? LAST * gap + 2 * radius + 56 : across;
  const place = (c, j) => {
    const n = COLUMNS[c].n + (c < LAST ? 1 : 0), side = (across + margin) / 2 + (j - (n - 1) / 2) * spacing;
    return down ? [side, radius + 24 + c * gap] : [55 + c * gap, side];
  };
  return { width, height, radius, place, down, big: radius >= 15 };
}
function buildPicture() {
  const svg = ui.picture, shape = layOut(Math.max(280, ui.stage.clientWidth)), { place, radius, big } = shape;
  nodes = []; edges = []; ui.layout = shape;
  const layerEdges = make("g"), layerNodes = make("g"), notes = make("g", { "aria-hidden": "true" });
  for (let c = 1; c <= LAST; c++) for (let j = 0; j < COLUMNS[c].n; j++) for (let i = 0; i <= COLUMNS[c - 1].n; i++) {
    const [x1, y1] = place(c - 1, i), [x2, y2] = place(c, j), d = `M${x1} ${y1}L${x2} ${y2}`, ink = make("path", { class: "ink", d }), at = { c, j, i };
    const g = make("g", { class: "edge", role: "button", tabindex: -1, onclick: () => choose(at), onkeydown: moveByKey }, make("path", { class: "hit", d }), ink);
    edges.push({ g, ink, at }); layerEdges.append(g);
  }
  for (let c = 0; c <= LAST; c++) for (let j = 0; j < COLUMNS[c].n + (c < LAST ? 1 : 0); j++) {
    const [x, y] = place(c, j), bias = isBias(c, j), side = radius * 0.86, at = { c, j };
    const body = bias ? make("rect", { class: "body", x: x - side, y: y - side, width: 2 * side, height: 2 * side, rx: 5 }) : make("circle", { class: "body", cx: x, cy: y, r: radius });
    const name = bias ? "bias" : NAMES[c][j], long = name.length > 9 ? `${name.slice(0, 8)}…` : name;
    const label = make("text", { x, y: y - radius - 5, "text-anchor": "middle", class: "name" }, big ? long : ""), value = make("text", { x, y: y + 4.5, "text-anchor": "middle", class: "value", style: `font-size:${clamp(radius * 0.5, 9, 13)}px` });
    const g = make("g", { class: `node${bias ? " bias" : ""}`, role: "button", tabindex: -1, onclick: () => choose(at), onkeydown: moveByKey }, body, label, value);
    nodes.push({ g, body, value, at, label: big ? long : "" }); layerNodes.append(g);
  }
  ui.norms = COLUMNS.map((_, c) => { const [x, y] = place(c, 0), text = shape.down ? make("text", { x: 0, y: y + 4, class: "axis" }) : make("text", { x, y: shape.height - 6, "text-anchor": "middle", class: "axis" }); notes.append(text); return text; });
  svg.setAttribute("viewBox", `0 0 ${shape.width} ${shape.height}`); svg.setAttribute("height", shape.height);
  svg.replaceChildren(layerEdges, layerNodes, notes);
}
function edgeValue({ c, j, i }) {
  const run = current(), k = weightPlace(c, j, i);
  return state.view === "gradient" ? run.grad.at(state.step)[k] : state.view === "update" ? run.update.at(state.step)[k] : run.before(state.step)[k];
}
const nodeValue = ({ c, j }, sample) => (isBias(c, j) ? 1 : state.view === "forward" ? sample.a[c][j] : c === 0 ? null : sample.delta[c][j]);
// How large a value is among others, from 0 to 1: in proportion, or where they lie far apart by powers of ten.
function sizeAmong(values, mayLog) {
  let most = 0, least = Infinity;
  for (const v of values) { const size = Math.abs(v); if (size > 0 && Number.isFinite(size)) { most = Math.max(most, size); least = Math.min(least, size); } }
  const byLog = mayLog && most / least > 100, decades = byLog ? Math.log10(most / least) : 1;
  const share = (v) => { const part = Math.abs(v) / most; return !(most > 0) || v === 0 ? 0 : !Number.isFinite(part) ? 1 : byLog ? Math.max(0.1, 1 + (0.9 * Math.log10(part)) / decades) : part; };
  return { most, byLog, share };
}
function drawPicture(sample) {
  const values = edges.map(({ at }) => edgeValue(at)), { most, byLog, share: thickness } = sizeAmong(values, state.view === "gradient" || state.view === "update");
  const thick = clamp(ui.layout.radius * 0.34, 3, 9), chosen = state.at, focusNode = !isEdge(chosen);
  edges.forEach(({ g, ink, at }, k) => {
    const v = values[k], share = thickness(v), on = samePlace(at, chosen);
    const near = on || (focusNode && ((at.c === chosen.c && at.j === chosen.j) || (at.c === chosen.c + 1 && at.i === chosen.j)));
    ink.setAttribute("style", `stroke-width:${(0.8 + thick * share).toFixed(2)}`);
    g.setAttribute("class", `edge ${v < 0 ? "minus" : v > 0 ? "plus" : "zero"}${on ? " on" : near ? " near" : ""}`);
    g.setAttribute("aria-label", `weight from ${NAMES[at.c - 1][at.i]} to ${NAMES[at.c][at.j]}: ${formatNumber(v)}`);
    g.setAttribute("aria-pressed", on); g.setAttribute("tabindex", on ? 0 : -1);
  });
  const forwards = state.view === "forward", shown = nodes.map(({ at }) => nodeValue(at, sample)), tint = sizeAmong(shown.filter((v, k) => v !== null && !isBias(nodes[k].at.c, nodes[k].at.j)), true);
  nodes.forEach(({ g, body, value, at, label }, k) => {
    const v = shown[k], bias = isBias(at.c, at.j), share = bias || v === null ? 0 : forwards ? clamp(Math.abs(v) / Math.max(1, tint.most), 0, 1) : tint.share(v), on = samePlace(at, chosen);
    body.setAttribute("style", `fill:color-mix(in srgb, var(${v < 0 ? "--neg" : "--pos"}) ${Math.round(52 * share)}%, var(--card))`);
    const text = v === null ? "" : bias ? "1" : shortNumber(v);
    value.textContent = ui.layout.big ? text : "";
    g.classList.toggle("on", on); g.setAttribute("aria-pressed", on); g.setAttribute("tabindex", on ? 0 : -1);
    g.setAttribute("aria-label", `${label ? `${label} ${text}, ` : ""}${bias ? NAMES[at.c][at.j] : `node ${NAMES[at.c][at.j]}${v === null ? "" : `: ${forwards ? "activation" : "δ"} ${formatNumber(v)}`}`}`);
  });
  ui.norms.forEach((text, c) => {
    const norm = c === 0 || state.view !== "backward" ? null : Math.hypot(...sample.delta[c]);
    text.textContent = norm === null ? "" : `${!ui.layout.down && (ui.layout.width / LAST > 90 || c === 1) ? "‖δ‖ " : ""}${shortNumber(norm)}`;
  });
  const what = { forward: "Lines are weights", backward: "Lines are weights", gradient: "Lines are gradients", update: "Lines are updates" }[state.view];
  ui.legend.replaceChildren(make("span", { class: "key plus" }), "positive ", make("span", { class: "key minus" }), "negative · ",
    `${what}: thicker is larger${byLog ? " (by powers of ten)" : ""}, the thickest is ${formatNumber(most, 3)}. Squares are bias nodes.`);
}
function moveByKey(event) {
  const here = (nodes.find(({ g }) => g === event.currentTarget) || edges.find(({ g }) => g === event.currentTarget)).at;
  const focusOn = (place) => { choose(place); [...nodes, ...edges].find(({ at }) => samePlace(at, place)).g.focus(); };
  if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(here); return; }
  if (event.key === "w" && here.c > 0 && !isBias(here.c, here.j)) { focusOn({ c: here.c, j: here.j, i: isEdge(here) ? (here.i + 1) % (COLUMNS[here.c - 1].n + 1) : 0 }); return; }
  const steps = ui.layout.down ? { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] } : { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const move = steps[event.key];
  if (!move) return;
  event.preventDefault();
  const c = clamp(here.c + move[0], 0, LAST), n = COLUMNS[c].n + (c < LAST ? 1 : 0);
  focusOn({ c, j: clamp(here.j + move[1], 0, n - 1) });
}

// ---- the numbers
const numberSpan = (v, bracket) => make("span", { class: `num ${v < 0 ? "neg" : "pos"}` }, v < 0 && bracket ? `(${formatNumber(v, state.digits)})` : formatNumber(v, state.digits));
function drawLine(line) {
  const parts = line.parts.map((p, k) => (typeof p === "string" ? p : numberSpan(p, !String(line.parts[k - 1] ?? "").endsWith("("))));
  const off = line.computed === undefined ? null : Math.abs(line.computed - line.value), ok = addsUp(line);
  return make("div", { class: "line-of-numbers" }, make("div", { class: "words" }, make("b", {}, line.name), " = ", line.words),
    parts.length ? make("div", { class: "put-in" }, "= ", ...parts) : null,
    make("div", { class: "result" }, "= ", make("strong", {}, numberSpan(line.value, false)), off === null ? null
      : make("span", { class: `check ${ok ? "ok" : "bad"}`, "data-check": ok ? "ok" : "bad", title: `Computed again in this page: ${line.computed}. Recorded: ${line.value}.` }, ok ? "✓ adds up" : `✗ computed ${formatNumber(line.computed, 17)}`)));
}
function linesOf(place) {
  if (isEdge(place)) return weightLines(current(), state.step, place.c, place.j, place.i);
  return place.c === 0 || isBias(place.c, place.j) ? [] : nodeLines(current(), state.step, place.c, place.j, state.sample);
}
function drawFormula(sample) {
  const { c, j } = state.at, lines = linesOf(state.at), out = [make("h2", {}, titleOf(state.at))];
  if (!isEdge(state.at) && isBias(c, j)) out.push(make("p", {}, "A bias node is a node whose output is always 1. Its weights are the biases: they train like any other weight, and nothing flows back through it."));
  else if (!isEdge(state.at) && c === 0) out.push(make("p", {}, `${NAMES[c][j]} = `, numberSpan(sample.a[0][j]), ` is an input of sample ${state.sample + 1}. Nobody asks for its derivative.`));
  if (isEdge(state.at)) out.push(make("p", { class: "dim" }, "w = ", numberSpan(current().before(state.step)[weightPlace(c, j, state.at.i)]), " before this step"));
  let group = "";
  for (const line of lines) {
    if (line.group !== group) out.push(make("h3", { class: "group" }, (group = line.group)));
    out.push(drawLine(line));
  }
  ui.formula.replaceChildren(...out);
}
// Below the numbers: of a weight the loss along it, of a node its activation; nothing of inputs and bias nodes.
function drawSlope() {
  const { c, j } = state.at, layer = activationOf(c), node = !isEdge(state.at);
  ui.slopeCard.hidden = node && (c === 0 || isBias(c, j) || !layer);
  if (ui.slopeCard.hidden) return;
  ui.slopeTitle.textContent = node ? `The slope of ${layer.symbol} here` : "Is that the slope?";
  if (node) drawActivation(layer, c, j);
  else drawLossAlong(weightPlace(c, j, state.at.i));
  ui.slopeTable.renew();
}
// φ with the z of every sample on it, and the tangent at that of the chosen one: what backpropagation multiplies by.
function drawActivation(layer, c, j) {
  const samples = current().samplesAt(state.step), phi = ACTIVATIONS[layer.kind], zs = samples.map(({ z }) => z[c][j]), { z, a } = samples[state.sample], here = z[c][j], out = a[c][j];
  const slope = phi.slope(here, out, layer), reach = clamp(1.15 * Math.max(...zs.map((v) => (Number.isFinite(v) ? Math.abs(v) : 0))), 4, 60), x = range(121).map((i) => -reach + (2 * reach * i) / 120), y = x.map((v) => phi.value(v, layer));
  const half = reach * 0.25, ends = [here - half, here + half];
  ui.slope.update({ label: `${layer.symbol}(z) from ${formatNumber(-reach, 3)} to ${formatNumber(reach, 3)}; at z = ${formatNumber(here)} it is ${formatNumber(out)} and its slope ${formatNumber(slope)}.`, xTitle: "z",
    series: [{ name: layer.symbol, x, y }, { name: "slope", x: ends, y: ends.map((v) => out + slope * (v - here)), class: "tangent" }], extent: { x: [-reach, reach] },
    points: [...samples.filter((_, s) => s !== state.sample).map((s) => ({ x: s.z[c][j], y: s.a[c][j], r: 4, class: "faint" })), { x: here, y: out, r: 6 }] });
  ui.slopeNumbers = { columns: ["z", `${layer.symbol}(z)`], rows: () => x.filter((_, i) => i % 4 === 0).map((v) => [v, phi.value(v, layer)]) };
  ui.slopeText.replaceChildren("At z = ", numberSpan(here), " the slope is ", numberSpan(slope), ": this share of ∂L/∂a passes down to δ. Small dots are the other samples.");
}
// L while one weight moves and all others stay: the recorded gradient is the slope of this curve.
function drawLossAlong(k) {
  const run = current(), p = Float64Array.from(run.before(state.step)), w = p[k], g = run.grad.at(state.step)[k], u = run.update.at(state.step)[k];
  const at = (v) => { p[k] = v; return lossAt(p, DATA); }, reach = Math.max(1, 1.4 * Math.abs(u)), h = 1e-5 * Math.max(1, Math.abs(w));
  const x = range(81).map((i) => w - reach + (2 * reach * i) / 80), y = x.map(at), here = at(w), slope = (at(w + h) - at(w - h)) / (2 * h), landing = at(w + u);
  const ends = [w - reach * 0.7, w + reach * 0.7], same = Math.abs(slope - g) <= 1e-7 * (1 + Math.abs(here)) + 1e-5 * Math.abs(g);
  const spread = [Math.min(...y, here, landing), Math.max(...y, here, landing)], pad = (spread[1] - spread[0]) * 0.06 || Math.abs(here) * 0.1 || 1;
  ui.slope.update({ label: `Loss while this weight alone moves from ${formatNumber(x[0], 3)} to ${formatNumber(x[80], 3)}; at ${formatNumber(w)} its slope is ${formatNumber(g)}, and the step lands at ${formatNumber(w + u)}.`, xTitle: "this weight; all others stay",
    series: [{ name: "loss", x, y }, { name: "gradient", x: ends, y: ends.map((v) => here + g * (v - w)), class: "tangent" }], extent: { y: [spread[0] - pad, spread[1] + pad], x: [x[0], x[80]] },
    points: [{ x: w, y: here, r: 6 }, { x: w + u, y: landing, r: 5, class: "ring" }] });
  ui.slopeNumbers = { columns: ["this weight", "loss", "tangent"], rows: () => x.map((v, i) => [v, y[i], here + g * (v - w)]).filter((_, i) => i % 4 === 0) };
  ui.slopeText.replaceChildren("Moved by ±", formatNumber(h, 1), ", the loss changes by ", numberSpan(slope), " per unit; backpropagation says ", numberSpan(g), " ", make("span", { class: same ? "ok" : "bad", "data-slope": same ? "ok" : "bad" }, same ? "✓ the same" : "✗ not the same: there may be a kink here"),
    ". Dashed: the recorded gradient as a tangent. Ring: where this step alone puts the weight.");
}

// ---- samples, plane, loss, findings
function drawRows(samples) {
  const rows = samples.map(({ a }, s) => {
    const o = a[LAST], answer = loss.answer(o), cells = [inputText(DATA.X[s]), targetText(DATA.t[s]), answer.map((v) => formatNumber(v)).join(", "), formatNumber(loss.value(o, DATA.t[s]))];
    return make("tr", { class: s === state.sample ? "on" : "" }, make("td", {}, make("button", { class: "row", "aria-pressed": s === state.sample, "aria-label": `${s + 1}: show this sample`, onclick: () => { state.sample = s; draw(); } }, String(s + 1))), ...cells.map((cell) => make("td", { class: "num" }, cell)));
  });
  const focused = ui.rows.contains(document.activeElement);
  ui.rows.replaceChildren(...rows);
  if (focused) rows[state.sample].querySelector("button").focus();
}
function drawPlane(samples) {
  if (COLUMNS[0].n !== 2) return;
  const size = 64, output = state.at.c === LAST && !isEdge(state.at) ? state.at.j : 0, p = current().before(state.step), small = make("canvas", { width: size, height: size }), pixels = small.getContext("2d").createImageData(size, size);
  const span = [0, 1].map((k) => { const v = DATA.X.map((x) => x[k]), low = Math.min(...v), high = Math.max(...v), pad = (high - low || 1) * 0.25; return [low - pad, high + pad]; });
  const targets = DATA.t.map((t) => t[output]), low = Math.min(...targets, 0), high = Math.max(...targets, 1), style = getComputedStyle(document.documentElement);
  const [minusInk, plusInk, paper] = ["--neg", "--pos", "--card"].map((name) => hexColour(style.getPropertyValue(name)));
  for (let row = 0; row < size; row++) for (let column = 0; column < size; column++) {
    const x = [span[0][0] + ((span[0][1] - span[0][0]) * column) / (size - 1), span[1][1] - ((span[1][1] - span[1][0]) * row) / (size - 1)];
    const answer = loss.answer(forward(p, x).a[LAST])[output], f = clamp((2 * (answer - low)) / (high - low) - 1, -1, 1), share = Math.abs(f) * 0.8, ink = f < 0 ? minusInk : plusInk, place = (row * size + column) * 4;
    for (let q = 0; q < 3; q++) pixels.data[place + q] = Math.round(paper[q] * (1 - share) + ink[q] * share);
    pixels.data[place + 3] = 255;
  }
  small.getContext("2d").putImageData(pixels, 0, 0);
  const canvas = ui.plane, g = canvas.getContext("2d"), W = canvas.width;
  g.imageSmoothingEnabled = true; g.drawImage(small, 0, 0, W, W);
  DATA.X.forEach((x, s) => {
    const px = ((x[0] - span[0][0]) / (span[0][1] - span[0][0])) * W, py = ((span[1][1] - x[1]) / (span[1][1] - span[1][0])) * W, yes = (targets[s] - low) / (high - low) > 0.5;
    g.beginPath(); g.arc(px, py, s === state.sample ? 13 : 9, 0, 7); g.fillStyle = `rgb(${yes ? plusInk : minusInk})`; g.fill();
    g.lineWidth = s === state.sample ? 5 : 3; g.strokeStyle = s === state.sample ? style.getPropertyValue("--hi") : `rgb(${paper})`; g.stroke();
  });
  const along = (k, n) => range(n).map((i) => span[k][0] + ((span[k][1] - span[k][0]) * i) / (n - 1)), firsts = along(0, 7);
  ui.planeNumbers = { columns: [`${NAMES[0][1]} ↓ ${NAMES[0][0]} →`, ...firsts.map((v) => formatNumber(v, 3))], rows: () => along(1, 7).reverse().map((v) => [formatNumber(v, 3), ...firsts.map((u) => formatNumber(loss.answer(forward(p, [u, v]).a[LAST])[output], 3))]) };
  ui.planeTable.renew();
  canvas.setAttribute("aria-label", `Output ${NAMES[LAST][output]} over the plane of ${NAMES[0][0]} and ${NAMES[0][1]}; the table of samples has the numbers at ${DATA.X.length} points.`);
  ui.planeText.textContent = `${NAMES[LAST][output]} over ${NAMES[0][0]} → and ${NAMES[0][1]} ↑: blue is ${formatNumber(high, 3)}, orange ${formatNumber(low, 3)}. Dots are the samples, in the colour of their target.`;
}
const hexColour = (text) => [1, 3, 5].map((k) => parseInt(text.trim().slice(k, k + 2), 16));
function drawFindings() {
  const now = current().findings.filter((f) => state.step >= f.begin && state.step < f.end);
  ui.findings.replaceChildren(...now.map((f) => make("div", { class: "finding" }, make("b", {}, f.kind.replace(/_/g, " ")), f.layers.length ? ` (${f.layers.join(", ")})` : "", `: ${f.text} `, make("span", { class: "dim" }, `Found since step ${f.since}.`))));
}
function draw() {
  const run = current(), samples = run.samplesAt(state.step), sample = samples[state.sample], value = run.loss.flat[state.step];
  drawPicture(sample); drawFormula(sample); drawSlope(); drawRows(samples); drawPlane(samples); drawFindings();
  ui.track.update({ cursor: state.step, points: [{ x: state.step, y: value }], label: `Loss over ${run.T} steps, from ${formatNumber(run.loss.flat[0])} to ${formatNumber(run.loss.flat[run.T - 1])}; at step ${state.step} it is ${formatNumber(value)}. The slider below moves through the steps.` });
  ui.slider.value = state.step; ui.slider.setAttribute("aria-valuetext", `step ${state.step}, loss ${formatNumber(value)}`);
  const others = RUNS.filter((other) => other !== run).map((other) => other.rule.kind);
  ui.where.textContent = `step ${state.step} of ${run.T - 1} · loss ${formatNumber(value)}${others.length ? ` · dotted: ${others.join(", ")}` : ""}`;
  ui.sample.value = state.sample;
  for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", button.dataset.view === state.view);
  for (const button of document.querySelectorAll("[data-run]")) button.setAttribute("aria-pressed", +button.dataset.run === state.run);
  const run_ = RUNS.length > 1 ? `run=${state.run + 1}&` : "";
  try { history.replaceState(null, "", `#${run_}step=${state.step}&sample=${state.sample + 1}&view=${state.view}&at=${address(state.at)}`); } catch { /* a page in a frame may not */ }
}
function choose(place) { state.at = place; draw(); ui.live.textContent = `${titleOf(place)}. ${ui.formula.textContent.slice(0, 400)}`; }
function setStep(step) { state.step = clamp(Math.round(step), 0, current().T - 1); draw(); }
function setRun(index) { state.run = index; ui.rule.textContent = current().rule.text; drawTrack(); setStep(state.step); }
function drawTrack() {
  const steps = range(current().T), others = RUNS.filter((run) => run !== current()).map((run) => ({ name: run.rule.kind, x: range(run.T), y: run.loss.flat, class: "other" }));
  const positive = RUNS.every((run) => run.loss.flat.every((v) => !(v <= 0)));
  ui.track.update({ log: positive, yTitle: "loss", series: [...others, { name: "loss", x: steps, y: current().loss.flat }], bands: current().findings.map((f) => ({ from: f.begin, to: Math.min(f.end, current().T - 1), text: f.kind })), cursor: state.step });
  ui.slider.max = current().T - 1;
}
function togglePlay() {
  if (state.playing) { clearInterval(state.playing); state.playing = null; ui.play.textContent = "▶ Play"; return; }
  if (state.step === current().T - 1) setStep(0);
  ui.play.textContent = "⏸ Pause";
  state.playing = setInterval(() => (state.step >= current().T - 1 ? togglePlay() : setStep(state.step + 1)), reducedMotion() ? 500 : 70);
}
function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1)), number = (name) => (/^\d+$/.test(asked.get(name) || "") ? +asked.get(name) : null);
  if (number("run") !== null) state.run = clamp(number("run") - 1, 0, RUNS.length - 1);
  if (number("step") !== null) state.step = clamp(number("step"), 0, current().T - 1);
  if (number("sample") !== null) state.sample = clamp(number("sample") - 1, 0, DATA.X.length - 1);
  if (Object.keys(VIEWS).includes(asked.get("view"))) state.view = asked.get("view");
  const [c, j, i] = (asked.get("at") || "").split(".").map((part) => (/^\d+$/.test(part) ? +part : undefined)), place = i === undefined ? { c, j } : { c, j, i };
  if ([...nodes, ...edges].some(({ at }) => samePlace(at, place))) state.at = place;
  setRun(state.run);
}
