import { fileURLToPath } from "node:url";

// Nothing in it is for Flantune.
export default {
  mode: "production",
  entry: "./src/main.js",
  output: { path: fileURLToPath(new URL("public/built", import.meta.url)) },
};
