// What the numbers of each output say. One function a kind of answer; what it returns is drawn by cards.js and marks.js,
// which know no kinds:
//
//   answer        what is said, in words
//   probability   of that, where there is such a thing
//   bars          [{name, value, given, threshold}], one a class; `ordered` keeps their order, otherwise the largest come
//                 first; a mark at `threshold`, if there is one
//   within        what holds the truth as often as is stated
//   several, least  of tags: that there may be several, and the probability of the least sure decision
//   scales        [{name, value, range}], one a number
//   distribution  {values, shares, mean}
//   rows          [[text, ...], ...], for a small table
//   note          one more sentence
//   points        [{name, place: [x, y]}], relative to what the network sees
//   boxes         [{name, corners: [x_min, y_min, x_max, y_max]}], likewise

import { decide } from "./decisions.js";
import { findObjects } from "./objects.js";
import { formatNumber, formatShare, inWords } from "./text.js";

const SHOWS = { values, classes, binary, levels, tags, numbers, expectation, points, box, boxes, shape_and_box };

/** Read one output.
 *
 * @param output Its entry in model.json.
 * @param numbers Its numbers, in one row.
 */
export function readOutput(output, numbers) {
  return (SHOWS[output.show] ?? values)(numbers, output);
}

/** Read all outputs. A head that is asked only where others have certain answers (`only_if`) contradicts none of them.
 *
 * @param outputs Their entries in model.json.
 * @param numbers Their numbers by name, each in one row.
 * @returns Their answers, in the same order.
 */
export function readOutputs(outputs, numbers) {
  const answers = Object.create(null); // a head may be called "constructor"
  for (const output of outputs) answers[output.name] = readOutput(output, numbers[output.name]);
  const asked = Object.create(null);
  for (const output of outputs) ask(output, outputs, answers, asked);
  return outputs.map((output) => {
    const { name, only_if: conditions } = output;
    const answer = conditions ? conditional(answers[name], asked[name], conditions) : answers[name];
    return decide(answer, output, numbers[name]);
  });
}

/** Whether a head is asked, and with what probability; its parents come first. */
function ask({ name, only_if: conditions }, outputs, answers, asked) {
  if (name in asked) return asked[name];
  asked[name] = { yes: true, probability: 1 };
  for (const [parent, names] of Object.entries(conditions ?? {})) {
    const above = ask(outputs.find((output) => output.name === parent), outputs, answers, asked);
    const bars = answers[parent].bars.filter((bar) => names.includes(bar.name));
    const { several } = answers[parent]; // tags
    const probability = several
      ? 1 - bars.reduce((product, { value }) => product * (1 - value), 1)
      : bars.reduce((sum, { value }) => sum + value, 0);
    asked[name].yes &&= above.yes && bars.some(({ given }) => given);
    asked[name].probability *= above.probability * probability;
  }
  return asked[name];
}

function conditional(answer, { yes, probability }, conditions) {
  const where = Object.entries(conditions).map(([parent, names]) => `${inWords(parent)} is ${names.join(" or ")}`);
  const note = `Asked only if ${where.join(" and ")}.`;
  if (!yes) return { answer: "not applicable", probability: 1 - probability, note, inapplicable: true };
  const sure = answer.probability === undefined ? {} : { probability: answer.probability * probability };
  return { ...answer, ...sure, ...(answer.several ? { least: answer.least * probability } : {}) };
}

/** What an output may answer, before there is an image. */
export function promise({ show, names, values, range, shape }) {
  if (show === "points") return `${names.length} points in the image`;
  if (show === "box") return "a box in the image";
  if (show === "boxes") return `any number of: ${listNames(names)}`;
  if (show === "tags") return `any of ${listNames(names)}`;
  if (names) return listNames(names);
  if (values) return `a number from ${formatNumber(values[0])} to ${formatNumber(values.at(-1))}`;
  const count = shape.slice(1).reduce((product, length) => product * length, 1);
  if (show === "numbers" && count === 1) return range ? `a number about ${formatNumber((range[0] + range[1]) / 2)}` : "a number";
  return `${count} numbers`;
}

function listNames(names, most = 6) {
  const rest = names.length - most;
  return names.slice(0, most).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

// === Classes ===

function classes(probabilities, { names }) {
  return chosen(probabilities, names, probabilities.indexOf(Math.max(...probabilities)));
}

function binary([probability], { names, threshold }) {
  const answer = { ...chosen([1 - probability, probability], names, Number(probability >= threshold)), ordered: true };
  if (threshold !== 0.5) answer.bars[1].threshold = threshold;
  return answer;
}

/** The median level: the first that at least half of the probability does not lie above. */
function levels(probabilities, { names }) {
  let below = 0;
  const median = probabilities.slice(0, -1).findIndex((probability) => (below += probability) >= 0.5);
  const answer = chosen(probabilities, names, median < 0 ? names.length - 1 : median);
  return { ...answer, ordered: true, note: "The prediction is the median level." };
}

function chosen(probabilities, names, answer) {
  const bars = names.map((name, index) => ({ name, value: probabilities[index], given: index === answer }));
  return { answer: names[answer], probability: probabilities[answer], bars };
}

function tags(probabilities, { names, threshold: thresholds }) {
  const bars = names.map((name, index) => {
    const [value, threshold] = [probabilities[index], thresholds[index]];
    return { name, value, threshold, given: value >= threshold };
  });
  const given = bars.filter((bar) => bar.given).map((bar) => bar.name);
  const least = Math.min(...bars.map((bar) => (bar.given ? bar.value : 1 - bar.value)));
  return { answer: given.join(", ") || "none", bars, several: true, least };
}

// === Numbers ===

function numbers(values, { range }) {
  const scales = values.map((value, index) => ({ name: values.length > 1 ? String(index) : "", value, range }));
  return { answer: values.map(formatNumber).join(", "), scales };
}

function expectation(shares, { values }) {
  const mean = shares.reduce((sum, share, index) => sum + share * values[index], 0);
  return { answer: formatNumber(mean), distribution: { values, shares, mean } };
}

function values(numbers) {
  const rows = numbers.slice(0, 20).map((number, index) => [String(index), formatNumber(number)]);
  return { answer: `${numbers.length} number${numbers.length === 1 ? "" : "s"}`, rows };
}

// === Places ===

function points(numbers, { names }) {
  const places = names.map((name, index) => ({ name, place: numbers.slice(2 * index, 2 * index + 2) }));
  return { answer: `${names.length} point${names.length === 1 ? "" : "s"}`, points: places };
}

function box(corners, { name }) {
  return { answer: "", boxes: [{ name, corners }] };
}

function boxes(numbers, output) {
  const found = findObjects(numbers, output).map(({ name, score, corners }) => ({ name: `${name} ${formatShare(score)}`, corners }));
  return { answer: `${found.length || "no"} object${found.length === 1 ? "" : "s"}`, boxes: found };
}

/** The shape, then left, right, top and bottom of its box in pixels of a square canvas. */
function shape_and_box([shape, left, right, top, bottom], { names, threshold, canvas }) {
  const answer = names[Number(shape >= threshold)];
  return { answer, boxes: [{ name: answer, corners: [left, top, right, bottom].map((number) => number / canvas) }] };
}
