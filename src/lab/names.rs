//! Names of several machines in one word.

use std::ops::RangeInclusive;

/// So many names come out of one word at the most.
const MOST: u32 = 1000;

/// `n{1..3}` is n1, n2 and n3; `{a,b}` is a and b; a word without braces is itself. The error is a
/// message for people.
pub fn expand(word: &str) -> Result<Vec<String>, String> {
    let Some((before, rest)) = word.split_once('{') else { return Ok(vec![word.to_owned()]) };
    let (inside, after) =
        rest.split_once('}').ok_or_else(|| format!("`{word}` has no closing `}}`"))?;
    let middles: Vec<String> = match inside.split_once("..") {
        Some((first, last)) => range(first, last, word)?,
        None => inside.split(',').map(str::to_owned).collect(),
    };
    let ends = expand(after)?;
    let both = |middle: &String| {
        let begin = format!("{before}{middle}");
        ends.iter().map(|end| format!("{begin}{end}")).collect::<Vec<_>>()
    };
    Ok(middles.iter().flat_map(both).collect())
}

fn range(first: &str, last: &str, word: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`{word}` has no range of numbers in its braces, such as {{1..3}}");
    let (from, to): (u32, u32) = first.parse().ok().zip(last.parse().ok()).ok_or_else(wrong)?;
    let range: RangeInclusive<u32> = if from <= to { from..=to } else { return Err(wrong()) };
    if to - from >= MOST {
        return Err(format!("`{word}` is more than {MOST} machines"));
    }
    // As shells do: {01..10} keeps its zeros.
    let width = if first.starts_with('0') { first.len() } else { 0 };
    Ok(range.map(|number| format!("{number:0width$}")).collect())
}

/// Whether `name` fits `pattern`: `*` is anything, `?` one character, all else itself.
pub fn glob(pattern: &str, name: &str) -> bool {
    let mut pattern_rest = pattern.chars();
    match pattern_rest.next() {
        None => name.is_empty(),
        Some('*') => {
            let rest = pattern_rest.as_str();
            let ends = name.char_indices().map(|(place, _)| place).chain([name.len()]);
            ends.into_iter().any(|place| glob(rest, &name[place..]))
        }
        Some(wanted) => {
            let mut name_rest = name.chars();
            name_rest.next().is_some_and(|found| wanted == '?' || wanted == found)
                && glob(pattern_rest.as_str(), name_rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_as_in_a_shell() {
        let names = |word| expand(word).unwrap().join(" ");
        assert_eq!(names("lab1"), "lab1");
        assert_eq!(names("n{1..3}"), "n1 n2 n3");
        assert_eq!(names("n{08..10}-x"), "n08-x n09-x n10-x");
        assert_eq!(names("{web,db}{1..2}"), "web1 web2 db1 db2");
        for bad in ["n{1..", "n{b..a}", "n{3..1}", "n{1..100000}"] {
            expand(bad).unwrap_err();
        }
    }

    #[test]
    fn globs() {
        for (pattern, name) in [("*", ""), ("web*", "web1"), ("*b?", "web1"), ("a", "a")] {
            assert!(glob(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("web", "web1"), ("?", ""), ("w*x", "web1")] {
            assert!(!glob(pattern, name), "{pattern} {name}");
        }
    }
}
