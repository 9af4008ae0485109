//! Plugins in a test's folder, and what a report says of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::desk::Desk;

impl Desk {
    /// A program of these lines.
    pub(crate) fn write_program(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// The example plugin with a word of it changed.
    pub(crate) fn write_plugin(&self, name: &str, old: &str, new: &str) {
        let text = include_str!("../../examples/plugin.py");
        assert!(text.contains(old), "the example has no {old}");
        self.write_program(name, &text.replacen(old, new, 1));
    }

    pub(crate) fn report(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }
}
