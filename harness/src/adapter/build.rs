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

    /// Refuses a folder that holds none of an implementation's programs: all that ran would be the machine's own.
    ///
    /// # Errors
    /// Which are not in it.
    pub(super) fn must_have_one_of(&self, programs: &[&str]) -> Result<(), String> {
        let is_here = |name: &&str| {
            let mut places = self.folders.iter().map(|folder| folder.join(name));
            places.any(|path| no_program(&path).is_none())
        };
        let is_named = self.root.is_some() || self.program.is_some();
        match &self.asked {
            Some(asked) if !is_named && !programs.iter().any(is_here) => Err(format!(
                "{asked}: none of {} is in it; name the folder that has them, or one above with bin, usr/bin and so on",
                programs.join(", ")
            )),
            _ => Ok(()),
        }
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
                format!(
                    "'{program}' is not installed; name a build with -i NAME=FOLDER, or please run: sudo apt-get install {package}"
                )
            }
        }
    }

    /// The PATH of the implementation's programs.
    pub fn path(&self) -> String {
        let usual = self.usual();
        let all = self.folders.iter().chain(&usual);
        let all = all.map(|folder| folder.display().to_string());
        // A name with a colon in it cannot stand in PATH.
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

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir_all, set_permissions, write};
    use std::io;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn program(path: &Path) -> io::Result<()> {
        create_dir_all(path.parent().unwrap_or(path))?;
        write(path, "#!/bin/sh\n")?;
        set_permissions(path, Permissions::from_mode(0o755))
    }

    fn build(path: &Path) -> Build {
        Build::of(path.to_str()).expect("a build")
    }

    #[test]
    fn helpers_beside_a_program_come_before_the_machines() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let inside = folder.path().canonicalize()?;
        program(&inside.join("bin/dockerd"))?;
        program(&inside.join("bin/runc"))?;
        program(&inside.join("libexec/podman/netavark"))?;
        let whole = build(&inside);
        let at = |name: &str| whole.find(name, &[], false);
        assert_eq!(at("runc"), Some(inside.join("bin/runc")));
        assert_eq!(at("netavark"), Some(inside.join("libexec/podman/netavark")));
        // What it lacks is the machine's.
        assert!(at("sh").is_some_and(|path| !path.starts_with(&inside)));
        assert!(whole.path().starts_with(&format!("{}", inside.display())));
        Ok(())
    }

    #[test]
    fn a_folder_that_holds_nothing_of_it_is_no_build() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let inside = folder.path().canonicalize()?;
        let names = ["dockerd", "runc"];
        let refused = |build: Build| build.must_have_one_of(&names).is_err();
        assert!(refused(build(&inside)));
        assert!(!refused(Build::default()));
        // A helper is enough.
        program(&inside.join("bin/runc"))?;
        assert!(!refused(build(&inside)));
        Ok(())
    }

    #[test]
    fn a_program_by_itself_may_be_called_anything() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().canonicalize()?.join("netavark-2.1");
        program(&path)?;
        let build = build(&path);
        assert_eq!(build.find("netavark", &[], true), Some(path));
        Ok(())
    }

    #[test]
    fn a_system_of_its_own_is_the_root_and_nothing_of_the_machine_is_taken() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let inside = folder.path().canonicalize()?;
        program(&inside.join("usr/bin/podman"))?;
        assert_eq!(build(&inside).root, None, "programs alone are no system");
        create_dir_all(inside.join("etc"))?;
        write(inside.join("etc/os-release"), "ID=other\n")?;
        let tree = build(&inside);
        assert_eq!(tree.root, Some(inside.clone()));
        let podman = tree.find("podman", &[], true).expect("in the tree");
        assert_eq!(podman, Path::new("/usr/bin/podman"));
        assert_eq!(tree.outside(&podman), inside.join("usr/bin/podman"));
        assert_eq!(tree.find("sh", &[], false), None);
        Ok(())
    }

    #[test]
    fn what_is_not_there_is_told() {
        let error = Build::of(Some("./no-such-build")).expect_err("nothing there");
        assert!(
            error.starts_with("./no-such-build: No such file"),
            "{error}"
        );
    }
}
