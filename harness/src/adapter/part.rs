//! A program that takes part in an implementation, and what it says about its version when somebody asks.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::{Build, Program};
use crate::lab::tree;

/// A program that takes part. To be asked for its version it has to be started, so that is done when somebody asks, and
/// once: a trial that nobody reports on starts none.
#[derive(Debug, Clone)]
pub struct Part {
    /// Where it is on this machine; none for what an implementation tells of itself.
    pub path: Option<PathBuf>,
    /// Where it is for the implementation, and the root that it is in if that is another one.
    within: Option<(PathBuf, Option<PathBuf>)>,
    ask: fn(&Path) -> String,
    version: Arc<OnceLock<String>>,
}

impl Part {
    /// A program at this place of a build, and who asks it for its version.
    pub(super) fn of(build: &Build, path: PathBuf, ask: fn(&Path) -> String) -> Self {
        Self {
            path: Some(build.outside(&path)),
            within: Some((path, build.root.clone())),
            ask,
            version: Arc::default(),
        }
    }

    /// What says its version without being asked.
    pub fn known(version: impl Into<String>) -> Self {
        Self {
            path: None,
            within: None,
            ask: |_| String::new(),
            version: Arc::new(OnceLock::from(version.into())),
        }
    }

    /// Its version in its own words, empty if it has none.
    pub fn version(&self) -> &str {
        self.version.get_or_init(|| self.tell(self.ask))
    }

    /// What it tells somebody who asks at its place; nothing if it is no program.
    pub(super) fn tell(&self, ask: fn(&Path) -> String) -> String {
        match &self.within {
            // A tree that cannot be entered is found out when somebody runs there.
            Some((path, Some(root))) => tree::within(root, || ask(path)).unwrap_or_default(),
            Some((path, None)) => ask(path),
            None => String::new(),
        }
    }

    /// The command line's first word for the implementation's own programs.
    pub(super) fn program(&self) -> String {
        let path = self
            .within
            .as_ref()
            .map(|(path, _)| path.display().to_string());
        path.unwrap_or_default()
    }
}

/// The first line that a program writes when it is started with this word.
pub(super) fn by_option(path: &Path, option: &str) -> String {
    Program::new([path.display().to_string(), option.to_owned()]).version()
}

/// The first number of a version's words: `20.10.24` of `Docker version 20.10.24+dfsg1, build 5d6db84`, `1.8.9` of
/// `iptables v1.8.9 (nf_tables)`; empty if there is none.
pub(super) fn number(text: &str) -> &str {
    let mut words = text
        .split_whitespace()
        .map(|word| word.strip_prefix('v').unwrap_or(word));
    let word = words.find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let digits = |c: char| !c.is_ascii_digit() && c != '.';
    let word = word.unwrap_or_default();
    word.split(digits).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_the_first_number() {
        for (words, version) in [
            ("Docker version 20.10.24+dfsg1, build 5d6db84", "20.10.24"),
            ("podman version 4.3.1", "4.3.1"),
            ("iptables v1.8.9 (nf_tables)", "1.8.9"),
            ("1.1.1+ds1-3+b5", "1.1.1"),
            ("unknown", ""),
        ] {
            assert_eq!(number(words), version);
        }
    }

    #[test]
    fn a_program_is_asked_when_somebody_wants_to_know_and_once() {
        use std::sync::atomic::{AtomicU32, Ordering};
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let part = Part::of(&Build::default(), "/bin/true".into(), |_| {
            ASKED.fetch_add(1, Ordering::Relaxed);
            String::from("1.0")
        });
        assert_eq!(ASKED.load(Ordering::Relaxed), 0);
        let copy = part.clone();
        assert_eq!([part.version(), copy.version()], ["1.0", "1.0"]);
        assert_eq!(ASKED.load(Ordering::Relaxed), 1);
    }
}
