import vue from "@vitejs/plugin-vue";

const template = { compilerOptions: { isCustomElement: (tag) => tag === "flan-tune" } };

export default { base: "./", plugins: [vue({ template })], optimizeDeps: { exclude: ["flantune"] } };
