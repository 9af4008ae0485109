//! What is kept of a program's output: its beginning and its end.

use std::collections::VecDeque;

/// The beginning and the end of an output, and how much was left out between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    /// Bytes that each of both may have.
    half: usize,
    written: u64,
}

impl Kept {
    /// Nothing yet, and room for so many bytes.
    pub(super) fn up_to(bytes: usize) -> Self {
        Self {
            half: bytes.div_ceil(2),
            ..Self::default()
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.written += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend_from_slice(first);
        // Only the last of it can stay.
        let rest = &rest[rest.len().saturating_sub(self.half)..];
        let too_many = (self.tail.len() + rest.len()).saturating_sub(self.half);
        self.tail.drain(..too_many);
        self.tail.extend(rest);
    }

    /// Bytes that the program wrote.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Bytes that were not kept.
    pub fn cut(&self) -> u64 {
        self.written - (self.head.len() + self.tail.len()) as u64
    }

    /// All of it; none if some was cut.
    pub fn whole(&self) -> Option<String> {
        (self.cut() == 0).then(|| self.text())
    }

    /// What was kept. Where something was cut, a line says so.
    pub fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.cut() == 0 {
            return String::from_utf8_lossy(&[&self.head[..], &tail].concat()).into_owned();
        }
        let [head, tail] = [&self.head, &tail].map(|bytes| String::from_utf8_lossy(bytes));
        format!("{head}\n[{} bytes left out]\n{tail}", self.cut())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(limit: usize, pieces: &[&str]) -> Kept {
        let mut kept = Kept::up_to(limit);
        pieces.iter().for_each(|piece| kept.push(piece.as_bytes()));
        kept
    }

    #[test]
    fn what_fits_is_whole() {
        let kept = kept(8, &["abc", "", "defgh"]);
        assert_eq!(kept.whole().as_deref(), Some("abcdefgh"));
        assert_eq!((kept.written(), kept.cut()), (8, 0));
    }

    #[test]
    fn of_more_the_beginning_and_the_end_are_kept() {
        for pieces in [&["abcdefghijk"][..], &["abcde", "f", "ghijk"]] {
            let kept = kept(8, pieces);
            assert_eq!(kept.whole(), None);
            assert_eq!((kept.written(), kept.cut()), (11, 3));
            assert_eq!(kept.text(), "abcd\n[3 bytes left out]\nhijk");
        }
    }
}
