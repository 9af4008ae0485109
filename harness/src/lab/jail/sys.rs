//! `/sys` of a jail: that of its network namespace, with settings of links to be written and others to be read, and
//! control groups.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use super::super::mounts::{PROC_FLAGS, bind, mount_read_only};

const SYS: &str = "/sys";
/// Settings of links, which are the network namespace's.
const LINKS: &str = "devices/virtual/net";
/// Where control groups are.
pub(super) const GROUPS: &str = "fs/cgroup";

/// Mounts another `/sys` in place of the calling thread's mount namespace's. `groups` are the own control groups, with the
/// hierarchy's root that each stands for; without one, the machine's are seen as they are mounted now.
///
/// It is put together below `store` and then moved: programs take the first mount that they find of a hierarchy, also
/// one that is hidden by another.
///
/// Best effort: inside a container the kernel may refuse it, and then the old one stays.
pub(super) fn mount_own(store: &str, groups: &[(PathBuf, PathBuf)]) {
    let sys = Path::new(store).join("sys");
    let mounted = fs::create_dir_all(&sys).is_ok()
        && mount(Some("sysfs"), &sys, Some("sysfs"), PROC_FLAGS, None::<&str>).is_ok();
    if !mounted {
        return;
    }
    bind(&sys.join(LINKS), &sys.join(LINKS));
    let _ = mount_read_only(&sys, PROC_FLAGS);
    if groups.is_empty() {
        bind(&Path::new(SYS).join(GROUPS), &sys.join(GROUPS));
    } else {
        show(groups, &sys);
    }
    // Where a user namespace may not take the old one away, the new one hides it.
    while umount2(SYS, MntFlags::MNT_DETACH).is_ok() {}
    let _ = mount(
        Some(&sys),
        SYS,
        None::<&str>,
        MsFlags::MS_MOVE,
        None::<&str>,
    );
}

fn show(groups: &[(PathBuf, PathBuf)], sys: &Path) {
    let place = |root: &Path| Some(sys.join(root.strip_prefix(SYS).ok()?));
    let top = Path::new(SYS).join(GROUPS);
    // Version 1 has a folder for each hierarchy, and links for those that have two controllers.
    if groups.iter().all(|(_, root)| *root != top)
        && let Some(top) = place(&top)
    {
        let flags = PROC_FLAGS;
        let _ = mount(
            Some("goldpath"),
            &top,
            Some("tmpfs"),
            flags,
            Some("mode=755"),
        );
    }
    for (folder, root) in groups {
        if let Some(place) = place(root) {
            // It is there where it is the top.
            let _ = fs::create_dir(&place);
            bind(folder, &place);
            let writable = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | PROC_FLAGS;
            let _ = mount(None::<&str>, &place, None::<&str>, writable, None::<&str>);
        }
    }
    for entry in fs::read_dir(&top).into_iter().flatten().flatten() {
        if let (Ok(target), Some(place)) = (fs::read_link(entry.path()), place(&entry.path())) {
            let _ = symlink(target, place);
        }
    }
}
