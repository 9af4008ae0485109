//! "Did you mean": the nearest of some known words.

/// How many edits a word may be away and still be taken for a slip of the pen.
const NEAR_EDITS: usize = 2;

/// The known word nearest to what was written, if it's near enough to be a typing mistake.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let limit = NEAR_EDITS.min(written.chars().count() / 2).max(1);
    known
        .into_iter()
        .map(|word| (edits(written, word), word))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Levenshtein's distance, ignoring case.
pub(super) fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

/// Words as a sentence shows them: each in backticks, with commas between.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words
        .into_iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A help text: the nearest word if there is one, then all of them.
pub(super) fn did_you_mean<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
    noun: &str,
) -> String {
    let all = listed(known.clone());
    match nearest(written, known) {
        Some(near) => format!("did you mean `{near}`? {noun}: {all}"),
        None => format!("{noun}: {all}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_near_and_another_word_is_not() {
        assert_eq!(nearest("expct", ["probe", "expect"]), Some("expect"));
        assert_eq!(nearest("c9", ["c1", "host"]), Some("c1"));
        assert_eq!(nearest("router", ["host", "gateway"]), None);
    }
}
