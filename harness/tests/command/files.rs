//! What an implementation leaves of files: its own, the machine's that it wrote over, and the machine's that it took away.

use serde_json::{Value, json};

use crate::desk::Desk;

/// What a container's teardown does beside its work, in Python, and the findings: change, kind and what it begins with.
const WAYS: [(&str, &[[&str; 3]]); 14] = [
    ("pass", &[]),
    // It is opened for writing, which copies it to the layer, and stays as it was.
    (r#"open("/etc/passwd", "r+").close()"#, &[]),
    (
        r#"passwd = pathlib.Path("/etc/passwd"); passwd.write_bytes(passwd.read_bytes())"#,
        &[],
    ),
    (
        r#"open("/etc/left", "w").write("web")"#,
        &[["added", "file", "/etc/left"]],
    ),
    (
        r#"open("/opt/left", "w").write("web")"#,
        &[["added", "file", "/opt/left"]],
    ),
    (
        r#"open("/etc/passwd", "a").write("web")"#,
        &[["changed", "file", "/etc/passwd"]],
    ),
    (
        r#"pathlib.Path("/etc/passwd").chmod(0o666)"#,
        &[["changed", "file", "/etc/passwd"]],
    ),
    (
        r#"pathlib.Path("/etc").chmod(0o777)"#,
        &[["changed", "file", "/etc/"]],
    ),
    (
        r#"pathlib.Path("/etc/passwd").unlink()"#,
        &[["removed", "file", "/etc/passwd"]],
    ),
    // A folder that is made anew hides what the machine has in it.
    (
        r#"subprocess.run("rm -r /etc/skel; mkdir /etc/skel", shell=True)"#,
        &[["removed", "file", "/etc/skel/"]],
    ),
    // A folder that it was given.
    (r#"subprocess.run("rm -r $TMPDIR", shell=True)"#, &[]),
    // One of its own that tells who was there, by the text of a file, by a link, and by a mount.
    (
        r#"open("/run/goldpath/left", "w").write("10.77.1.1" + " " * 70_000)"#,
        &[["added", "file", "/run/goldpath/left"]],
    ),
    (
        r#"pathlib.Path("/run/goldpath/left").symlink_to("10.77.1.1")"#,
        &[["added", "file", "/run/goldpath/left"]],
    ),
    (
        r#"subprocess.run("mkdir /run/c1; mount -t tmpfs mine /run/c1", shell=True)"#,
        &[["added", "mount", "/run/c1"]],
    ),
];

#[test]
fn no_file_of_the_machine_is_written_over_unseen() {
    let desk = Desk::with(&["contract/lifecycle/teardown-leaves-nothing"]);
    for (does, left) in WAYS {
        let begins = "def teardown(work):\n";
        desk.write_plugin("mine", begins, &format!("{begins}    {does}\n"));
        let ended = desk.goldpath("run -i plugin:./mine --no-tables --json r.json");
        let report = desk.report("r.json");
        let findings = report["cases"][0]["findings"].as_array();
        let is_leftover = |finding: &&Value| finding["what"] == "leftover";
        let found: Vec<&Value> = findings.into_iter().flatten().filter(is_leftover).collect();
        assert_eq!(found.is_empty(), left.is_empty(), "{does}: {found:?}");
        ended.must_be(i32::from(!left.is_empty()));
        for [change, kind, path] in left {
            let is_it = |finding: &&Value| {
                let entry = finding["entry"].as_str();
                finding["kind"] == *kind
                    && finding["change"] == json!(change)
                    && entry.is_some_and(|e| e.starts_with(path))
            };
            assert!(found.iter().all(is_it), "{does}: {found:?}");
        }
    }
}
