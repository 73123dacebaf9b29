// Where a run stands: kinds of points on its way, and the loss around its end.
function showPoints() {
  fill("points", [head.points, head.point], () => [
    head.point && card(`It ended at: ${head.point.kind}`, make("p", {}, head.point.why), scroll("Numbers of the point", table(["", "value"], head.point.rows.map(([name, value]) => [name, minus(value)]))), make("p", { class: "dim" }, `Looked at on ${head.point.looked} training rows.`)),
    head.points?.length > 0 && card("What kind of point it was", scroll("Kinds of points", table(head.point_columns, head.points.map((row) => row.map((cell, k) => (k === 0 ? cell : make("td", { class: k === 1 ? "text" : null }, k === 1 ? cell : minus(cell))))))),
      make("p", { class: "dim" }, "The training looked slow after these steps. The curvature along the steepest way down is the least one: below 0 there is a way out.")),
  ]);
}
function showLandscape(arrays) {
  if (!head.landscape) return;
  const { lines, plane, trajectory, spectrum, said } = head.landscape, place = section("landscape"), grid = make("div", { class: "grid" }), part = (name) => arrays[`landscape/${name}`];
  place.replaceChildren(card("The loss around the last point", ...said.map((line) => make("p", { class: "dim" }, minus(line)))), grid);
  lines.forEach((what, k) => grid.append(showLossLine(what, part(`line/${k}/x`).flat, part(`line/${k}/losses`).flat)));
  if (plane) grid.append(showPlane(plane.what, part("plane/x").flat, part("plane/y").flat, part("plane/losses")));
  if (trajectory) grid.append(showPlane(trajectory.what, part("trajectory/x").flat, part("trajectory/y").flat, part("trajectory/losses"), part("trajectory/path"), part("trajectory/steps").flat));
  if (spectrum) grid.append(showSpectrum([...part("spectrum/values").flat], spectrum.exact));
}
function showLossLine(what, x, y) {
  const title = `Loss ${what}`, at = (v) => y[placeOf(x, v)];
  const chart = readableChart({ title, label: `${title}: from ${formatNumber(y[0])} to ${formatNumber(y[y.length - 1])}, least ${formatNumber(Math.min(...y))}.`, height: 220, log: y.every((v) => v > 0) && Math.max(...y) > 10 * Math.min(...y), xTitle: "place on the line", series: [{ x, y, class: "s1" }] }, (v) => `place ${formatNumber(v, 3)}: loss ${formatNumber(at(v))}`);
  return card(title, ...chart.parts, numbersTable(`${title}: numbers as a table`, ["place", "loss"], () => [...x].map((v, i) => [formatNumber(v), formatNumber(y[i])])));
}
// A plane of losses as colours on a logarithmic scale where all are above 0, with a cross that two sliders move.
function showPlane(what, x, y, losses, path, steps) {
  const svg = make("svg", { role: "img" }), canvas = make("canvas", { "aria-hidden": "true" }), figure = make("figure", { class: "heat plane" }, svg, canvas), read = make("p", { class: "read" });
  const fine = losses.flat.filter(Number.isFinite), low = fine.reduce((a, b) => Math.min(a, b), Infinity), high = fine.reduce((a, b) => Math.max(a, b), -Infinity), log = low > 0 && high > low;
  const shareOf = (v) => (log ? Math.log(v / low) / Math.log(high / low) : (v - low) / ((high - low) || 1)), [m, n] = losses.shape;
  const edge = (values, i) => (i === 0 ? values[0] - (values[1] - values[0]) / 2 : i === values.length ? values[i - 1] + (values[i - 1] - values[i - 2]) / 2 : (values[i] + values[i - 1]) / 2);
  let width = 0, at = [n >> 1, m >> 1], scale = null;
  function draw() {
    if (width < 60) return;
    const left = 56, right = 12, up = 8, side = Math.min(width - left - right, 420), height = up + side + 66;
    const X = (v) => left + ((v - edge(x, 0)) / (edge(x, n) - edge(x, 0))) * side, Y = (v) => up + side - ((v - edge(y, 0)) / (edge(y, m) - edge(y, 0))) * side;
    scale = { X, Y };
    canvas.width = n; canvas.height = m;
    const context = canvas.getContext("2d"), image = context.createImageData(n, m);
    for (let j = 0; j < m; j++) for (let i = 0; i < n; i++) { const v = losses.at(m - 1 - j)[i]; image.data.set([...(Number.isFinite(v) ? colorAt(shareOf(v)) : NO_NUMBER), 255], (j * n + i) * 4); }
    context.putImageData(image, 0, 0);
    Object.assign(canvas.style, { left: `${left}px`, top: `${up}px`, width: `${side}px`, height: `${side}px` });
    const parts = chooseTicks(x[0], x[n - 1], false, 5).map((t) => make("text", { x: X(t), y: up + side + 16, "text-anchor": "middle", class: "axis" }, tickText(t)));
    parts.push(...chooseTicks(y[0], y[m - 1], false, 5).map((t) => make("text", { x: left - 6, y: Y(t) + 4, "text-anchor": "end", class: "axis" }, tickText(t))));
    for (let i = 0; i < 50; i++) parts.push(make("rect", { x: left + i * 2.4, y: up + side + 30, width: 2.6, height: 9, style: `fill:rgb(${colorAt(i / 49)})` }));
    parts.push(make("text", { x: left - 6, y: up + side + 39, "text-anchor": "end", class: "axis" }, formatNumber(low, 2)), make("text", { x: left + 126, y: up + side + 39, class: "axis" }, `${formatNumber(high, 2)}: loss${log ? ", log scale" : ""}`));
    if (path) { // over the canvas: a dark line under a bright one is seen on every colour
      const d = range(path.length).map((k) => `${k ? "L" : "M"}${X(path.at(k)[0]).toFixed(1)} ${Y(path.at(k)[1]).toFixed(1)}`).join("");
      parts.push(make("path", { d, class: "way under" }), make("path", { d, class: "way" }), ...range(path.length).map((k) => make("circle", { cx: X(path.at(k)[0]), cy: Y(path.at(k)[1]), r: k === path.length - 1 ? 5 : 2.5, class: "waypoint" }, make("title", {}, `after step ${steps[k]}`))));
    } else parts.push(make("circle", { cx: X(0), cy: Y(0), r: 5, class: "waypoint" }, make("title", {}, "the last point")));
    parts.push(make("path", { d: `M${X(x[at[0]])} ${up}v${side}M${left} ${Y(y[at[1]])}h${side}`, class: "cross" }));
    svg.replaceChildren(...parts);
    svg.setAttribute("height", height);
    svg.setAttribute("aria-label", `Loss over a plane, ${what}: least ${formatNumber(low)}, greatest ${formatNumber(high)}.`);
    read.textContent = `at (${formatNumber(x[at[0]], 3)}, ${formatNumber(y[at[1]], 3)}): loss ${formatNumber(losses.at(at[1])[at[0]])}`;
  }
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), place = (values, to, px) => range(values.length).reduce((best, i) => (Math.abs(to(values[i]) - px) < Math.abs(to(values[best]) - px) ? i : best), 0);
    at = [place(x, scale.X, event.clientX - box.left), place(y, scale.Y, event.clientY - box.top)];
    sliders.forEach((slider, k) => { slider.value = at[k]; });
    draw();
  });
  const slider = (k, name, most) => make("input", { type: "range", min: 0, max: most - 1, value: at[k], "aria-label": `${what}: ${name}`, oninput: (event) => { at[k] = +event.target.value; draw(); event.target.setAttribute("aria-valuetext", read.textContent); } });
  const sliders = [slider(0, "first direction", n), slider(1, "second direction", m)];
  new ResizeObserver(([entry]) => { const now = Math.round(entry.contentRect.width); if (now !== width) { width = now; draw(); } }).observe(figure);
  const every = Math.ceil(n / 10), down = Math.ceil(m / 10);
  return card(`Loss over a plane: ${what}`, figure, make("div", { class: "pair" }, ...sliders), read,
    numbersTable(`${what}: numbers as a table, one of ${every} × ${down}`, ["second ↓ first →", ...[...x].filter((_, i) => i % every === 0).map((v) => formatNumber(v, 3))],
      () => range(m).filter((j) => j % down === 0).map((j) => [formatNumber(y[j], 3), ...[...losses.at(j)].filter((_, i) => i % every === 0).map((v) => formatNumber(v, 3))])));
}
function showSpectrum(values, exact) {
  const above = values.filter((v) => v > 0).reverse(), below = values.filter((v) => v < 0), rank = (list) => list.map((_, i) => i + 1), title = "Spectrum of the Hessian";
  const series = [{ name: "up", x: rank(above), y: above, class: "s1" }, { name: "down, without sign", x: rank(below), y: below.map((v) => -v), class: "s2" }].filter((s) => s.x.length);
  const text = (i) => series.map((s) => (i <= s.x.length ? `${s.name} ${formatNumber(s.y[i - 1])}` : "")).filter(Boolean).join(" · ");
  const chart = readableChart({ title, label: `${values.length} eigenvalues from ${formatNumber(values[0])} to ${formatNumber(values[values.length - 1])}, ${below.length} below 0.`, height: 220, log: true, xTitle: "eigenvalue, the largest first", series }, (i) => `number ${i}: ${text(i)}`);
  return card(title, make("ul", { class: "legend" }, ...series.map((s) => make("li", {}, swatch(s.class), s.name))), ...chart.parts, make("p", { class: "dim" }, exact ? "All eigenvalues." : "By Lanczos quadrature: a sample of where they lie."),
    numbersTable(`${title}: numbers as a table`, ["eigenvalue"], () => values.slice().reverse().slice(0, 400).map((v) => [formatNumber(v)])));
}
