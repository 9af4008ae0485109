//! Where a program is.

use std::env;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{ProgramError, quoted};

/// Where network programs live, also when the caller's PATH has no `sbin`.
const SYSTEM_FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];

/// Programs of cases, and the Debian packages that hold them.
const PACKAGES: [(&str, &str); 14] = [
    ("ip", "iproute2"),
    ("bridge", "iproute2"),
    ("tc", "iproute2"),
    ("iptables", "iptables"),
    ("ip6tables", "iptables"),
    ("nft", "nftables"),
    ("sysctl", "procps"),
    ("ping", "iputils-ping"),
    ("conntrack", "conntrack"),
    ("brctl", "bridge-utils"),
    ("tcpdump", "tcpdump"),
    ("tshark", "tshark"),
    ("docker", "docker.io"),
    ("podman", "podman"),
];

/// Where a program is, in PATH and in the system's folders.
///
/// # Errors
/// [`ProgramError::Missing`], with the package that brings it where that is known; [`ProgramError::NotAProgram`] of a path.
pub fn find_program(name: &str) -> Result<PathBuf, ProgramError> {
    if name.contains('/') {
        return match no_program(Path::new(name)) {
            None => Ok(name.into()),
            Some(reason) => Err(ProgramError::NotAProgram {
                program: name.into(),
                reason,
            }),
        };
    }
    folders()
        .into_iter()
        .map(|folder| folder.join(name))
        .find(|path| no_program(path).is_none())
        .ok_or_else(|| {
            let known = |(program, _): &&(&str, &str)| {
                name == *program || name.starts_with(&format!("{program}-"))
            };
            ProgramError::Missing {
                program: name.into(),
                package: PACKAGES.iter().find(known).map(|(_, package)| *package),
            }
        })
}

/// Why a path cannot be run, none if it can.
pub fn no_program(path: &Path) -> Option<String> {
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) => return Some(error.to_string()),
    };
    if metadata.is_dir() {
        return Some(String::from("it is a folder; name the program in it"));
    }
    if !metadata.is_file() {
        return Some(String::from("it is no regular file"));
    }
    (metadata.permissions().mode() & 0o111 == 0).then(|| {
        let path = quoted(&[path.display().to_string()]);
        format!("it is not executable; please run: chmod +x {path}")
    })
}

/// The folders of PATH, then the system's: scripts among the programs look for their own.
pub fn folders() -> Vec<PathBuf> {
    let own = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&own)
        .filter(|folder| folder.is_absolute())
        .chain(system_folders())
        .collect()
}

/// Where a system has its programs, whatever PATH says.
pub fn system_folders() -> impl Iterator<Item = PathBuf> {
    SYSTEM_FOLDERS.into_iter().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_names_its_package() {
        let error = find_program("iptables-from-the-future").expect_err("no such program");
        let text = "'iptables-from-the-future' is not installed; please run: sudo apt-get install iptables";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn a_path_that_leads_to_no_program_says_what_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name).display().to_string();
        std::fs::write(path("plain"), "#!/bin/sh\n").expect("a file");
        let told = |name: &str| {
            let error = find_program(&path(name)).expect_err("no program");
            error.to_string().replace(&path(""), "")
        };
        assert_eq!(
            told("plain"),
            "cannot run 'plain': it is not executable; please run: chmod +x plain"
        );
        assert_eq!(
            told("none"),
            "cannot run 'none': No such file or directory (os error 2)"
        );
        let error = find_program(&path("")).expect_err("no program");
        assert!(error.to_string().contains("it is a folder"), "{error}");
    }
}
