"use client";

import "flantune/define";
import type {} from "flantune/react";

import type { FlanTuneStepEvent } from "flantune/element";
import { useState } from "react";

export function Trainer() {
  const [loss, setLoss] = useState<number>();
  const listeners = { "onflantune:step": ({ detail }: FlanTuneStepEvent) => setLoss(detail.loss) };
  return (
    <>
      <p>Last loss: {loss === undefined ? "not trained yet" : loss.toFixed(3)}</p>
      <flan-tune model="builtin" data="reviews" method="lora" rank={4} heading-level={2} {...listeners}>
        The trainer needs JavaScript.
      </flan-tune>
    </>
  );
}
