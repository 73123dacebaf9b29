// Line charts as SVG, laid out from the width that there is, with their numbers as a text and a table.
const SVG_TEXT_HEIGHT = 16;

function niceStep(span, most) {
  const raw = span / most, unit = 10 ** Math.floor(Math.log10(raw));
  return unit * [1, 2, 5, 10].find((factor) => factor * unit >= raw);
}
// Ticks between low and high: powers of ten on a log axis over a decade or more, else round numbers.
function chooseTicks(low, high, log, most) {
  if (log && Math.log10(high / low) >= 1) {
    const from = Math.ceil(Math.log10(low) - 1e-9), to = Math.floor(Math.log10(high) + 1e-9);
    const every = Math.max(1, Math.ceil((to - from + 1) / most));
    return range(to - from + 1).map((i) => from + i).filter((e) => (e - from) % every === 0).map((e) => 10 ** e);
  }
  if (!(high > low)) return [low];
  const step = niceStep(high - low, most), first = Math.ceil(low / step - 1e-9);
  return range(Math.floor(high / step + 1e-9) - first + 1).map((i) => (first + i) * step);
}
const tickText = (value, digits = 3) => {
  const size = Math.abs(value);
  return minus(size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(Math.max(0, digits - 3)).replace("e+", "e") : String(+value.toPrecision(digits)));
};
// Texts of ticks that tell them apart: with more digits, or beyond six as what is added to the first.
function tickTexts(ticks) {
  for (let digits = 3; digits <= 6; digits++) {
    const texts = ticks.map((tick) => tickText(tick, digits));
    if (new Set(texts).size === texts.length) return texts;
  }
  return ticks.map((tick, i) => (i ? `+${minus((tick - ticks[0]).toExponential(0))}` : tickText(tick)));
}

