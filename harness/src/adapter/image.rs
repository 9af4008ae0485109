//! The image that engines make containers of: one program that waits. Probes and services run in a container's network
//! namespace, not in its file system.

use super::{AdapterError, Program};
use crate::lab::Room;
use crate::program::find_program;

/// A program that needs no library, found on this machine.
const WAITER: &str = "busybox";

/// Whether this machine has what an image is made of.
pub(super) fn is_here() -> Result<(), String> {
    find_program(WAITER).map(drop).map_err(|_| {
        format!("'{WAITER}' is not installed; please run: sudo apt-get install busybox-static")
    })
}

/// Packs the image's file system and returns where it is in the room.
pub(super) fn pack(room: &Room) -> Result<String, AdapterError> {
    let archive = format!("{}/image.tar", Room::FOLDER);
    let path = waiter();
    let inside = path.trim_start_matches('/').to_owned();
    Program::new(["tar", "--dereference", "-C", "/", "-cf", &archive, &inside]).run(room)?;
    Ok(archive)
}

/// What a container runs.
pub(super) fn command() -> [String; 3] {
    [waiter(), String::from("sleep"), i32::MAX.to_string()]
}

fn waiter() -> String {
    let found = find_program(WAITER).map(|path| path.display().to_string());
    found.unwrap_or_else(|_| format!("/bin/{WAITER}"))
}
