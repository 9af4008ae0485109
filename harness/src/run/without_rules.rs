//! The table once more for each rule that an implementation has installed, with that rule taken away.

use std::collections::BTreeSet;

use super::RunError;
use super::observe::Reports;
use super::own_rules::host_rules;
use super::rule_words::{GATEWAY, RuleWords};
use super::table::Prepared;
use super::trial_run::TrialRun;
use crate::ask::{AnswerDifference, Ground};
use crate::case::{NetworkEvent, Step};
use crate::finding::CellDifference;
use crate::intent::{Ask, Flow, Row};
use crate::lab::{Lab, LabError};
use crate::path::Rule;
use crate::trace::{Edit, InstalledRule};

/// Questions that are asked at once while netfilter reports each packet: its socket holds no more.
const TRACED: usize = 24;

/// What came of taking one rule away.
#[derive(Debug, Clone)]
pub struct RuleTried {
    /// The rule.
    pub rule: InstalledRule,
    /// Its text with roles instead of this lab's addresses, ports and names.
    pub general: String,
    /// Its chain, likewise.
    pub chain: String,
    /// The step of the case after which it was taken away, from 1.
    pub step: usize,
    /// Whether it matched a packet of the table while it was there.
    pub is_matched: bool,
    /// What differed without it, none if nothing did.
    pub noticed: Vec<CellDifference>,
    /// Of a rule that matched, and whose absence alone nobody noticed: what differed without it while others that nobody missed
    /// were away, too. It does what they do.
    pub stands_in: Vec<CellDifference>,
}

impl TrialRun {
    /// Takes each rule of the implementation away and puts it back, after set-up and after each event but the end.
    pub(super) fn try_without_rules(
        &mut self,
        step: &Step,
        position: usize,
    ) -> Result<(), RunError> {
        let is_moment = match &step.change {
            None => position == 0,
            Some(change) => !matches!(
                change,
                NetworkEvent::Teardown { .. } | NetworkEvent::Check { .. }
            ),
        };
        if !is_moment || !self.observer.watches() {
            return Ok(());
        }
        let additions = self.lab.take_additions()?;
        let prepared = self.prepare_table()?;
        let Some(Prepared {
            rows,
            ground,
            detours,
            ..
        }) = prepared
        else {
            return Ok(());
        };
        // What was open before keeps the translation that it had.
        let new = rows
            .into_iter()
            .filter(|row| row.question.flow == Flow::New);
        let new: Vec<Row> = new.collect();
        let (steady, matched) = self.steady(new, &ground)?;
        let (rules, words) = (self.rules()?, self.words()?);
        let first = self.tried.len();
        for rule in &rules {
            let noticed = self.differing_without(rule, &steady, &ground)?;
            self.tried.push(RuleTried {
                general: words.general(&rule.text),
                chain: words.general(&rule.chain),
                rule: rule.clone(),
                step: position + 1,
                is_matched: matched.contains(&told(rule)),
                noticed,
                stands_in: Vec::new(),
            });
        }
        self.note_who_stands_in(first, &steady, &ground)?;
        let after = self.rules()?;
        let mut pairs = rules.iter().zip(&after);
        if rules.len() != after.len() || !pairs.all(|(before, after)| before.is_same(after)) {
            return Err(RunError::NotPutBack {
                what: String::from("the rules of the host read otherwise"),
            });
        }
        self.observer.rules_changed();
        self.lab.live().remove_detours(&detours)?;
        self.lab.restore_additions(&additions)
    }

    /// The rows that are answered as they must be, and the rules that their packets matched.
    fn steady(
        &mut self,
        rows: Vec<Row>,
        ground: &Ground,
    ) -> Result<(Vec<Row>, BTreeSet<Told>), RunError> {
        self.observer.forget_connections()?;
        // The hardware address of a container before this one, which the host may still know, loses packets until somebody asks.
        self.lab.live().forget_neighbours()?;
        let mut differing = self.differing(&rows, ground)?;
        let mut matched = BTreeSet::new();
        for some in rows.chunks(TRACED) {
            self.observer.forget_reports()?;
            let differ = self.differences_by(some, ground, |_| true, Reports::Kept)?;
            differing.extend(differ.into_iter().map(|one| one.row));
            let decisions = self.observer.decisions()?.into_iter();
            matched.extend(decisions.filter_map(|one| match one.rule {
                Rule::Text(text) => Some((one.table, one.chain, text)),
                Rule::Policy => None,
            }));
        }
        // Of several that leave from one number the first one has it.
        let shadows = |row: &Row| matches!(row.question.ask, Ask::FromPublished(..));
        let is_shadowed = differing.iter().any(shadows);
        let is_open = |row: &Row| differing.contains(row) || (is_shadowed && shadows(row));
        let steady = rows.into_iter().filter(|row| !is_open(row));
        Ok((steady.collect(), matched))
    }

    /// What differs without a rule. It is back when this returns, and everything is as before.
    fn differing_without(
        &mut self,
        rule: &InstalledRule,
        rows: &[Row],
        ground: &Ground,
    ) -> Result<Vec<CellDifference>, RunError> {
        edit(self.lab.live(), rule, &rule.removal())?;
        let without = self.differences(rows, ground, |_| true);
        edit(self.lab.live(), rule, &rule.return_of())?;
        let without = without?;
        self.observer.forget_connections()?;
        let again = super::table::told(self.differences(rows, ground, |_| true)?);
        if let Some(CellDifference {
            question,
            expected,
            seen,
            ..
        }) = again.first()
        {
            return Err(RunError::NotPutBack {
                what: format!(
                    "{rule} is there again, and {question}: {expected} before, {seen} now"
                ),
            });
        }
        Ok(super::table::told(without))
    }

