import "flantune/define";
import type {} from "flantune/react";

import type { FlanTuneStepEvent } from "flantune/element";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

function Lesson() {
  const [method, setMethod] = useState<"lora" | "prompt" | undefined>("lora");
  const [shown, setShown] = useState(true);
  const [loss, setLoss] = useState<number>();
  const listeners = { "onflantune:step": ({ detail }: FlanTuneStepEvent) => setLoss(detail.loss) };
  return (
    <>
      <button onClick={() => setMethod(method === "lora" ? "prompt" : method === "prompt" ? undefined : "lora")}>Method: {method ?? "none"}</button>
      <button onClick={() => setShown(!shown)}>{shown ? "Take it away" : "Put it back"}</button>
      <p>Last loss: {loss === undefined ? "not trained yet" : loss.toFixed(3)}</p>
      {shown && <flan-tune model="builtin" data="reviews" method={method} rank={4} headingLevel={2} {...listeners} />}
    </>
  );
}

const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode><Lesson /></StrictMode>);
