//! Whether a GPU computes right. Nobody can try all drivers, and there are some that compute wrong numbers
//! (Metal, Adreno, Mali and old Intel are known for it). So before a device is used for the first time by a
//! build of this program, each family of kernels is run on small inputs and compared with the processor's
//! definition, and then a whole small step of training is. What is wrong is left out, and plain tensor
//! operations do its work; where those are wrong too, the device is of no use.
//!
//! Of the ways in which products are made, which sum in one order, the faster one is taken.

mod check;
mod checks;
mod kept;
mod speed;
mod step;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use kept::proof;

use crate::{
    device::Device,
    host::Clock,
    ops::gpu::{
        family::{Family, leave_out},
        product::{Tiles, leave_out_tiles, set_tiles},
        set_filled,
    },
    train::checkpoint::hexadecimal,
};

/// What a device was found to compute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// The device's name.
    pub device: String,
    /// Its driver, as far as it tells.
    pub driver: String,
    /// Which build of this program found it out.
    pub build: String,
    /// Whether it computes right, without the families that are left out.
    pub right: bool,
    /// The families of kernels that are left out, because they are wrong.
    pub wrong: Vec<Family>,
    /// The ways to make products.
    pub products: Vec<Way>,
    /// How products are made.
    pub tiles: Tiles,
    /// Seconds that all this took.
    pub seconds: f64,
}

/// A way to make products.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Way {
    /// Which one.
    pub tiles: Tiles,
    /// Whether its results are right.
    pub right: bool,
    /// Seconds of a typical product; none where they are wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
}

/// What is left out beside what was found wrong by itself, until a step is right. Without [`Family::Rows`]
/// all operations are plain ones.
const MORE: [&[Family]; 5] =
    [&[], &[Family::Block], &[Family::Update], &[Family::Block, Family::Update], &[Family::Rows]];

impl Proof {
    /// Proves a device. Takes a second or two, and what it takes to compile the kernels that training needs
    /// anyway; nothing else may compute meanwhile. What is found holds for this program from now on.
    pub async fn make(device: &Device, clock: &dyn Clock) -> Self {
        let begun = clock.seconds();
        leave_out(&[]);
        leave_out_tiles(None);
        let mut products = Vec::new();
        for tiles in [Tiles::Shared, Tiles::None] {
            set_tiles(tiles);
            let right = are_right(Family::Product, device).await;
            let seconds = if right { speed::seconds(device, clock).await } else { None };
            products.push(Way { tiles, right: right && seconds.is_some(), seconds });
        }
        let fastest = speed::fastest(&products);
        let mut wrong = Vec::new();
        for family in Family::ALL {
            let right = match (family, fastest) {
                (Family::Product, fastest) => fastest.is_some(),
                (Family::Packed, None) => true,
                (Family::Packed, Some(_)) => {
                    let mut right = true;
                    for way in products.iter().filter(|way| way.right) {
                        set_tiles(way.tiles);
                        right &= are_right(family, device).await;
                    }
                    right
                }
                _ => are_right(family, device).await,
            };
            if !right {
                wrong.push(family);
            }
        }
        let mut proof = Proof {
            device: device.name().to_owned(),
            driver: device.driver().to_owned(),
            build: build(),
            right: false,
            wrong,
            products,
            tiles: fastest.unwrap_or(Tiles::Fitting),
            seconds: 0.0,
        };
        let alone = proof.wrong.clone();
        // Without rows nothing is left that could be left out.
        let tries = if alone.contains(&Family::Rows) { 1 } else { MORE.len() };
        for more in &MORE[..tries] {
            proof.wrong = Family::ALL
                .into_iter()
                .filter(|family| alone.contains(family) || more.contains(family))
                .collect();
            proof.take_effect();
            let _filled = Filled::new();
            if step::is_right(device).await {
                proof.right = true;
                break;
            }
        }
        proof.seconds = clock.seconds() - begun;
        proof
    }

    /// Has this program go by it.
    pub fn take_effect(&self) {
        leave_out(&self.wrong);
        let wrong = self.products.iter().find(|way| !way.right);
        leave_out_tiles(wrong.map(|way| way.tiles));
        set_tiles(self.tiles);
    }
}

/// Whether all checks of a family are right.
async fn are_right(family: Family, device: &Device) -> bool {
    let _filled = Filled::new();
    for check in checks::CHECKS.iter().filter(|check| check.family == family) {
        if !check.is_right(device).await {
            return false;
        }
    }
    true
}

/// Which build this is: another version, or other shaders, may compute otherwise.
fn build() -> String {
    let mut hasher = Sha256::new();
    for shader in flantune_shaders::ALL {
        hasher.update(shader.source);
    }
    format!("{} {}", env!("CARGO_PKG_VERSION"), hexadecimal(&hasher.finalize()[..8]))
}

/// As long as it is there, what kernels are to write is full of what is not a number.
struct Filled;

impl Filled {
    fn new() -> Self {
        set_filled(true);
        Filled
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        set_filled(false);
    }
}
