// The scene of the TensorFlow.js book's simple object detection (Cai, Bileschi, Nielsen and Chollet, "Deep Learning with
// JavaScript", 2020): one triangle or rectangle on white, with circles and line segments as distractors.

export const SIDE = 224;
const DISTRACTORS = 10; // of each kind

/** Draw a random scene.
 *
 * @param random Numbers from 0 to 1, as Math.random gives them.
 * @returns {canvas, shape}: the drawing, and whether it shows a "triangle" or a "rectangle".
 */
export function drawScene(random = Math.random) {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const between = (low, high) => low + (high - low) * random();
  const colour = () => `rgb(${[0, 1, 2].map(() => Math.floor(between(0, 256))).join(" ")})`;
  context.fillStyle = "white";
  context.fillRect(0, 0, SIDE, SIDE);
  const shape = random() < 0.5 ? "triangle" : "rectangle";
  const drawings = [
    ...Array(DISTRACTORS).fill(() => circle(context, between)),
    ...Array(DISTRACTORS).fill(() => segment(context, between)),
  ];
  // Some distractors come over the target.
  drawings.splice(Math.floor(between(0, drawings.length + 1)), 0, () => TARGETS[shape](context, between));
  for (const draw of drawings) {
    context.fillStyle = context.strokeStyle = colour();
    context.beginPath();
    draw();
  }
  return { canvas, shape };
}

function circle(context, between) {
  context.arc(between(0, SIDE), between(0, SIDE), between(5, 20), 0, 2 * Math.PI);
  context.fill();
}

function segment(context, between) {
  context.moveTo(between(0, SIDE), between(0, SIDE));
  context.lineTo(between(0, SIDE), between(0, SIDE));
  context.stroke();
}

const TARGETS = {
  triangle(context, between) {
    const radius = between(50, 100) / Math.sqrt(3); // the sides are 50 to 100 long
    const [x, y, turn] = [between(radius, SIDE - radius), between(radius, SIDE - radius), between(0, 2 * Math.PI)];
    for (let corner = 0; corner < 3; corner++) {
      const angle = turn + (corner * 2 * Math.PI) / 3;
      context.lineTo(x + radius * Math.cos(angle), y + radius * Math.sin(angle));
    }
    context.fill();
  },
  rectangle(context, between) {
    const [width, height] = [between(40, 100), between(40, 100)];
    context.fillRect(between(0, SIDE - width), between(0, SIDE - height), width, height);
  },
};
