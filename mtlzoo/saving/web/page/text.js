// Names and numbers as words.

/** A name of a column as words. */
export const inWords = (name) => name.replaceAll("_", " ");

const FORMAT = new Intl.NumberFormat("en", { maximumSignificantDigits: 4, useGrouping: false });

export const formatNumber = (number) => FORMAT.format(number);

export const formatShare = (share) => (share > 0 && share < 0.001 ? "<0.1%" : `${(100 * share).toFixed(1)}%`);
