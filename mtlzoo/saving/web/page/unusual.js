// Whether an image is like those that the network was trained on.

import { formatShare } from "./text.js";

/** What is said of an image by its distance from known images.
 *
 * @param unusual The entry in model.json: {output, distances, threshold}, distances of validation images in ascending order.
 * @param distance That of the image.
 * @returns {flagged, text}.
 */
export function readUnusual({ distances, threshold }, distance) {
  const nearer = distances.filter((other) => other < distance).length / distances.length;
  const flagged = nearer >= threshold;
  const share = nearer === 1 ? "all" : formatShare(nearer);
  const text = `more unusual than ${share} of the images that the network was validated on`;
  return { flagged, text: flagged ? `Unlike what the network knows: ${text}. Do not rely on its predictions.` : `The image is ${text}.` };
}
