// The report of a run: what was found and tried, the charts over the steps, the layers, the answers.

// the head of the page

function showHead() {
  const worst = head.findings.length ? head.findings[0].severity : "info", color = head.state === "training" ? "running" : head.healthy ? "" : worst === "critical" ? "critical" : "poor";
  fill("title", [head.title, head.network], () => [make("p", { class: "lead" }, [head.title, head.network].filter(Boolean).join(" · "))]);
  fill("verdict", [head.verdict, color], () => [make("h1", { class: `verdict ${color}` }, head.verdict)]);
  fill("tiles", head.tiles, () => [tiles(head.tiles)]);
  fill("findings", head.findings, () => head.findings.map((f) => {
    const place = [f.layers.length ? `where: ${f.layers.join(", ")}` : "", f.step === null ? "" : `since step ${f.step}`, f.evidence.join(", ")].filter(Boolean).join(" · ");
    return make("article", { class: `card found ${f.severity}` }, make("h2", {}, `${f.severity === "info" ? "note" : f.severity}: ${words(f.kind)}`),
      make("p", {}, f.message), make("p", { class: "dim" }, place),
      f.causes.length ? make("ol", {}, ...f.causes.map(([name, why, remedy]) => make("li", {}, make("b", {}, words(name)), `: ${why}. Remedy: `, make("code", {}, remedy)))) : null);
  }));
}
function showUnknown() {
  fill("unknown", head.unknown, () => [head.unknown?.length > 0 && card("What could not be seen", make("ul", {}, ...head.unknown.map((text) => make("li", {}, text))))]);
}
function showRepair() {
  const r = head.repair;
  fill("repair", r, () => [r && card("What the repair tried", make("p", {}, `Outcome: ${r.outcome}.`),
    r.changes.length ? make("ul", {}, ...r.changes.map(([change, cause, why]) => make("li", {}, make("code", {}, change), ` because of ${words(cause)}: ${why}`))) : null,
    r.trials.length ? scroll("Trials", table(["steps", "score", "trial", "for"], r.trials)) : null,
    r.trials.length ? make("p", { class: "dim" }, `score: ${r.score}`) : null,
    r.advice.length ? make("ul", {}, ...r.advice.map(([cause, remedy]) => make("li", {}, `For you: ${words(cause)}: ${remedy}`))) : null)]);
}

// layers

function showGains() {
  const decades = head.gains.flatMap((g) => [g.start, g.typical]).filter((v) => v > 0).map(Math.log10);
  const reach = Math.max(1, ...decades.map(Math.abs)), at = (v) => 50 + (50 * Math.log10(v)) / reach;
  const bar = (v) => make("td", { class: "gain" }, v > 0 ? make("svg", { viewBox: "0 0 100 14", preserveAspectRatio: "none", "aria-hidden": "true" },
    make("rect", { x: Math.min(50, at(v)), width: Math.max(0.6, Math.abs(at(v) - 50)), y: 3, height: 8 }), make("line", { x1: 50, x2: 50, y1: 0, y2: 14 })) : "");
  const text = (v) => (v === null ? "" : formatNumber(v, 3));
  fill("gains", head.gains, () => [head.gains.length > 0 && card("Backward gain by layer", make("p", { class: "dim" }, "How much of the error signal each layer hands back to the one before it. 1, the upright line, hands on everything; a chain of layers below 1 lets gradients vanish, above 1 explode."),
    scroll("Backward gain", table(["layer", "at the start", "typical", `typical, from ${formatNumber(10 ** -reach, 2)} to ${formatNumber(10 ** reach, 2)}`], head.gains.map((g) => [g.layer, text(g.start), text(g.typical), bar(g.typical)]))))]);
}
function showWeights(arrays) {
  if (!head.weights.length) return;
  const grid = make("div", { class: "grid" });
  head.weights.forEach((about, k) => {
    const edges = arrays[`weights/${k}/edges`].flat, moments = { start: "s0", end: "s1" }, title = `${about.layer}: parameters`;
    const series = Object.keys(moments).filter((name) => arrays[`weights/${k}/${name}`]).map((name) => {
      const counts = arrays[`weights/${k}/${name}`].flat, x = [], y = [];
      counts.forEach((count, i) => { x.push(edges[i], edges[i + 1]); y.push(count, count); });
      return { name: `at the ${name}`, x, y, counts, class: moments[name] };
    });
    const text = `${about.size} numbers; ${series.map((s) => `${s.name} ${about.said[s.name.slice(7)]}`).join("; ")}.`;
    const bin = (v) => Math.min(series[0].counts.length - 1, placeOf(edges, v)), read = (v) => `${formatNumber(edges[bin(v)], 3)} to ${formatNumber(edges[bin(v) + 1], 3)}: ${series.map((s) => `${s.counts[bin(v)]} ${s.name}`).join(" · ")}`;
    const chart = readableChart({ title, label: `${title}: ${minus(text)}`, height: 130, series, extent: { y: [0, Math.max(...series.flatMap((s) => [...s.counts]))] } }, read);
    grid.append(make("div", {}, make("h3", {}, about.layer), make("ul", { class: "legend" }, ...series.map((s) => make("li", {}, swatch(s.class), s.name))), ...chart.parts, make("p", { class: "dim" }, minus(text)),
      numbersTable(`${about.layer}: numbers as a table`, ["from", "to", ...series.map((s) => s.name)], () => [...edges].slice(1).map((to, i) => [formatNumber(edges[i]), formatNumber(to), ...series.map((s) => String(s.counts[i]))]))));
  });
  section("weights").replaceChildren(card("Parameters by layer", grid));
}

