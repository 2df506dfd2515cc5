export default {
  // The built page works under any path.
  base: "./",
  // While developing: the package finds its worker by its own address, so it is not moved into one file with others.
  optimizeDeps: { exclude: ["flantune"] },
};
