//! `goldpath mutate --generated` in words.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use crate::mutate::{Catcher, GeneratedScore};

/// Faults that are named while they are looked for.
const FEW: usize = 12;

/// Says on standard error what is left, by name once it is little.
pub(super) fn tell(catcher: Catcher, left: &[&str]) {
    let few = if left.len() > FEW {
        String::new()
    } else {
        format!(": {}", left.join(", "))
    };
    let _ = writeln!(
        io::stderr(),
        "{catcher:?}: {} faults to catch{few}",
        left.len()
    );
}

/// The score by operator, by who caught what, and every survivor.
pub(super) fn text(score: &GeneratedScore) -> String {
    let mut text = String::from(
        "| operator | caught | of all | changes nothing |\n| --- | ---: | ---: | ---: |\n",
    );
    for (name, one) in &score.operators {
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {} |",
            one.caught, one.all, one.equivalent
        );
    }
    let _ = writeln!(
        text,
        "\n{} of {} faults that change something were caught",
        score.caught, score.all
    );
    for (catcher, count) in &score.by {
        let who = match catcher {
            Catcher::Covering => "by the scenarios that cover every pair",
            Catcher::Stories => "by stories alone",
            Catcher::Longer => "by a longer exploration",
            Catcher::Nobody => "by nobody",
            Catcher::Declared => "change nothing that a packet can tell: declared by hand",
            Catcher::Equivalent => {
                "change nothing: the plan in its normal form is the same in every case"
            }
        };
        let _ = writeln!(text, "{count:5} {who}");
    }
    for survivor in score.survivors() {
        let _ = writeln!(
            text,
            "survived  {} ({} trials, {} of them errored)",
            survivor.name, survivor.trials, survivor.errored
        );
    }
    for one in &score.faults {
        if let Some(reason) = &one.reason {
            let _ = writeln!(text, "declared  {}: {reason}", one.name);
        }
    }
    text
}
