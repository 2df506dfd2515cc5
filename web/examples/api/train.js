// The API alone: load, train, ask, export.

import { Flantune, FlantuneError } from "../../dist/flantune.js";

const [button, state, answers, download] = ["train", "state", "answers", "download"].map((id) => document.getElementById(id));

button.addEventListener("click", async () => {
  button.disabled = true;
  try {
    await train();
  } catch (error) {
    if (!(error instanceof FlantuneError)) throw error;
    state.textContent = [error.message, error.hint].filter(Boolean).join(". ");
  } finally {
    button.disabled = false;
  }
});

async function train() {
  state.textContent = "loading";
  const flantune = await Flantune.start({ device: "cpu" });
  const model = await flantune.loadModel({ builtin: true });
  const data = await flantune.loadData("reviews");

  const run = flantune.train(model, data, { method: "lora", rank: 4, learningRate: 5e-3, maxSteps: 20 });
  for await (const event of run) {
    if (event.event === "step") state.textContent = `step ${event.step}: loss ${event.loss.toFixed(3)}`;
  }
  const adapter = await run.adapter;

  // The rows as the model sees them.
  const prompts = (await data.preview(3)).map(({ source }) => source.text);
  const before = await model.generate(prompts, { maxNewTokens: 24 });
  const after = await model.generate(prompts, { adapter, maxNewTokens: 24 });
  prompts.forEach((prompt, row) => addRow(prompt, before[row], after[row]));

  download.href = URL.createObjectURL(await flantune.adapters.export(adapter));
  download.download = `${adapter.name}.zip`;
  download.hidden = false;
  state.textContent = `done: ${adapter.parameters} numbers trained on ${flantune.device.kind}`;
  await flantune.close();
}

function addRow(...texts) {
  const row = answers.insertRow();
  for (const text of texts) row.insertCell().textContent = text;
}
