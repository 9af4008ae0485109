//! Which programs an implementation is made of: those of this machine, of a folder, or of a whole tree of another release.

use std::path::{Path, PathBuf};

use crate::lab::tree;
use crate::program::{folders, no_program, system_folders};

/// Where a folder of programs may have them: as somebody has unpacked an archive, or installed with a prefix.
const INSIDE: [&str; 14] = [
    "",
    "bin",
    "sbin",
    "usr/bin",
    "usr/sbin",
    "usr/local/bin",
    "usr/local/sbin",
    "lib/podman",
    "libexec/podman",
    "usr/lib/podman",
    "usr/libexec/podman",
    "usr/local/lib/podman",
    "usr/lib/cni",
    "opt/cni/bin",
];

/// Which programs an implementation is made of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Build {
    /// As it was typed; none for what is installed.
    pub asked: Option<String>,
    /// A whole tree, which becomes the root that the implementation runs in.
    pub root: Option<PathBuf>,
    /// Folders that come before the machine's own.
    folders: Vec<PathBuf>,
    /// The program that was named by itself.
    program: Option<PathBuf>,
}

impl Build {
    /// What was asked for: a program, a folder with programs, or a tree that has a C library of its own.
    ///
    /// # Errors
    /// It is not there.
    pub fn of(asked: Option<&str>) -> Result<Self, String> {
        let Some(asked) = asked else {
            return Ok(Self::default());
        };
        let wrong = |error: std::io::Error| format!("{asked}: {error}");
        // Programs run in another working directory.
        let path = Path::new(asked).canonicalize().map_err(wrong)?;
        let mut build = Self {
            asked: Some(asked.to_owned()),
            ..Self::default()
        };
        if is_tree(&path) {
            build.root = Some(path);
        } else if path.is_dir() {
            let folders = INSIDE.iter().map(|inside| path.join(inside));
            build.folders = folders.filter(|folder| folder.is_dir()).collect();
        } else if let Some(reason) = no_program(&path) {
            return Err(format!("{asked}: {reason}"));
        } else {
            build.folders.extend(path.parent().map(Path::to_owned));
            build.program = Some(path);
        }
        Ok(build)
    }

    /// Where the implementation finds a program, as a path within its root: in its own folders, then `within` those, in
    /// PATH if there are none. `is_main` tells the program that gave the implementation its name: one that was named by
    /// itself may be called anything.
    pub(super) fn find(&self, name: &str, within: &[PathBuf], is_main: bool) -> Option<PathBuf> {
        if let Some(program) = self.program.as_ref().filter(|_| is_main) {
            return Some(program.clone());
        }
        let usual = match within {
            [] => self.usual(),
            some => some.to_vec(),
        };
        let mut places = self.folders.iter().chain(&usual);
        places.find_map(|folder| {
            let path = folder.join(name);
            let is_here = match &self.root {
                Some(root) => tree::has_program(root, &path),
                None => no_program(&path).is_none(),
            };
            is_here.then_some(path)
        })
    }

    /// What to say if it lacks a program.
    pub(super) fn lacks(&self, program: &str, package: &str) -> String {
        match (&self.asked, &self.root) {
            (Some(asked), Some(_)) => format!("'{program}' is not in {asked}"),
            (Some(asked), None) => {
                format!("'{program}' is neither in {asked} nor installed")
            }
            (None, _) => {
                format!("'{program}' is not installed; please run: sudo apt-get install {package}")
            }
        }
    }

    /// The PATH of the implementation's programs.
    pub fn path(&self) -> String {
        let usual = self.usual();
        let all = self.folders.iter().chain(&usual);
        let all = all.map(|folder| folder.display().to_string());
        // A name with a colon in it can't stand in PATH.
        let all: Vec<String> = all.filter(|folder| !folder.contains(':')).collect();
        all.join(":")
    }

    /// Folders that come before the machine's own, for the settings of engines that look elsewhere than in PATH.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
    }

    /// Where this machine has what is at `path` of the implementation's root.
    pub fn outside(&self, path: &Path) -> PathBuf {
        match &self.root {
            Some(root) => root.join(path.strip_prefix("/").unwrap_or(path)),
            None => path.to_owned(),
        }
    }

    /// In a tree the caller's PATH means nothing.
    fn usual(&self) -> Vec<PathBuf> {
        match &self.root {
            Some(_) => system_folders().collect(),
            None => folders(),
        }
    }
}

/// Whether this is the root of a system: programs, and what says which system they are of.
fn is_tree(path: &Path) -> bool {
    let is_there = |name: &str| path.join(name).symlink_metadata().is_ok();
    path.join("usr/bin").is_dir() && (is_there("etc/os-release") || is_there("usr/lib/os-release"))
}
