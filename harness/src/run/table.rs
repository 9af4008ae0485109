//! The table of a contract: every question of its moment, asked at once; and those that differ, once more alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::answers::Asked;
use super::contract_lab::ContractLab;
use super::ground::{detours, ground, stranded};
use super::observe::{Origin, Reports};
use super::timing::Phase;
use super::trial_run::TrialRun;
use super::{Options, RunError, Tables, Trial};
use crate::adapter::{AskedCell, Circumstance};
use crate::ask::{
    AnswerDifference, AnswerText, Asker, Ground, QuestionText, Seen as SeenCell, Wrong, judge,
    parts,
};
use crate::case::{CaseKind, Protocol};
use crate::finding::{CellDifference, Defect};
use crate::intent::{
    Answer, Ask, Flow, Moment, OPEN, Question, Routing, Row, Rule, Size, refusals, services, table,
};
use crate::judge::{CellSeen, Seen};
use crate::lab::{Detour, overflows};
use crate::path::Evidence;
use crate::plan::contract::LAN2_NODE;
use crate::plan::{ServiceSpec, Services};

/// Rules of which an exploration shows paths: a question alone that is lost may take the whole bound of its evidence.
const FEW_PATHS: usize = 3;

/// How often questions are asked, and a trial runs, while the kernel's table of neighbours is full.
pub(super) const TIMES: usize = 3;

/// What can be asked at one moment.
pub(super) struct Prepared {
    moment: Moment,
    pub(super) rows: Vec<Row>,
    refusals: Vec<Row>,
    pub(super) ground: Ground,
    pub(super) detours: Vec<Detour>,
}

impl TrialRun {
    /// Asks the table, if the person asks for tables: where a step says so, and after the last one if none does.
    pub(super) fn table_after(
        &mut self,
        position: usize,
        trial: &Trial,
        options: &Options,
    ) -> Result<(), RunError> {
        let case = Arc::clone(&self.case);
        let Some(step) = case.steps.get(position) else {
            return Ok(());
        };
        let last = position + 1 == case.steps.len();
        let CaseKind::Contract { no_table, .. } = &case.kind else {
            return Ok(());
        };
        let somewhere = case.steps.iter().any(|step| step.table.is_some());
        let implied = last && !somewhere && no_table.is_none();
        let here = step.table.is_some() || implied;
        let over = match options.tables {
            Tables::None => true,
            Tables::ToTheFirst | Tables::ToTheFirstWithPaths => self.has_undeclared(),
            Tables::All => false,
            Tables::WithoutEachRule => return self.try_without_rules(step, position),
        };
        if !here || over || !self.observer.watches() {
            return Ok(());
        }
        let additions = self.lab.take_additions()?;
        self.ask_table(trial, options)?;
        if last {
            self.lab.live().forget_neighbours()?;
        } else {
            self.lab.restore_additions(&additions)?;
        }
        Ok(())
    }

    /// What can be asked now, with everything that it needs in place; none of a recipe.
    pub(super) fn prepare_table(&mut self) -> Result<Option<Prepared>, RunError> {
        let Some(contract) = self.lab.contract() else {
            return Ok(None);
        };
        let moment = contract.moment(self.lab.live())?;
        for service in services(&moment) {
            self.lab.start(&service)?;
        }
        let stranded = stranded(&moment, self.lab.live())?;
        let can_be_asked = |question: &Question| {
            let needs_gateway = question.way == Routing::RouteByHost;
            !(needs_gateway && stranded.contains(question.from.0.as_str()))
                && self.flows.can_ask(question)
        };
        let rows: Vec<Row> = table(&moment)
            .into_iter()
            .filter(|row| can_be_asked(&row.question))
            .collect();
        let refusals: Vec<Row> = refusals(&moment)
            .into_iter()
            .filter(|row| can_be_asked(&row.question))
            .collect();
        let mut ground = ground(&moment, self.lab.live())?;
        // What they sent before leaves broken connections behind.
        self.misled.append(&mut ground.misled);
        ground.misled.clone_from(&self.misled);
        ground.unheard.clone_from(&self.unheard);
        let detours = detours(rows.iter().chain(&refusals), &moment, self.lab.live());
        self.lab.live().add_detours(&detours)?;
        Ok(Some(Prepared {
            moment,
            rows,
            refusals,
            ground,
            detours,
        }))
    }

