// LiteRT.js: loaded file by file against its hash, and run on one image at a time.

/** Load the runtime and the model.
 *
 * @param description The content of model.json.
 * @returns A function from the network's input, one byte a value, to {outputs, milliseconds}, outputs by name.
 */
export async function loadNetwork(description) {
  const { input, outputs, runtime, unusual } = description;
  const modules = Object.keys(runtime.integrity).filter((name) => name.endsWith("/dist/index.js"));
  // Not all browsers check the hashes in an import map.
  await Promise.all(modules.map((name) => fetchChecked(name, runtime)));
  const { loadLiteRt, loadAndCompile, supportsFeature, Tensor } = await import("@litertjs/core");
  const variant = (await supportsFeature("relaxedSimd")) ? "litert_wasm_internal" : "litert_wasm_compat_internal";
  const [script, binary] = await Promise.all(
    [".js", ".wasm"].map((ending) => {
      const name = Object.keys(runtime.integrity).find((name) => name.endsWith(`/${variant}${ending}`));
      return fetchChecked(name, runtime);
    }),
  );
  self.Module = { wasmBinary: await binary.arrayBuffer() };
  const address = URL.createObjectURL(new Blob([await script.text()], { type: "text/javascript" }));
  await loadLiteRt(`${address}#.js`); // which tells a file from a folder by the ending
  URL.revokeObjectURL(address);
  const model = await loadAndCompile("model.tflite", { accelerator: "wasm" });

  const run = async (bytes) => {
    const start = performance.now();
    const tensor = new Tensor(Float32Array.from(bytes), [1, input.height, input.width, input.channels]);
    const results = await model.run({ [input.name]: tensor }); // by name: the file has its outputs in its own order
    const wanted = outputs.flatMap(({ name, look }) => (look ? [name, look.output] : [name]));
    if (unusual) wanted.push(unusual.output);
    const numbers = Object.fromEntries(wanted.map((name) => [name, Array.from(results[name].toTypedArray())]));
    for (const used of [tensor, ...Object.values(results)]) used.delete();
    return { outputs: numbers, milliseconds: performance.now() - start };
  };
  await run(new Uint8Array(input.height * input.width * input.channels)); // the first run is slow
  return run;
}

/** Fetch a file of the runtime, and refuse what is not byte for byte the pinned one. */
async function fetchChecked(name, { base, integrity }) {
  const address = new URL(base + name, document.baseURI);
  try {
    const response = await fetch(address, { integrity: integrity[name] });
    if (response.ok) return response;
    throw new Error(`status ${response.status}`);
  } catch (error) {
    const away = address.origin === location.origin ? "" : ` from ${address.host}`;
    throw new Error(
      `The runtime's file ${name} does not come${away}, or is not the one that belongs here (${error.message}).`,
    );
  }
}
