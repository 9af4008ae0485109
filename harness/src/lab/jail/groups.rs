//! The control groups of a jail: a part of the machine's tree that looks like the whole of it.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::group::ControlGroup;
use super::super::mounts::Mount;

/// Which control groups a jail has.
#[derive(Debug)]
pub enum Groups {
    /// The machine's, to be read.
    ReadOnly,
    /// A group of its own in each hierarchy, shown as the root of it.
    Own(ControlGroup),
}

impl Groups {
    /// Groups for what makes containers. Where nobody may make groups, as without root, there are none.
    pub fn own() -> Self {
        Self::Own(ControlGroup::named("jail"))
    }

    /// Makes the own groups. Returns where each is, and the hierarchy's root that it stands for.
    pub(super) fn make(&self, mounts: &[Mount]) -> Vec<(PathBuf, PathBuf)> {
        let Self::Own(group) = self else {
            return Vec::new();
        };
        let hierarchies = mounts
            .iter()
            .filter(|mount| mount.kind.starts_with("cgroup"));
        let made = hierarchies.filter_map(|mount| {
            let folder = mount.point.join(group.name());
            fs::create_dir(&folder).ok()?;
            share_processors(&mount.point, &folder);
            Some((folder, mount.point.clone()))
        });
        made.collect()
    }
}

/// In the hierarchy `cpuset` of version 1 a new group may use no processor and no memory, and so nobody may join it.
fn share_processors(parent: &Path, folder: &Path) {
    for name in ["cpuset.cpus", "cpuset.mems"] {
        // Another hierarchy, or version 2, which needs nothing.
        if let Ok(value) = fs::read_to_string(parent.join(name)) {
            let _ = fs::write(folder.join(name), value.trim());
        }
    }
}
