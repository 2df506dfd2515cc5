//! How the learning rate changes over a run: transformers' schedules.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// The learning rate's course after the warm-up, in which it rises linearly from 0.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Falls linearly to 0 at the end.
    #[default]
    Linear,
    /// Stays.
    Constant,
    /// Falls to 0 at the end along half a cosine.
    Cosine,
    /// Falls with the square root of the step.
    InverseSqrt,
}

/// After how many steps [`Schedule::InverseSqrt`] has fallen by the square root of 2 where there is
/// no warm-up to tell.
const INVERSE_SQRT_STEPS: usize = 10_000;

impl Schedule {
    /// The learning rate of `step`, counted from 0, where `base` is its highest. With a warm-up the
    /// first step's is 0.
    pub fn rate(self, base: f64, step: usize, warmup_steps: usize, total_steps: usize) -> f64 {
        if step < warmup_steps {
            return base * (step as f64 / warmup_steps as f64);
        }
        let done = (step - warmup_steps) as f64;
        let all = total_steps.saturating_sub(warmup_steps).max(1) as f64;
        base * match self {
            Schedule::Constant => 1.0,
            Schedule::Linear => (total_steps.saturating_sub(step) as f64 / all).min(1.0),
            Schedule::Cosine => 0.5 * (1.0 + (PI * (done / all).min(1.0)).cos()),
            Schedule::InverseSqrt => {
                let scale = match warmup_steps {
                    0 => INVERSE_SQRT_STEPS,
                    steps => steps,
                } as f64;
                1.0 / ((done + scale) / scale).sqrt()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_transformers() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oracle/text/schedules.json");
        let file = std::fs::read_to_string(path).unwrap();
        let oracle: serde_json::Value = serde_json::from_str(&file).unwrap();
        let cases = oracle["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 6);
        for case in cases {
            let schedule: Schedule = serde_json::from_value(case["schedule"].clone()).unwrap();
            let number = |key: &str| case[key].as_u64().unwrap() as usize;
            let rates = case["lr"].as_array().unwrap();
            assert_eq!(rates.len(), number("steps"));
            for (step, rate) in rates.iter().enumerate() {
                let found = schedule.rate(3.0, step, number("warmup"), number("steps"));
                let expected = 3.0 * rate.as_f64().unwrap();
                assert!(
                    (found - expected).abs() < 1e-12,
                    "{schedule:?} {step}: {found} {expected}"
                );
            }
        }
    }

    #[test]
    fn rates_stay_sensible_outside_the_run() {
        let all = [Schedule::Linear, Schedule::Constant, Schedule::Cosine, Schedule::InverseSqrt];
        for schedule in all {
            for (warmup, total) in
                [(0, 0), (0, 1), (5, 5), (9, 3), (0, usize::MAX), (usize::MAX, 1)]
            {
                for step in [0, 1, 4, 5, 8, 9, 10, 1_000_000, usize::MAX] {
                    let rate = schedule.rate(2.0, step, warmup, total);
                    assert!((0.0..=2.0).contains(&rate), "{schedule:?} {step} {warmup} {total}");
                }
            }
        }
        assert_eq!(Schedule::Cosine.rate(1.0, 80, 0, 40), 0.0);
        assert_eq!(Schedule::Linear.rate(1.0, 80, 0, 40), 0.0);
        let falls = Schedule::InverseSqrt.rate(1.0, INVERSE_SQRT_STEPS, 0, 1);
        assert!((falls - 0.5_f64.sqrt()).abs() < 1e-15);
    }
}
