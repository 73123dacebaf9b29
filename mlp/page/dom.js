"use strict";
// Elements, numbers and arrays: what every page needs. Text goes in as text nodes only, never as HTML.
const head = JSON.parse(document.getElementById("head").textContent);
const SVG_TAGS = new Set(["svg", "g", "line", "path", "circle", "rect", "text", "title", "desc"]);

function make(tag, attributes = {}, ...children) {
  const element = SVG_TAGS.has(tag) ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

// A recorded array: at(i) is its i-th part along the first axis, without a copy.
async function unpackArrays(text = document.getElementById("data").textContent, places = head.arrays) {
  const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const shuffled = new Uint8Array(await new Response(stream).arrayBuffer());
  const count = shuffled.length / 8, bytes = new Uint8Array(shuffled.length);
  for (let place = 0; place < 8; place++) for (let i = 0; i < count; i++) bytes[i * 8 + place] = shuffled[place * count + i];
  const numbers = new Float64Array(bytes.buffer), arrays = {};
  for (const [name, [offset, shape]] of Object.entries(places)) {
    const size = shape.slice(1).reduce((a, b) => a * b, 1), flat = new Float64Array(size * shape[0]);
    for (let k = 0, place = offset; k < size; k++) for (let i = 0; i < shape[0]; i++) flat[i * size + k] = numbers[place++];
    arrays[name] = makeArray(flat, shape);
  }
  return arrays;
}
function makeArray(flat, shape) {
  const size = shape.slice(1).reduce((a, b) => a * b, 1);
  return { flat, shape, length: shape[0], at: (i) => flat.subarray(i * size, (i + 1) * size) };
}

const minus = (text) => text.replace(/-/g, "−");
function formatNumber(value, digits = 4) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (digits > 16) return minus(String(value));
  if (value === 0) return "0";
  const size = Math.abs(value);
  return minus(size >= 1e5 || size < 1e-4 ? value.toExponential(digits - 1) : String(+value.toPrecision(digits)));
}
function shortNumber(value) { // at most six characters, for the inside of a node
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return formatNumber(value);
  if (size !== 0 && (size < 0.001 || size >= 1000)) return minus(value.toExponential(0).replace("e+", "e"));
  return minus(value.toFixed(size < 1 ? 3 : size < 10 ? 2 : 1));
}
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
const range = (n) => [...Array(n).keys()];
const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
// The last place of a sorted array whose value is at most x.
function placeOf(sorted, x) {
  let low = 0, high = sorted.length - 1;
  while (low < high) { const middle = (low + high + 1) >> 1; if (sorted[middle] <= x) low = middle; else high = middle - 1; }
  return low;
}
