//! The order of names in listings: `zz9` before `zz10`.

use std::cmp::Ordering;

/// Compares names without regard to case, runs of digits by their value. Names that are the same
/// but for their case are told apart by their bytes, so that none hides another.
pub fn compare(a: &str, b: &str) -> Ordering {
    let key = |name: &str| chunks(&name.to_lowercase().replace(' ', ""));
    key(a).cmp(&key(b)).then_with(|| a.cmp(b))
}

/// A run of digits or of other characters. Numbers stand before words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Chunk {
    /// The digits without leading zeros, longer ones being greater.
    Number(usize, String),
    Word(String),
}

fn chunks(name: &str) -> Vec<Chunk> {
    let is_digit = |c: char| c.is_ascii_digit();
    let mut rest = name;
    let mut chunks = Vec::new();
    while let Some(first) = rest.chars().next() {
        let digits = is_digit(first);
        let end = rest.find(|c| is_digit(c) != digits).unwrap_or(rest.len());
        let (run, left) = rest.split_at(end);
        rest = left;
        chunks.push(if digits {
            let value = run.trim_start_matches('0');
            Chunk::Number(value.len(), value.to_owned())
        } else {
            Chunk::Word(run.to_owned())
        });
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_and_case_does_not() {
        let mut names = ["zz10", "a", "zz9", "B", "1", "aa", "AA", "10", "2"];
        names.sort_by(|a, b| compare(a, b));
        assert_eq!(names, ["1", "2", "10", "a", "AA", "aa", "B", "zz9", "zz10"]);
    }
}