    fn ask_table(&mut self, trial: &Trial, options: &Options) -> Result<(), RunError> {
        let (tables, answers) = (options.tables, options.answers);
        let Some(prepared) = self.prepare_table()? else {
            return Ok(());
        };
        let Prepared {
            moment,
            rows,
            refusals,
            ground,
            detours,
        } = prepared;
        // What is known of a rule is so after a change, too.
        let known = |row: &Row| {
            let of = |rule: &'static Rule| trial.known(&asked(row, rule, &moment, &ground));
            of(row.rule).or_else(|| of(row.unchanged))
        };
        let unknown = |row: &Row| known(row).is_none();
        let asked = self.asked(&rows, &ground, unknown, Reports::Paused)?;
        self.clock.lap(Phase::Table);
        if answers {
            self.keep_answers(Asked::Whole, pairs(&asked), &ground, |row| !unknown(row));
        }
        self.tell(judged(&asked, &ground), &rows, (&ground, tables), known)?;
        let over = tables != Tables::All && self.has_undeclared();
        if !refusals.is_empty() && !over {
            let behind = behind_ports(&moment);
            self.lab.stop(&behind);
            let asked = self.asked(&refusals, &ground, unknown, Reports::Paused)?;
            self.clock.lap(Phase::Table);
            if answers {
                self.keep_answers(Asked::Unserved, pairs(&asked), &ground, |row| !unknown(row));
            }
            self.tell(judged(&asked, &ground), &refusals, (&ground, tables), known)?;
            // A proxy that was refused must go on.
            for service in &behind {
                self.lab.start(service)?;
            }
            let was_refused = |row: &Row| refusals.iter().any(|one| one.question == row.question);
            let again: Vec<Row> = rows.into_iter().filter(was_refused).collect();
            let differences = self.differences(&again, &ground, unknown)?;
            self.clock.lap(Phase::Table);
            self.tell(differences, &again, (&ground, tables), known)?;
        }
        Ok(self.lab.live().remove_detours(&detours)?)
    }

    /// Whether a question has differed that nobody has declared.
    fn has_undeclared(&self) -> bool {
        self.seen.iter().any(|seen| match seen {
            Seen::Cell(cell) => cell.difference.known.is_none(),
            _ => false,
        })
    }

    /// Asks rows and returns those that differ.
    pub(super) fn differences(
        &mut self,
        rows: &[Row],
        ground: &Ground,
        awaited: impl Fn(&Row) -> bool,
    ) -> Result<Vec<AnswerDifference>, RunError> {
        self.differences_by(rows, ground, awaited, Reports::Paused)
    }

    /// The same, with or without netfilter's reports of their packets.
    pub(super) fn differences_by(
        &mut self,
        rows: &[Row],
        ground: &Ground,
        awaited: impl Fn(&Row) -> bool,
        reports: Reports,
    ) -> Result<Vec<AnswerDifference>, RunError> {
        Ok(judged(&self.asked(rows, ground, awaited, reports)?, ground))
    }

    /// Asks rows, each by as many sockets as it needs. Returns what was seen of each.
    fn asked(
        &mut self,
        rows: &[Row],
        ground: &Ground,
        awaited: impl Fn(&Row) -> bool,
        reports: Reports,
    ) -> Result<Vec<(Row, SeenCell)>, RunError> {
        let mut asked = Vec::new();
        for (nth, part) in parts(rows).into_iter().enumerate() {
            if nth > 0 {
                self.lab.live().forget_neighbours()?;
            }
            let each = |row: &Row| vec![row.clone(); clients(row)];
            let part: Vec<Row> = part.into_iter().flat_map(each).collect();
            asked.extend(self.ask_undisturbed(&part, ground, &awaited, reports)?);
        }
        Ok(asked)
    }

    /// Asks rows until the kernel had room to remember their neighbours in: whoever finds its table full loses packets that
    /// nobody has dropped. What agrees with the intent needs no second time. A flow that was open before may be broken by then.
    fn ask_undisturbed(
        &mut self,
        rows: &[Row],
        ground: &Ground,
        awaited: &impl Fn(&Row) -> bool,
        reports: Reports,
    ) -> Result<Vec<(Row, SeenCell)>, RunError> {
        let mut was_full = false;
        for _ in 0..TIMES {
            let before = overflows();
            let seen = self.ask(rows, awaited, reports)?;
            let asked: Vec<(Row, SeenCell)> = rows.iter().cloned().zip(seen).collect();
            let is_full = overflows() != before;
            let differences = judged(&asked, ground).into_iter();
            let undeclared: Vec<Row> = differences
                .map(|one| one.row)
                .filter(|row| awaited(row))
                .collect();
            let is_broken =
                was_full && undeclared.iter().any(|row| row.question.flow == Flow::Open);
            if undeclared.is_empty() || !is_full && !is_broken {
                return Ok(asked);
            }
            if !is_full {
                break;
            }
            was_full = true;
            self.lab.live().forget_neighbours()?;
        }
        Err(RunError::Crowded { times: TIMES })
    }

