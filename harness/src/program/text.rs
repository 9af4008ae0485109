//! What a program chose to write, made fit for a terminal and a report.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes of one program's text that a message shows: some screens, enough for a stack trace or the end of a log.
pub const SHOWN: usize = 8 << 10;

/// The text with line ends and tabs as they are, and every other character that moves a cursor, changes colours, turns
/// the direction of writing, or is not seen at all, in the form `\u{1b}`.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unseen) {
        return Cow::Borrowed(text);
    }
    let mut written = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c == '\r' && rest.peek() == Some(&'\n') {
            continue;
        }
        if is_unseen(c) {
            // A string takes everything.
            let _ = write!(written, "{}", c.escape_unicode());
        } else {
            written.push(c);
        }
    }
    Cow::Owned(written)
}

/// The text as [`plain`] as that, without what surrounds it, and of more than [`SHOWN`] bytes the beginning and the end.
pub fn shown(text: &str) -> String {
    shown_within(text, SHOWN)
}

/// Like [`shown`], with so many bytes.
pub fn shown_within(text: &str, limit: usize) -> String {
    let text = plain(text.trim());
    if text.len() <= limit {
        return text.into_owned();
    }
    let is_boundary = |at: &usize| text.is_char_boundary(*at);
    let head = (0..=limit / 2).rev().find(is_boundary).unwrap_or_default();
    let tail = (text.len() - limit / 2..=text.len()).find(is_boundary);
    let tail = tail.unwrap_or(text.len());
    let (first, last) = (text[..head].trim_end(), text[tail..].trim_start());
    format!("{first}\n[{} bytes left out]\n{last}", tail - head)
}

/// The first character of a name or a version that nobody could read in one line.
pub fn unseen(text: &str) -> Option<char> {
    text.chars().find(|c| is_unseen(*c) || c.is_control())
}

/// Controls of both sets, and what Unicode calls format characters of lines and directions (UAX #9, 2.1 to 2.5).
fn is_unseen(c: char) -> bool {
    let is_format = matches!(
        c,
        '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    is_format || (c.is_control() && !matches!(c, '\n' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_can_be_seen_stays() {
        assert_eq!(plain("a → b\n\tc é"), "a → b\n\tc é");
        assert_eq!(plain("line\r\nline"), "line\nline");
    }

    #[test]
    fn what_a_terminal_would_obey_is_spelt_out() {
        assert_eq!(plain("\u{1b}[2Jx\u{7}\r"), "\\u{1b}[2Jx\\u{7}\\u{d}");
        assert_eq!(plain("\u{9b}31m\u{202e}"), "\\u{9b}31m\\u{202e}");
    }

    #[test]
    fn of_a_long_text_both_ends_are_shown() {
        let text = format!("first{}last", "é".repeat(SHOWN));
        let shown = shown(&text);
        assert!(shown.len() < SHOWN + 64, "{}", shown.len());
        assert!(shown.starts_with("first") && shown.ends_with("last"));
        assert!(shown.contains("bytes left out]"), "{shown}");
    }
}
