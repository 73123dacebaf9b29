// The parts of the page and where they stand; begins when the arrays are unpacked.
function buildPage() {
  const app = document.getElementById("app"), pressed = (name, key, text, act) => make("button", { "aria-pressed": "false", [`data-${name}`]: key, onclick: act }, text);
  ui = {
    stage: make("div", { class: "stage" }), picture: make("svg", { role: "group", "aria-label": "The network. Arrow keys move between nodes, w walks the weights of a node." }),
    legend: make("p", { class: "legend dim" }), formula: make("div", { class: "formula" }), live: make("div", { class: "sr", "aria-live": "polite" }),
    slopeText: make("figcaption"), rows: make("tbody"), plane: make("canvas", { width: 480, height: 480, role: "img" }), planeText: make("figcaption"),
    findings: make("div", { class: "findings" }), where: make("output", { class: "num where" }), rule: make("span"),
    slider: make("input", { type: "range", min: 0, max: 1, value: 0, "aria-label": "Step", oninput: (event) => setStep(+event.target.value) }),
    play: make("button", { class: "main", onclick: togglePlay }, "▶ Play"),
    sample: make("select", { id: "sample", onchange: (event) => { state.sample = +event.target.value; draw(); } }, ...DATA.X.map((x, s) => make("option", { value: s }, `${s + 1}: ${inputText(x)} → ${targetText(DATA.t[s])}`))),
    digits: make("select", { id: "digits", onchange: (event) => { state.digits = +event.target.value; draw(); } }, make("option", { value: 4 }, "4"), make("option", { value: 8 }, "8"), make("option", { value: 17 }, "all")),
  };
  ui.stage.append(ui.picture);
  ui.track = lineChart({ label: "Loss", height: 104, series: [], points: [], bands: [], onPick: setStep });
  ui.slope = lineChart({ label: "Slope", height: 190, series: [], points: [], xTitle: "this weight; all others stay" });
  ui.slopeTitle = make("h2");
  ui.slopeNumbers = ui.planeNumbers = { columns: [], rows: () => [] };
  ui.slopeTable = numbersTable(() => `${ui.slopeTitle.textContent}: numbers as a table`, () => ui.slopeNumbers.columns, () => ui.slopeNumbers.rows().map((row) => row.map((v) => formatNumber(v, state.digits))));
  ui.slopeCard = make("section", { class: "card slope" }, ui.slopeTitle, ui.slope.figure, ui.slopeText, ui.slopeTable);
  ui.planeTable = numbersTable("The answers over the plane as a table", () => ui.planeNumbers.columns, () => ui.planeNumbers.rows());
  const losses = () => current().loss.flat, every = Math.max(1, Math.ceil(current().T / 200));
  const table = numbersTable("The losses as a table", ["step", "loss"], () => range(current().T).filter((s) => s % every === 0 || s === current().T - 1).map((s) => [String(s), formatNumber(losses()[s], 6)]));
  const wide = COLUMNS[0].n === 2;
  app.append(
    make("header", {}, make("p", { class: "brand" }, "mlp explain"), make("h1", {}, head.title), make("p", { class: "lead" }, head.summary)),
    head.places.length ? make("nav", { "aria-label": "Where to look" }, make("h2", {}, "Where to look"), make("ol", { class: "places" }, ...head.places.map((place) => make("li", {}, make("a", { href: `#${place.address}` }, place.text))))) : "",
    make("section", { class: "card control", "aria-label": "Steps" },
      make("div", { class: "bar" }, ui.play, make("button", { "aria-label": "−1 step", onclick: () => setStep(state.step - 1) }, "−1"), make("button", { "aria-label": "+1 step", onclick: () => setStep(state.step + 1) }, "+1"), ui.where,
        RUNS.length > 1 ? make("div", { class: "segments", role: "group", "aria-label": "Optimizer" }, ...RUNS.map((run, k) => pressed("run", k, run.rule.kind, () => setRun(k)))) : null),
      ui.track.figure, make("div", { class: "slide" }, ui.slider), ui.findings),
    make("div", { class: "grid" },
      make("div", { class: "stack" },
        make("section", { class: "card network", "aria-label": "Network" },
          make("div", { class: "segments", role: "group", "aria-label": "What the picture shows" }, ...Object.entries(VIEWS).map(([key, text]) => pressed("view", key, text, () => { state.view = key; draw(); }))),
          ui.stage, ui.legend),
        make("div", { class: wide ? "beside pair" : "beside stack" },
          make("section", { class: "card samples" }, make("h2", {}, "Samples at this step"),
            make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Samples" }, make("table", {}, make("thead", {}, make("tr", {}, ...["", "inputs", "target", "answer", "loss"].map((name, k) => (k ? make("th", { scope: "col" }, name) : make("td", {}))))), ui.rows))),
          wide ? make("section", { class: "card plane" }, make("h2", {}, "Answers over the plane"), make("figure", {}, ui.plane, ui.planeText), ui.planeTable) : null)),
      make("div", { class: "stack" },
        make("section", { class: "card numbers", "aria-label": "Numbers" },
          make("div", { class: "bar pick" }, make("label", { for: "sample" }, "Sample"), ui.sample, make("label", { for: "digits" }, "Digits"), ui.digits), ui.formula, ui.live),
        ui.slopeCard)),
    make("footer", { class: "dim" }, table,
      make("p", {}, "Every number here was recorded while mlp trained the network: ", ui.rule, `; the loss is the mean of ${LOSS.words} over ${DATA.X.length} sample${DATA.X.length > 1 ? "s" : ""}, and every step uses all of them. `, head.note),
      make("p", {}, "Made with ", make("code", {}, head.command), ". The address of this page remembers what you see: copy it to show somebody one number.")));
  buildPicture();
  new ResizeObserver(() => { if (Math.abs(Math.max(280, ui.stage.clientWidth) - ui.layout.width) > 1) { buildPicture(); draw(); } }).observe(ui.stage);
  window.addEventListener("hashchange", readAddress);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}
function columnsOf(flat, n, N) { return range(N).map((s) => range(n).map((j) => flat[j * N + s])); }

unpackArrays().then((arrays) => {
  const N = arrays.X.length;
  DATA = { X: range(N).map((s) => [...arrays.X.at(s)]), t: columnsOf(arrays.t.flat, COLUMNS[LAST].n, N) };
  RUNS = head.runs.map((about) => openRun(about, arrays, DATA));
  state.sample = Math.min(1, N - 1);
  buildPage();
  readAddress();
  document.documentElement.dataset.ready = performance.now().toFixed(0);
});
