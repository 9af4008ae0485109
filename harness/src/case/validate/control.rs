//! Every negative has its positive control in the same lab: without it, a broken lab would look like a passed case.

use toml::Spanned;

use super::findings::Findings;
use crate::case::model::{Probe, Step};
use crate::case::step_file::StepFile;

/// Notes each negative whose probe is nowhere in the case expected to arrive.
pub(super) fn positive(findings: &mut Findings<'_>, written: &[Spanned<StepFile>], steps: &[Step]) {
    let exchanges = || steps.iter().filter_map(|step| step.exchange.as_ref());
    let same = |one: &Probe, two: &Probe| {
        one.send == two.send && one.from == two.from && one.to == two.to && one.port == two.port
    };
    for (file, step) in written.iter().zip(steps) {
        let (Some(exchange), Some(place)) = (&step.exchange, &file.get_ref().expect) else {
            continue;
        };
        let arrives = exchanges()
            .any(|other| !other.expect.fate.is_negative() && same(&other.probe, &exchange.probe));
        if exchange.expect.fate.is_negative() && !arrives {
            let probe = &exchange.probe;
            let message = format!("`{}` has no positive control", exchange.expect.fate);
            let port = probe
                .port
                .map(|port| format!(" port {port}"))
                .unwrap_or_default();
            let help = format!(
                "add a step in which {} from {} to {}{port} is answered or delivered, so that a broken lab can't pass",
                probe.send, probe.from, probe.to
            );
            findings.note(
                place.span(),
                message,
                "would also hold in a broken lab",
                help,
            );
        }
    }
}
