//! What was written over the machine's files: the upper halves of a jail's layers, with what was at the same places before.
//!
//! To read the upper halves alone is quick, since they are nearly empty, and sure: the kernel gives a file of an overlay another
//! device than its folder's, so that nobody sees by the whole whose a file is (`Documentation/filesystems/overlayfs.rst`,
//! "Inode properties").

use std::fs::{self, Metadata};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::files::{Found, is_read};
use crate::lab::Layer;

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
}

impl Written {
    pub(super) fn read(layers: &[Layer]) -> Self {
        let mut written = Self::default();
        for layer in layers.iter().filter(|layer| is_read(&layer.at)) {
            written.add_inside(&layer.written(), &layer.below(), &layer.at);
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
        if !about.is_dir() {
            if !is_whiteout(about) {
                self.now.add_file(at, about);
            }
            self.take_away(lower, at);
        } else if before.is_some_and(|before| before.is_dir()) {
            self.add_inside(upper, lower, at);
            self.doubt(upper, lower, at);
        } else {
            self.now.add_all(upper, at, &|_| true);
            self.take_away(lower, at);
        }
    }

    /// What the machine has in a folder, and the upper half has not.
    fn doubt(&mut self, upper: &Path, lower: &Path, at: &Path) {
        for entry in fs::read_dir(lower).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if upper.join(&name).symlink_metadata().is_err() {
                self.doubtful.push((entry.path(), at.join(name)));
            }
        }
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
