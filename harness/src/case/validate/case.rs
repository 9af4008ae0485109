//! The head of a case: its kind, its words, its nodes.

use std::path::Path;
use std::sync::Arc;

use super::change;
use super::container::{containers, published};
use super::control;
use super::findings::Findings;
use super::host;
use super::listen;
use super::network::networks;
use super::scope::Scope;
use super::step::step;
use crate::address::Family;
use crate::case::error::CaseError;
use crate::case::file::CaseFile;
use crate::case::id::CaseId;
use crate::case::model::{Case, CaseKind};
use crate::case::place::NodeName;
use crate::case::vocabulary::{Backend, LabName, Level};
use crate::plan::FAMILIES;
use crate::plan::contract;

/// Nodes that every lab has besides its containers.
const INFRASTRUCTURE: [&str; 4] = ["host", "gateway", "isp", "outside"];
/// Containers that the labs of recipes have.
const LAB_CONTAINERS: [&str; 2] = ["c1", "c2"];

/// Nodes that the lab of contracts has.
const CONTRACT_NODES: [&str; 3] = ["lan", contract::LAN2_NODE, "segment"];

/// Makes a case of a file, or lists everything that is wrong with it.
pub(in crate::case) fn validate(
    file: &CaseFile,
    id: CaseId,
    path: &Path,
    text: &Arc<str>,
) -> Result<Case, Vec<CaseError>> {
    let mut findings = Findings::new(path, text);
    let recipe = file.lab.is_some();

    if file.title.get_ref().trim().is_empty() {
        findings.note(
            file.title.span(),
            "the title is empty",
            "empty",
            "say the behaviour in one present-tense sentence",
        );
    }
    let level = file
        .level
        .as_ref()
        .and_then(|level| findings.word::<Level>(level))
        .unwrap_or_default();
    let requires = findings.words(&file.requires);
    let checks = findings.words(&file.checks);
    let refutes = findings.words(&file.refutes);
    for (claim, written) in refutes.iter().zip(&file.refutes) {
        if checks.contains(claim) {
            let message = format!("a case cannot both support and refute {claim}");
            findings.note(
                written.span(),
                message,
                "also in `checks`",
                "keep it in one of the two",
            );
        }
    }
    let lab = file
        .lab
        .as_ref()
        .and_then(|lab| findings.word::<LabName>(lab));
    let families = trials(&mut findings, file.families.as_ref(), FAMILIES);
    without_lab(&mut findings, file);
    let backends = trials(&mut findings, file.backends.as_ref(), Backend::ALL);
    wrong_kind(&mut findings, file, recipe);

    let mut names: Vec<&str> = INFRASTRUCTURE.to_vec();
    names.extend(if recipe {
        LAB_CONTAINERS.as_slice()
    } else {
        CONTRACT_NODES.as_slice()
    });
    let reserved = names
        .iter()
        .filter_map(|name| NodeName::new(name).ok())
        .collect::<Vec<_>>();
    let networks = networks(&mut findings, &file.network, &families);
    let containers = containers(&mut findings, &file.container, &networks, &reserved, recipe);
    let host = file.host.as_ref().map(toml::Spanned::get_ref);
    let has_lan2 = recipe || host.is_some_and(|host| host.second_uplink);
    let mut nodes = reserved;
    nodes.retain(|name| has_lan2 || name.as_str() != contract::LAN2_NODE);
    // Also what is declared with a mistake is a node; the mistake is reported once, where it is.
    nodes.extend(
        file.container
            .keys()
            .filter_map(|name| NodeName::new(name.get_ref()).ok()),
    );
    nodes.sort();
    nodes.dedup();

    let scope = Scope {
        nodes: &nodes,
        networks: &networks,
        families: &families,
        recipe,
        host_forwards: file
            .host
            .as_ref()
            .is_some_and(|host| host.get_ref().forwards),
    };
    let steps: Vec<_> = file
        .step
        .iter()
        .map(|written| step(&mut findings, &scope, written))
        .collect();
    let inspects = |step: &crate::case::step_file::StepFile| {
        step.probe.is_some()
            || step.teardown.is_some()
            || step.refused.is_some()
            || step.expect.is_some()
            || step.same.is_some()
            || step.table.is_some()
            || !step.routes.0.is_empty()
            || !step.interfaces.0.is_empty()
    };
    if !file.step.iter().any(|step| inspects(step.get_ref())) {
        let help = "add a step with `probe` and `expect`, `routes`, `interfaces`, `same`, `table` or `teardown`";
        findings.note(
            file.title.span(),
            "the case cannot fail: no step probes or inspects anything",
            "of this case",
            help,
        );
    }
    listen::once(&mut findings, &file.step, &steps);
    change::in_order(&mut findings, file, &steps);
    change::can_vanish(&mut findings, &file.step, &containers);
    change::collisions(&mut findings, file, &containers, &steps);
    let host = file.host.as_ref().filter(|_| !recipe);
    let host = host
        .map(|written| host::host(&mut findings, written, &containers))
        .unwrap_or_default();
    let known = control::Nodes {
        containers: &containers,
        host: &host,
        recipe,
    };
    control::positive(&mut findings, &file.step, &steps, &known);

    let kind = if recipe {
        CaseKind::Recipe {
            lab: lab.unwrap_or(LabName::Article),
            backends,
        }
    } else {
        published(&mut findings, &file.container, &host, &networks);
        let path_mtu = file
            .path
            .as_ref()
            .and_then(|path| findings.number(&path.get_ref().mtu, "mtu", 576..=1500));
        CaseKind::Contract {
            requires,
            host,
            path_mtu,
            no_table: no_table(&mut findings, file),
            networks,
        }
    };
    if !findings.errors.is_empty() {
        findings.errors.sort_by_key(CaseError::line_and_column);
        return Err(findings.errors);
    }
    Ok(Case {
        id,
        path: path.to_owned(),
        text: Arc::clone(text),
        title: file.title.get_ref().trim().to_owned(),
        source: file.source.0.clone(),
        level,
        checks,
        refutes,
        kind,
        families,
        disabled: file.disabled.clone(),
        containers,
        steps,
    })
}

