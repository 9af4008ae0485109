//! What was written over the machine's files: the upper halves of a jail's layers, with what was at the same places before.
//!
//! To read the upper halves alone is quick, since they are nearly empty, and sure: the kernel gives a file of an overlay another
//! device than its folder's, so that nobody sees by the whole whose a file is (`Documentation/filesystems/overlayfs.rst`,
//! "Inode properties").

use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::files::{Found, is_read};
use crate::lab::Layer;

/// Bytes that are compared at a time.
const CHUNK: u64 = 64 * 1024;

/// What layers hide or show otherwise than the machine does.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// What is there now.
    pub(super) now: Found,
    /// What the machine has at these places, and where something was taken away.
    pub(super) below: Found,
    /// What the machine has in folders that were written to, and nobody wrote: it is seen, or the folder was made anew. Each by
    /// its path in the lower half and the one that it is seen by.
    pub(super) doubtful: Vec<(PathBuf, PathBuf)>,
    /// When the layer was laid, in seconds and nanoseconds since 1970.
    since: (i64, i64),
}

impl Written {
    pub(super) fn read(layers: &[Layer]) -> Self {
        let mut written = Self::default();
        for layer in layers {
            written.since = layer.since;
            let (upper, lower) = (layer.written(), layer.below());
            if let (Ok(about), Ok(before)) = (upper.metadata(), lower.metadata()) {
                written.compare_attributes(&about, &before, &layer.at);
            }
            written.add_inside(&upper, &lower, &layer.at);
        }
        written
    }

    /// Adds what is in a folder of an upper half, which is seen at `at`.
    fn add_inside(&mut self, upper: &Path, lower: &Path, at: &Path) {
        self.now.folders.insert(at.display().to_string());
        self.below.folders.insert(at.display().to_string());
        for entry in fs::read_dir(upper).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let at = at.join(&name);
            if let Ok(about) = entry.metadata()
                && is_read(&at)
            {
                self.add(&entry.path(), &about, &lower.join(&name), &at);
            }
        }
    }

    fn add(&mut self, upper: &Path, about: &Metadata, lower: &Path, at: &Path) {
        let before = lower.symlink_metadata().ok();
        // Nobody in the jail can do that to the lower half.
        if before.as_ref().is_some_and(|before| self.is_later(before)) {
            return;
        }
        let before = before.as_ref();
        if !about.is_dir() {
            if before.is_some_and(|before| is_as_before((upper, about), (lower, before))) {
                return;
            }
            if !is_whiteout(about) {
                self.now.add_file(at, about);
            }
            self.take_away(lower, at);
        } else if let Some(before) = before.filter(|before| before.is_dir()) {
            self.compare_attributes(about, before, at);
            self.add_inside(upper, lower, at);
            self.doubt(upper, lower, at);
        } else {
            self.now.add_all(upper, at, &|_| true);
            self.take_away(lower, at);
        }
    }

    fn compare_attributes(&mut self, about: &Metadata, before: &Metadata, at: &Path) {
        if !has_attributes_of(about, before) {
            self.now.add_folder(at, about);
            self.below.add_folder(at, before);
        }
    }

    /// What the machine has in a folder, and the upper half has not.
    fn doubt(&mut self, upper: &Path, lower: &Path, at: &Path) {
        for entry in fs::read_dir(lower).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_later = entry.metadata().is_ok_and(|about| self.is_later(&about));
            if !is_later && upper.join(&name).symlink_metadata().is_err() {
                self.doubtful.push((entry.path(), at.join(name)));
            }
        }
    }

    /// Whether it is a file that the machine itself has made or changed since the layer was laid. A folder changes with what is
    /// in it.
    fn is_later(&self, about: &Metadata) -> bool {
        !about.is_dir() && (about.ctime(), about.ctime_nsec()) > self.since
    }

    /// The machine's file or folder at `lower`, if there is one, is not seen at `at` any more.
    pub(super) fn take_away(&mut self, lower: &Path, at: &Path) {
        self.below.add_all(lower, at, &|_| true);
    }
}

/// How an overlay notes that something was taken away: as a character device of the numbers 0 and 0.
fn is_whiteout(about: &Metadata) -> bool {
    about.file_type().is_char_device() && about.rdev() == 0
}

/// Whether a file is what the machine has there, whenever it was written.
fn is_as_before((upper, about): (&Path, &Metadata), (lower, before): (&Path, &Metadata)) -> bool {
    has_attributes_of(about, before)
        && about.len() == before.len()
        && about.rdev() == before.rdev()
        && match about.file_type() {
            kind if kind.is_symlink() => fs::read_link(upper).ok() == fs::read_link(lower).ok(),
            kind if kind.is_file() => have_equal_bytes(upper, lower).unwrap_or(false),
            _ => true,
        }
}

/// Type, permissions and owner.
fn has_attributes_of(about: &Metadata, before: &Metadata) -> bool {
    let of = |one: &Metadata| (one.mode(), one.uid(), one.gid());
    of(about) == of(before)
}

fn have_equal_bytes(one: &Path, other: &Path) -> io::Result<bool> {
    let mut both = [fs::File::open(one)?, fs::File::open(other)?];
    let mut chunks = [Vec::new(), Vec::new()];
    loop {
        for (file, chunk) in both.iter_mut().zip(&mut chunks) {
            chunk.clear();
            file.take(CHUNK).read_to_end(chunk)?;
        }
        if chunks[0] != chunks[1] || chunks[0].is_empty() {
            return Ok(chunks[0] == chunks[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_the_machine_writes_to_is_looked_into() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("file");
        fs::write(&file, "of the machine")?;
        let written = Written::default();
        assert!(written.is_later(&file.metadata()?), "since 1970");
        assert!(!written.is_later(&folder.path().metadata()?));
        Ok(())
    }

    #[test]
    fn what_is_put_back_is_as_before() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        let same = |one: &Path, other: &Path| -> io::Result<bool> {
            let (about, before) = (one.symlink_metadata()?, other.symlink_metadata()?);
            Ok(is_as_before((one, &about), (other, &before)))
        };
        let long = "0123456789".repeat(10_000);
        fs::write(at("before"), &long)?;
        fs::write(at("same"), &long)?;
        fs::write(at("longer"), format!("{long}0"))?;
        assert!(same(&at("same"), &at("before"))?);
        fs::write(at("last"), format!("{}8", &long[..long.len() - 1]))?;
        assert!(!same(&at("last"), &at("before"))?);
        assert!(!same(&at("longer"), &at("before"))?);
        let mut permissions = at("same").metadata()?.permissions();
        permissions.set_readonly(true);
        fs::set_permissions(at("same"), permissions)?;
        assert!(!same(&at("same"), &at("before"))?);
        Ok(())
    }
}