    fn ask(
        &mut self,
        rows: &[Row],
        awaited: impl Fn(&Row) -> bool,
        reports: Reports,
    ) -> Result<Vec<SeenCell>, RunError> {
        let (lab, mut services) = (self.lab.live(), self.lab.services().borrow_mut());
        let by_kernel_alone = self.lab.contract().is_some_and(ContractLab::is_idle);
        self.observer.at_once(reports, |taps| {
            let mut asker = Asker {
                lab,
                services: services.as_mut_slice(),
                taps,
                numbers: &mut self.numbers,
                flows: &mut self.flows,
                by_kernel_alone,
            };
            Ok(asker.ask(rows, awaited)?)
        })
    }

    /// Tells of what differs in a table, by rule and ending. What nobody has declared is asked again, and one question of each
    /// rule alone, with its path.
    fn tell(
        &mut self,
        differences: Vec<AnswerDifference>,
        asked: &[Row],
        (ground, tables): (&Ground, Tables),
        known: impl Fn(&Row) -> Option<Defect>,
    ) -> Result<(), RunError> {
        let agreeing = controls(asked, &differences);
        let mut groups = groups(differences, known);
        let with_paths = match tables {
            Tables::None | Tables::ToTheFirst | Tables::WithoutEachRule => 0,
            Tables::ToTheFirstWithPaths => FEW_PATHS,
            Tables::All => usize::MAX,
        };
        let undeclared = groups.iter_mut().filter(|group| group.known.is_none());
        undeclared
            .take(with_paths)
            .for_each(|group| group.with_path = true);
        let again = groups.iter().filter(|group| group.with_path);
        let again = again.flat_map(|group| group.differences.iter().map(|one| one.row.clone()));
        let mut again: Vec<Row> = again.collect();
        if !again.is_empty() {
            again.extend(agreeing);
            let differs = self.differences(&again, ground, |_| true)?;
            again = differs.into_iter().map(|one| one.row).collect();
        }
        for group in groups {
            let mut evidence = None;
            let mut difference = group.told();
            if group.with_path {
                let rows = group.differences.iter().map(|one| &one.row);
                let unsteady = rows.filter(|row| !again.contains(row));
                difference.unsteady = unsteady.map(text).collect();
                evidence = Some(self.ask_alone(&group.differences[0].row)?);
            }
            self.take(Seen::Cell(Box::new(CellSeen {
                difference,
                evidence,
            })));
        }
        Ok(())
    }

    /// Asks one question alone, watched by everything.
    fn ask_alone(&mut self, row: &Row) -> Result<Evidence, RunError> {
        let number = self.judgement.probes.len() + 1;
        let request = self.numbers.request(&row.question);
        let from = self.lab.live().canonical(&row.question.from.0).to_owned();
        let origin = Origin {
            lab: self.lab.live(),
            nodes: self.lab.nodes()?,
            from: &from,
        };
        let mut services = self.lab.services().borrow_mut();
        let recorded =
            self.observer
                .follow(origin, &request, number, &mut services, &mut self.clock)?;
        Ok(recorded.evidence)
    }
}

fn judged(asked: &[(Row, SeenCell)], ground: &Ground) -> Vec<AnswerDifference> {
    let mut differences: Vec<AnswerDifference> = pairs(asked)
        .filter_map(|(row, seen)| judge(row, seen, ground))
        .collect();
    differences.dedup_by(|next, one| next.row == one.row);
    differences
}

fn pairs(asked: &[(Row, SeenCell)]) -> impl Iterator<Item = (&Row, &SeenCell)> {
    asked.iter().map(|(row, seen)| (row, seen))
}

/// Questions that differ in one way from one rule, never none.
struct Group {
    known: Option<Defect>,
    differences: Vec<AnswerDifference>,
    with_path: bool,
}

impl Group {
    fn told(&self) -> CellDifference {
        let first = &self.differences[0];
        let others = self.differences[1..].iter();
        let wrong = first.wrong.iter().filter(|one| **one != Wrong::Ending);
        CellDifference {
            question: text(&first.row),
            rule: first.row.rule.id.to_string(),
            sentence: first.row.rule.sentence.to_owned(),
            level: first.row.rule.level.to_string(),
            known: self.known.clone(),
            expected: AnswerText(&first.row.answer).to_string(),
            seen: first.ending.to_string(),
            wrong: wrong.map(ToString::to_string).collect(),
            others: others.map(|one| text(&one.row)).collect(),
            unsteady: Vec::new(),
            path: String::new(),
        }
    }
}

