// What an answer comes with once something was fitted on validation rows: "not sure" where its probability is too low, a set
// of classes or an interval of numbers that holds the truth as often as `level` says. As mtlzoo/heads/conformal.py has it.

import { formatNumber, formatShare } from "./text.js";

/** The answer with what belongs to it.
 *
 * @param answer As heads.js gives it.
 * @param output The output's entry in model.json; `confidence` and `conformal` are there if something was fitted.
 * @param numbers The output's numbers.
 */
export function decide(answer, output, numbers) {
  if (answer.inapplicable) return abstain(answer, output);
  const within = output.conformal && conform(answer, output, numbers);
  return abstain(within ? { ...answer, within } : answer, output);
}

function abstain(answer, { confidence }) {
  const probability = answer.probability ?? answer.least;
  if (!confidence || !(probability < confidence)) return answer;
  const bars = answer.bars?.map((bar) => ({ ...bar, given: false }));
  const note = `An answer is given from ${formatShare(confidence)}; ${answer.answer} has less.`;
  return { ...answer, bars, answer: "not sure", note };
}

function conform(answer, output, numbers) {
  const { conformal, values } = output;
  const { level, quantiles } = conformal;
  const percent = `${formatNumber(100 * level)}%`;
  if (answer.bars) {
    const names = classSet(answer.bars, conformal, output.show === "levels");
    return `${percent}: ${names.join(" or ")}`;
  }
  const middles = answer.scales ? answer.scales.map(({ value }) => value) : [answer.distribution.mean];
  const spread = conformal.score === "scaled residual" ? deviation(numbers, values) : 1;
  const intervals = middles.map((middle, index) => {
    const reach = quantiles[index] === null ? Infinity : quantiles[index] * spread;
    let [low, high] = [middle - reach, middle + reach];
    if (values) [low, high] = [Math.max(low, values[0]), Math.min(high, values.at(-1))];
    return Number.isFinite(low) ? `${formatNumber(low)} to ${formatNumber(high)}` : "any number";
  });
  return `${percent}: ${intervals.join(", ")}`;
}

/** The names of the classes in the set, the likeliest first; of levels all from the lowest to the highest one. */
function classSet(bars, { score, quantiles }, ordered) {
  let scores = score === "aps" ? cumulated(bars) : bars.map(({ value }) => 1 - value);
  if (ordered) scores = withoutGaps(scores);
  const belongs = scores.map((each, index) => {
    const quantile = quantiles.length > 1 ? quantiles[index] : quantiles[0];
    return quantile === null || each <= quantile || bars[index].given;
  });
  if (ordered) return bars.slice(belongs.indexOf(true), belongs.lastIndexOf(true) + 1).map(({ name }) => name);
  const chosen = bars.filter((_, index) => belongs[index]);
  return chosen.sort((one, other) => other.value - one.value).map(({ name }) => name);
}

/** For each class the sum of the probabilities down to it. */
function cumulated(bars) {
  const order = bars.map((_, index) => index).sort((one, other) => bars[other].value - bars[one].value);
  const sums = [];
  let sum = 0;
  for (const index of order) sums[index] = sum += bars[index].value;
  return sums.map((each) => each / sum);
}

/** For each level the largest score on the way from the best one. */
function withoutGaps(scores) {
  const lowest = (some) => some.reduce((least, each) => Math.min(least, each), Infinity);
  return scores.map((_, index) => Math.max(lowest(scores.slice(0, index + 1)), lowest(scores.slice(index))));
}

/** The standard deviation of a distribution over values, each known to a bin. */
function deviation(shares, values) {
  const [mean, square] = [1, 2].map((power) => shares.reduce((sum, share, index) => sum + share * values[index] ** power, 0));
  const width = (values.at(-1) - values[0]) / (values.length - 1);
  return Math.sqrt(Math.max(square - mean ** 2, 0) + width ** 2 / 12);
}