// options: label, height, log, xLog, xTitle, yTitle, series [{name, x, y, low, high, class, style}], bands [{from, to, text}],
// marks [{x, text}], cursor (x), points [{x, y, class, r}], onPick(x), extent {x: [a, b], y: [a, b]}. Between low and high of a
// series an area is drawn.
function lineChart(options) {
  const svg = make("svg", { role: "img" }), figure = make("figure", { class: "chart" }, svg);
  let current = options, width = 0, scale = null;
  const chart = {
    figure, svg,
    update(changes) { current = { ...current, ...changes }; draw(); },
    xAt(clientX) { const box = svg.getBoundingClientRect(); return scale ? scale.invert(clientX - box.left) : 0; },
  };
  function draw() {
    if (width < 40) return;
    const { series, log, xLog, height, points = [], bands = [], marks = [], extent = {} } = current;
    const xs = series.flatMap((s) => [s.x[0], s.x[s.x.length - 1]]), [x0, x1] = extent.x || [Math.min(...xs), Math.max(...xs)];
    let low = Infinity, high = -Infinity;
    for (const y of [...series.flatMap((s) => [s.y, s.low || [], s.high || []]), points.map((p) => p.y)]) for (const v of y) if (Number.isFinite(v) && (!log || v > 0)) { if (v < low) low = v; if (v > high) high = v; }
    if (extent.y) [low, high] = extent.y;
    if (!(high >= low)) [low, high] = log ? [0.1, 1] : [0, 1];
    if (high === low) { const pad = Math.abs(high) * 0.1 || 1; low = log ? low / 1.1 : low - pad; high = log ? high * 1.1 : high + pad; }
    const of = log ? Math.log10 : (v) => v, [bottom, top] = [of(low), of(high)], ofX = xLog ? Math.log10 : (v) => v, [first, last] = [ofX(x0), ofX(x1)];
    const left = current.left ?? 52, right = 12, up = 8, down = current.xTitle ? 36 : 20;
    const X = (v) => left + ((ofX(v) - first) / ((last - first) || 1)) * (width - left - right);
    const Y = (v) => up + ((top - of(v)) / (top - bottom)) * (height - up - down);
    const back = (place) => (xLog ? 10 ** place : place);
    scale = { left, right, X, Y, invert: (px) => back(first + clamp((px - left) / (width - left - right), 0, 1) * (last - first)) };
    const parts = [];
    for (const band of bands) parts.push(make("rect", { x: X(band.from), y: up, width: Math.max(2, X(band.to) - X(band.from)), height: height - up - down, class: "band" }, make("title", {}, band.text)));
    const levels = chooseTicks(low, high, log, Math.max(2, Math.floor((height - up - down) / 30))), texts = tickTexts(levels);
    for (const [i, tick] of levels.entries())
      parts.push(make("line", { x1: left, x2: width - right, y1: Y(tick), y2: Y(tick), class: "grid" }), make("text", { x: left - 6, y: Y(tick) + 4, "text-anchor": "end", class: "axis" }, texts[i]));
    for (const tick of chooseTicks(x0, x1, xLog, Math.max(2, Math.floor((width - left - right) / 90))).filter((tick) => !current.yTitle || X(tick) > left + 4))
      parts.push(make("text", { x: X(tick), y: height - down + SVG_TEXT_HEIGHT, "text-anchor": "middle", class: "axis" }, tickText(tick)));
    if (current.yTitle) parts.push(make("text", { x: left - 6, y: height - down + SVG_TEXT_HEIGHT, "text-anchor": "end", class: "axis" }, current.yTitle));
    if (current.xTitle) parts.push(make("text", { x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle", class: "axis" }, current.xTitle));
    for (const s of series) if (s.low) parts.push(make("path", { d: areaOf(s, X, (v) => clamp(Y(v), up, height - down), log), class: `area ${s.class || ""}`, style: s.style }));
    for (const s of series) parts.push(make("path", { d: pathOf(s, X, Y, log), class: `line ${s.class || ""}`, style: s.style }));
    marks.forEach((mark, i) => {
      const over = X(mark.x) > width - right - 7 * mark.text.length;
      parts.push(make("line", { x1: X(mark.x), x2: X(mark.x), y1: up, y2: height - down, class: "mark" }), make("text", { x: X(mark.x) + (over ? -4 : 4), y: height - down - 6 - 14 * (i % 4), "text-anchor": over ? "end" : "start", class: "marktext" }, mark.text));
    });
    for (const p of points) parts.push(make("circle", { cx: X(p.x), cy: Y(p.y), r: p.r || 5, class: `point ${p.class || ""}` }));
    if (current.cursor !== undefined) parts.push(make("line", { x1: X(current.cursor), x2: X(current.cursor), y1: up - 4, y2: height - down, class: "cursor" }));
    svg.replaceChildren(...parts);
    svg.setAttribute("height", height);
    svg.setAttribute("aria-label", current.label);
  }
  if (options.onPick) {
    const pick = (event) => current.onPick(chart.xAt(event.clientX));
    svg.addEventListener("pointerdown", (event) => { pick(event); svg.setPointerCapture(event.pointerId); });
    svg.addEventListener("pointermove", (event) => { if (event.buttons & 1) pick(event); });
    svg.classList.add("pickable");
  }
  new ResizeObserver(([entry]) => { const now = Math.round(entry.contentRect.width); if (now !== width) { width = now; draw(); } }).observe(figure);
  return chart;
}
function pathOf(series, X, Y, log) { // a number that is none leaves a hole
  let path = "", pen = "M";
  for (let i = 0; i < series.x.length; i++) {
    const v = series.y[i];
    if (!Number.isFinite(v) || (log && v <= 0)) { pen = "M"; continue; }
    path += `${pen}${X(series.x[i]).toFixed(1)} ${Y(v).toFixed(1)}`;
    pen = "L";
  }
  return path;
}
function areaOf({ x, low, high }, X, Y, log) { // where both bounds are numbers; one that is infinite ends at the edge
  const fine = range(x.length).filter((i) => !Number.isNaN(low[i]) && !Number.isNaN(high[i]) && (!log || high[i] > 0));
  if (fine.length < 2) return "";
  const at = (v, i) => `${X(x[i]).toFixed(1)} ${(log && v <= 0 ? Y(1e-300) : Y(v)).toFixed(1)}`;
  return `M${fine.map((i) => at(high[i], i)).join("L")}L${fine.reverse().map((i) => at(low[i], i)).join("L")}Z`;
}
// A chart with a slider that reads it, by pointer and by keyboard: text(x) says what is there.
function readableChart(options, text) {
  let xs = [], at = null;
  const read = make("p", { class: "read" }), slider = make("input", { type: "range", min: 0, step: 1, "aria-label": `${options.title}: read at`, oninput: () => show(+slider.value) });
  const nearest = (x) => range(xs.length).reduce((best, i) => (Math.abs(xs[i] - x) < Math.abs(xs[best] - x) ? i : best), 0);
  const chart = lineChart({ ...options, onPick: (x) => show(nearest(x)) });
  function show(i) {
    if (!xs.length) { read.textContent = "Nothing is drawn."; chart.update({ cursor: undefined }); return; }
    at = clamp(i, 0, xs.length - 1);
    slider.value = at;
    read.textContent = text(xs[at]);
    slider.setAttribute("aria-valuetext", read.textContent);
    chart.update({ cursor: xs[at] });
  }
  function update(changes) {
    chart.update(changes);
    xs = [...new Set(changes.series.flatMap((s) => [...s.x]))].sort((a, b) => a - b);
    slider.max = Math.max(0, xs.length - 1);
    show(Math.min(at ?? xs.length - 1, xs.length - 1));
  }
  update(options);
  return { parts: [chart.figure, slider, read], update };
}
// The numbers of a chart, made when somebody opens them; renew() where there are others.
function numbersTable(title, columns, rows) {
  const value = (given) => (typeof given === "function" ? given() : given);
  const box = make("div", { class: "scroll", tabindex: 0, role: "region" }), summary = make("summary", {});
  const show = () => box.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...value(columns).map((c) => make("th", { scope: "col" }, c)))),
    make("tbody", {}, ...rows().map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell)))))));
  const details = make("details", { ontoggle: () => { if (details.open && !box.childElementCount) show(); } }, summary, box);
  details.renew = () => {
    const name = value(title);
    if (summary.textContent !== name) { summary.textContent = name; box.setAttribute("aria-label", name); }
    if (details.open) show(); else box.replaceChildren();
  };
  details.renew();
  return details;
}
