// The page: where images come from, and what happens to each.

import { cameraLack, startCamera } from "./camera.js";
import { answerCard, emptyCard, make } from "./cards.js";
import { promise, readOutputs } from "./heads.js";
import { describeMarks, paintImage, placeMarks } from "./marks.js";
import { readFile, readPixels } from "./pixels.js";
import { resize, toImage } from "./resize.js";
import { loadNetwork } from "./runtime.js";
import { drawScene } from "./scene.js";
import { formatShare, inWords } from "./text.js";
import { readUnusual } from "./unusual.js";

const element = (id) => document.getElementById(id);
const SPOKEN_EVERY = 3000; // milliseconds; what the camera sees changes faster than it can be read out

let description; // model.json
let run; // the network
let shown = null; // what is on the screen: {image, marks, seen}
let camera = null;
let spoken = { text: "", time: -Infinity };
let turn = 0; // the newest image wins

// === One image ===

async function answer(image, caption) {
  const { input, outputs } = description;
  const start = performance.now();
  const { pixels, matrix } = resize(image, input);
  const resizing = performance.now() - start;
  const result = await run(pixels);
  const answers = readOutputs(outputs, result.outputs);
  const marks = placeMarks(answers, matrix, input);
  const [[left, top], [right, bottom]] = [toImage([0, 0], matrix, input), toImage([1, 1], matrix, input)];
  shown = { image, marks, seen: { left, top, right, bottom } };
  showImage(caption);
  outputs.forEach(({ name }, index) => {
    const lines = describeMarks(placeMarks([answers[index]], matrix, input));
    if (lines.length) Object.assign(answers[index], { rows: lines, note: "x, y in pixels from the upper left corner" });
  });
  outputs.forEach(({ look }, index) => {
    if (look) answers[index].look = { ...look, weights: result.outputs[look.output], image, seen: shown.seen };
  });
  const { unusual } = description;
  const known = unusual ? readUnusual(unusual, result.outputs[unusual.output][0]) : { flagged: false, text: "" };
  Object.assign(element("unusual"), { textContent: known.text, hidden: !unusual, className: known.flagged ? "problem" : "caption quiet" });
  element("answers").replaceChildren(...outputs.map(({ name }, index) => answerCard(name, answers[index])));
  element("status").textContent =
    `${result.milliseconds.toFixed(1)} ms for the network, ${resizing.toFixed(1)} ms to resize the image`;
  showNumbers(Object.fromEntries(outputs.map(({ name }) => [name, result.outputs[name]])));
  const told = outputs.map(({ name }, index) => `${inWords(name)}: ${say(answers[index])}`).join("; ");
  announce(known.flagged ? `${known.text} ${told}` : told);
  document.documentElement.dataset.answered = String(Number(document.documentElement.dataset.answered ?? 0) + 1);
}

function showImage(caption) {
  const { image } = shown;
  element("invitation").hidden = true;
  element("image").hidden = false;
  paintImage(element("image"), image, shown.marks, shown.seen);
  const size = `${image.width} × ${image.height} pixels`;
  element("image").setAttribute("aria-label", `${caption}, ${size}`);
  element("caption").textContent = `${caption}, ${size}`;
  element("caption").hidden = false;
}

function showNumbers(numbers) {
  const lines = Object.entries(numbers).map(([name, values]) => `${JSON.stringify(name)}: ${JSON.stringify(values)}`);
  element("numbers").textContent = `{\n${lines.join(",\n")}\n}`;
  element("raw").hidden = false;
}

function say({ answer, probability, rows }) {
  if (!answer && rows) return rows.map((row) => row.join(" ")).join(", ");
  return probability === undefined ? answer : `${answer}, ${formatShare(probability)}`;
}

function announce(text) {
  const now = performance.now();
  if (text === spoken.text || (camera && now - spoken.time < SPOKEN_EVERY)) return;
  spoken = { text, time: now };
  element("announcement").textContent = text;
}

// === Where images come from ===

