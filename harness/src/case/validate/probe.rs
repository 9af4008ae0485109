//! A step's probe, and what the step says about its path.

use toml::Spanned;

use super::findings::Findings;
use super::place::{chains, ending, endpoint, place};
use super::scope::Scope;
use crate::case::model::{Exchange, Expect, Probe, Sighting};
use crate::case::step_file::StepFile;
use crate::case::step_tables::{ExpectFile, ProbeFile, SightingFile};
use crate::case::vocabulary::{FateWord, ProbeKind};

/// Reads a step's probe. It must come with `expect`, and nothing about a path may stand without it.
pub(super) fn exchange(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    step: &StepFile,
) -> Option<Exchange> {
    let probe = step
        .probe
        .as_ref()
        .map(|written| (written, probe(findings, scope, written.get_ref())));
    let expect = step
        .expect
        .as_ref()
        .map(|written| expect(findings, scope, written.get_ref()));
    let sightings =
        |findings: &mut Findings<'_>,
         list: Option<&Spanned<crate::case::one_or_many::OneOrMany<SightingFile>>>| {
            let written = list
                .map(|list| list.get_ref().0.as_slice())
                .unwrap_or_default();
            written
                .iter()
                .filter_map(|one| sighting(findings, scope, one))
                .collect::<Vec<_>>()
        };
    let seen = sightings(findings, step.seen.as_ref());
    let unseen = sightings(findings, step.unseen.as_ref());
    let meets = chains(findings, step.meets.as_ref());
    let avoids = chains(findings, step.avoids.as_ref());
    for (written, chain) in step
        .avoids
        .iter()
        .flat_map(|list| list.get_ref())
        .zip(&avoids)
    {
        if meets.contains(chain) {
            findings.note(
                written.span(),
                format!("`{chain}` cannot be in both `meets` and `avoids`"),
                "also in `meets`",
                "keep one",
            );
        }
    }
    let Some((written, probe)) = probe else {
        let orphans = [
            ("expect", step.expect.as_ref().map(Spanned::span)),
            ("seen", step.seen.as_ref().map(Spanned::span)),
            ("unseen", step.unseen.as_ref().map(Spanned::span)),
            ("meets", step.meets.as_ref().map(Spanned::span)),
            ("avoids", step.avoids.as_ref().map(Spanned::span)),
        ];
        for (word, span) in orphans {
            if let Some(span) = span {
                findings.note(
                    span,
                    format!("`{word}` without `probe`"),
                    "it describes a packet of the probe",
                    "add `probe = { send = …, from = …, to = … }` to this step",
                );
            }
        }
        return None;
    };
    if step.expect.is_none() {
        findings.note(
            written.span(),
            "`probe` without `expect`",
            "a probe needs an expected end",
            "add `expect = { fate = \"answered\" }` to this step",
        );
    }
    Some(Exchange {
        probe: probe?,
        expect: expect??,
        seen,
        unseen,
        meets,
        avoids,
    })
}

fn probe(findings: &mut Findings<'_>, scope: &Scope<'_>, file: &ProbeFile) -> Option<Probe> {
    let send = findings.word::<ProbeKind>(&file.send);
    let from = scope.node(findings, &file.from);
    let to = endpoint(findings, scope, &file.to);
    let port = file
        .port
        .as_ref()
        .and_then(|port| findings.number(port, "port", 1..=65535));
    match (send, &file.port) {
        (
            Some(send @ (ProbeKind::IcmpEcho | ProbeKind::IpProtocol | ProbeKind::IcmpReply)),
            Some(port),
        ) => {
            without_port(findings, send, port);
        }
        (Some(send @ (ProbeKind::Udp | ProbeKind::Tcp | ProbeKind::TcpFin)), None) => {
            findings.note(
                file.send.span(),
                format!("a {send} probe needs a port"),
                "to which port?",
                "add `port = 80`",
            );
        }
        _ => {}
    }
    let ttl = file
        .ttl
        .as_ref()
        .and_then(|ttl| findings.number(ttl, "ttl", 1..=255));
    let size = file
        .size
        .as_ref()
        .and_then(|size| findings.number(size, "size", sizes(send)));
    let tos = file
        .tos
        .as_ref()
        .and_then(|tos| findings.number(tos, "tos", 0..=255));
    let source_port = file
        .source_port
        .as_ref()
        .and_then(|port| findings.number(port, "source port", 1..=65535));
    if let (
        Some(send @ (ProbeKind::IcmpEcho | ProbeKind::IpProtocol | ProbeKind::IcmpReply)),
        Some(port),
    ) = (send, &file.source_port)
    {
        without_port(findings, send, port);
    }
    Some(Probe {
        send: send?,
        from: from?,
        to: to?,
        port,
        source_port,
        ttl,
        size,
        dont_fragment: file.dont_fragment,
        tos,
    })
}

