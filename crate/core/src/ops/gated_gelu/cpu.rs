//! The gate on the CPU: one pass over memory forwards, one backwards.

use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor};

use super::{CUBIC, GatedGelu};
use crate::ops::cpu::{Blank, Values, filled, for_each, parts, tanh, tensor, widest};

const CUBE: f32 = CUBIC as f32;
/// √(2/π).
const ROOT: f32 = 0.797_884_6;

impl GatedGelu for Flex {
    fn gated_gelu(gate: FloatTensor<Self>, value: FloatTensor<Self>) -> FloatTensor<Self> {
        let shape = gate.shape();
        let (gate, value) = (Values::of(&gate), Values::of(&value));
        let (gate, value) = (gate.as_slice(), value.as_slice());
        let work = |out: Blank| {
            for_each(parts(gate.len(), 1), |part| {
                // SAFETY: the parts do not overlap.
                let out = unsafe { out.part(part.clone()) };
                let (gate, value) = (&gate[part.clone()], &value[part]);
                widest(
                    #[inline(always)]
                    || {
                        for ((y, &a), &b) in out.iter_mut().zip(gate).zip(value) {
                            let t = tanh(ROOT * (a + CUBE * a * a * a));
                            y.write(0.5 * a * (1.0 + t) * b);
                        }
                    },
                );
            });
        };
        // SAFETY: every element is written.
        tensor(unsafe { filled(gate.len(), work) }, shape)
    }

    fn gated_gelu_backward(
        gate: FloatTensor<Self>,
        value: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        let shape = gate.shape();
        let (gate, value, gradient) =
            (Values::of(&gate), Values::of(&value), Values::of(&gradient));
        let (gate, value, gradient) = (gate.as_slice(), value.as_slice(), gradient.as_slice());
        let mut by_value = Vec::new();
        let work = |by_gate: Blank| {
            let work = |by_value: Blank| {
                for_each(parts(gate.len(), 1), |part| {
                    // SAFETY: the parts do not overlap.
                    let (da, db) =
                        unsafe { (by_gate.part(part.clone()), by_value.part(part.clone())) };
                    let (gate, value) = (&gate[part.clone()], &value[part.clone()]);
                    let gradient = &gradient[part];
                    widest(
                        #[inline(always)]
                        || {
                            for (place, &a) in gate.iter().enumerate() {
                                let (b, dy) = (value[place], gradient[place]);
                                let t = tanh(ROOT * (a + CUBE * a * a * a));
                                let slope = ROOT * (1.0 + 3.0 * CUBE * a * a);
                                let half = 0.5 * (1.0 + t);
                                db[place].write(dy * a * half);
                                da[place].write(dy * b * (half + 0.5 * a * (1.0 - t * t) * slope));
                            }
                        },
                    );
                });
            };
            // SAFETY: every element is written.
            by_value = unsafe { filled(gate.len(), work) };
        };
        // SAFETY: every element is written.
        let by_gate = unsafe { filled(gate.len(), work) };
        (tensor(by_gate, shape.clone()), tensor(by_value, shape))
    }
}
