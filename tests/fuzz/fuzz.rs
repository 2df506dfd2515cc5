//! Each target on its seeds, on what once was wrong, and on damage that a fixed seed decides. What
//! takes long, and looks where code has not been yet, is scripts/fuzz.sh.

use std::{fs, path::Path};

use flantune::rng::{Purpose, Random};
use flantune_fuzz::{MAX_INPUT, TARGETS, Target, mutate, target};
use sha2::{Digest, Sha256};

/// Fails with what is wrong with an input, and keeps the input.
#[track_caller]
fn expect(target: &Target, input: &[u8]) {
    let Some(wrong) = target.find(input) else { return };
    let hash: String = Sha256::digest(input).iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz").join(target.name);
    let path = folder.join(&hash[..16]);
    fs::create_dir_all(&folder).unwrap();
    fs::write(&path, input).unwrap();
    panic!("{}: {wrong}\nthe input is {}", target.name, path.display());
}

fn damage(name: &str, count: u64) {
    let target = target(name).unwrap();
    let seeds = target.seeds();
    assert!(!seeds.is_empty(), "{name} has no seeds");
    seeds.iter().for_each(|(_, seed)| expect(target, seed));
    for place in 0..count {
        let mut random = Random::new(1, Purpose::Synthetic, 0, place);
        let mut seed = || &seeds[random.below(seeds.len() as u64) as usize].1;
        let (input, other) = (seed(), seed());
        expect(target, &mutate(input, other, target.words, MAX_INPUT, &mut random));
    }
}

macro_rules! targets {
    ($($name:ident: $count:literal,)*) => {
        $(
            #[test]
            fn $name() {
                damage(stringify!($name), $count);
            }
        )*

        #[test]
        fn all_targets_are_tested() {
            let tested = [$(stringify!($name)),*];
            let all: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(tested, &all[..]);
        }
    };
}

// As many inputs as make a second or two.
targets! {
    config: 3000,
    generation_config: 3000,
    safetensors: 3000,
    index: 300,
    adapter_config: 3000,
    adapter: 500,
    adapter_rules: 500,
    tokenizer: 1000,
    rows: 3000,
    template: 3000,
    promptsource: 500,
    template_work: 300,
    scores: 300,
    predictions: 3000,
    mixture: 3000,
    config_toml: 3000,
    run_json: 3000,
    state: 200,
    checkpoint: 200,
    events: 200,
}
