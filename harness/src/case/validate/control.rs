//! Every negative has its positive control in the same lab: without it, a broken lab would look like a passed case.

use toml::Spanned;

use super::findings::Findings;
use crate::case::model::{Probe, Step};
use crate::case::step_file::StepFile;
use crate::case::vocabulary::FateWord;

/// Notes each negative whose probe is nowhere in the case expected to arrive.
pub(super) fn positive(
    findings: &mut Findings<'_>,
    written: &[Spanned<StepFile>],
    steps: &[Step],
    recipe: bool,
) {
    let exchanges = || steps.iter().filter_map(|step| step.exchange.as_ref());
    let same = |one: &Probe, two: &Probe| {
        one.send == two.send && one.from == two.from && one.to == two.to && one.port == two.port
    };
    for (file, step) in written.iter().zip(steps) {
        let (Some(exchange), Some(place)) = (&step.exchange, &file.get_ref().expect) else {
            continue;
        };
        let arrived = || exchanges().filter(|other| !other.expect.fate.is_negative());
        let arrives = if recipe {
            arrived().any(|other| same(&other.probe, &exchange.probe))
        } else {
            // What one implementation forbids for good it allows to others: the target answers somebody, and the prober
            // reaches something.
            let alike = |one: &Probe, two: &Probe| {
                let target = one.to == two.to || one.port.is_some();
                one.send == two.send && one.port == two.port && target
            };
            arrived().any(|other| alike(&other.probe, &exchange.probe))
                && arrived().any(|other| other.probe.from == exchange.probe.from)
        };
        if exchange.expect.fate == FateWord::Blocked && recipe {
            findings.note(
                place.span(),
                "`blocked` has no meaning in a recipe",
                "here",
                "say how it ends: `dropped`, `rejected`, `unreachable` or `lost`",
            );
        }
        if exchange.expect.fate.is_negative() && !arrives {
            let probe = &exchange.probe;
            let message = format!("`{}` has no positive control", exchange.expect.fate);
            let port = probe
                .port
                .map(|port| format!(" port {port}"))
                .unwrap_or_default();
            let help = if recipe {
                format!(
                    "add a step in which {} from {} to {}{port} is answered or delivered, so that a broken lab can't pass",
                    probe.send, probe.from, probe.to
                )
            } else {
                format!(
                    "add a step in which {}{port} to {} is answered, and one in which {} reaches something",
                    probe.send, probe.to, probe.from
                )
            };
            findings.note(
                place.span(),
                message,
                "would also hold in a broken lab",
                help,
            );
        }
    }
}