/// What differs, by rule and ending.
pub(super) fn told(differences: Vec<AnswerDifference>) -> Vec<CellDifference> {
    let groups = groups(differences, |_| None);
    groups.iter().map(Group::told).collect()
}

fn text(row: &Row) -> String {
    QuestionText(&row.question).to_string()
}

fn groups(
    differences: Vec<AnswerDifference>,
    known: impl Fn(&Row) -> Option<Defect>,
) -> Vec<Group> {
    let mut groups: BTreeMap<(Option<String>, &str, String), Group> = BTreeMap::new();
    for difference in differences {
        let known = known(&difference.row);
        let issue = known.as_ref().map(|defect| defect.issue.clone());
        let key = (issue, difference.row.rule.id.0, difference.kind());
        let group = groups.entry(key).or_insert(Group {
            known,
            differences: Vec::new(),
            with_path: false,
        });
        group.differences.push(difference);
    }
    groups.into_values().collect()
}

/// Of each node that asked what differs a question that was answered as it must be. Asked with the others again, it gives them a
/// control.
fn controls(asked: &[Row], differences: &[AnswerDifference]) -> Vec<Row> {
    let differs = |row: &Row| differences.iter().any(|one| one.row == *row);
    let mut nodes: BTreeSet<&str> = differences.iter().map(|one| one.row.asker()).collect();
    let mut controls = Vec::new();
    for row in asked.iter().filter(|row| row.is_control()) {
        if !differs(row) && nodes.remove(row.asker()) {
            controls.push(row.clone());
        }
    }
    controls
}

/// A question as the list of known defects speaks of it.
fn asked(row: &Row, rule: &'static Rule, moment: &Moment, ground: &Ground) -> AskedCell<'static> {
    let question = &row.question;
    let by = match question.ask.port() {
        None => "icmp",
        Some((Protocol::Tcp, _)) => "tcp",
        Some((Protocol::Udp, _)) => "udp",
    };
    let by_whom = match &row.answer {
        Answer::Answered { by, .. } => Some(by),
        _ => None,
    };
    let itself = by_whom == Some(&question.from.0);
    let owner = ground.owners.get(&question.to.address);
    let ends = [Some(&question.from.0), by_whom, owner];
    let is_one_of =
        |names: &BTreeSet<String>| ends.into_iter().flatten().any(|end| names.contains(end));
    let mut nets = moment.networks.iter().filter(|net| net.internal);
    let internal = nets.any(|net| net.subnet.contains(question.to.address));
    let is_marked = moment.found.marks || question.from.0 == LAN2_NODE;
    let circumstances = [
        (Circumstance::Forwards, moment.found.forwards),
        (Circumstance::BridgeNetfilter, moment.found.bridge_netfilter),
        (Circumstance::Itself, itself),
        (Circumstance::Internal, internal),
        (Circumstance::NetworkEnded, moment.has_ended_network()),
        (Circumstance::ContainerRefused, moment.refused),
        (Circumstance::ContainerVanished, moment.vanished),
        (Circumstance::GatewayMoved, is_one_of(&ground.misled)),
        (Circumstance::AnnouncementLost, is_one_of(&ground.unheard)),
        (Circumstance::SameNumber, is_shared(moment, question)),
        (Circumstance::ConnectionMarked, is_marked),
    ];
    let holding = circumstances.into_iter().filter(|(_, holds)| *holds);
    AskedCell {
        rule: rule.id.0,
        by,
        left: None,
        circumstances: holding.map(|(one, _)| one).collect(),
    }
}

/// Whether two containers publish the number that is asked for, by the question's protocol.
fn is_shared(moment: &Moment, question: &Question) -> bool {
    let asked = question.ask.port();
    let ports = moment.published();
    let same = ports.filter(|(_, port)| asked == Some((port.protocol, port.host_port)));
    same.count() > 1
}

/// Sockets that ask it at the same time. Where a proxy may stand between, it must know whose answer is whose.
fn clients(row: &Row) -> usize {
    let by_proxy = matches!(row.answer, Answer::Answered { routers: None, .. });
    let is_datagram = matches!(row.question.ask, Ask::Udp(_)) && row.question.size == Size::Small;
    if by_proxy && is_datagram && row.question.flow == Flow::New {
        2
    } else {
        1
    }
}

/// What listens behind published ports.
fn behind_ports(moment: &Moment) -> Services {
    let services = moment
        .published()
        .map(|(member, port)| ServiceSpec::of(&member.name, port.protocol, port.container_port));
    services.filter(|service| service.port != OPEN).collect()
}
