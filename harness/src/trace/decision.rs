//! From reports to decisions: one sequence, the same for the same rules on either back end.
//!
//! Where the back ends report differently, the difference is removed here and nowhere else:
//!
//! - nf_tables shows a packet once per base chain, behind the first rule that matched; iptables-legacy
//!   shows it in front of every rule. Told is nf_tables' packet: it differs from the one that
//!   entered only where that first rule changed it (TOS, TTL), and the next base chain shows that.
//! - The end of a user chain is no decision: iptables-legacy reports it, nf_tables doesn't.
//! - An empty base chain with policy accept has no say, and whether it exists depends on the back end
//!   (iptables-legacy makes all of a table's, iptables-nft the touched ones). Those of `filter`
//!   stay: every lab sets their policies, and their accept is an answer in the article (A6, C9).
//! - nf_tables reports a rule after evaluating it, so a REJECT's answer comes before the rule that
//!   sent it; iptables-legacy reports before. The rule comes first.

use std::collections::BTreeMap;

use super::TraceError;
use super::chains::hook;
use super::nflog::LegacyMessage;
use super::nft::{About, Entry, NftVerdict, TraceMessage};
use super::ruleset::{LegacyRule, Ruleset};
use super::save::target;
use super::table;
use crate::path::{Action, Hook, Rule};

/// Families whose chains see IPv4 packets: inet and ip. IPv6 joins when the labs have it.
const FAMILIES: [u8; 2] = [1, 2];
/// The packets that are told of (`NFPROTO_*`).
const PROTOCOLS: [u32; 1] = [2];

/// A report of either back end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Report {
    Nft(TraceMessage),
    Legacy(LegacyMessage),
}

/// A decision with interfaces as indices and the packet as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) table: String,
    pub(super) chain: String,
    pub(super) hook: Hook,
    pub(super) rule: Rule,
    pub(super) action: Action,
    pub(super) input: u32,
    pub(super) output: u32,
    pub(super) packet: Vec<u8>,
}

/// A report that the ruleset does not explain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unresolved(pub(super) String);

/// Base chains that packets are in, so that their later reports know how they entered.
#[derive(Debug, Clone, Default)]
pub(super) struct Calls {
    nft: BTreeMap<u32, (Hook, Entry)>,
    legacy: BTreeMap<LegacyKey, LegacyCall>,
}

/// Table, hook, interfaces, and what follows the packet's IP header.
type LegacyKey = (String, u8, [u32; 3], Vec<u8>);

/// A base chain of iptables-legacy that a packet is in.
#[derive(Debug, Clone)]
enum LegacyCall {
    /// One rule matched; the packet as shown in front of it.
    First(Vec<u8>),
    /// More reports came; the packet as the second showed it.
    Later(Vec<u8>),
}

/// Turns reports into decisions, in the kernel's order.
pub(super) fn decide(
    reports: &[Report],
    ruleset: &Ruleset,
    calls: &mut Calls,
) -> Result<Vec<Decision>, Unresolved> {
    let mut decisions = Vec::new();
    for report in reports {
        let decision = match report {
            Report::Nft(message) => decide_nft(message, ruleset, calls)?,
            Report::Legacy(message) => decide_legacy(message, ruleset, calls, &mut decisions)?,
        };
        if let Some(decision) = decision {
            let at = place(&decisions, &decision);
            decisions.insert(at, decision);
        }
    }
    Ok(decisions)
}

/// Whether a report of nf_tables is about a chain and a packet that are told of.
pub(super) fn concerns(message: &TraceMessage) -> bool {
    let ours = message.table == table::TABLE && message.family == table::INET;
    let protocol = message.entry.as_ref().map(|entry| entry.protocol);
    !ours
        && FAMILIES.contains(&message.family)
        && protocol.is_none_or(|protocol| PROTOCOLS.contains(&protocol))
}

fn decide_nft(
    message: &TraceMessage,
    ruleset: &Ruleset,
    calls: &mut Calls,
) -> Result<Option<Decision>, Unresolved> {
    if !concerns(message) {
        // A call that is not followed ends what an earlier one with this id left behind.
        if message.entry.is_some() {
            calls.nft.remove(&message.id);
        }
        return Ok(None);
    }
    let (table, chain, family) = (&message.table, &message.chain, message.family);
    let name = || format!("{table}/{chain}");
    if let Some(entry) = &message.entry {
        let hook = ruleset
            .hook(family, table, chain)
            .ok_or_else(|| Unresolved(name()))?;
        calls.nft.insert(message.id, (hook, entry.clone()));
    }
    let Some((hook, entry)) = calls.nft.get(&message.id).cloned() else {
        // The rest of a call whose beginning was not followed.
        return Ok(None);
    };
    let text = |handle: u64| {
        let text = ruleset.text(family, table, chain, handle);
        let text = text.ok_or_else(|| Unresolved(format!("{} handle {handle}", name())))?;
        Ok(Rule::Text(text.to_owned()))
    };
    let (rule, action) = match &message.about {
        About::Rule(handle, verdict) => (text(*handle)?, nft_action(verdict)),
        About::Return(Some(handle), NftVerdict::Return) => (text(*handle)?, Action::Return),
        About::Return(..) => return Ok(None),
        About::Policy(accepts) => {
            calls.nft.remove(&message.id);
            let empty = ruleset.is_empty(family, table, chain);
            if has_no_say(table, *accepts, empty) {
                return Ok(None);
            }
            (Rule::Policy, policy(*accepts))
        }
    };
    if ends(&action) {
        calls.nft.remove(&message.id);
    }
    Ok(Some(Decision {
        table: table.clone(),
        chain: chain.clone(),
        hook,
        rule,
        action,
        input: entry.input,
        output: entry.output,
        packet: entry.packet,
    }))
}

