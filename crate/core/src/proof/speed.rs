//! Which way to make products is the faster one.

use burn::tensor::{Tensor, TensorData};

use super::Way;
use crate::{
    device::{self, Device},
    host::Clock,
    ops::{Context, gpu::product::Tiles, linear::linear},
};

/// Rows, inputs and outputs of a product as training has them.
const SIZES: [usize; 3] = [256, 512, 512];
/// So long a measurement is exact enough: browsers' clocks are coarse, and the answer alone takes time.
const ENOUGH: f64 = 0.02;
/// The most products of a measurement.
const MOST: usize = 64;
/// By so much straight products must be faster to be taken. Tiles are what GPUs are made for, and a
/// measurement beside other work is no reason to leave them.
const CLEARLY: f64 = 1.25;

/// Seconds of a product, as products are made now. None where the device does not answer.
pub(super) async fn seconds(device: &Device, clock: &dyn Clock) -> Option<f64> {
    let [rows, inputs, outputs] = SIZES;
    let ones = |shape: [usize; 2]| {
        let data = TensorData::new(vec![1f32; shape[0] * shape[1]], shape);
        Tensor::<2>::from_data(data, device.burn())
    };
    let (x, weight) = (ones([rows, inputs]), ones([outputs, inputs]).into());
    let context = Context { kernels: true, ..Context::default() };
    let answer = async || {
        device::read(Tensor::<1>::from_data(TensorData::from([0f32]), device.burn())).await.ok()
    };
    // What is done only once: the pipeline, and memory.
    drop(linear(x.clone(), &weight, &context));
    answer().await?;
    let mut count = 1;
    loop {
        let begun = clock.seconds();
        for _ in 0..count {
            drop(linear(x.clone(), &weight, &context));
        }
        answer().await?;
        let seconds = clock.seconds() - begun;
        if seconds >= ENOUGH || count >= MOST {
            return Some(seconds / count as f64);
        }
        count *= 4;
    }
}

/// The way that is taken; none where none is right.
pub(super) fn fastest(ways: &[Way]) -> Option<Tiles> {
    let seconds = |tiles: Tiles| {
        let way = ways.iter().find(|way| way.tiles == tiles && way.right)?;
        way.seconds
    };
    match (seconds(Tiles::Shared), seconds(Tiles::None)) {
        (Some(tiled), Some(straight)) if straight * CLEARLY < tiled => Some(Tiles::None),
        (Some(_), _) => Some(Tiles::Shared),
        (None, straight) => straight.map(|_| Tiles::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faster_right_way_is_taken() {
        let ways = |tiled: Option<f64>, straight: Option<f64>| {
            let way =
                |tiles, seconds: Option<f64>| Way { tiles, right: seconds.is_some(), seconds };
            fastest(&[way(Tiles::Shared, tiled), way(Tiles::None, straight)])
        };
        assert_eq!(ways(Some(2.0), Some(1.0)), Some(Tiles::None));
        assert_eq!(ways(Some(1.0), Some(2.0)), Some(Tiles::Shared));
        // No more than what a measurement beside other work is off.
        assert_eq!(ways(Some(1.0), Some(0.9)), Some(Tiles::Shared));
        // A clock that is too coarse.
        assert_eq!(ways(Some(0.0), Some(0.0)), Some(Tiles::Shared));
        assert_eq!(ways(None, Some(1.0)), Some(Tiles::None));
        assert_eq!(ways(Some(1.0), None), Some(Tiles::Shared));
        assert_eq!(ways(None, None), None);
    }
}
