// Heat maps: a row for each label, a column for each few records, laid out from the width that there is.
// Cividis, nine stops: even in lightness, and the same for colour-blind readers (Nuñez, Anderton & Renslow 2018).
const CIVIDIS = [[0, 32, 76], [0, 56, 107], [56, 78, 108], [88, 100, 112], [118, 122, 119], [148, 144, 113], [179, 167, 99], [214, 192, 73], [255, 233, 69]];
const NO_NUMBER = [220, 20, 60], NOTHING = [0, 0, 0];
function colorAt(share) {
  const place = clamp(share, 0, 1) * 8, i = Math.min(7, Math.floor(place)), rest = place - i;
  return CIVIDIS[i].map((value, k) => Math.round(value + (CIVIDIS[i + 1][k] - value) * rest));
}
// options: label, labels, share, view [a, b], cursor; data to take: bounds (columns + 1), least, typical, greatest (at(row))
function heatMap(options) {
  const svg = make("svg", { role: "img" }), canvas = make("canvas", { "aria-hidden": "true" });
  const figure = make("figure", { class: "heat" }, svg, canvas), { labels, share } = options;
  const rows = labels.length, rowHeight = clamp(Math.round(200 / rows), 9, 26);
  let drawn = "", current = options, width = 0, scale = null, low, high, columns = 0, spikes = [], bounds, least, typical, greatest;
  function measure() {
    ({ bounds, least, typical, greatest } = current);
    columns = bounds.length - 1;
    [low, high] = [Infinity, -Infinity];
    for (const v of typical.flat) if (Number.isFinite(v) && v > 0) { low = Math.min(low, v); high = Math.max(high, v); }
    if (share) [low, high] = [0, 1];
    if (!(high > low)) [low, high] = low === high ? [low / 2, high * 2] : [1e-3, 1];
    spikes = findSpikes();
    drawn = "";
  }
  const shareOf = (v) => (share ? v : Math.log(v / low) / Math.log(high / low));
  const colorOf = (v) => (!Number.isFinite(v) ? NO_NUMBER : v <= 0 && !share ? NOTHING : colorAt(shareOf(v)));
  // A column holds a spike where one number of it lies ten times off its typical one, and further than most columns do.
  function findSpikes() {
    const spread = range(columns).map((x) => Math.max(0, ...range(rows).map((r) => (share
      ? Math.max(greatest.at(r)[x] - typical.at(r)[x], typical.at(r)[x] - least.at(r)[x]) * 2
      : Math.max(Math.log10(greatest.at(r)[x] / typical.at(r)[x]), Math.log10(typical.at(r)[x] / least.at(r)[x])) || 0)).filter(Number.isFinite)));
    const usual = [...spread].sort((a, b) => a - b)[columns >> 1] || 0;
    return range(columns).filter((x) => spread[x] >= usual + 1 - 1e-9);
  }
  const chart = {
    figure, svg,
    take(data) { current = { ...current, ...data }; measure(); },
    update(changes) { current = { ...current, ...changes }; draw(); },
    xAt(clientX) { const box = svg.getBoundingClientRect(); return scale ? scale.invert(clientX - box.left) : 0; },
    columnAt: (step) => Math.min(columns - 1, placeOf(bounds, step)),
  };
  function draw() {
    if (width < 40 || !columns) return;
    const [a, b] = current.view, longest = Math.max(...labels.map((l) => l.length));
    const left = clamp(longest * 6.6 + 12, 52, width * 0.3), right = 12, up = 20, tall = rows * rowHeight, height = up + tall + 46;
    const X = (v) => left + ((v - a) / ((b - a) || 1)) * (width - left - right);
    scale = { invert: (px) => a + clamp((px - left) / (width - left - right), 0, 1) * (b - a) };
    drawCells(a, b, left, width - left - right, up, tall);
    const parts = [], letters = Math.floor((left - 10) / 6.4);
    labels.forEach((label, r) => { if (rowHeight >= 12 || r % 2 === 0) parts.push(make("text", { x: left - 6, y: up + r * rowHeight + rowHeight / 2 + 4, "text-anchor": "end", class: "axis" }, label.length > letters ? `${label.slice(0, letters - 1)}…` : label)); });
    for (const tick of chooseTicks(a, b, false, Math.max(2, Math.floor((width - left - right) / 90)))) parts.push(make("text", { x: X(tick), y: up + tall + 15, "text-anchor": "middle", class: "axis" }, tickText(tick)));
    const seen = spikes.filter((x) => bounds[x + 1] > a && bounds[x] <= b);
    for (const x of seen) { const at = clamp(X((bounds[x] + bounds[x + 1]) / 2), left, width - right).toFixed(1); parts.push(make("path", { d: `M${at} ${up - 1}l-3.5 -7h7z`, class: "spike" })); }
    if (seen.length) parts.push(make("text", { x: width - right, y: 9, "text-anchor": "end", class: "spikes" }, `▼ ${seen.length} column${seen.length > 1 ? "s hold" : " holds"} a step ${share ? "far" : "10 ×"} off`));
    for (let i = 0; i < 50; i++) parts.push(make("rect", { x: left + i * 2.4, y: up + tall + 26, width: 2.6, height: 9, style: `fill:rgb(${colorAt(i / 49)})` }));
    parts.push(make("text", { x: left - 6, y: up + tall + 35, "text-anchor": "end", class: "axis" }, formatNumber(low, 2)), make("text", { x: left + 126, y: up + tall + 35, class: "axis" }, `${formatNumber(high, 2)}${share ? "" : ", log scale"}`));
    if (current.cursor !== undefined) parts.push(make("line", { x1: X(current.cursor), x2: X(current.cursor), y1: up - 4, y2: up + tall + 4, class: "cursor" }));
    svg.replaceChildren(...parts);
    svg.setAttribute("height", height);
    svg.setAttribute("aria-label", current.label);
  }
  function drawCells(a, b, left, wide, up, tall) {
    const key = [a, b, left, wide].join();
    if (key === drawn) return;
    drawn = key;
    const pixels = Math.max(1, Math.round(wide)), context = canvas.getContext("2d");
    canvas.width = pixels; canvas.height = rows;
    const image = context.createImageData(pixels, rows);
    for (let px = 0; px < pixels; px++) {
      const x = chart.columnAt(a + ((px + 0.5) / pixels) * (b - a));
      for (let r = 0; r < rows; r++) image.data.set([...colorOf(typical.at(r)[x]), 255], (r * pixels + px) * 4);
    }
    context.putImageData(image, 0, 0);
    Object.assign(canvas.style, { left: `${left}px`, top: `${up}px`, width: `${wide}px`, height: `${tall}px` });
  }
  new ResizeObserver(([entry]) => { const now = Math.round(entry.contentRect.width); if (now !== width) { width = now; draw(); } }).observe(figure);
  return chart;
}
