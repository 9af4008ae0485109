//! A service is started once: two on one port of a node cannot be.

use std::collections::BTreeSet;

use toml::Spanned;

use super::findings::Findings;
use crate::case::model::Step;
use crate::case::step_file::StepFile;
use crate::plan::ServiceSpec;

/// Notes what a step starts that an earlier one has started, as long as no event is between: what comes back may have to be
/// started anew.
pub(super) fn once(findings: &mut Findings<'_>, files: &[Spanned<StepFile>], steps: &[Step]) {
    let mut open: BTreeSet<&ServiceSpec> = BTreeSet::new();
    for (file, step) in files.iter().zip(steps) {
        if step.change.is_some() {
            open.clear();
        }
        let written = &file.get_ref().listen.0;
        // What is malformed was noted before, and is not among them.
        if written.len() != step.listen.len() {
            continue;
        }
        for (entry, service) in written.iter().zip(&step.listen) {
            if !open.insert(service) {
                let message = format!(
                    "`{}` listens on {} port {} already",
                    service.node, service.protocol, service.port
                );
                let help = "a service goes on until its node is gone; leave this one out";
                findings.note(entry.port.span(), message, "again", help);
            }
        }
    }
}
