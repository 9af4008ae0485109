//! Cases by implementations: the table that every format draws.

use super::{CaseReport, Report};

/// The trials of a report as a table.
#[derive(Debug, Clone)]
pub struct Matrix<'a> {
    /// Implementations with their back ends, as `recipe/iptables-nft`.
    pub columns: Vec<String>,
    /// Cases, by id and address families.
    pub rows: Vec<Row<'a>>,
}

/// One case in the table.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// The case's id.
    pub id: &'a str,
    /// The address families of its trials.
    pub families: &'a [String],
    /// A trial for each column, `None` where the case has none there.
    pub cells: Vec<Option<&'a CaseReport>>,
}

impl<'a> Matrix<'a> {
    /// The table of a report's trials.
    pub fn of(report: &'a Report) -> Self {
        let mut columns: Vec<String> = report.cases.iter().map(CaseReport::column).collect();
        columns.sort();
        columns.dedup();
        let mut keys: Vec<(&str, &[String])> = report
            .cases
            .iter()
            .map(|case| (case.id.as_str(), case.families.as_slice()))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let rows = keys.into_iter().map(|(id, families)| Row {
            id,
            families,
            cells: columns
                .iter()
                .map(|column| {
                    report.cases.iter().find(|case| {
                        case.id == id && case.families == families && case.column() == *column
                    })
                })
                .collect(),
        });
        let rows = rows.collect();
        Self { columns, rows }
    }

    /// The rows of each area, in order.
    pub fn areas(&self) -> Vec<(&'a str, Vec<&Row<'a>>)> {
        let mut areas: Vec<(&str, Vec<&Row<'_>>)> = Vec::new();
        for row in &self.rows {
            match areas.last_mut() {
                Some((area, rows)) if *area == row.area() => rows.push(row),
                _ => areas.push((row.area(), vec![row])),
            }
        }
        areas
    }

    /// The columns in which some of these rows have a trial.
    pub fn columns_of(&self, rows: &[&Row<'_>]) -> Vec<usize> {
        let has_trial = |column: &usize| {
            let mut cells = rows.iter().filter_map(|row| row.cells.get(*column));
            cells.any(Option::is_some)
        };
        (0..self.columns.len()).filter(has_trial).collect()
    }
}

impl<'a> Row<'a> {
    /// The area of the case: its id up to the last slash.
    pub fn area(&self) -> &'a str {
        self.id.rsplit_once('/').map_or("", |(area, _)| area)
    }

    /// The case's name within its area.
    pub fn name(&self) -> &'a str {
        self.id.rsplit_once('/').map_or(self.id, |(_, name)| name)
    }

    /// Its trials.
    pub fn trials(&self) -> impl Iterator<Item = &'a CaseReport> + '_ {
        self.cells.iter().flatten().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn every_trial_has_its_cell() {
        let report = sample::report();
        let matrix = Matrix::of(&report);
        let cells: usize = matrix.rows.iter().map(|row| row.trials().count()).sum();
        assert_eq!(cells, report.cases.len());
        assert_eq!(
            matrix.columns,
            ["<b>other", "recipe/iptables-legacy", "recipe/iptables-nft"]
        );
        assert_eq!(matrix.columns_of(&[]), Vec::<usize>::new());
        let rows: Vec<&Row<'_>> = matrix.rows.iter().collect();
        assert_eq!(matrix.columns_of(&rows), [0, 1, 2]);
        assert_eq!(
            (matrix.rows[0].area(), matrix.rows[0].name()),
            ("egress", "masquerade")
        );
    }
}
