// From the cells of a grid to a list of objects: the surest ones, of each object once.

/** Find the objects that the cells of one image tell, the surest first.
 *
 * @param numbers For each cell x_min, y_min, x_max, y_max and a score for each class, in one row.
 * @param names The classes.
 * @param threshold The least score of an answer.
 * @param overlap Of two answers of one class with an IoU above this the better one is kept.
 * @returns [{name, score, corners}].
 */
export function findObjects(numbers, { names, threshold, overlap }) {
  const width = 4 + names.length;
  const candidates = [];
  for (let start = 0; start < numbers.length; start += width) {
    const scores = numbers.slice(start + 4, start + width);
    const score = Math.max(...scores);
    if (score >= threshold) candidates.push({ name: names[scores.indexOf(score)], score, corners: numbers.slice(start, start + 4) });
  }
  candidates.sort((one, other) => other.score - one.score);
  const kept = [];
  for (const candidate of candidates) {
    const known = kept.some(({ name, corners }) => name === candidate.name && share(corners, candidate.corners) > overlap);
    if (!known) kept.push(candidate);
  }
  return kept;
}

/** Intersection over union of two boxes. */
function share(one, other) {
  const across = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const down = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const both = Math.max(across, 0) * Math.max(down, 0);
  return both / (area(one) + area(other) - both);
}

const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);
