//! What an implementation takes away later than it says.

use crate::desk::Desk;

#[test]
fn what_goes_later_is_waited_for_and_the_time_is_reported() {
    let desk = Desk::with(&["contract/lifecycle/teardown-leaves-nothing"]);
    let waited = |delete: &str| {
        let deletes = "run(f\"ip link delete {bridge(network)}\", check=False)";
        desk.write_plugin("mine", deletes, delete);
        let ended = desk.goldpath("run -i plugin:./mine --no-tables --json r.json");
        ended.must_be(0);
        let report = desk.report("r.json");
        report["cases"][0]["waited_ms"].as_f64().unwrap()
    };
    let later = r#"subprocess.Popen(f"sleep 0.3; ip link delete {bridge(network)}", shell=True, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)"#;
    assert!(waited(later) > 0.0);
    assert!(waited("run(f\"ip link delete {bridge(network)}\")") == 0.0);
}
