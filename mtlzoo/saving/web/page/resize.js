// Images come to the network's size as they did in training: area averages where much is shrunk, then one bilinear
// step with half-pixel centres. A canvas smooths otherwise, and answers would move. Every rounding is that of OpenCV 5,
// in single precision, so that the same pixels come out.
//
// An image here is {data, width, height}, four bytes a pixel as a canvas has them; the fourth is not used. What is stored
// in a Uint8ClampedArray is rounded, halves to even, which is OpenCV's rounding too.

const single = Math.fround;

/** Bring an image to the network's size.
 *
 * @param image The image.
 * @param input {height, width, channels, resize} as in model.json.
 * @returns {pixels, matrix}: bytes in rows of pixels of `channels` bytes, and how pixels of the image map to them.
 */
export function resize(image, input) {
  const matrix = resizeMatrix(image, input, input.resize);
  const factor = reduction(image, input);
  let reduced = image;
  if (factor > 1) {
    reduced = averageAreas(image, Math.ceil(image.width / factor), Math.ceil(image.height / factor));
  }
  const resized = warp(reduced, compose(matrix, resizeMatrix(reduced, image, "stretch")), input);
  return { pixels: toChannels(resized, input.channels), matrix };
}

/** By which of 8, 4 and 2 an image may be shrunk at once and still be no smaller than wanted. */
function reduction(image, wanted) {
  const fits = (factor) => Math.ceil(image.height / factor) >= wanted.height && Math.ceil(image.width / factor) >= wanted.width;
  return [8, 4, 2].find(fits) ?? 1;
}

// === Matrices: x times `scaleX` plus `x`, and y likewise, between the centres of pixels ===

/** The matrix that brings an image of one size to another, in one of the three ways. */
export function resizeMatrix(from, to, mode) {
  let [scaleX, scaleY] = [to.width / from.width, to.height / from.height];
  if (mode === "crop") scaleX = scaleY = Math.max(scaleX, scaleY);
  else if (mode === "pad") scaleX = scaleY = Math.min(scaleX, scaleY);
  const middle = (length) => (length - 1) / 2;
  return {
    scaleX,
    scaleY,
    x: middle(to.width) - scaleX * middle(from.width),
    y: middle(to.height) - scaleY * middle(from.height),
  };
}

function compose(outer, inner) {
  return {
    scaleX: outer.scaleX * inner.scaleX,
    scaleY: outer.scaleY * inner.scaleY,
    x: outer.scaleX * inner.x + outer.x,
    y: outer.scaleY * inner.y + outer.y,
  };
}

/** Relative coordinates (0 to 1) of what the network sees, as pixels of the image counted from its upper left corner. */
export function toImage([x, y], matrix, input) {
  return [
    (x * input.width - 0.5 - matrix.x) / matrix.scaleX + 0.5,
    (y * input.height - 0.5 - matrix.y) / matrix.scaleY + 0.5,
  ];
}

// === The bilinear step ===

function warp(image, matrix, input) {
  const [factorX, factorY] = [Math.trunc(1 / matrix.scaleX), Math.trunc(1 / matrix.scaleY)];
  if (factorX >= 2 || factorY >= 2) {
    const width = factorX >= 2 ? Math.floor(image.width / factorX) : image.width;
    const height = factorY >= 2 ? Math.floor(image.height / factorY) : image.height;
    const shrunk = averageAreas(image, width, height);
    matrix = compose(matrix, resizeMatrix(shrunk, image, "stretch"));
    image = shrunk;
  }
  const { width, height } = input;
  const result = { data: new Uint8ClampedArray(4 * width * height), width, height };
  const border = input.resize === "pad" ? 0 : 1; // beyond the edge: black, or the nearest pixel
  const determinant = 1 / (matrix.scaleX * matrix.scaleY);
  const [stepX, stepY] = [matrix.scaleY * determinant, matrix.scaleX * determinant];
  // OpenCV fuses multiplication and addition along a row, and rounds between them from row to row.
  const across = taps(width, image.width, border, (x) => single(stepX) * x + single(-stepX * matrix.x));
  const down = taps(height, image.height, border, (y) => single(single(stepY) * y) + single(-stepY * matrix.y));
  const source = image.data;
  for (let y = 0, target = 0; y < height; y++) {
    const [upper, lower] = [4 * image.width * down.first[y], 4 * image.width * down.second[y]];
    const [upperPart, lowerPart, downWeight] = [down.firstPart[y], down.secondPart[y], down.weight[y]];
    for (let x = 0; x < width; x++, target += 4) {
      const [left, right] = [4 * across.first[x], 4 * across.second[x]];
      const [leftPart, rightPart, weight] = [across.firstPart[x], across.secondPart[x], across.weight[x]];
      for (let channel = 0; channel < 3; channel++) {
        const above = blend(
          source[upper + left + channel] * upperPart * leftPart,
          source[upper + right + channel] * upperPart * rightPart,
          weight,
        );
        const below = blend(
          source[lower + left + channel] * lowerPart * leftPart,
          source[lower + right + channel] * lowerPart * rightPart,
          weight,
        );
        result.data[target + channel] = blend(above, below, downWeight);
      }
    }
  }
  return result;
}

