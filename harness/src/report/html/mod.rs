//! The report as a page that fetches nothing from any network: in one file, or with the evidence of its cases in files beside
//! it, each of which is loaded when somebody opens its case.

mod case;
mod diagram;
mod explored;
mod overview;

pub use explored::explored_html;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Matrix, Report, TruthTable};
use crate::mutate::Scores;
use crate::program::plain;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("filter.js");
/// Even if something of the evidence got out of its quotes, the page would load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      base-uri 'none'; form-action 'none'";
/// The same for a page that loads what lies beside it. A browser may not count a page's own folder as `'self'` where the page
/// is a file.
const POLICY_BESIDE: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'self' file:; \
                             base-uri 'none'; form-action 'none'";

/// A page and what it loads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The page itself.
    pub text: String,
    /// Names and contents of the files in the folder beside it.
    pub beside: Vec<(String, String)>,
}

/// The report as an HTML page with everything in it. Names in it are anybody's choice: none moves a cursor where the page's
/// text is read.
pub fn html(report: &Report, score: Option<&Scores>) -> String {
    plain(&page(report, score, None).into_string()).into_owned()
}

/// The report as an HTML page whose evidence is in files of a folder beside it, called `folder`.
pub fn html_beside(report: &Report, score: Option<&Scores>, folder: &str) -> Page {
    let matrix = Matrix::of(report);
    let file = |row| {
        let (id, inside) = (anchor(row), case::inside(row).into_string());
        let call = format!("goldpath({}, {});\n", quoted(&id), quoted(&plain(&inside)));
        (file_name(&id), call)
    };
    Page {
        text: plain(&page(report, score, Some(folder)).into_string()).into_owned(),
        beside: matrix.rows.iter().map(file).collect(),
    }
}

/// The file of a case's evidence.
fn file_name(anchor: &str) -> String {
    format!("{anchor}.js")
}

/// A text as JavaScript writes it: as JSON, of whose strings it takes all.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The head of every page.
fn head(title: &str, policy: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(policy);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

fn page(report: &Report, score: Option<&Scores>, folder: Option<&str>) -> Markup {
    let matrix = Matrix::of(report);
    let policy = folder.map_or(POLICY, |_| POLICY_BESIDE);
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("goldpath: {}", report.result), policy))
            body {
                (overview::head(report))
                main {
                    (overview::profiles(report))
                    (overview::matrix(&matrix))
                    @if let Some(table) = TruthTable::of(report) { (overview::truth(&table)) }
                    (overview::claims(report))
                    @if let Some(score) = score { (overview::score(score)) }
                    (case::sections(&matrix, folder))
                }
                (overview::foot(report))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// An id for an anchor, and of the row's file. Two rows never share one: a slash becomes a dot, which no id has.
fn anchor(row: &super::Row<'_>) -> String {
    let name = format!("case-{}-{}", row.id, row.families.join("-"));
    let letter = |c: char| match c {
        '/' => '.',
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    };
    name.chars().map(letter).collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::report::sample::{self, HOSTILE};

    /// The whole page, that with its evidence beside it, and a file of the evidence.
    fn pages() -> [String; 3] {
        let mut page = html_beside(&sample::report(), None, "r.d");
        let file = page.beside.swap_remove(0).1;
        let text = file.split_once(", ").unwrap().1.strip_suffix(");\n");
        let inside = serde_json::from_str(text.unwrap()).unwrap();
        [html(&sample::report(), None), page.text, inside]
    }

    #[test]
    fn the_pages_fetch_nothing_from_elsewhere() {
        pages().iter().for_each(|page| fetches_nothing(page));
    }

    fn fetches_nothing(page: &str) {
        for way in [
            "src=", "url(", "@import", "<link", "<base", "<img", "<iframe", "<form",
        ] {
            assert!(!page.contains(way), "{way}");
        }
        let outward = page.match_indices("http").map(|(at, _)| &page[..at]);
        for before in outward {
            let word = before.rsplit(['<', '>']).next().unwrap_or_default();
            let plain_link = before.ends_with("<a href=\"") || word.is_empty();
            assert!(plain_link || before.ends_with("<meta "), "{before:.80}");
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        let pages = pages();
        for (page, scripts) in pages.iter().zip([1, 1, 0]) {
            assert!(!page.contains(HOSTILE));
            assert!(!page.contains("<script>alert"));
            assert!(!page.contains("<b>other"));
            assert_eq!(page.matches("<script>").count(), scripts);
        }
        for page in [&pages[0], &pages[2]] {
            assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        }
        // The folder's name is anybody's choice, too.
        let page = html_beside(&sample::report(), None, HOSTILE).text;
        assert!(!page.contains(HOSTILE) && !page.contains("<script>alert"));
    }

    #[test]
    fn every_link_within_a_page_has_its_target() {
        for page in &pages()[..2] {
            for (at, _) in page.match_indices("href=\"#") {
                let target = page[at + 7..].split('"').next().unwrap_or_default();
                assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
            }
        }
    }

    #[test]
    fn each_case_has_a_file_of_its_own_and_the_page_says_which() {
        let mut report = sample::report();
        let mut alike = report.cases[0].clone();
        alike.id = alike.id.replace('/', "-");
        report.cases.push(alike);
        let page = html_beside(&report, None, "r.d");
        let names: std::collections::BTreeSet<_> =
            page.beside.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), Matrix::of(&report).rows.len());
        for (name, text) in &page.beside {
            let id = name.trim_end_matches(".js");
            assert!(
                page.text.contains(&format!("id=\"{id}\" data-file")),
                "{id}"
            );
            assert!(
                text.starts_with(&format!("goldpath(\"{id}\", \"")),
                "{text:.80}"
            );
        }
        assert!(page.text.contains("data-folder=\"r.d\""));
        // The evidence is in the files alone.
        assert!(!page.text.contains("<svg") && page.beside[0].1.contains("<svg"));
    }

    #[test]
    fn every_outcome_is_counted() {
        let page = html(&sample::report(), None);
        for outcome in crate::run::Outcome::ALL {
            assert!(page.contains(&format!("<dt>{outcome}</dt>")), "{outcome}");
        }
    }
}
