//! A folder with copies of the project's cases, in which tests type goldpath's commands.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with copies of some of the article's cases and their goldens.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
}

/// How the command ended and what it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Exit code.
    pub(crate) code: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl Desk {
    pub(crate) fn with(ids: &[&str]) -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (folder, end) in [("cases", "toml"), ("golden", "snap")] {
            fs::create_dir_all(desk.path(folder)).unwrap();
            for id in ids {
                let name = format!("{folder}/{id}.{end}");
                let copy = desk.path(&name);
                fs::create_dir_all(copy.parent().unwrap()).unwrap();
                fs::copy(workspace.join(&name), copy).unwrap();
            }
        }
        desk
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Changes a file; the words must be there.
    pub(crate) fn edit(&self, name: &str, old: &str, new: &str) {
        let text = self.read(name);
        assert!(text.contains(old), "{name} has no {old}");
        fs::write(self.path(name), text.replacen(old, new, 1)).unwrap();
    }

    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_goldpath"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .env_remove("CI");
        command
    }

    pub(crate) fn goldpath(&self, arguments: &str) -> Ended {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Ended {
    #[track_caller]
    pub(crate) fn must_be(&self, code: i32) {
        assert_eq!(self.code, code, "{}\n{}", self.out, self.err);
    }

    /// Nothing was started, and the complaint has these words.
    #[track_caller]
    pub(crate) fn must_be_wrong_input(&self, words: &[&str]) {
        self.must_be(2);
        assert_eq!(self.out, "");
        must_say(&self.err, words);
    }
}

#[track_caller]
/// Every one of these words is in the text.
pub(crate) fn must_say(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no `{word}` in\n{text}");
    }
}