/** Between which two pixels each pixel of the result lies, how near to the second, and what each counts.
 *
 * @param border What a pixel beyond the edge counts, where the nearest one stands for it: 0 or 1.
 */
function taps(length, sourceLength, border, position) {
  const [first, second, weight] = [new Int32Array(length), new Int32Array(length), new Float32Array(length)];
  const [firstPart, secondPart] = [new Uint8Array(length), new Uint8Array(length)];
  const inside = (index) => Math.min(Math.max(index, 0), sourceLength - 1);
  for (let index = 0; index < length; index++) {
    const place = single(position(index));
    const pixel = Math.floor(place);
    weight[index] = place - pixel;
    [first[index], second[index]] = [inside(pixel), inside(pixel + 1)];
    firstPart[index] = first[index] === pixel ? 1 : border;
    secondPart[index] = second[index] === pixel + 1 ? 1 : border;
  }
  return { first, second, firstPart, secondPart, weight };
}

const blend = (first, second, weight) => single(weight * single(second - first) + first);

// === Area averages ===

function averageAreas(image, width, height) {
  const [factorX, factorY] = [image.width / width, image.height / height];
  const whole = Number.isInteger(factorX) && Number.isInteger(factorY);
  return whole ? averageBlocks(image, width, height, factorX, factorY) : averageParts(image, width, height);
}

/** Means of whole blocks. */
function averageBlocks(image, width, height, factorX, factorY) {
  const result = { data: new Uint8ClampedArray(4 * width * height), width, height };
  const share = single(1 / (factorX * factorY));
  const [row, quarters] = [4 * image.width, factorX === 2 && factorY === 2];
  for (let y = 0, target = 0; y < height; y++) {
    for (let x = 0; x < width; x++, target += 4) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let line = 0; line < factorY; line++) {
          let source = (y * factorY + line) * row + 4 * x * factorX + channel;
          for (let column = 0; column < factorX; column++, source += 4) sum += image.data[source];
        }
        result.data[target + channel] = quarters ? (sum + 2) >> 2 : single(sum * share);
      }
    }
  }
  return result;
}

/** Means of areas that begin and end within pixels, which count by the part that lies inside. */
function averageParts(image, width, height) {
  const result = { data: new Uint8ClampedArray(4 * width * height), width, height };
  const [columns, rows] = [parts(image.width, width), parts(image.height, height)];
  const [line, sum] = [new Float32Array(3 * width), new Float32Array(3 * width)];
  for (let y = 0; y < height; y++) {
    sum.fill(0);
    for (const [row, rowShare] of rows[y]) {
      line.fill(0);
      for (let x = 0, target = 0; x < width; x++, target += 3) {
        for (const [column, share] of columns[x]) {
          const source = 4 * (row * image.width + column);
          line[target] += single(image.data[source] * share);
          line[target + 1] += single(image.data[source + 1] * share);
          line[target + 2] += single(image.data[source + 2] * share);
        }
      }
      for (let index = 0; index < line.length; index++) sum[index] += single(line[index] * rowShare);
    }
    for (let x = 0, target = 4 * y * width; x < width; x++, target += 4) {
      for (let channel = 0; channel < 3; channel++) result.data[target + channel] = sum[3 * x + channel];
    }
  }
  return result;
}

/** For each of `length` areas, the pixels that it covers and their shares in it. */
function parts(sourceLength, length) {
  const factor = sourceLength / length;
  return Array.from({ length }, (_, index) => {
    const start = index * factor;
    const end = start + factor;
    const size = Math.min(factor, sourceLength - start);
    const last = Math.min(Math.floor(end), sourceLength - 1);
    const first = Math.min(Math.ceil(start), last);
    const covered = [];
    if (first - start > 1e-3) covered.push([first - 1, single((first - start) / size)]);
    for (let pixel = first; pixel < last; pixel++) covered.push([pixel, single(1 / size)]);
    if (end - last > 1e-3) covered.push([last, single(Math.min(end - last, 1, size) / size)]);
    return covered;
  });
}

// === Channels ===

function toChannels({ data, width, height }, channels) {
  const pixels = new Uint8Array(width * height * channels);
  for (let source = 0, target = 0; source < data.length; source += 4) {
    const [red, green, blue] = [data[source], data[source + 1], data[source + 2]];
    if (channels === 1) {
      pixels[target++] = (9798 * red + 19235 * green + 3735 * blue + 16384) >> 15; // ITU-R BT.601
    } else {
      pixels[target++] = red;
      pixels[target++] = green;
      pixels[target++] = blue;
    }
  }
  return pixels;
}
