//! The image that engines make containers of: one program that waits. Probes and services run in a container's network
//! namespace, not in its file system.

use std::fs;
use std::io;

use super::facts::must_have;
use super::{AdapterError, Needed};
use crate::lab::Jail;

/// A program that needs no library, and is this machine's: a build need not bring it.
pub(super) const WAITER: Needed = Needed::new("busybox", "busybox-static");

/// What a container runs. By its name busybox knows what it is to be.
pub(super) const COMMAND: [&str; 3] = ["/busybox", "sleep", "2147483647"];

/// Packs the image's file system and returns where it is in the jail.
pub(super) fn pack(jail: &Jail) -> Result<String, AdapterError> {
    let archive = format!("{}/image.tar", Jail::FOLDER);
    let failed = |source| AdapterError::File {
        operation: "write",
        path: archive.clone(),
        source,
    };
    let packed = packed().map_err(failed)?;
    jail.run(|| fs::write(&archive, packed))?.map_err(failed)?;
    Ok(archive)
}

fn packed() -> io::Result<Vec<u8>> {
    let waiter = must_have(&WAITER).map_err(io::Error::other)?;
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_path_with_name(waiter.canonicalize()?, COMMAND[0].trim_start_matches('/'))?;
    archive.into_inner()
}
