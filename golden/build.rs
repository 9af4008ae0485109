//! A new file is a change of this crate, which cargo would not see by itself.

fn main() {
    println!("cargo::rerun-if-changed=.");
}