    /// Notes which of the rules tried since `first`, whose absence alone nobody noticed, do what others of them do, too: Docker 28
    /// drops one packet in three places. With those of other chains away, but for the chains that lead to it and that it leads
    /// to, the absence of such a rule is noticed.
    fn note_who_stands_in(
        &mut self,
        first: usize,
        rows: &[Row],
        ground: &Ground,
    ) -> Result<(), RunError> {
        let tried: Vec<&RuleTried> = self.tried.iter().skip(first).collect();
        let rules: Vec<InstalledRule> = tried.iter().map(|one| one.rule.clone()).collect();
        let is_unnoticed = |at: &usize| tried[*at].noticed.is_empty();
        let unnoticed: BTreeSet<usize> = (0..tried.len()).filter(is_unnoticed).collect();
        let is_matched = |at: &usize| tried[*at].is_matched;
        let matched: Vec<usize> = unnoticed.iter().copied().filter(is_matched).collect();
        for at in matched {
            let (rule, kin) = (&rules[at], rules[at].kin(&rules));
            let is_other = |other: &InstalledRule| {
                other.table != rule.table || !kin.contains(other.chain.as_str())
            };
            let others = unnoticed.iter().copied();
            let mut away: BTreeSet<usize> = others.filter(|one| is_other(&rules[*one])).collect();
            let with_it = self.differences_without(&away, rows, ground)?;
            away.insert(at);
            let without = self.differences_without(&away, rows, ground)?;
            let is_new = |one: &AnswerDifference| !with_it.iter().any(|other| other.row == one.row);
            let kept = without.into_iter().filter(is_new);
            self.tried[first + at].stands_in = super::table::told(kept.collect());
        }
        Ok(())
    }

    /// What differs without these rules, which are named by their places in the list of all. They are back when this returns.
    fn differences_without(
        &mut self,
        places: &BTreeSet<usize>,
        rows: &[Row],
        ground: &Ground,
    ) -> Result<Vec<AnswerDifference>, RunError> {
        // A rule that was put back has another handle.
        let all = self.rules()?;
        let taken = all.iter().enumerate().filter(|(at, _)| places.contains(at));
        let taken: Vec<InstalledRule> = taken.map(|(_, rule)| rule.clone()).collect();
        for rule in taken.iter().rev() {
            edit(self.lab.live(), rule, &rule.removal())?;
        }
        let without = self.differences(rows, ground, |_| true);
        for rule in &taken {
            edit(self.lab.live(), rule, &rule.return_among(&taken, &all))?;
        }
        let without = without?;
        self.observer.forget_connections()?;
        Ok(without)
    }

    fn differing(&mut self, rows: &[Row], ground: &Ground) -> Result<Vec<Row>, RunError> {
        let differences = self.differences(rows, ground, |_| true)?;
        Ok(differences.into_iter().map(|one| one.row).collect())
    }

    /// The rules of the implementation: all but those that a person has made.
    fn rules(&self) -> Result<Vec<InstalledRule>, RunError> {
        let mut rules = host_rules(self.lab.live())?;
        let contract = self.lab.contract();
        rules.retain(|rule| !contract.is_some_and(|contract| contract.is_own(rule)));
        Ok(rules)
    }

    fn words(&self) -> Result<RuleWords, LabError> {
        let Some(contract) = self.lab.contract() else {
            return Ok(RuleWords::default());
        };
        let mut words = contract.rule_words();
        let nodes = self.lab.nodes()?;
        for (name, interface) in nodes.get("host").iter().flat_map(|host| &host.interfaces) {
            if let Some(bridge) = &interface.bridge {
                words.interfaces.insert(bridge.clone(), "BRIDGE");
                words.interfaces.insert(name.clone(), "BRIDGE-PORT");
            }
        }
        // A bridge without ports is one by its address.
        for (address, _) in words.addresses.iter().filter(|(_, role)| **role == GATEWAY) {
            if let Some((_, bridge)) = self.lab.live().holder(*address)? {
                words.interfaces.insert(bridge, "BRIDGE");
            }
        }
        Ok(words)
    }
}

/// What identifies a rule wherever it stands in its chain: table, chain and text.
pub(super) type Told = (String, String, String);

fn told(rule: &InstalledRule) -> Told {
    // A verdict names the table without its family.
    let table = rule.table.rsplit(' ').next().unwrap_or_default();
    (table.to_owned(), rule.chain.clone(), rule.text.clone())
}

/// Deletes all rules of the host but goldpath's own. Their chains stay.
pub(super) fn delete_rules(lab: &Lab) -> Result<(), RunError> {
    let rules = host_rules(lab)?;
    // The last one of a chain first: the others keep their numbers.
    let mut rules = rules.iter().rev();
    rules.try_for_each(|rule| edit(lab, rule, &rule.removal()))
}

fn edit(lab: &Lab, rule: &InstalledRule, edit: &Edit) -> Result<(), RunError> {
    let ran = lab.run_with_input("host", &edit.argv, &edit.input, rule.backend());
    ran.map(drop).map_err(|source| RunError::Rule {
        rule: rule.to_string(),
        source: Box::new(source),
    })
}
