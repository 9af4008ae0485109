//! A tree of files of another system as the root of a mount namespace: what runs there has its own C library, and its own
//! helpers.
//!
//! The tree stays as it is: what is written goes to a layer of the namespace, and is gone with it.

use std::fs::create_dir_all;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::thread;

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::{chdir, pivot_root};

use super::mounts::{make_private, mount_empty_run};
use super::{LabError, Layer};

/// Where the tree is until it is the root.
const ROOT: &str = "/run/root";
/// What is the machine's, also in a tree.
const SHARED: [&str; 3] = ["/dev", "/proc", "/sys"];
/// What a tree may lack, as one that nobody has booted.
const NEEDED: [&str; 3] = ["run", "tmp", "etc"];

/// Makes `tree` the root of the calling thread's mount namespace, which must be the thread's own and private. Returns the layer.
pub(super) fn enter(tree: &Path) -> Result<Option<Layer>, LabError> {
    let failed =
        |operation| move |errno| LabError::system(operation, tree.display().to_string(), errno);
    mount_empty_run()?;
    for folder in [ROOT, "/run/upper", "/run/work"] {
        create(Path::new(folder))?;
    }
    let flags = OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_DIRECTORY;
    let lower = open(tree, flags, Mode::empty()).map_err(failed("open"))?;
    // By its number: a path may have a colon in it, which would part two layers.
    let layers = format!(
        "lowerdir=/proc/thread-self/fd/{},upperdir=/run/upper,workdir=/run/work",
        lower.as_raw_fd()
    );
    mount(
        Some("goldpath"),
        ROOT,
        Some("overlay"),
        MsFlags::empty(),
        Some(layers.as_str()),
    )
    .map_err(failed("mount an overlay of"))?;
    let layer = Layer::of(Path::new("/"), Path::new("/run/upper"), lower);
    let root = Path::new(ROOT);
    for folder in NEEDED {
        create(&root.join(folder))?;
    }
    for folder in SHARED {
        let inside = root.join(folder.trim_start_matches('/'));
        create(&inside)?;
        let bind = MsFlags::MS_BIND | MsFlags::MS_REC;
        mount(Some(folder), &inside, None::<&str>, bind, None::<&str>)
            .map_err(|errno| LabError::system("bind-mount", inside.display().to_string(), errno))?;
    }
    // The old root is put over the new one, and taken away (pivot_root(2), "pivot_root(".", ".")").
    chdir(root).map_err(failed("go to"))?;
    pivot_root(".", ".").map_err(failed("make the root"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(failed("leave the old root of"))?;
    chdir("/").map_err(failed("go to the root of"))?;
    Ok(layer)
}

/// Does something in a mount namespace of its own whose root is `tree`.
///
/// # Errors
/// The tree cannot be entered.
pub fn within<T: Send>(tree: &Path, inside: impl FnOnce() -> T + Send) -> Result<T, LabError> {
    let ran = thread::scope(|scope| {
        scope
            .spawn(|| {
                unshare(CloneFlags::CLONE_FS | CloneFlags::CLONE_NEWNS)
                    .map_err(|e| LabError::system("unshare", "mount namespace", e))?;
                make_private()?;
                enter(tree)?;
                Ok(inside())
            })
            .join()
    });
    ran.map_err(|_| LabError::Specification("a thread in another root panicked".into()))?
}

/// Whether `path` is a file that may be run where `tree` is the root: links are followed within it.
pub fn has_program(tree: &Path, path: &Path) -> bool {
    let open = || -> nix::Result<u32> {
        let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
        let root = open(tree, flags | OFlag::O_DIRECTORY, Mode::empty())?;
        let within = OpenHow::new()
            .flags(flags)
            .resolve(ResolveFlag::RESOLVE_IN_ROOT);
        Ok(fstat(&openat2(&root, path, within)?)?.st_mode)
    };
    // A regular file that somebody may run (inode(7)).
    open()
        .is_ok_and(|mode| mode & SFlag::S_IFMT.bits() == SFlag::S_IFREG.bits() && mode & 0o111 != 0)
}

fn create(folder: &Path) -> Result<(), LabError> {
    create_dir_all(folder).map_err(|e| LabError::system("create", folder.display().to_string(), e))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    #[test]
    fn a_link_leads_within_the_tree() -> std::io::Result<()> {
        let tree = tempfile::tempdir()?;
        let root = tree.path();
        create_dir_all(root.join("usr/bin"))?;
        write(root.join("usr/bin/own"), "")?;
        set_permissions(root.join("usr/bin/own"), Permissions::from_mode(0o755))?;
        symlink("/usr/bin/own", root.join("usr/bin/absolute"))?;
        symlink("../../../../usr/bin/own", root.join("usr/bin/relative"))?;
        // The machine has it, the tree has not.
        symlink("/bin/sh", root.join("usr/bin/sh"))?;
        let has = |name: &str| has_program(root, &Path::new("/usr/bin").join(name));
        assert!(has("own") && has("absolute") && has("relative"));
        assert!(!has("sh") && !has("none") && !has_program(root, Path::new("/usr/bin")));
        Ok(())
    }
}