fn decide_legacy(
    message: &LegacyMessage,
    ruleset: &Ruleset,
    calls: &mut Calls,
    earlier: &mut [Decision],
) -> Result<Option<Decision>, Unresolved> {
    let (table, chain, number) = (&message.table, &message.chain, message.number);
    let unresolved = || Unresolved(format!("{table}/{chain} rule {number}"));
    let hook = hook(message.hook.into()).ok_or_else(unresolved)?;
    let resolved = ruleset
        .legacy(table, chain, number)
        .ok_or_else(unresolved)?;
    let interfaces = [message.input, message.output, message.bridge_port];
    let behind = behind_header(&message.packet).to_vec();
    let call = (table.clone(), message.hook, interfaces, behind);
    let shown = message.packet.clone();
    let (packet, state) = match calls.legacy.remove(&call) {
        None => (shown.clone(), LegacyCall::First(shown)),
        Some(LegacyCall::First(before)) => {
            let same = |d: &&mut Decision| (&d.table, d.hook, &d.packet) == (table, hook, &before);
            if let Some(first) = earlier.iter_mut().rev().find(same) {
                first.packet.clone_from(&shown);
            }
            (shown.clone(), LegacyCall::Later(shown))
        }
        Some(LegacyCall::Later(packet)) => (packet.clone(), LegacyCall::Later(packet)),
    };
    calls.legacy.insert(call.clone(), state);
    let (rule, action, silent) = match resolved {
        LegacyRule::Rule(text, action) => (Rule::Text(text.to_owned()), action, false),
        LegacyRule::Policy { accepts, empty } => {
            let silent = has_no_say(table, accepts, empty);
            (Rule::Policy, policy(accepts), silent)
        }
        LegacyRule::End => return Ok(None),
    };
    if ends(&action) {
        calls.legacy.remove(&call);
    }
    Ok((!silent).then(|| Decision {
        table: table.clone(),
        chain: chain.clone(),
        hook,
        rule,
        action,
        input: message.input,
        output: message.output,
        packet,
    }))
}

fn nft_action(verdict: &NftVerdict) -> Action {
    match verdict {
        NftVerdict::Accept => Action::Accept,
        // Stolen: the packet ends here as far as this path goes.
        NftVerdict::Drop | NftVerdict::Stolen => Action::Drop,
        NftVerdict::Queue => Action::Queue,
        NftVerdict::Jump(chain) | NftVerdict::Goto(chain) => Action::Jump(chain.clone()),
        NftVerdict::Return => Action::Return,
        NftVerdict::Continue | NftVerdict::Other(_) => Action::Continue,
    }
}

fn policy(accepts: bool) -> Action {
    if accepts {
        Action::Accept
    } else {
        Action::Drop
    }
}

/// Whether the base chain's call is over.
fn ends(action: &Action) -> bool {
    matches!(action, Action::Accept | Action::Drop | Action::Queue)
}

fn has_no_say(table: &str, accepts: bool, empty: bool) -> bool {
    accepts && empty && table != "filter"
}

/// Where a decision belongs: at the end, unless it is a REJECT whose answer was reported first.
fn place(earlier: &[Decision], decision: &Decision) -> usize {
    let rejects = match &decision.rule {
        Rule::Text(text) => {
            target(text).as_deref() == Some("REJECT")
                || text.split_whitespace().any(|word| word == "reject")
        }
        Rule::Policy => false,
    };
    let answers = earlier.iter().rev().take_while(|e| {
        let sent_here = e.input == 0 && matches!(e.hook, Hook::Output | Hook::Postrouting);
        rejects && sent_here && goes_back(&e.packet, &decision.packet)
    });
    earlier.len() - answers.count()
}

fn behind_header(packet: &[u8]) -> &[u8] {
    let header = packet.first().map_or(0, |b| usize::from(b & 0xf) * 4);
    packet.get(header..).unwrap_or_default()
}

/// Whether an IPv4 packet goes to where another came from.
fn goes_back(answer: &[u8], packet: &[u8]) -> bool {
    let to = answer.get(16..20);
    to.is_some() && to == packet.get(12..16)
}

impl Unresolved {
    pub(super) fn into_error(self, node: &str) -> TraceError {
        TraceError::Unresolved {
            what: self.0,
            node: node.to_owned(),
        }
    }
}