/// Notes a port that what is sent does not have.
fn without_port(findings: &mut Findings<'_>, send: ProbeKind, port: &Spanned<i64>) {
    let what = match send {
        ProbeKind::IcmpEcho => "an echo request",
        ProbeKind::IcmpReply => "an echo reply",
        _ => "a datagram of a protocol that nobody speaks",
    };
    findings.note(
        port.span(),
        format!("{what} has no port"),
        "here",
        "remove it, or send \"udp\" or \"tcp\"",
    );
}

/// Payloads that a kind of probe can carry, in bytes: a packet's length has 16 bits, a stream's none.
fn sizes(send: Option<ProbeKind>) -> std::ops::RangeInclusive<i64> {
    match send {
        Some(ProbeKind::Tcp) => 16..=1_000_000,
        _ => 16..=65_000,
    }
}

fn expect(findings: &mut Findings<'_>, scope: &Scope<'_>, file: &ExpectFile) -> Option<Expect> {
    let fate = findings.word::<FateWord>(&file.fate);
    let ttl = file
        .ttl
        .as_ref()
        .and_then(|ttl| findings.number(ttl, "ttl", 1..=255));
    let at = file.at.as_ref().and_then(|at| ending(findings, scope, at));
    let leg = file.leg.as_ref().and_then(|leg| findings.word(leg));
    let peer = file
        .peer
        .as_ref()
        .and_then(|peer| endpoint(findings, scope, peer));
    let fate = fate?;
    type Belongs = (
        &'static str,
        Option<std::ops::Range<usize>>,
        &'static [FateWord],
    );
    let fields: [Belongs; 5] = [
        (
            "ttl",
            file.ttl.as_ref().map(Spanned::span),
            &[FateWord::Answered],
        ),
        (
            "at",
            file.at.as_ref().map(Spanned::span),
            &[FateWord::Dropped, FateWord::Lost],
        ),
        (
            "leg",
            file.leg.as_ref().map(Spanned::span),
            &[FateWord::Dropped, FateWord::Lost],
        ),
        (
            "reason",
            file.reason.as_ref().map(Spanned::span),
            &[FateWord::Rejected, FateWord::Unreachable],
        ),
        (
            "peer",
            file.peer.as_ref().map(Spanned::span),
            &[FateWord::Answered],
        ),
    ];
    for (field, span, fates) in fields {
        if let Some(span) = span.filter(|_| !fates.contains(&fate)) {
            let fates = fates
                .iter()
                .map(|fate| fate.as_str())
                .collect::<Vec<_>>()
                .join(" or ");
            findings.note(
                span,
                format!("a path that is {fate} has no `{field}`"),
                "here",
                format!("`{field}` belongs to fate {fates}"),
            );
        }
    }
    let reason = file.reason.as_ref().map(|reason| reason.get_ref().clone());
    Some(Expect {
        fate,
        ttl,
        at,
        leg,
        reason,
        peer,
    })
}

fn sighting(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    file: &SightingFile,
) -> Option<Sighting> {
    let at = place(findings, scope, &file.at);
    let leg = file.leg.as_ref().and_then(|leg| findings.word(leg));
    let source = file
        .source
        .as_ref()
        .and_then(|source| endpoint(findings, scope, source));
    let destination = file
        .destination
        .as_ref()
        .and_then(|destination| endpoint(findings, scope, destination));
    let ttl = file
        .ttl
        .as_ref()
        .and_then(|ttl| findings.number(ttl, "ttl", 1..=255));
    let source_port = file
        .source_port
        .as_ref()
        .and_then(|port| findings.number(port, "source port", 1..=65535));
    let tos = file
        .tos
        .as_ref()
        .and_then(|tos| findings.number(tos, "tos", 0..=255));
    let sender = file
        .sender
        .as_ref()
        .and_then(|sender| scope.node(findings, sender));
    let mut quoted = |written: &Option<Spanned<String>>| {
        let written = written.as_ref();
        written.and_then(|written| endpoint(findings, scope, written))
    };
    let quoted_source = quoted(&file.quoted_source);
    let quoted_destination = quoted(&file.quoted_destination);
    Some(Sighting {
        at: at?,
        leg,
        source,
        destination,
        ttl,
        source_port,
        tos,
        dont_fragment: file.dont_fragment,
        sender,
        quoted_source,
        quoted_destination,
    })
}
