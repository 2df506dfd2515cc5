//! libFuzzer on the target that `FLANTUNE_FUZZ` names. scripts/fuzz.sh builds and runs it; with
//! `FLANTUNE_FUZZ="seeds DIR"` it writes the seeds to `DIR/TARGET/seeds`, and lists the targets.

#![no_main]

use std::{fs, io, io::Write, path::Path, process, sync::LazyLock};

use flantune::rng::{Purpose, Random};
use flantune_fuzz::{TARGETS, Target, mutate, target};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

struct Chosen {
    target: &'static Target,
    seeds: Vec<(String, Vec<u8>)>,
}

static CHOSEN: LazyLock<Chosen> = LazyLock::new(|| {
    let name = std::env::var("FLANTUNE_FUZZ").unwrap_or_default();
    if let Some(folder) = name.strip_prefix("seeds ") {
        write_seeds(Path::new(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
        process::exit(0);
    }
    match target(&name) {
        Some(target) => Chosen { target, seeds: target.seeds() },
        None => panic!("FLANTUNE_FUZZ: there is no target `{name}`"),
    }
});

fn write_seeds(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let folder = folder.join(target.name).join("seeds");
        fs::create_dir_all(&folder)?;
        for (name, bytes) in target.seeds() {
            fs::write(folder.join(name), bytes)?;
        }
        writeln!(io::stdout(), "{}", target.name)?;
    }
    Ok(())
}

fuzz_target!(init: { LazyLock::force(&CHOSEN); }, |data: &[u8]| CHOSEN.target.run(data));

// Half of the mutations are libFuzzer's own, which know what the parser compares with.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut random = Random::new(seed.into(), Purpose::Synthetic, 0, 0);
    if random.below(2) == 0 || CHOSEN.seeds.is_empty() {
        return fuzzer_mutate(data, size, max_size);
    }
    let (_, other) = &CHOSEN.seeds[random.below(CHOSEN.seeds.len() as u64) as usize];
    let mutated = mutate(&data[..size], other, CHOSEN.target.words, max_size, &mut random);
    data[..mutated.len()].copy_from_slice(&mutated);
    mutated.len()
});