// answers

function showAnswers(arrays) {
  const found = head.answers, place = section("answers");
  if (!found) { place.replaceChildren(card("Answers", make("p", {}, "The rows of this run are not at hand, or not what they were. What can only be said with them is left out."))); return; }
  place.replaceChildren();
  const grid = make("div", { class: "grid" });
  if (found.confusion) showConfusion(found, found.confusion.names.length <= 10 ? grid : place);
  if (found.mistakes) place.append(card(`Most often confused, of ${found.rows}`, scroll("Confusions", table(["truth", "answer", "rows"], found.mistakes))));
  if (found.labels) place.append(card(`Labels, of ${found.rows}`, scroll("Labels", table(["label", "has it", "answered", "both"], found.labels))));
  if (found.reliability) showReliability(found, grid);
  if (found.numbers) showNumbers(found, arrays, grid);
  if (grid.childElementCount) place.append(grid);
  showWorst(found, arrays, place);
}
function showConfusion({ rows, confusion: { names, counts } }, place) {
  const lines = counts.map((row, i) => {
    const total = row.reduce((a, b) => a + b, 0);
    return [names[i], ...row.map((count, j) => make("td", { class: i === j ? "hit" : "miss", style: `--f:${(count / Math.max(1, total)).toFixed(3)}` }, String(count))), total ? `${((100 * row[i]) / total).toFixed(0)} %` : "–"];
  });
  place.append(card(`Confusion matrix, of ${rows}`, scroll("Confusion matrix", table(["truth ↓  answer →", ...names, "found"], lines, "conf"))));
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
function showWorst({ rows, worst }, arrays, place) {
  const title = `Answered worst, of ${rows}`;
  if (!worst.image) { place.append(card(title, scroll("Rows answered worst", table(["row", "truth", "answer", "how far off", ...worst.inputs, ...(worst.more ? [`and ${worst.more} more`] : [])], worst.answers.map((a, k) => [...a, ...worst.cells[k], ...(worst.more ? ["…"] : [])]))))); return; }
  const [height, width] = worst.image, images = arrays["worst/images"];
  let low = Infinity, high = -Infinity;
  for (const v of images.flat) { low = Math.min(low, v); high = Math.max(high, v); }
  place.append(card(title, make("ul", { class: "pictures" }, ...worst.answers.map(([row, truth, answer, how], k) => {
    const canvas = make("canvas", { width, height, role: "img", "aria-label": `${row}: ${truth} taken for ${answer}` }), context = canvas.getContext("2d"), image = context.createImageData(width, height);
    images.at(k).forEach((v, i) => image.data.set([...Array(3).fill((255 * (v - low)) / ((high - low) || 1)), 255], i * 4));
    context.putImageData(image, 0, 0);
    return make("li", {}, canvas, make("span", {}, truth === answer ? `${truth}, right` : `${truth} taken for ${answer}`), make("span", { class: "dim" }, minus(how)));
  }))));
}
function showExperiment() {
  fill("experiment", [head.command, head.experiment, head.made], () => [head.experiment && card("Do it again", make("p", {}, "Save the experiment as experiment.toml, then:"), make("pre", { tabindex: 0, role: "region", "aria-label": "Command" }, make("code", {}, head.command)),
    make("details", {}, make("summary", {}, "The experiment, with the value of every key"), make("pre", { tabindex: 0, role: "region", "aria-label": "Experiment" }, make("code", {}, head.experiment))), make("p", { class: "dim" }, `Made with ${head.made}.`))]);
}
// All of `head`, or what is new in it.
function showReport(arrays) {
  ["title", "verdict", "tiles", "findings", "unknown", "repair", "clock", "charts", "gains", "points", "landscape", "answers", "weights", "experiment"].forEach(section);
  showHead();
  showUnknown();
  showRepair();
  showTimeline(arrays);
  showGains();
  showPoints();
  showLandscape(arrays);
  if (head.state === "done") { showAnswers(arrays); showWeights(arrays); }
  showExperiment();
  document.documentElement.dataset.ready ??= performance.now().toFixed(0);
}
