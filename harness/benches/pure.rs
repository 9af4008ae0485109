//! What needs no kernel: decoding frames, assembling a path, drawing it, comparing it with its golden. A trial does each
//! a few times, among milliseconds of the kernel's work; whoever makes one of these visible sees it here first.
//!
//! `cargo bench --package goldpath`. The evidence is article case A12's, recorded by a trial that failed on purpose.

use std::path::Path;

use divan::{Bencher, black_box};
use etherparse::PacketBuilder;
use goldpath::golden::{compare, read};
use goldpath::packet::decode;
use goldpath::path::{Drawing, Evidence, assemble, render};

/// An echo's payload as probes carry it, in bytes.
const PAYLOAD: [u8; 56] = [0; 56];
const CASE: &str = "article/a12-masquerade-to-outside";

fn main() {
    divan::main();
}

fn evidence() -> Evidence {
    serde_json::from_str(include_str!("masqueraded.json")).expect("recorded evidence")
}

#[divan::bench]
fn decode_an_echo_request(bencher: Bencher<'_, '_>) {
    let mut packet = Vec::new();
    PacketBuilder::ipv4([10, 55, 66, 2], [8, 8, 8, 8], 64)
        .icmpv4_echo_request(7, 1)
        .write(&mut packet, &PAYLOAD)
        .expect("a packet");
    assert!(decode(&packet).is_some());
    bencher.bench_local(|| decode(black_box(&packet)).is_some());
}

#[divan::bench]
fn assemble_a_masqueraded_path(bencher: Bencher<'_, '_>) {
    let evidence = evidence();
    assert!(assemble(&evidence).is_settled());
    bencher.bench_local(|| assemble(black_box(&evidence)));
}

#[divan::bench]
fn render_a_masqueraded_path(bencher: Bencher<'_, '_>) {
    let path = assemble(&evidence());
    bencher.bench_local(|| render(black_box(&path)));
}

/// What a passing trial does.
#[divan::bench]
fn compare_with_an_equal_golden(bencher: Bencher<'_, '_>) {
    compare_after(bencher, |text| text);
}

/// What a failing trial does: the first difference is to be found and told.
#[divan::bench]
fn compare_with_another_golden(bencher: Bencher<'_, '_>) {
    compare_after(bencher, |text| text.replace("ttl 63", "ttl 62"));
}

fn compare_after(bencher: Bencher<'_, '_>, change: impl Fn(String) -> String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden");
    let golden = read(&folder, CASE)
        .expect("a readable golden")
        .expect("a golden");
    let seen = Drawing::read(&change(golden.text.clone()));
    bencher.bench_local(|| compare(Some(&golden), black_box(&seen)));
}
