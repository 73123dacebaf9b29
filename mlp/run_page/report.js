// The report of a run: one cursor and one zoom for all charts over the steps.
const app = document.getElementById("app"), words = (kind) => kind.replace(/_/g, " ");
const state = { view: [0, 1], full: [0, 1], cursor: 0 }, charts = [];
let where = null, slider = null, waiting = false;

function card(title, ...children) { return make("section", { class: "card" }, make("h2", {}, title), ...children); }
function table(columns, rows, name = "words") {
  const cell = (value, k) => (value instanceof Node ? value : make("td", { class: typeof value === "string" && k ? "text" : null }, value));
  return make("table", { class: name }, make("thead", {}, make("tr", {}, ...columns.map((c) => make("th", { scope: "col" }, c)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row[0]), ...row.slice(1).map((value, k) => cell(value, k + 1))))));
}
const scroll = (name, ...children) => make("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": name }, ...children);

// the head of the page

function showHead() {
  const worst = head.findings.length ? head.findings[0].severity : "info";
  app.append(make("p", { class: "lead" }, `${head.title} · ${head.network}`),
    make("h1", { class: `verdict ${head.healthy ? "" : worst === "critical" ? "critical" : "poor"}` }, head.verdict),
    make("dl", { class: "tiles" }, ...head.tiles.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, minus(value))))));
  for (const f of head.findings) {
    const place = [f.layers.length ? `where: ${f.layers.join(", ")}` : "", f.step === null ? "" : `since step ${f.step}`, f.evidence.join(", ")].filter(Boolean).join(" · ");
    app.append(make("article", { class: `card found ${f.severity}` }, make("h2", {}, `${f.severity === "info" ? "note" : f.severity}: ${words(f.kind)}`),
      make("p", {}, f.message), make("p", { class: "dim" }, place),
      f.causes.length ? make("ol", {}, ...f.causes.map(([name, why, remedy]) => make("li", {}, make("b", {}, words(name)), `: ${why}. Remedy: `, make("code", {}, remedy)))) : null));
  }
}
function showRepair() {
  const r = head.repair;
  if (!r) return;
  app.append(card("What the repair tried", make("p", {}, `Outcome: ${r.outcome}.`),
    r.changes.length ? make("ul", {}, ...r.changes.map(([change, cause, why]) => make("li", {}, make("code", {}, change), ` because of ${words(cause)}: ${why}`))) : null,
    r.trials.length ? scroll("Trials", table(["steps", "score", "trial", "for"], r.trials)) : null,
    r.trials.length ? make("p", { class: "dim" }, `score: ${r.score}`) : null,
    r.advice.length ? make("ul", {}, ...r.advice.map(([cause, remedy]) => make("li", {}, `For you: ${words(cause)}: ${remedy}`))) : null));
}

// cursor and zoom

