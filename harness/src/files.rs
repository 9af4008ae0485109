//! Files of the person who runs goldpath, often as root in a folder that others may write to: what is read has an end, and
//! nothing is written through a link that leads elsewhere.

use std::fs::{File, OpenOptions, create_dir_all, symlink_metadata};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use sha2::{Digest as _, Sha256};

/// Reads a regular file. Another one may have no end, or wait for a writer that never comes.
///
/// # Errors
/// The kernel refuses, or it is no regular file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    must_be_regular(&std::fs::metadata(path)?)?;
    // It may be another one by now.
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .custom_flags(OFlag::O_NONBLOCK.bits())
        .open(path)?;
    must_be_regular(&file.metadata()?)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// SHA-256 in hexadecimal digits, as `sha256sum` prints it.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads a regular file as text.
///
/// # Errors
/// As [`read`], or it is not UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let wrong = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    String::from_utf8(read(path)?).map_err(wrong)
}

fn must_be_regular(metadata: &std::fs::Metadata) -> io::Result<()> {
    let kind = metadata.file_type();
    let what = if kind.is_file() {
        return Ok(());
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a FIFO"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(io::Error::other(format!("it is {what}, not a file")))
}

/// Makes or empties a regular file for writing. What a link leads to is not touched.
///
/// # Errors
/// The kernel refuses, or there is a link or something else of that name.
pub fn create(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut options = OpenOptions::new();
    let opened = options
        .write(true)
        .create(true)
        .custom_flags(flags.bits())
        .open(path);
    let file = opened.map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ELOOP) => link(path),
        _ => error,
    })?;
    must_be_regular(&file.metadata()?)?;
    file.set_len(0)?;
    Ok(file)
}

/// Like [`create`] for a file that a person named. Below `/dev` and `/proc` they name what is open already, as by
/// `/dev/stdout`.
///
/// # Errors
/// As [`create`].
pub fn create_named(path: &Path) -> io::Result<File> {
    if ["/dev", "/proc"].iter().any(|top| path.starts_with(top)) {
        return File::create(path);
    }
    create(path)
}

/// Like [`create`], and makes the file's folders, below a `root` that a person named: none of them is a link.
///
/// # Errors
/// As [`create`], or a link leads to it.
pub fn create_below(root: &Path, path: &Path) -> io::Result<File> {
    must_not_link(root, path)?;
    if let Some(folder) = path.parent() {
        create_dir_all(folder)?;
    }
    create(path)
}

/// Writes a file that is not there yet, and makes its folders, below a `root` that a person named. Who reads a script may
/// start it.
///
/// # Errors
/// It is there, a link leads to it, or the kernel refuses.
pub fn write_new(root: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    must_not_link(root, path)?;
    if let Some(folder) = path.parent() {
        create_dir_all(folder)?;
    }
    let mode = if bytes.starts_with(b"#!") {
        0o777
    } else {
        0o666
    };
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)
}

/// Whether a path below `root`, which a person named, leads through no link: neither `root` itself nor anything below
/// it. What is not there yet is none.
///
/// # Errors
/// There is a link, or the kernel refuses to look.
pub fn must_not_link(root: &Path, path: &Path) -> io::Result<()> {
    let below = path.ancestors().take_while(|one| one.starts_with(root));
    for one in below.filter(|one| !one.as_os_str().is_empty()) {
        match symlink_metadata(one) {
            Ok(metadata) if metadata.is_symlink() => return Err(link(one)),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn link(path: &Path) -> io::Error {
    io::Error::other(format!(
        "{} is a symbolic link, and nothing is written through one; name what it leads to, or remove it",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn what_is_no_file_is_not_read() {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
        let error = read(&fifo).expect_err("no file");
        assert_eq!(error.to_string(), "it is a FIFO, not a file");
        let error = read(Path::new("/dev/zero")).expect_err("no file");
        assert_eq!(error.to_string(), "it is a device, not a file");
        assert!(create(&fifo).is_err());
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("other"), "kept").expect("written");
        symlink(path("other"), path("link")).expect("a link");
        let error = create(&path("link")).expect_err("a link");
        assert!(
            error.to_string().contains("link is a symbolic link"),
            "{error}"
        );
        assert_eq!(fs::read_to_string(path("other")).expect("there"), "kept");
        fs::create_dir(path("folder")).expect("a folder");
        symlink(path("folder"), path("linked")).expect("a link");
        assert!(must_not_link(folder.path(), &path("folder/new/file")).is_ok());
        assert!(must_not_link(folder.path(), &path("linked/new/file")).is_err());
        assert!(must_not_link(&path("linked"), &path("linked/file")).is_err());
        assert!(write_new(folder.path(), &path("linked/new"), b"").is_err());
        assert!(!path("folder/new").exists());
    }

    #[test]
    fn what_is_there_is_not_written_and_a_script_may_be_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/script");
        write_new(folder.path(), &path, b"#!/bin/sh\n").expect("written");
        assert!(write_new(folder.path(), &path, b"other").is_err());
        assert_eq!(fs::read(&path).expect("there"), b"#!/bin/sh\n");
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o100, 0o100);
    }
}