/** Answer for what `get` gives, unless something newer has come meanwhile. */
async function take(get) {
  stopCamera();
  const mine = ++turn;
  tell(null);
  try {
    const { image, caption } = await get();
    if (mine === turn) await answer(image, caption);
  } catch (error) {
    if (mine === turn) tell(error.message);
  }
}

function takeFile(file) {
  return take(async () => ({ image: await readFile(file), caption: file.name || "Pasted image" }));
}

function takeScene() {
  return take(async () => {
    const { canvas, shape } = drawScene();
    return { image: readPixels(canvas), caption: `A drawn ${shape} among circles and lines` };
  });
}

async function toggleCamera() {
  if (camera) return stopCamera();
  const mine = ++turn;
  tell(null);
  try {
    const started = await startCamera();
    if (mine !== turn) return started.stop();
    camera = started;
    element("camera").setAttribute("aria-pressed", "true");
    element("camera").textContent = "Stop the camera";
    while (camera === started) {
      if (started.video.videoWidth) await answer(readPixels(started.video), "What the camera sees");
      await new Promise(requestAnimationFrame);
    }
  } catch (error) {
    stopCamera();
    if (mine === turn) tell(error.message);
  }
}

function stopCamera() {
  if (!camera) return;
  shown = { ...shown, image: { ...shown.image, source: freeze(camera.video) } };
  camera.stop();
  camera = null;
  element("camera").setAttribute("aria-pressed", "false");
  element("camera").textContent = "Use the camera";
}

/** The frame that a video shows, as a canvas that stays. */
function freeze(video) {
  const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas;
}

// === Messages ===

function tell(message) {
  const problem = element("problem");
  problem.hidden = message === null;
  problem.replaceChildren();
  if (message !== null) problem.append(Object.assign(document.createElement("p"), { textContent: message }));
}

// === Start ===

function listen() {
  element("choose").addEventListener("click", () => element("file").click());
  element("file").addEventListener("change", () => {
    const [file] = element("file").files;
    if (file) takeFile(file);
    element("file").value = ""; // so that the same file can be chosen again
  });
  element("camera").addEventListener("click", toggleCamera);
  element("scene").addEventListener("click", takeScene);
  const stage = element("stage");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    stage.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) stage.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    stage.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) takeFile(file);
    else tell("What was dropped is no file. Save the image first, or copy and paste it.");
  });
  document.addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) takeFile(file);
    else tell("There is no image in the clipboard.");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stopCamera();
  });
  new ResizeObserver(() => shown && paintImage(element("image"), shown.image, shown.marks, shown.seen)).observe(stage);
}

async function start() {
  try {
    const response = await fetch("model.json");
    if (!response.ok) throw new Error(`model.json does not come (status ${response.status}): the folder is not complete.`);
    description = await response.json();
    const { input, outputs, runtime, version } = description;
    const count = outputs.length === 1 ? "one prediction" : `${outputs.length} predictions`;
    document.title = element("title").textContent = `One image, ${count}`;
    element("answers").replaceChildren(...outputs.map((output) => emptyCard(output.name, promise(output))));
    const ways = { stretch: "stretched", crop: "cropped", pad: "brought, with black bars," };
    const colours = input.channels === 1 ? " and made gray" : "";
    element("footer").append(
      `Images are ${ways[input.resize]} to ${input.width} × ${input.height} pixels${colours}. `,
      `Made with mtlzoo ${version}; runs on ${runtime.name} (`,
      make("a", { href: "runtime/LICENSE.txt" }, "Apache License 2.0"),
      ").",
    );
    element("status").textContent = "Loading the network …";
    run = await loadNetwork(description);
    element("status").textContent = "Ready.";
    for (const id of ["choose", "camera", "scene"]) element(id).disabled = false;
    const lack = cameraLack();
    if (lack) Object.assign(element("camera"), { title: lack });
    listen();
    document.documentElement.dataset.ready = "";
  } catch (error) {
    element("status").textContent = "";
    tell(`The page cannot start. ${error.message}`);
  }
}

// Where check.js has found something lacking it has said so.
if (!("lacking" in document.documentElement.dataset)) start();