function setCursor(step) {
  state.cursor = Math.round(clamp(step, ...state.view));
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; refresh(); });
}
function zoom(from, to) {
  const [a, b] = [Math.max(state.full[0], Math.round(from)), Math.min(state.full[1], Math.round(to))];
  if (b - a < 2) return;
  state.view = [a, b];
  state.cursor = clamp(state.cursor, a, b);
  refresh();
}
function zoomBy(factor) { const half = ((state.view[1] - state.view[0]) * factor) / 2; zoom(state.cursor - half, state.cursor + half); }
function refresh() {
  const [a, b] = state.view, whole = a === state.full[0] && b === state.full[1];
  Object.assign(slider, { min: a, max: b, value: state.cursor });
  slider.setAttribute("aria-valuetext", `step ${state.cursor}; ${charts.length ? charts[0].text(state.cursor) : ""}`);
  where.textContent = `step ${state.cursor}${whole ? "" : ` in ${a} … ${b}`}`;
  for (const chart of charts) chart.refresh();
}
function showClock() {
  where = make("output", { class: "where" });
  slider = make("input", { type: "range", step: 1, "aria-label": "Step", oninput: (event) => setCursor(+event.target.value), onkeydown: (event) => {
    const act = { "+": () => zoomBy(0.5), "=": () => zoomBy(0.5), "-": () => zoomBy(2), 0: () => zoom(...state.full) }[event.key];
    if (act) { act(); event.preventDefault(); }
  } });
  const button = (text, name, act) => make("button", { type: "button", onclick: act, title: name }, text);
  app.append(make("div", { class: "card clock", role: "group", "aria-label": "Step and zoom of all charts" }, where, slider, make("div", { class: "bar" },
    button("Zoom in", "key +", () => zoomBy(0.5)), button("Zoom out", "key −", () => zoomBy(2)), button("All steps", "key 0", () => zoom(...state.full)))));
}
function pointAt(chart) {
  const { svg } = chart;
  let start = null;
  svg.addEventListener("pointermove", (event) => setCursor(chart.xAt(event.clientX)));
  svg.addEventListener("pointerdown", (event) => { start = chart.xAt(event.clientX); setCursor(start); });
  svg.addEventListener("pointerup", (event) => {
    const end = chart.xAt(event.clientX), far = Math.abs(end - start) > (state.view[1] - state.view[0]) / 50;
    if (start !== null && far && event.pointerType === "mouse") zoom(Math.min(start, end), Math.max(start, end));
    start = null;
  });
  svg.addEventListener("dblclick", () => zoom(...state.full));
}

// charts over the steps

