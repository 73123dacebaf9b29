// What a page is made of: cards, tables, and regions that scroll; and sections that are made anew where their data is new.
const app = document.getElementById("app"), words = (kind) => kind.replace(/_/g, " ");

function card(title, ...children) { return make("section", { class: "card" }, make("h2", {}, title), ...children); }
function table(columns, rows, name = "words") {
  const cell = (value, k) => (value instanceof Node ? value : make("td", { class: typeof value === "string" && k ? "text" : null }, value));
  return make("table", { class: name }, make("thead", {}, make("tr", {}, ...columns.map((c) => make("th", { scope: "col" }, c)))),
    make("tbody", {}, ...rows.map((row) => make("tr", {}, make("th", { scope: "row" }, row[0]), ...row.slice(1).map((value, k) => cell(value, k + 1))))));
}
const scroll = (name, ...children) => make("div", { class: "scroll tall", tabindex: 0, role: "region", "aria-label": name }, ...children);
function swatch(name) { return make("svg", { viewBox: "0 0 26 8", height: 8, "aria-hidden": "true" }, make("line", { x1: 0, x2: 26, y1: 4, y2: 4, class: `line ${name}` })); }
function tiles(pairs) { return make("dl", { class: "tiles" }, ...pairs.map(([name, value]) => make("div", {}, make("dt", {}, name), make("dd", {}, minus(value))))); }

const sections = {};
// A place on the page by its name, in the order in which places are first asked for.
function section(name) {
  if (!sections[name]) app.append((sections[name] = make("div", { "data-section": name })));
  return sections[name];
}
// Fill a place, unless it was made of the same data before.
function fill(name, data, build) {
  const place = section(name), text = JSON.stringify(data);
  if (place.made === text) return;
  place.made = text;
  place.replaceChildren(...build().filter(Boolean));
}
