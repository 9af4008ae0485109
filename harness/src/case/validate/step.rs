//! One step: commands, services, inspections; its probe is read next door.

use toml::Spanned;

use super::change;
use super::findings::Findings;
use super::place::endpoint;
use super::probe::exchange;
use super::scope::Scope;
use crate::address::{PerFamily, Subnet};
use crate::case::command::{self, CommandLine, NodeCommands};
use crate::case::model::{AddedRoute, InterfacesAre, RoutesAre, SameNamespace, Step};
use crate::case::place::NodeName;
use crate::case::step_file::{Commands, StepFile};
use crate::case::step_tables::{ListingFile, RouteFile, SameFile};
use crate::case::suggest::{did_you_mean, listed, nearest};
use crate::case::vocabulary::Table;
use crate::plan::ServiceSpec;

/// Destinations of added routes that are no network of the case.
const FURTHER: [(&str, &str); 2] = [("outside", "8.8.8.8/32"), ("loopback", "127.0.0.0/8")];

/// Reads one step.
pub(super) fn step(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    written: &Spanned<StepFile>,
) -> Step {
    let file = written.get_ref();
    let mut commands = Vec::new();
    for (key, value) in &file.others {
        if let Some(entry) = node_commands(findings, scope, key, value) {
            commands.push(entry);
        }
    }
    let mut listen = Vec::new();
    for entry in &file.listen.0 {
        let at = scope.node(findings, &entry.at);
        let protocol = findings.word(&entry.protocol);
        let port = findings.number(&entry.port, "port", 1..=65535);
        if let (Some(at), Some(protocol), Some(port)) = (at, protocol, port) {
            listen.push(ServiceSpec::of(at.as_str(), protocol, port));
        }
    }
    Step {
        line: findings.line(&written.span()),
        commands,
        change: change::change(findings, scope, file),
        listen,
        added_routes: added_routes(findings, scope, &file.route.0),
        routes: listings(findings, scope, &file.routes.0, |of, are| RoutesAre {
            of,
            are,
        }),
        interfaces: listings(findings, scope, &file.interfaces.0, |of, are| {
            InterfacesAre { of, are }
        }),
        same: file
            .same
            .as_ref()
            .and_then(|same| same_namespace(findings, scope, same)),
        exchange: exchange(findings, scope, file),
        table: file
            .table
            .as_ref()
            .and_then(|written| table(findings, scope, written)),
    }
}

fn table(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    written: &Spanned<String>,
) -> Option<Table> {
    if scope.recipe {
        findings.note(
            written.span(),
            "`table` has no meaning in a recipe",
            "here",
            "questions follow from networks and containers, and a recipe has only commands",
        );
        return None;
    }
    findings.word(written)
}

fn node_commands(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    key: &Spanned<String>,
    value: &Spanned<Commands>,
) -> Option<NodeCommands> {
    let text = key.get_ref().as_str();
    let Some(node) = scope
        .nodes
        .iter()
        .find(|node| node.as_str() == text)
        .cloned()
    else {
        let known = StepFile::WORDS.into_iter().chain(scope.names());
        let near = nearest(text, known)
            .map(|near| format!("did you mean `{near}`? "))
            .unwrap_or_default();
        let help = format!(
            "{near}fields: {}; nodes of this lab: {}",
            listed(StepFile::WORDS),
            listed(scope.names())
        );
        findings.note(
            key.span(),
            format!("unknown field or node `{text}`"),
            "neither a field nor a node",
            help,
        );
        return None;
    };
    if !scope.recipe {
        let help = "an implementation configures the network; name a `lab` to make it a recipe of commands";
        findings.note(
            key.span(),
            "a contract case has no commands",
            "commands",
            help,
        );
        return None;
    }
    let Commands::List(list) = value.get_ref() else {
        let message = format!("the commands of `{text}` must be a list");
        findings.note(
            value.span(),
            message,
            "not a list",
            format!("{text} = [\"ip link set eth0 up\"]"),
        );
        return None;
    };
    let mut commands = Vec::new();
    for entry in list {
        let Some(line) = entry.get_ref() else {
            findings.note(
                entry.span(),
                "a command must be a text",
                "not a text",
                "write each command as one \"text\"",
            );
            continue;
        };
        match command::split(line) {
            Ok(argv) => commands.push(CommandLine {
                text: line.trim().to_owned(),
                argv,
                line: findings.line(&entry.span()),
            }),
            Err(error) => findings.note(
                entry.span(),
                error.to_string(),
                "this command",
                error.help(),
            ),
        }
    }
    Some(NodeCommands { node, commands })
}

fn added_routes(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    written: &[RouteFile],
) -> Vec<AddedRoute> {
    let mut routes = Vec::new();
    for route in written {
        if scope.recipe {
            findings.note(
                route.at.span(),
                "`route` has no meaning in a recipe",
                "here",
                "write the command under the node's name",
            );
            continue;
        }
        let at = scope.node(findings, &route.at);
        let via = endpoint(findings, scope, &route.via);
        let wanted = route.to.get_ref().as_str();
        let names = || scope.networks.iter().map(|network| network.name.as_str());
        let network = scope
            .networks
            .iter()
            .find(|one| one.name.as_str() == wanted);
        let fixed = FURTHER.iter().find(|(name, _)| *name == wanted);
        let fixed =
            fixed.and_then(|(_, subnet)| subnet.parse::<Subnet>().ok().map(PerFamily::from));
        if network.is_none() && fixed.is_none() && wanted != "default" {
            let further = FURTHER.iter().map(|(name, _)| *name);
            let known = std::iter::once("default").chain(further).chain(names());
            let help = did_you_mean(wanted, known, "destinations of this case");
            let message =
                format!("`{wanted}` is neither `default`, `outside`, `loopback` nor a network");
            findings.note(route.to.span(), message, "not known", help);
            continue;
        }
        let to = network.map(|network| network.subnets).or(fixed);
        if let (Some(at), Some(via)) = (at, via) {
            let line = findings.line(&route.at.span());
            routes.push(AddedRoute { line, at, to, via });
        }
    }
    routes
}

fn listings<T>(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    written: &[ListingFile],
    make: impl Fn(NodeName, Vec<String>) -> T,
) -> Vec<T> {
    written
        .iter()
        .filter_map(|listing| {
            let of = scope.node(findings, &listing.of)?;
            let are = listing
                .are
                .iter()
                .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                .collect();
            Some(make(of, are))
        })
        .collect()
}

fn same_namespace(
    findings: &mut Findings<'_>,
    scope: &Scope<'_>,
    same: &SameFile,
) -> Option<SameNamespace> {
    let mut nodes = Vec::new();
    for written in same.namespace.get_ref() {
        if let Some(node) = scope.node(findings, written) {
            if nodes.contains(&node) {
                findings.note(
                    written.span(),
                    format!("node `{node}` is listed twice"),
                    "again",
                    "remove it",
                );
            }
            nodes.push(node);
        }
    }
    if same.namespace.get_ref().len() < 2 {
        findings.note(
            same.namespace.span(),
            "a namespace is shared by at least two nodes",
            "fewer than two",
            "name at least two nodes",
        );
        return None;
    }
    Some(SameNamespace { nodes })
}