function cut(series, [a, b]) {
  const from = series.x[0] >= a ? 0 : placeOf(series.x, a), to = placeOf(series.x, b) + 1;
  const first = series.x[from] < a ? from + 1 : from;
  return { ...series, x: series.x.subarray(first, to), y: series.y.subarray(first, to) };
}
function swatch(name) { return make("svg", { viewBox: "0 0 26 8", height: 8, "aria-hidden": "true" }, make("line", { x1: 0, x2: 26, y1: 4, y2: 4, class: `line ${name}` })); }
function showCurve(about, arrays, place) {
  const all = about.series.map((s, k) => ({ name: s.name, class: `s${about.series.length === 1 ? 1 : k % 3}`, x: arrays[`${about.key}/${k}/steps`].flat, y: arrays[`${about.key}/${k}/values`].flat }));
  const marks = head.findings.filter((f) => f.severity !== "info" && f.step !== null).map((f) => ({ x: f.step, text: `▲ ${words(f.kind)}` }));
  const holes = all.flatMap((s) => [...s.x].filter((x, i) => !Number.isFinite(s.y[i])).map((x) => ({ from: x, to: x, text: `step ${x}: no number` })));
  const options = () => {
    const [a, b] = state.view, shown = all.map((s) => cut(s, state.view)).filter((s) => s.x.length);
    const gates = about.gates.map((g) => ({ name: g.text, class: "gate", x: [a, b], y: [g.value, g.value] }));
    return { label: about.text, height: 220, log: about.log, xTitle: "step", series: [...shown, ...gates], extent: { x: [a, b] }, cursor: state.cursor,
      marks: marks.filter((m) => m.x >= a && m.x <= b), bands: holes.filter((h) => h.from >= a && h.from <= b) };
  };
  const chart = lineChart({ ...options() }), read = make("p", { class: "read" });
  chart.figure.classList.add("chart");
  const valueAt = (s, step) => (step < s.x[0] ? "" : `${s.name} ${formatNumber(s.y[placeOf(s.x, step)])}`);
  const text = (step) => all.map((s) => valueAt(s, step)).filter(Boolean).join(" · ");
  const thinned = about.series.filter((s) => s.kept < s.records).map((s) => `of ${s.name} first, least, greatest and last of each of 1,024 buckets of ${s.records.toLocaleString("en")} records`);
  pointAt(chart);
  charts.push({ text, refresh() { chart.update(options()); read.textContent = `step ${state.cursor}: ${text(state.cursor)}`; } });
  const steps = [...new Set(all.flatMap((s) => [...s.x]))].sort((a, b) => a - b), every = Math.ceil(steps.length / 400);
  place.append(card(about.title, make("ul", { class: "legend" }, ...all.map((s) => make("li", {}, swatch(s.class), s.name)), ...about.gates.map((g) => make("li", {}, swatch("gate"), `${g.text}: ${formatNumber(g.value)}`))),
    chart.figure, read, thinned.length ? make("p", { class: "dim" }, `Drawn: ${thinned.join("; ")}.`) : null,
    numbersTable(`${about.title}: numbers as a table${every > 1 ? `, one of ${every}` : ""}`, ["step", ...all.map((s) => s.name)],
      () => steps.filter((_, i) => i % every === 0).map((step) => [String(step), ...all.map((s) => (s.x[placeOf(s.x, step)] === step ? formatNumber(s.y[placeOf(s.x, step)]) : ""))]))));
}
function showHeat(about, arrays, place) {
  const part = (name) => arrays[`${about.key}/${name}`], bounds = part("bounds").flat;
  const [least, typical, greatest] = ["least", "typical", "greatest"].map(part);
  const chart = heatMap({ label: about.text, labels: about.labels, share: about.share, bounds, least, typical, greatest, view: state.view, cursor: state.cursor });
  const read = make("p", { class: "read" }), n = about.labels.length, some = n <= 4 ? range(n) : [0, n >> 1, n - 1];
  const text = (step) => {
    const x = chart.columnAt(step), one = (r) => (least.at(r)[x] === greatest.at(r)[x] ? "" : ` (${formatNumber(least.at(r)[x], 3)} to ${formatNumber(greatest.at(r)[x], 3)})`);
    return some.map((r) => `${about.labels[r]} ${formatNumber(typical.at(r)[x], 3)}${one(r)}`).join(" · ");
  };
  pointAt(chart);
  charts.push({ text, refresh() { chart.update({ view: state.view, cursor: state.cursor }); read.textContent = `step ${state.cursor}: ${text(state.cursor)}`; } });
  const per = about.records / about.columns, mean = about.share ? "mean" : "geometric mean";
  const said = per > 1 ? `A column stands for ${Number.isInteger(per) ? per : per.toFixed(1)} records: the colour is their ${mean}, ▼ marks those with a record far off.` : `A column is one record.`;
  const every = Math.ceil(about.columns / 100);
  place.append(card(about.title, chart.figure, read, make("p", { class: "dim" }, said),
    numbersTable(`${about.title}: numbers as a table${every > 1 ? `, one column of ${every}` : ""}`, ["from step", ...about.labels],
      () => range(about.columns).filter((x) => x % every === 0).map((x) => [String(bounds[x]), ...range(n).map((r) => formatNumber(typical.at(r)[x], 3))]))));
}

// layers

