// Things side by side: the same colours in all charts, and one choice of what is drawn.
const chosen = head.names.map(() => true), drawings = [], COLORS = 8, DASHES = ["", "7 3", "2 3", "9 3 2 3"];
const styleOf = (i) => `--c: var(--c${i % COLORS}); stroke-dasharray: ${DASHES[(i + (i >> 3)) % 4]}`;
const lineSwatch = (i) => make("svg", { viewBox: "0 0 26 8", height: 8, width: 26, class: "chart", "aria-hidden": "true" }, make("line", { x1: 0, x2: 26, y1: 4, y2: 4, class: "line one", style: styleOf(i) }));

const NUMBERS = /^[-−–\d.!…% e+<]*$|^best$/;

function redraw() { for (const draw of drawings) draw(); }
function showChoice() {
  const buttons = head.names.map((name, i) => make("button", { type: "button", class: "choice", "aria-pressed": "true", onclick: () => { chosen[i] = !chosen[i]; press(); } }, lineSwatch(i), name));
  const press = () => { buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(chosen[i]))); redraw(); };
  const all = (value) => () => { chosen.fill(value); press(); };
  section("choice").append(make("div", { class: "card choices", role: "group", "aria-label": `Which ${head.what} are drawn` }, make("span", { class: "dim" }, "Drawn:"), ...buttons,
    make("button", { type: "button", onclick: all(true) }, "All"), make("button", { type: "button", onclick: all(false) }, "None")));
}
function showCell(cell, first, right) {
  const tag = first ? "th" : "td", scope = first ? { scope: "row" } : {}, side = first || right ? null : "text";
  if (typeof cell !== "object") return make(tag, { ...scope, class: side }, NUMBERS.test(cell) ? minus(cell) : cell);
  if (cell.shade !== undefined) return make(tag, { class: "shade", style: `--f:${cell.shade.toFixed(3)}` }, cell.text);
  if (cell.share) {
    const [value, low, high] = cell.share.map((v) => 100 * v);
    return make(tag, { class: "share" }, make("svg", { viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" }, make("rect", { x: 0, y: 3, height: 8, width: value, class: "value" }), make("rect", { x: low, y: 6, height: 2, width: Math.max(0.5, high - low), class: "interval" })),
      make("span", {}, `${cell.text} `, make("span", { class: "dim" }, cell.interval)));
  }
  return make(tag, { ...scope, class: [cell.best ? "best" : "", side || ""].join(" ").trim() || null }, minus(cell.text));
}
const notes = (about) => about.notes.map((note) => make("p", { class: "dim" }, note));
const isNumber = (cell) => (typeof cell === "string" ? NUMBERS.test(cell) : cell.share === undefined && NUMBERS.test(cell.text));
function showTable(about, place) {
  const right = (k) => { const filled = about.rows.filter((row) => row[k] !== ""); return k > 0 && 2 * filled.filter((row) => isNumber(row[k])).length > filled.length; };
  place.append(card(about.title, scroll(about.title, make("table", { class: "words" }, make("thead", {}, make("tr", {}, ...about.columns.map((c, k) => make("th", { scope: "col", class: right(k) ? "right" : null }, c)))),
    make("tbody", {}, ...about.rows.map((row) => make("tr", {}, ...row.map((cell, k) => showCell(cell, k === 0, right(k)))))))), ...notes(about)));
}
function showChart(about, arrays, place) {
  let axis = about.x[0];
  const all = about.of.map((i, k) => {
    const part = (name) => arrays[`${about.key}/${k}/${name}`]?.flat;
    return { i, name: head.names[i], class: "one", style: styleOf(i), y: part("y"), low: part("low"), high: part("high"), xs: Object.fromEntries(about.x.map((x) => [x, part(`x/${x}`)])) };
  });
  const shown = () => all.filter((s) => chosen[s.i] && s.xs[axis]).map((s) => ({ ...s, x: s.xs[axis] }));
  const bounds = (s, at) => (s.low ? ` (${formatNumber(s.low[at], 3)} to ${formatNumber(s.high[at], 3)})` : "");
  const valueAt = (s, x) => { const at = placeOf(s.x, x); return x < s.x[0] ? "" : Number.isNaN(s.y[at]) ? `${s.name} no number` : `${s.name} ${formatNumber(s.y[at], 3)}${bounds(s, at)}`; };
  const text = (x) => `${axis} ${formatNumber(x, 3)}: ${shown().map((s) => valueAt(s, x)).filter(Boolean).join(" · ") || "nothing"}`;
  const extent = about.extent.length ? { y: about.extent } : {};
  const options = () => { const series = shown(), xs = series.flatMap((s) => [s.x[0], s.x[s.x.length - 1]]); return { series, xTitle: axis, xLog: about.x_log, extent: { ...extent, x: xs.length ? [Math.min(...xs), Math.max(...xs)] : [about.x_log ? 0.1 : 0, 1] } }; };
  const chart = readableChart({ title: about.title, label: about.text, height: 260, log: about.log, ...options() }, text);
  const columns = () => [axis, ...shown().map((s) => s.name)];
  const rows = () => { const series = shown(), xs = [...new Set(series.flatMap((s) => [...s.x]))].sort((a, b) => a - b), every = Math.ceil(xs.length / 200); return xs.filter((_, i) => i % every === 0).map((x) => [formatNumber(x), ...series.map((s) => (s.x[placeOf(s.x, x)] === x ? formatNumber(s.y[placeOf(s.x, x)]) + bounds(s, placeOf(s.x, x)) : ""))]); };
  const numbers = numbersTable(`${about.title}: numbers as a table`, columns, rows);
  const buttons = about.x.map((x) => make("button", { type: "button", "aria-pressed": String(x === axis), onclick: () => { axis = x; buttons.forEach((b) => b.setAttribute("aria-pressed", String(b.textContent === x))); draw(); } }, x));
  const draw = () => { chart.update(options()); numbers.renew(); };
  drawings.push(draw);
  place.append(card(about.title, about.x.length > 1 ? make("div", { class: "segments", role: "group", "aria-label": `${about.title}: over` }, ...buttons) : null, about.y === about.title ? null : make("p", { class: "axis-title dim" }, about.y), ...chart.parts, ...notes(about), numbers));
}
function showBlocks(blocks, arrays, place) {
  let grid = null;
  for (const about of blocks) {
    if (about.kind === "chart") {
      if (!grid) place.append((grid = make("div", { class: "grid" })));
      showChart(about, arrays, grid);
      continue;
    }
    grid = null;
    if (about.kind === "table") { showTable(about, place); continue; }
    const inside = make("section", { class: "part" }, make("h2", {}, about.title), about.text ? make("p", { class: "dim" }, about.text) : null);
    place.append(inside);
    showBlocks(about.blocks, arrays, inside);
  }
}
unpackArrays().then((arrays) => {
  app.append(make("p", { class: "lead" }, head.lead), make("h1", { class: "verdict" }, head.verdict));
  if (Object.keys(arrays).length) showChoice();
  showBlocks(head.blocks, arrays, section("blocks"));
  document.documentElement.dataset.ready = performance.now().toFixed(0);
});
