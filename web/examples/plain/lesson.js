// What happens in <flan-tune> is told by events, which a page may show or keep.

const loss = document.querySelector("#loss");
const adapter = document.querySelector("#adapter");
const trainer = document.querySelector("flan-tune");

trainer.addEventListener("flantune:step", ({ detail }) => {
  loss.textContent = `${detail.loss.toFixed(3)} at step ${detail.step}`;
});
trainer.addEventListener("flantune:adapter", ({ detail }) => {
  adapter.textContent = `Trained: ${detail.name}, ${detail.parameters.toLocaleString("en")} numbers.`;
});
trainer.addEventListener("flantune:error", ({ detail }) => {
  loss.textContent = detail.message;
});