function showGains() {
  if (!head.gains.length) return;
  const decades = head.gains.flatMap((g) => [g.start, g.typical]).filter((v) => v > 0).map(Math.log10);
  const reach = Math.max(1, ...decades.map(Math.abs)), at = (v) => 50 + (50 * Math.log10(v)) / reach;
  const bar = (v) => make("td", { class: "gain" }, v > 0 ? make("svg", { viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" },
    make("rect", { x: Math.min(50, at(v)), width: Math.max(0.6, Math.abs(at(v) - 50)), y: 3, height: 8 }), make("line", { x1: 50, x2: 50, y1: 0, y2: 14 })) : "");
  const text = (v) => (v === null ? "" : formatNumber(v, 3));
  app.append(card("Backward gain by layer", make("p", { class: "dim" }, "How much of the error signal each layer hands back to the one before it. 1, the upright line, hands on everything; a chain of layers below 1 lets gradients vanish, above 1 explode."),
    scroll("Backward gain", table(["layer", "at the start", "typical", `typical, from ${formatNumber(10 ** -reach, 2)} to ${formatNumber(10 ** reach, 2)}`], head.gains.map((g) => [g.layer, text(g.start), text(g.typical), bar(g.typical)])))));
}
function showWeights(arrays) {
  if (!head.weights.length) return;
  const grid = make("div", { class: "grid" });
  head.weights.forEach((about, k) => {
    const edges = arrays[`weights/${k}/edges`].flat, counts = arrays[`weights/${k}/counts`].flat, x = [], y = [];
    counts.forEach((count, i) => { x.push(edges[i], edges[i + 1]); y.push(count, count); });
    const text = `Parameters of ${about.layer} at the end: ${about.size} numbers, mean ${about.mean}, deviation ${about.std}.`;
    const chart = lineChart({ label: text, height: 130, series: [{ x, y, class: "s1" }], extent: { y: [0, Math.max(...counts)] } });
    grid.append(make("div", {}, make("h3", {}, about.layer), chart.figure, make("p", { class: "dim" }, minus(text)),
      numbersTable(`${about.layer}: numbers as a table`, ["from", "to", "how many"], () => [...counts].map((c, i) => [formatNumber(edges[i]), formatNumber(edges[i + 1]), String(c)]))));
  });
  app.append(card("Parameters by layer, at the end", grid));
}

// answers

function showAnswers(arrays) {
  const found = head.answers;
  if (!found) { app.append(card("Answers", make("p", {}, "The rows of this run are not at hand, or not what they were. What can only be said with them is left out."))); return; }
  if (found.confusion) showConfusion(found);
  if (found.mistakes) app.append(card(`Most often confused, of ${found.rows}`, scroll("Confusions", table(["truth", "answer", "rows"], found.mistakes))));
  if (found.labels) app.append(card(`Labels, of ${found.rows}`, scroll("Labels", table(["label", "has it", "answered", "both"], found.labels))));
  const grid = make("div", { class: "grid" });
  if (found.reliability) showReliability(found, grid);
  if (found.numbers) showNumbers(found, arrays, grid);
  if (grid.childElementCount) app.append(grid);
  showWorst(found, arrays);
}
function showConfusion({ rows, confusion: { names, counts } }) {
  const lines = counts.map((row, i) => {
    const total = row.reduce((a, b) => a + b, 0);
    return [names[i], ...row.map((count, j) => make("td", { class: i === j ? "hit" : "miss", style: `--f:${(count / Math.max(1, total)).toFixed(3)}` }, String(count))), total ? `${((100 * row[i]) / total).toFixed(0)} %` : "–"];
  });
  app.append(card(`Confusion matrix, of ${rows}`, scroll("Confusion matrix", table(["truth ↓  answer →", ...names, "found"], lines, "conf"))));
}
function showReliability({ rows, reliability: bins }, grid) {
  const text = `Of the answers given with a probability, how many are right: ${bins.map((b) => `${(100 * b.confidence).toFixed(0)} %: ${(100 * b.right).toFixed(0)} % of ${b.rows}`).join(", ")}.`;
  const chart = lineChart({ label: text, height: 240, xTitle: "probability of the answer", extent: { x: [0, 1], y: [0, 1] }, series: [{ x: [0, 1], y: [0, 1], class: "gate" }, { x: bins.map((b) => b.confidence), y: bins.map((b) => b.right), class: "s1" }],
    points: bins.map((b) => ({ x: b.confidence, y: b.right, r: 3 + 5 * Math.sqrt(b.rows / Math.max(...bins.map((c) => c.rows))) })) });
  grid.append(card("Reliability: share of right answers", chart.figure, make("p", { class: "dim" }, `Of ${rows}. On the dashed line, of all answers given with 80 %, 80 % are right. A large circle stands for many rows.`),
    numbersTable("Reliability: numbers as a table", ["probability", "right", "rows"], () => bins.map((b) => [formatNumber(b.confidence), formatNumber(b.right), String(b.rows)]))));
}
function showNumbers({ rows, numbers }, arrays, grid) {
  const truth = [...arrays["answers/true"].flat], answer = [...arrays["answers/predicted"].flat], fine = range(truth.length).filter((i) => Number.isFinite(answer[i]));
  const span = (values) => [Math.min(...values), Math.max(...values)], [a, b] = span(truth), of = numbers.outputs > 1 ? `, the first of ${numbers.outputs} outputs` : "";
  const error = Math.sqrt(fine.reduce((sum, i) => sum + (answer[i] - truth[i]) ** 2, 0) / Math.max(1, fine.length));
  const said = `${numbers.points} of ${rows}${of}; root of the mean squared error ${formatNumber(error)}.`;
  const faint = (i, y) => ({ x: truth[i], y, r: 2.5, class: "faint" });
  const both = lineChart({ label: `Predicted against true: ${said}`, height: 240, xTitle: "true", yTitle: "", series: [{ x: [a, b], y: [a, b], class: "gate" }], points: fine.map((i) => faint(i, answer[i])) });
  const rest = lineChart({ label: `Residuals, predicted minus true: ${said}`, height: 240, xTitle: "true", series: [{ x: [a, b], y: [0, 0], class: "gate" }], points: fine.map((i) => faint(i, answer[i] - truth[i])) });
  const numbersOf = (title) => numbersTable(`${title}: numbers as a table`, ["true", "predicted", "residual"], () => range(truth.length).slice(0, 400).map((i) => [truth[i], answer[i], answer[i] - truth[i]].map((v) => formatNumber(v))));
  grid.append(card(`${numbers.name}: predicted against true`, both.figure, make("p", { class: "dim" }, said), numbersOf("Predicted against true")), card("Residuals: predicted minus true", rest.figure, make("p", { class: "dim" }, said), numbersOf("Residuals")));
}
function showWorst({ rows, worst }, arrays) {
  const title = `Answered worst, of ${rows}`;
  if (!worst.image) { app.append(card(title, scroll("Rows answered worst", table(["row", "truth", "answer", "how far off", ...worst.inputs, ...(worst.more ? [`and ${worst.more} more`] : [])], worst.answers.map((a, k) => [...a, ...worst.cells[k], ...(worst.more ? ["…"] : [])]))))); return; }
  const [height, width] = worst.image, images = arrays["worst/images"];
  let low = Infinity, high = -Infinity;
  for (const v of images.flat) { low = Math.min(low, v); high = Math.max(high, v); }
  app.append(card(title, make("ul", { class: "pictures" }, ...worst.answers.map(([row, truth, answer, how], k) => {
    const canvas = make("canvas", { width, height, role: "img", "aria-label": `${row}: ${truth} taken for ${answer}` }), context = canvas.getContext("2d"), image = context.createImageData(width, height);
    images.at(k).forEach((v, i) => image.data.set([...Array(3).fill((255 * (v - low)) / ((high - low) || 1)), 255], i * 4));
    context.putImageData(image, 0, 0);
    return make("li", {}, canvas, make("span", {}, truth === answer ? `${truth}, right` : `${truth} taken for ${answer}`), make("span", { class: "dim" }, minus(how)));
  }))));
}
function showExperiment() {
  app.append(card("Do it again", make("p", {}, "Save the experiment as experiment.toml, then:"), make("pre", { tabindex: 0, role: "region", "aria-label": "Command" }, make("code", {}, head.command)),
    make("details", {}, make("summary", {}, "The experiment, with the value of every key"), make("pre", { tabindex: 0, role: "region", "aria-label": "Experiment" }, make("code", {}, head.experiment))), make("p", { class: "dim" }, `Made with ${head.made}.`)));
}

unpackArrays().then((arrays) => {
  for (const [name, { flat, length }] of Object.entries(arrays)) if (name.endsWith("/steps") && length) state.full[1] = Math.max(state.full[1], flat[length - 1]);
  state.view = [...state.full];
  state.cursor = state.full[1];
  showHead();
  showRepair();
  const grid = make("div", { class: "grid" });
  showClock();
  app.append(grid);
  for (const about of head.lines) showCurve(about, arrays, grid);
  for (const about of head.heats) showHeat(about, arrays, grid);
  showGains();
  showAnswers(arrays);
  showWeights(arrays);
  showExperiment();
  refresh();
  document.documentElement.dataset.ready = performance.now().toFixed(0);
});
