export default {
  // The built page works under any path.
  base: "./",
  // The package finds its worker by its own address: it must not be moved into one file with others.
  optimizeDeps: { exclude: ["flantune"] },
};
