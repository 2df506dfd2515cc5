/**
 * Makes every GPU adapter claim the feature `timestamp-query`, and takes it out of the features
 * that a device is asked for where the adapter has it not.
 *
 * cubecl-wgpu 0.11 chooses its timer at the first tensor and panics in a browser without the
 * feature, although nothing uses the timer unless something profiles, and nothing here does.
 */
export function claimTimestampQuery() {
  if (typeof GPUAdapter === "undefined") return;
  const { prototype } = GPUAdapter;
  const features = Object.getOwnPropertyDescriptor(prototype, "features").get;
  const requestDevice = prototype.requestDevice;

  Object.defineProperty(prototype, "features", {
    configurable: true,
    enumerable: true,
    get() {
      const real = features.call(this);
      return real.has("timestamp-query") ? real : new Set([...real, "timestamp-query"]);
    },
  });

  prototype.requestDevice = function (descriptor = {}) {
    const real = features.call(this);
    const requiredFeatures = [...(descriptor.requiredFeatures ?? [])].filter((name) => real.has(name));
    return requestDevice.call(this, { ...descriptor, requiredFeatures });
  };
}
