// The camera, live.

/** Why the camera cannot be used here, or null. */
export function cameraLack() {
  if (navigator.mediaDevices?.getUserMedia) return null;
  return window.isSecureContext
    ? "This browser gives pages no camera."
    : "The camera needs a page from https or from localhost; browsers keep it from all others.";
}

/** Start the camera.
 *
 * @returns {video, stop}.
 */
export async function startCamera() {
  const lack = cameraLack();
  if (lack) throw new Error(lack);
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 640 } } });
  } catch (error) {
    throw new Error(REFUSALS[error.name] ?? `The camera does not start (${error.message}).`);
  }
  const video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  return { video, stop: () => stream.getTracks().forEach((track) => track.stop()) };
}

const REFUSALS = {
  NotAllowedError: "The camera was not allowed. Allow it for this page beside the address, and press the button again.",
  NotFoundError: "No camera was found on this device.",
  NotReadableError: "The camera is in use by another program.",
};
