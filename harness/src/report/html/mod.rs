//! The report as one page: everything in one file, nothing fetched, made of the run's own evidence.

mod case;
mod diagram;
mod explored;
mod overview;

pub use explored::explored_html;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Matrix, Report};
use crate::mutate::Scores;
use crate::program::plain;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("filter.js");
/// Even if something of the evidence got out of its quotes, the page would load nothing.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      base-uri 'none'; form-action 'none'";

/// The report as an HTML page. Names in it are anybody's choice: none moves a cursor where the page's text is read.
pub fn html(report: &Report, score: Option<&Scores>) -> String {
    plain(&page(report, score).into_string()).into_owned()
}

/// The head of every page.
fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            meta name="referrer" content="no-referrer";
            title { (title) }
            style { (PreEscaped(STYLE)) }
        }
    }
}

fn page(report: &Report, score: Option<&Scores>) -> Markup {
    let matrix = Matrix::of(report);
    html! {
        (DOCTYPE)
        html lang="en" {
            (head(&format!("goldpath: {}", report.result)))
            body {
                (overview::head(report))
                main {
                    (overview::matrix(&matrix))
                    (overview::claims(report))
                    @if let Some(score) = score { (overview::score(score)) }
                    (case::sections(&matrix))
                }
                (overview::foot(report))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

/// An id for an anchor: what isn't a letter or digit becomes a dash.
fn anchor(row: &super::Row<'_>) -> String {
    let name = format!("case-{}-{}", row.id, row.families.join("-"));
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    name.chars().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{self, HOSTILE};

    #[test]
    fn the_page_fetches_nothing() {
        let page = html(&sample::report(), None);
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
        let page = html(&sample::report(), None);
        assert!(!page.contains(HOSTILE));
        assert!(!page.contains("<script>alert"));
        assert!(!page.contains("<b>other"));
        assert_eq!(page.matches("<script>").count(), 1);
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    }

    #[test]
    fn every_link_within_the_page_has_its_target() {
        let page = html(&sample::report(), None);
        for (at, _) in page.match_indices("href=\"#") {
            let target = page[at + 7..].split('"').next().unwrap_or_default();
            assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
        }
    }

    #[test]
    fn every_outcome_is_counted() {
        let page = html(&sample::report(), None);
        for outcome in crate::run::Outcome::ALL {
            assert!(page.contains(&format!("<dt>{outcome}</dt>")), "{outcome}");
        }
    }
}
