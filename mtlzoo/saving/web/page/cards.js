// Answers as parts of the page. What they hold is described in heads.js.

import { formatNumber, formatShare, inWords } from "./text.js";

const MOST_BARS = 6;
const opened = new Set(); // the names of the heads whose further classes are shown

/** Make an element with attributes and children. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** A card that says what a head will answer. */
export function emptyCard(name, promise) {
  return card(name, make("p", { class: "quiet" }, promise));
}

/** A card with an answer. */
export function answerCard(name, answer) {
  const parts = [];
  if (answer.answer) {
    const said = make("p", { class: "answer" }, answer.answer);
    if (answer.probability !== undefined) said.append(make("span", { class: "sure" }, formatShare(answer.probability)));
    parts.push(said);
  }
  if (answer.within) parts.push(make("p", { class: "within quiet" }, answer.within));
  if (answer.bars) parts.push(...bars(name, answer));
  if (answer.scales) parts.push(...answer.scales.filter(({ range }) => range).map(scale));
  if (answer.distribution) parts.push(distribution(answer.distribution));
  if (answer.rows) parts.push(make("div", { class: "table" }, make("table", {}, ...answer.rows.map(row))));
  if (answer.note) parts.push(make("p", { class: "note quiet" }, answer.note));
  if (answer.look) parts.push(look(answer.look));
  return card(name, ...parts);
}

function card(name, ...parts) {
  const id = `head-${name}`;
  return make("article", { class: "card", "aria-labelledby": id }, make("h2", { id }, inWords(name)), ...parts);
}

function row([first, ...cells]) {
  return make("tr", {}, make("th", { scope: "row" }, first), ...cells.map((cell) => make("td", {}, cell)));
}

// === Bars ===

function bars(name, { bars, ordered }) {
  const sorted = ordered ? bars : [...bars].sort((one, other) => other.value - one.value);
  const [shown, rest] = ordered ? [sorted, []] : [sorted.slice(0, MOST_BARS), sorted.slice(MOST_BARS)];
  const list = (some) => make("ul", { class: "bars" }, ...some.map(barLine));
  if (!rest.length) return [list(shown)];
  const further = make("details", {}, make("summary", {}, `${rest.length} more`), list(rest));
  further.open = opened.has(name);
  further.addEventListener("toggle", () => opened[further.open ? "add" : "delete"](name));
  return [list(shown), further];
}

function barLine({ name, value, given, threshold }) {
  const track = draw("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  track.append(draw("rect", { class: "track", width: 100, height: 8 }));
  track.append(draw("rect", { class: "fill", width: 100 * Math.min(Math.max(value, 0), 1), height: 8 }));
  if (threshold !== undefined) {
    track.append(draw("line", { class: "tick", x1: 100 * threshold, x2: 100 * threshold, y1: 0, y2: 8 }));
  }
  const label = make("span", { class: "name", title: name }, name);
  if (given) label.append(make("span", { class: "visually-hidden" }, " (predicted)"));
  return make("li", given ? { class: "given" } : {}, label, track, make("span", { class: "share" }, formatShare(value)));
}

// === Where a head looks ===

const LOOK_WIDTH = 180; // pixels of the page
const DARKEST = 0.75;

/** The part of the image that the network sees, dark where the head does not look. */
function look({ weights, rows, columns, image, seen }) {
  const [width, height] = [seen.right - seen.left, seen.bottom - seen.top];
  const canvas = make("canvas", { class: "look", role: "img", "aria-label": "Where this prediction looks: bright parts of the image" });
  [canvas.width, canvas.height] = [LOOK_WIDTH, Math.max(1, Math.round((LOOK_WIDTH * height) / width))];
  const context = canvas.getContext("2d");
  const [across, down] = [canvas.width / width, canvas.height / height];
  context.drawImage(image.source, -seen.left * across, -seen.top * down, image.width * across, image.height * down);
  const most = Math.max(...weights);
  const shade = new ImageData(columns, rows);
  weights.forEach((weight, index) => (shade.data[4 * index + 3] = 255 * DARKEST * (1 - weight / most)));
  const small = Object.assign(document.createElement("canvas"), { width: columns, height: rows });
  small.getContext("2d").putImageData(shade, 0, 0);
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  return canvas;
}

// === Numbers ===

function scale({ name, value, range: [low, high] }) {
  const place = 100 * Math.min(Math.max((value - low) / (high - low), 0), 1);
  const track = draw("svg", { class: "scale", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" });
  track.append(
    draw("rect", { class: "track", y: 3, width: 100, height: 4 }),
    draw("line", { class: "needle", x1: place, x2: place, y1: 0, y2: 10 }),
  );
  const ends = make("p", { class: "ends quiet" }, make("span", {}, formatNumber(low)), make("span", {}, formatNumber(high)));
  const head = name ? [make("p", { class: "scale-name quiet" }, `number ${name}: ${formatNumber(value)}`)] : [];
  return make("div", {}, ...head, track, ends);
}

function distribution({ values, shares, mean }) {
  const [low, high, most] = [values[0], values.at(-1), Math.max(...shares)];
  const across = (value) => (100 * (value - low)) / (high - low);
  const outline = values.map((value, index) => `${across(value).toFixed(2)},${(30 - (28 * shares[index]) / most).toFixed(2)}`);
  const curve = draw("svg", { class: "curve", viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" });
  curve.append(
    draw("polygon", { class: "fill", points: `0,30 ${outline.join(" ")} 100,30` }),
    draw("line", { class: "needle", x1: across(mean), x2: across(mean), y1: 0, y2: 30 }),
  );
  const ends = make("p", { class: "ends quiet" }, make("span", {}, formatNumber(low)), make("span", {}, formatNumber(high)));
  return make("div", {}, curve, ends);
}
