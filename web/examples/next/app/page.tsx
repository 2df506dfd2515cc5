import { Trainer } from "./trainer";

// Rendered ahead, on the server: the trainer's own text stands there until its script runs.
export default function Page() {
  return (
    <main>
      <h1>Lesson 4: what fine-tuning changes</h1>
      <Trainer />
    </main>
  );
}
