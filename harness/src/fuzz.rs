//! Foreign bytes for whatever reads some: seeds that were recorded or written by hand, spoilt at random.
//!
//! A short round runs with every `cargo test`; `ci/fuzz` makes it long. What it finds becomes a seed or a test of its own.

use std::cell::Cell;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;

/// Seconds for each reader; a single round of proptest's usual number of cases if absent.
const SECONDS: &str = "GOLDPATH_FUZZ_SECONDS";

/// Readers take microseconds. This is what a machine with every core taken was never seen to need, and a loop that goes
/// over the same bytes again and again does.
const CASE_WAIT: Duration = Duration::from_secs(10);

/// Longest input in bytes, so that doubling it again and again ends.
const LONGEST: usize = 16_384;

/// What length fields, flags and counters break on.
const EDGES: [u32; 12] = [
    0,
    1,
    3,
    4,
    5,
    0x7f,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_fffc,
    0xffff_ffff,
];

/// One way to spoil an input. Places are relative to its length at that time.
#[derive(Debug, Clone)]
enum Spoil {
    Flip(Index, u8),
    Set(Index, u8),
    /// An edge value of 1, 2 or 4 bytes, in either byte order.
    Edge(Index, Index, usize, bool),
    Cut(Index),
    Remove(Index, Index),
    /// A part is put in once more, elsewhere, up to so many times.
    Repeat(Index, Index, Index, usize),
    /// A part of another seed is put in.
    Splice(Index, Index, Index, Index),
    Insert(Index, Vec<u8>),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 0u8..8).prop_map(|(place, bit)| Spoil::Flip(place, bit)),
        (at(), any::<u8>()).prop_map(|(place, byte)| Spoil::Set(place, byte)),
        (at(), at(), 0usize..3, any::<bool>())
            .prop_map(|(place, edge, width, big)| Spoil::Edge(place, edge, width, big)),
        at().prop_map(Spoil::Cut),
        (at(), at()).prop_map(|(from, to)| Spoil::Remove(from, to)),
        (at(), at(), at(), 1usize..200)
            .prop_map(|(from, to, place, times)| Spoil::Repeat(from, to, place, times)),
        (at(), at(), at(), at())
            .prop_map(|(seed, from, to, place)| Spoil::Splice(seed, from, to, place)),
        (at(), prop::collection::vec(any::<u8>(), 1..64))
            .prop_map(|(place, bytes)| Spoil::Insert(place, bytes)),
    ]
}

impl Spoil {
    fn apply(&self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let length = bytes.len();
        let end = |index: &Index, bytes: &[u8]| index.index(bytes.len() + 1);
        let part = |from: &Index, to: &Index, bytes: &[u8]| {
            let (from, to) = (end(from, bytes), end(to, bytes));
            from.min(to)..from.max(to)
        };
        match self {
            Self::Flip(place, bit) if length > 0 => bytes[place.index(length)] ^= 1 << bit,
            Self::Set(place, byte) if length > 0 => bytes[place.index(length)] = *byte,
            Self::Flip(..) | Self::Set(..) => {}
            Self::Edge(place, edge, width, big) => {
                let value = *edge.get(&EDGES);
                let width = 1 << width;
                let bytes_of_edge = if *big {
                    value.to_be_bytes()[4 - width..].to_vec()
                } else {
                    value.to_le_bytes()[..width].to_vec()
                };
                let place = end(place, bytes);
                let until = length.min(place + width);
                bytes.splice(place..until, bytes_of_edge);
            }
            Self::Cut(place) => bytes.truncate(end(place, bytes)),
            Self::Remove(from, to) => drop(bytes.drain(part(from, to, bytes))),
            Self::Repeat(from, to, place, times) => {
                let copied = bytes[part(from, to, bytes)].repeat(*times);
                let place = end(place, bytes);
                bytes.splice(place..place, copied);
            }
            Self::Splice(seed, from, to, place) => {
                let seed = seed.get(seeds);
                let place = end(place, bytes);
                let copied = seed[part(from, to, seed)].to_vec();
                bytes.splice(place..place, copied);
            }
            Self::Insert(place, inserted) => {
                let place = end(place, bytes);
                bytes.splice(place..place, inserted.iter().copied());
            }
        }
        bytes.truncate(LONGEST);
    }
}

/// Gives a reader spoilt seeds. Fails with the smallest input that makes it panic or take too long.
pub(crate) fn feed(name: &str, seeds: &[Vec<u8>], read: impl Fn(&[u8])) {
    let seconds = std::env::var(SECONDS).ok().and_then(|s| s.parse().ok());
    let bound = Duration::from_secs(seconds.unwrap_or(0));
    let start = Instant::now();
    let fed = Cell::new(0u64);
    let inputs =
        (any::<Index>(), prop::collection::vec(spoil(), 0..12)).prop_map(|(seed, spoils)| {
            let mut bytes = seed.get(seeds).clone();
            spoils
                .iter()
                .for_each(|spoil| spoil.apply(&mut bytes, seeds));
            bytes
        });
    let config = ProptestConfig {
        // What is found becomes a test, not a file that nobody reads.
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    loop {
        // A new one each time: a runner counts its cases over all rounds, and would not begin a second.
        let round = TestRunner::new(config.clone()).run(&inputs, |bytes| {
            fed.set(fed.get() + 1);
            let begun = Instant::now();
            read(&bytes);
            prop_assert!(begun.elapsed() < CASE_WAIT, "took {:?}", begun.elapsed());
            Ok(())
        });
        if let Err(found) = round {
            panic!("{name}, input {}: {found}", fed.get());
        }
        if start.elapsed() >= bound {
            break;
        }
    }
    if seconds.is_some() {
        let line = format!("fed {name} {} inputs in {:?}\n", fed.get(), start.elapsed());
        // Past the test harness's capture: it is the result of a long run.
        let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    }
}

/// Like [`feed`] for what reads text.
pub(crate) fn feed_text(name: &str, seeds: &[Vec<u8>], read: impl Fn(&str)) {
    feed(name, seeds, |bytes| read(&String::from_utf8_lossy(bytes)));
}

/// Bytes of a recording.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
    (0..hex.len()).step_by(2).map(byte).collect()
}

/// The files with this extension below a folder of the work tree.
pub(crate) fn files(folder: &str, extension: &str) -> Vec<Vec<u8>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(std::fs::read(path).expect("readable"));
            }
        }
    }
    assert!(!found.is_empty(), "no .{extension} below {folder}");
    found
}
