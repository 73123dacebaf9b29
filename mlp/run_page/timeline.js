// Charts over the steps of a training: one cursor and one zoom for all of them. Each takes further numbers where it is.
const state = { view: [0, 1], full: [0, 1], cursor: 1 }, charts = {};
let where = null, slider = null, waiting = false;

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
  const [a, b] = state.view, whole = a === state.full[0] && b === state.full[1], all = Object.values(charts);
  Object.assign(slider, { min: a, max: b, value: state.cursor });
  slider.setAttribute("aria-valuetext", `step ${state.cursor}; ${all.length ? all[0].text(state.cursor) : ""}`);
  where.textContent = `step ${state.cursor}${whole ? "" : ` in ${a} … ${b}`}`;
  for (const chart of all) chart.refresh();
}
function showClock(place) {
  where = make("output", { class: "where" });
  slider = make("input", { type: "range", step: 1, "aria-label": "Step", oninput: (event) => setCursor(+event.target.value), onkeydown: (event) => {
    const act = { "+": () => zoomBy(0.5), "=": () => zoomBy(0.5), "-": () => zoomBy(2), 0: () => zoom(...state.full) }[event.key];
    if (act) { act(); event.preventDefault(); }
  } });
  const button = (text, name, act) => make("button", { type: "button", onclick: act, title: name }, text);
  place.append(make("div", { class: "card clock", role: "group", "aria-label": "Step and zoom of all charts" }, where, slider, make("div", { class: "bar" },
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

// charts

const LINES = { "each batch": "s0", train: "s1", validation: "s2" };

function cut(series, [a, b]) {
  const from = series.x[0] >= a ? 0 : placeOf(series.x, a), to = placeOf(series.x, b) + 1;
  const first = series.x[from] < a ? from + 1 : from;
  return { ...series, x: series.x.subarray(first, to), y: series.y.subarray(first, to) };
}
// take(about, arrays): show these numbers from now on; refresh(): cursor and zoom are elsewhere; text(step): in words.
function makeCurve(about, place) {
  let all = [], marks = [], holes = [], steps = [], every = 1;
  const legend = make("ul", { class: "legend" }), read = make("p", { class: "read" }), note = make("p", { class: "dim" });
  const options = () => {
    const [a, b] = state.view, shown = all.map((s) => cut(s, state.view)).filter((s) => s.x.length);
    const gates = about.gates.map((g) => ({ name: g.text, class: "gate", x: [a, b], y: [g.value, g.value] }));
    return { label: about.text, height: 220, log: about.log, xTitle: "step", series: [...shown, ...gates], extent: { x: [a, b] }, cursor: state.cursor,
      marks: marks.filter((m) => m.x >= a && m.x <= b), bands: holes.filter((h) => h.from >= a && h.from <= b) };
  };
  const valueAt = (s, step) => (step < s.x[0] ? "" : `${s.name} ${formatNumber(s.y[placeOf(s.x, step)])}`);
  const text = (step) => all.map((s) => valueAt(s, step)).filter(Boolean).join(" · ");
  const name = () => `${about.title}: numbers as a table${every > 1 ? `, one of ${every}` : ""}`;
  const chart = lineChart({ series: [], height: 220, label: about.text }), numbers = numbersTable(name, () => ["step", ...all.map((s) => s.name)],
    () => steps.filter((_, i) => i % every === 0).map((step) => [String(step), ...all.map((s) => (s.x[placeOf(s.x, step)] === step ? formatNumber(s.y[placeOf(s.x, step)]) : ""))]));
  pointAt(chart);
  place.append(card(about.title, legend, chart.figure, read, note, numbers));
  return {
    text,
    refresh() { chart.update(options()); read.textContent = `step ${state.cursor}: ${text(state.cursor)}`; },
    take(now, arrays) {
      about = now;
      all = about.series.map((s, k) => ({ name: s.name, class: LINES[s.name] || `s${k + 1}`, x: arrays[`${about.key}/${k}/steps`].flat, y: arrays[`${about.key}/${k}/values`].flat }));
      marks = head.findings.filter((f) => f.severity !== "info" && f.step !== null).map((f) => ({ x: f.step, text: `▲ ${words(f.kind)}` }));
      holes = all.flatMap((s) => [...s.x].filter((x, i) => !Number.isFinite(s.y[i])).map((x) => ({ from: x, to: x, text: `step ${x}: no number` })));
      steps = [...new Set(all.flatMap((s) => [...s.x]))].sort((a, b) => a - b);
      every = Math.ceil(steps.length / 400);
      const thinned = about.series.filter((s) => s.kept < s.records).map((s) => `of ${s.name} first, least, greatest and last of each of 1,024 buckets of ${s.records.toLocaleString("en")} records`);
      note.textContent = thinned.length ? `Drawn: ${thinned.join("; ")}.` : "";
      legend.replaceChildren(...all.map((s) => make("li", {}, swatch(s.class), s.name)), ...about.gates.map((g) => make("li", {}, swatch("gate"), `${g.text}: ${formatNumber(g.value)}`)));
      numbers.renew();
    },
  };
}
function makeHeat(about, place) {
  let least, typical, greatest, bounds, every = 1;
  const chart = heatMap({ label: about.text, labels: about.labels, share: about.share }), read = make("p", { class: "read" }), note = make("p", { class: "dim" });
  const n = about.labels.length, some = n <= 4 ? range(n) : [0, n >> 1, n - 1];
  const text = (step) => {
    const x = chart.columnAt(step), one = (r) => (least.at(r)[x] === greatest.at(r)[x] ? "" : ` (${formatNumber(least.at(r)[x], 3)} to ${formatNumber(greatest.at(r)[x], 3)})`);
    return some.map((r) => `${about.labels[r]} ${formatNumber(typical.at(r)[x], 3)}${one(r)}`).join(" · ");
  };
  const name = () => `${about.title}: numbers as a table${every > 1 ? `, one column of ${every}` : ""}`;
  const numbers = numbersTable(name, () => ["from step", ...about.labels],
    () => range(about.columns).filter((x) => x % every === 0).map((x) => [String(bounds[x]), ...range(n).map((r) => formatNumber(typical.at(r)[x], 3))]));
  pointAt(chart);
  place.append(card(about.title, chart.figure, read, note, numbers));
  return {
    text,
    refresh() { chart.update({ view: state.view, cursor: state.cursor }); read.textContent = `step ${state.cursor}: ${text(state.cursor)}`; },
    take(now, arrays) {
      about = now;
      [least, typical, greatest] = ["least", "typical", "greatest"].map((part) => arrays[`${about.key}/${part}`]);
      bounds = arrays[`${about.key}/bounds`].flat;
      every = Math.ceil(about.columns / 100);
      const per = about.records / about.columns, mean = about.share ? "mean" : "geometric mean";
      note.textContent = per > 1 ? `A column stands for ${Number.isInteger(per) ? per : per.toFixed(1)} records: the colour is their ${mean}, ▼ marks those with a record far off.` : "A column is one record.";
      chart.take({ least, typical, greatest, bounds, label: about.text });
      numbers.renew();
    },
  };
}

// All charts of `head`. A cursor at the end stays there, and a view of all steps shows all steps.
function showTimeline(arrays) {
  if (!slider) { showClock(section("clock")); section("charts").classList.add("grid"); }
  const atEnd = state.cursor === state.full[1], whole = state.view[0] === state.full[0] && state.view[1] === state.full[1];
  const last = (array) => (array.length ? array.flat[array.length - 1] : 0);
  const ends = [...head.lines.flatMap((about) => about.series.map((_, k) => last(arrays[`${about.key}/${k}/steps`]))), ...head.heats.map((about) => last(arrays[`${about.key}/bounds`]) - 1)];
  state.full[1] = Math.max(state.full[1], ...ends);
  if (whole) state.view = [...state.full];
  if (atEnd && whole) state.cursor = state.full[1];
  const kinds = [[head.lines, makeCurve], [head.heats, makeHeat]];
  for (const [abouts, makeChart] of kinds) for (const about of abouts) {
    charts[about.key] ??= makeChart(about, section("charts"));
    charts[about.key].take(about, arrays);
  }
  for (const chart of Object.values(charts)) chart.refresh();
  refresh();
}
