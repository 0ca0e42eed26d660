// The image, and what is found in it drawn on top.

import { inWords } from "./text.js";
import { toImage } from "./resize.js";

const MOST_NUMBERED = 30;

/** Where the marks of all answers lie, in pixels of the image.
 *
 * @returns {points: [{name, index, x, y}], boxes: [{name, x, y, width, height}]}.
 */
export function placeMarks(answers, matrix, input) {
  const [points, boxes] = [[], []];
  for (const answer of answers) {
    (answer.points ?? []).forEach(({ name, place }, index) => {
      const [x, y] = toImage(place, matrix, input);
      points.push({ name, index, x, y });
    });
    for (const { name, corners } of answer.boxes ?? []) {
      const [left, top] = toImage(corners.slice(0, 2), matrix, input);
      const [right, bottom] = toImage(corners.slice(2), matrix, input);
      boxes.push({ name, x: left, y: top, width: right - left, height: bottom - top });
    }
  }
  return { points, boxes };
}

/** Lines of a card that tell where a head's marks lie. */
export function describeMarks({ points, boxes }) {
  const round = (number) => number.toFixed(1);
  if (boxes.length > 1) {
    return boxes.map(({ name, x, y, width, height }) => [
      inWords(name),
      `${round(width)} × ${round(height)} at ${round(x)}, ${round(y)}`,
    ]);
  }
  return [
    ...points.map(({ name, index, x, y }) => [`${index + 1} ${inWords(name)}`, `${round(x)}, ${round(y)}`]),
    ...boxes.flatMap(({ x, y, width, height }) => [
      ["upper left corner", `${round(x)}, ${round(y)}`],
      ["lower right corner", `${round(x + width)}, ${round(y + height)}`],
      ["width and height", `${round(width)} × ${round(height)}`],
    ]),
  ];
}

/** Draw the image into a canvas, as large as the page shows it, with its marks.
 *
 * @param seen The part that the network sees, {left, top, right, bottom} in pixels of the image; the rest is dimmed.
 */
export function paintImage(canvas, image, marks, seen) {
  const style = getComputedStyle(canvas.parentElement);
  const room = { width: canvas.parentElement.clientWidth, height: parseFloat(style.getPropertyValue("--tallest")) || 480 };
  const scale = Math.min(room.width / image.width, room.height / image.height);
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [Math.max(1, image.width * scale), Math.max(1, image.height * scale)];
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image.source, 0, 0, width, height);
  if (marks === null) return;
  dim(context, width, height, seen, scale);
  const accent = style.getPropertyValue("--mark");
  for (const box of marks.boxes) drawBox(context, box, scale, accent);
  for (const point of marks.points) drawPoint(context, point, scale, accent, marks.points.length <= MOST_NUMBERED);
}

function dim(context, width, height, { left, top, right, bottom }, scale) {
  context.fillStyle = "rgb(0 0 0 / 45%)";
  context.beginPath();
  context.rect(0, 0, width, height);
  const [x, y] = [Math.max(0, left * scale), Math.max(0, top * scale)];
  context.rect(x, y, Math.min(width, right * scale) - x, Math.min(height, bottom * scale) - y);
  context.fill("evenodd");
}

function drawBox(context, { name, x, y, width, height }, scale, accent) {
  const place = [x * scale, y * scale, width * scale, height * scale];
  // A white rim keeps the line visible on any image.
  for (const [colour, line] of [["white", 5], [accent, 3]]) {
    context.strokeStyle = colour;
    context.lineWidth = line;
    context.strokeRect(...place);
  }
  context.font = "600 13px system-ui, sans-serif";
  const text = context.measureText(inWords(name)).width + 12;
  const above = place[1] >= 22;
  context.fillStyle = accent;
  context.fillRect(place[0] - 1.5, above ? place[1] - 21 : place[1], text, 21);
  context.fillStyle = "white";
  context.fillText(inWords(name), place[0] + 4.5, (above ? place[1] - 21 : place[1]) + 15);
}

function drawPoint(context, { index, x, y }, scale, accent, numbered) {
  const radius = numbered ? 8 : 3;
  context.beginPath();
  context.arc(x * scale, y * scale, radius, 0, 2 * Math.PI);
  context.fillStyle = accent;
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = "white";
  context.stroke();
  if (!numbered) return;
  context.font = "600 10px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = "white";
  context.fillText(String(index + 1), x * scale, y * scale + 0.5);
  context.textAlign = "start";
  context.textBaseline = "alphabetic";
}