/// Why a contract's table is not asked; a reason, and no step that asks it.
fn no_table(findings: &mut Findings<'_>, file: &CaseFile) -> Option<String> {
    let written = file.no_table.as_ref()?;
    let reason = written.get_ref().trim();
    if reason.is_empty() {
        findings.note(
            written.span(),
            "`no_table` needs a reason",
            "empty",
            "say in a few words why the questions cannot be asked after the last step",
        );
    }
    if file.step.iter().any(|step| step.get_ref().table.is_some()) {
        findings.note(
            written.span(),
            "a step asks for the table, and `no_table` declines it",
            "this reason",
            "keep one of the two",
        );
    }
    Some(reason.to_owned())
}

/// A list whose entries each make a trial: the default if absent, and never empty.
fn trials<T: crate::case::vocabulary::Word + PartialEq>(
    findings: &mut Findings<'_>,
    written: Option<&toml::Spanned<Vec<toml::Spanned<String>>>>,
    default: &[T],
) -> Vec<T> {
    let Some(written) = written else {
        return default.to_vec();
    };
    if written.get_ref().is_empty() {
        let message = format!("no {} is listed, so the case would have no trial", T::NOUN);
        findings.note(
            written.span(),
            message,
            "empty",
            "remove the line for the default, or `disabled = \"reason\"`",
        );
    }
    findings.words(written.get_ref())
}

/// Families that no lab has: a trial of one would run with the addresses of another.
fn without_lab(findings: &mut Findings<'_>, file: &CaseFile) {
    let written = file.families.as_ref().map(toml::Spanned::get_ref);
    for family in written.into_iter().flatten() {
        let is_in_no_lab = Family::ALL
            .iter()
            .any(|one| one.as_str() == family.get_ref() && !FAMILIES.contains(one));
        if is_in_no_lab {
            findings.note(
                family.span(),
                format!("labs have no {} addresses yet", family.get_ref()),
                "cannot run",
                "list only \"ipv4\", or leave `families` out, which means the same",
            );
        }
    }
}

/// Words that belong to the other kind of case.
fn wrong_kind(findings: &mut Findings<'_>, file: &CaseFile, recipe: bool) {
    let (kind, help) = if recipe {
        (
            "a recipe case",
            "a case with `lab` is configured by commands; a case without `lab` is run against implementations",
        )
    } else {
        (
            "a contract case",
            "name a `lab` to make it a recipe of commands",
        )
    };
    let misplaced = if recipe {
        vec![
            ("host", file.host.as_ref().map(toml::Spanned::span)),
            ("path", file.path.as_ref().map(toml::Spanned::span)),
            ("requires", file.requires.first().map(toml::Spanned::span)),
            ("no_table", file.no_table.as_ref().map(toml::Spanned::span)),
            (
                "network",
                file.network.keys().next().map(toml::Spanned::span),
            ),
        ]
    } else {
        vec![("backends", file.backends.as_ref().map(toml::Spanned::span))]
    };
    for (word, span) in misplaced {
        if let Some(span) = span {
            findings.note(
                span,
                format!("`{word}` has no meaning in {kind}"),
                "here",
                help,
            );
        }
    }
}
