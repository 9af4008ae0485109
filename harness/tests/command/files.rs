//! What an implementation leaves of files: its own, the machine's that it wrote over, and the machine's that it took away.

use serde_json::{Value, json};

use crate::desk::Desk;

/// What a container's teardown does beside its work, in Python, and the findings about files: change and path.
const WAYS: [(&str, &[[&str; 2]]); 6] = [
    ("pass", &[]),
    // It is opened for writing, which copies it to the layer, and stays as it was.
    (r#"open("/etc/passwd", "r+").close()"#, &[]),
    (
        r#"open("/etc/left", "w").write("web")"#,
        &[["added", "/etc/left"]],
    ),
    (
        r#"open("/etc/passwd", "a").write("web")"#,
        &[["changed", "/etc/passwd"]],
    ),
    (
        r#"pathlib.Path("/etc/passwd").unlink()"#,
        &[["removed", "/etc/passwd"]],
    ),
    // A folder that is made anew hides what the machine has in it.
    (
        r#"subprocess.run("rm -r /etc/skel; mkdir /etc/skel", shell=True)"#,
        &[["removed", "/etc/skel/"]],
    ),
];

#[test]
fn no_file_of_the_machine_is_written_over_unseen() {
    let desk = Desk::with(&["contract/lifecycle/teardown-leaves-nothing"]);
    for (does, left) in WAYS {
        let begins = "def teardown(work):\n";
        desk.write_plugin("mine", begins, &format!("{begins}    {does}\n"));
        let ended = desk.goldpath("run -i plugin:./mine --no-tables --json r.json");
        ended.must_be(i32::from(!left.is_empty()));
        let report = desk.report("r.json");
        let findings = report["cases"][0]["findings"].as_array();
        let is_leftover = |finding: &&Value| finding["what"] == "leftover";
        let found: Vec<&Value> = findings.into_iter().flatten().filter(is_leftover).collect();
        assert_eq!(found.is_empty(), left.is_empty(), "{does}: {found:?}");
        for [change, path] in left {
            let is_it = |finding: &&Value| {
                let entry = finding["entry"].as_str();
                finding["kind"] == "file"
                    && finding["change"] == json!(change)
                    && entry.is_some_and(|e| e.starts_with(path))
            };
            assert!(found.iter().all(is_it), "{does}: {found:?}");
        }
    }
}
