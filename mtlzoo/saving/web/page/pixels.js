// From files, the camera and drawings to pixels at full size.

const ROWS = 1024; // A canvas must not be too large, which images of today's phones are on some.

/** An image of the browser's own kinds as {source, width, height, data}, transparency on white.
 *
 * @param source An ImageBitmap, a canvas or a playing video; it stays what is drawn on the screen.
 */
export function readPixels(source) {
  const [width, height] = [source.videoWidth ?? source.width, source.videoHeight ?? source.height];
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = Math.min(height, ROWS);
  const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
  if (context === null) throw new Error("This browser has no room left for an image of this size.");
  const data = new Uint8ClampedArray(4 * width * height);
  for (let top = 0; top < height; top += ROWS) {
    const rows = Math.min(ROWS, height - top);
    context.fillStyle = "white";
    context.fillRect(0, 0, width, rows);
    context.drawImage(source, 0, -top);
    data.set(context.getImageData(0, 0, width, rows).data, 4 * width * top);
  }
  return { source, width, height, data };
}

/** The image in a file: turned as its EXIF orientation says, its colours as they are written, as in training. */
export async function readFile(file) {
  try {
    return readPixels(await createImageBitmap(file, { colorSpaceConversion: "none", imageOrientation: "from-image" }));
  } catch {
    const name = file.name ? `“${file.name}”` : "This";
    throw new Error(`${name} is no image that this browser can read. JPEG, PNG, WebP and GIF work everywhere.`);
  }
}
