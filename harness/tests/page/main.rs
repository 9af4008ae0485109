//! The HTML report of twenty columns in a browser: size, time, evidence on demand, keyboard, narrow windows, colours, outline.
#![allow(missing_docs, reason = "a test target has no public interface")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod browser;
#[path = "../command/desk.rs"]
#[allow(dead_code, reason = "other tests use more of it")]
mod desk;

use std::process::ExitCode;
use std::sync::LazyLock;

use browser::Browser;
use desk::Desk;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

const COLUMNS: usize = 20;
/// What the page may have. So much is laid out in half a second here; ten times as much took ten.
const MOST_BYTES: u64 = 1_000_000;
const MOST_ELEMENTS: u64 = 10_000;
/// Whose evidence is opened, and the anchor of it.
const CASE: &str = "contract/egress/source-is-the-hosts";
const ANCHOR: &str = "case-contract.egress.source-is-the-hosts-ipv4";

type Test = fn(&mut Browser, &Desk);
const TESTS: [(&str, Test); 8] = [
    ("it-is-small", small),
    ("a-key-opens-a-case-and-loads-its-evidence", opened_by_a_key),
    ("a-link-to-a-case-opens-it", opened_by_a_link),
    ("what-is-not-beside-it-is-named", what_is_missing),
    ("a-narrow-window-scrolls-no-page", narrow),
    ("colours-can-be-read-in-the-dark-and-in-the-light", colours),
    ("a-screen-reader-gets-an-outline", outline),
    ("one-file-holds-everything-on-request", embedded),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let program = browser::installed();
    let trial = |(name, test): (&'static str, Test)| {
        let kind = program.map_or("no Chromium is installed", |_| "");
        let run = move || -> Result<(), Failed> {
            let profile = tempfile::tempdir()?;
            let mut browser = Browser::start(program.unwrap_or_default(), profile.path());
            test(&mut browser, &REPORT);
            Ok(())
        };
        Trial::test(name, run)
            .with_kind(kind)
            .with_ignored_flag(program.is_none())
    };
    let trials = TESTS.map(trial).into();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The page of a report in which every contract case has twenty columns, made of one case's real trials: one in seven fails.
static REPORT: LazyLock<Desk> = LazyLock::new(|| {
    let desk = Desk::with(&[CASE]);
    let columns = "-i native -i native{no-masquerade}";
    desk.goldpath(&format!("run {CASE} {columns} --no-tables --json r.json"))
        .must_be(1);
    let mut report: Value = serde_json::from_str(&desk.read("r.json")).unwrap();
    let seen = report["cases"].as_array().unwrap().clone();
    assert_eq!(seen[0]["outcome"], "passed");
    let listed = desk.goldpath("list contract --cases builtin --json");
    let listed: Vec<Value> = serde_json::from_str(&listed.out).unwrap();
    assert!(listed.len() > 90, "{}", listed.len());
    let mut trials = Vec::new();
    for case in &listed {
        let id = case["id"].as_str().unwrap();
        for column in 0..COLUMNS {
            let mut trial = seen[usize::from((trials.len() + column) % 7 == 0)].clone();
            trial["id"] = json!(id);
            trial["title"] = case["title"].clone();
            trial["implementation"] = json!(format!("engine-{column:02}"));
            if id != CASE {
                trial["paths"] = json!([]);
            }
            trials.push(trial);
        }
    }
    let name = |trial: &Value| {
        let text = |field: &str| trial[field].as_str().unwrap().to_owned();
        format!("{}::{}/ipv4", text("id"), text("implementation"))
    };
    let mut planned: Vec<String> = trials.iter().map(name).collect();
    planned.sort();
    let mut order: Vec<usize> = (0..trials.len()).collect();
    order.sort_by_key(|at| name(&trials[*at]));
    report["planned"] = json!(planned);
    report["cases"] = order.iter().map(|at| trials[*at].clone()).collect();
    std::fs::write(desk.path("r.json"), report.to_string()).unwrap();
    desk.goldpath("report merge r.json --html page.html")
        .must_be(1);
    desk.goldpath("report merge r.json --html whole.html --embed")
        .must_be(1);
    desk
});

/// Waits until the evidence of the case is there, or that it is not there is said.
const LOADED: &str = "new Promise((done) => { \
    const inside = document.getElementById('case-contract.egress.source-is-the-hosts-ipv4'); \
    const look = () => { if (inside.childNodes.length && !inside.ariaBusy) done(); }; \
    new MutationObserver(look).observe(inside, {attributes: true, childList: true}); look(); })";

fn small(browser: &mut Browser, desk: &Desk) {
    let page = desk.path("page.html");
    let bytes = page.metadata().unwrap().len();
    assert!(bytes < MOST_BYTES, "{bytes} bytes");
    browser.resize(1280);
    browser.open(&page, "");
    let elements = browser
        .ask("document.querySelectorAll('*').length")
        .as_u64();
    assert!(
        (1..MOST_ELEMENTS).contains(&elements.unwrap()),
        "{elements:?}"
    );
    let columns = browser.ask("document.querySelectorAll('#matrix thead tr')[0].cells.length - 1");
    assert_eq!(columns, COLUMNS);
    let profiles = browser.ask("[...document.querySelectorAll('#profiles tbody th')].length");
    assert_eq!(profiles, 7);
    assert_eq!(browser.ask("document.querySelectorAll('svg').length"), 0);
    assert_eq!(browser.ask("document.scripts.length"), 1);
    assert_eq!(browser.complaints, Vec::<String>::new());
    browser.photograph("light");
}

fn opened_by_a_key(browser: &mut Browser, desk: &Desk) {
    browser.resize(1280);
    browser.open(&desk.path("page.html"), "");
    // From the matrix's filter to the first fold, as somebody without a mouse gets there.
    browser.ask("document.querySelector('.filter input').focus()");
    browser.press("Tab", 9);
    browser.press("Tab", 9);
    let focused = "document.activeElement.className || document.activeElement.tagName";
    assert_eq!(browser.ask(focused), "scroll matrix-part");
    let outlined = browser.ask("getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(outlined, "solid");
    browser.ask(&format!(
        "document.getElementById('{ANCHOR}').closest('details').querySelector('summary').focus()"
    ));
    browser.press("Enter", 13);
    browser.ask(LOADED);
    assert_eq!(
        browser.ask("document.querySelectorAll('details.case[open]').length"),
        1
    );
    assert!(
        browser
            .ask("document.querySelectorAll('svg').length")
            .as_u64()
            >= Some(2)
    );
    let names = "[...document.querySelectorAll('svg')].every((one) => one.getAttribute('aria-label') || one.querySelector('title'))";
    assert_eq!(browser.ask(names), true);
    assert_eq!(browser.complaints, Vec::<String>::new());
    browser.photograph("opened");
}

fn opened_by_a_link(browser: &mut Browser, desk: &Desk) {
    browser.resize(1280);
    browser.open(&desk.path("page.html"), &format!("#{ANCHOR}"));
    browser.ask(LOADED);
    assert!(
        browser
            .ask("document.querySelectorAll('svg').length")
            .as_u64()
            >= Some(2)
    );
    // The filter leaves it alone, and hides the others.
    let typed = "(() => { const search = document.querySelector('[type=search]'); \
        search.value = 'source-is-the-hosts'; search.dispatchEvent(new Event('input', {bubbles: true})); \
        return document.querySelectorAll('details.case:not([hidden])').length; })()";
    assert_eq!(browser.ask(typed), 1);
}

fn what_is_missing(browser: &mut Browser, desk: &Desk) {
    let alone = tempfile::tempdir().unwrap();
    let page = alone.path().join("page.html");
    std::fs::copy(desk.path("page.html"), &page).unwrap();
    browser.open(&page, &format!("#{ANCHOR}"));
    browser.ask(LOADED);
    let said = browser.ask(&format!("document.getElementById('{ANCHOR}').textContent"));
    let said = said.as_str().unwrap();
    assert!(
        said.contains("Not found beside this page: page.d/"),
        "{said}"
    );
}

fn narrow(browser: &mut Browser, desk: &Desk) {
    for width in [320, 768] {
        browser.resize(width);
        browser.open(&desk.path("page.html"), &format!("#{ANCHOR}"));
        browser.ask(LOADED);
        let beyond = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        assert_eq!(browser.ask(beyond), 0, "{width}");
        browser.photograph(&format!("narrow-{width}"));
    }
}

/// The least contrast of a text with what is behind it, by WCAG 2.2, of all texts of the page that are seen.
const CONTRAST: &str = r"(() => {
  const parts = (colour) => colour.match(/[\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((one) => (one /= 255) <= .04045 ? one / 12.92 : ((one + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const behind = (of) => {
    for (; of; of = of.parentElement) {
      const colour = getComputedStyle(of).backgroundColor;
      if ((parts(colour)[3] ?? 1) === 1) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  let least = [99, ''];
  for (const one of document.querySelectorAll('body *:not(svg *)')) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!own || ['SCRIPT', 'NOSCRIPT'].includes(one.tagName) || !one.checkVisibility()) continue;
    const [a, b] = [light(getComputedStyle(one).color), light(behind(one))];
    const contrast = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (contrast < least[0]) least = [contrast, one.outerHTML.slice(0, 200)];
  }
  return least;
})()";

fn colours(browser: &mut Browser, desk: &Desk) {
    let mut pages = Vec::new();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        browser.open(&desk.path("page.html"), &format!("#{ANCHOR}"));
        browser.ask(LOADED);
        let least = browser.ask(CONTRAST);
        assert!(least[0].as_f64() >= Some(4.5), "{scheme}: {least}");
        pages.push(browser.ask("getComputedStyle(document.body).backgroundColor"));
        browser.photograph(&format!("opened-{scheme}"));
    }
    assert_ne!(pages[0], pages[1]);
}

fn outline(browser: &mut Browser, desk: &Desk) {
    browser.open(&desk.path("page.html"), &format!("#{ANCHOR}"));
    browser.ask(LOADED);
    let told = browser.outline();
    let of = |role: &str| -> Vec<_> { told.iter().filter(|one| one.0 == role).collect() };
    for role in ["banner", "navigation", "main", "contentinfo"] {
        assert_eq!(of(role).len(), 1, "{role}");
    }
    let levels: Vec<u64> = of("heading").iter().map(|one| one.2).collect();
    assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
    assert_eq!(levels[0], 1);
    let jumps = levels.windows(2).any(|pair| pair[1] > pair[0] + 1);
    assert!(!jumps, "{levels:?}");
    for role in [
        "heading",
        "link",
        "region",
        "rowheader",
        "columnheader",
        "searchbox",
        "checkbox",
    ] {
        assert!(!of(role).is_empty(), "no {role}");
        assert!(
            of(role).iter().all(|one| !one.1.is_empty()),
            "a {role} has no name"
        );
    }
    let names: Vec<&str> = of("heading").iter().map(|one| one.1.as_str()).collect();
    for part in ["Profiles", "Matrix", "Paths", "Run it again"] {
        assert!(names.contains(&part), "{names:?}");
    }
}

fn embedded(browser: &mut Browser, desk: &Desk) {
    assert!(!desk.path("whole.d").exists());
    browser.open(&desk.path("whole.html"), &format!("#{ANCHOR}"));
    assert!(
        browser
            .ask("document.querySelectorAll('svg').length")
            .as_u64()
            >= Some(2)
    );
    assert_eq!(browser.complaints, Vec::<String>::new());
}
