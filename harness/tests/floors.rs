//! The folders of the crate are floors: none imports in a circle, and what is pure imports nothing that touches a kernel.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Folders by what they import.
type Floors = BTreeMap<String, BTreeSet<String>>;

/// Folders that need no kernel, as `docs/architecture.md` has it.
const PURE: [&str; 8] = [
    "address", "packet", "path", "plan", "case", "intent", "golden", "judge",
];
/// Folders that open sockets, namespaces or programs.
const LIVE: [&str; 7] = ["netlink", "lab", "probe", "capture", "trace", "run", "ask"];

fn floors(sources: &Path) -> Floors {
    let mut floors = Floors::new();
    for entry in fs::read_dir(sources).unwrap() {
        let folder = entry.unwrap().path();
        if folder.is_dir() {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            let imports = floors.entry(name).or_default();
            read(&folder, imports);
        }
    }
    let names: BTreeSet<String> = floors.keys().cloned().collect();
    for (name, imports) in &mut floors {
        imports.retain(|other| other != name && names.contains(other));
    }
    floors
}

/// What the files of a folder name by `crate::`, outside of comments and of tests.
fn read(folder: &Path, imports: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("tests") {
            read(&path, imports);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("\nmod tests {").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim().starts_with("//"));
            for line in lines {
                for rest in line.split("crate::").skip(1) {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                    imports.insert(rest[..end.unwrap_or(rest.len())].to_owned());
                }
            }
        }
    }
}

/// A way from a folder back to itself, if there is one.
fn circle(floors: &Floors) -> Option<Vec<&str>> {
    fn walk<'a>(floors: &'a Floors, way: &mut Vec<&'a str>, done: &mut BTreeSet<&'a str>) -> bool {
        let Some(&here) = way.last() else {
            return false;
        };
        for next in floors.get(here).into_iter().flatten() {
            if way.contains(&next.as_str()) {
                way.push(next);
                return true;
            }
            if !done.contains(next.as_str()) {
                way.push(next);
                if walk(floors, way, done) {
                    return true;
                }
                way.pop();
            }
        }
        done.insert(here);
        false
    }
    let mut done = BTreeSet::new();
    floors.keys().find_map(|name| {
        let mut way = vec![name.as_str()];
        walk(floors, &mut way, &mut done).then_some(way)
    })
}

fn own() -> Floors {
    floors(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
}

#[test]
fn no_folder_imports_in_a_circle() {
    let mut floors = own();
    assert!(floors["run"].contains("lab"), "imports are not found");
    assert_eq!(circle(&floors), None);
    floors
        .get_mut("packet")
        .unwrap()
        .insert(String::from("run"));
    assert!(circle(&floors).is_some(), "a circle is not seen");
}

#[test]
fn what_is_pure_stands_on_nothing_live() {
    let floors = own();
    for name in PURE {
        let live: Vec<&String> = floors[name]
            .iter()
            .filter(|other| LIVE.contains(&other.as_str()))
            .collect();
        assert!(live.is_empty(), "{name} imports {live:?}");
    }
}

#[test]
fn netlink_stands_on_nothing() {
    assert_eq!(own()["netlink"], BTreeSet::new());
}
