use std::collections::BTreeMap;

use machine_driver::{Error, ErrorKind, Result, Tags};

use crate::record::Record;

/// Keys and values have at most so many characters.
const LONGEST: usize = 255;

/// The user's metadata and the machine's marks, for a server or a volume.
pub(crate) fn all(record: &Record, tags: &Tags) -> Result<BTreeMap<String, String>> {
    Ok(tags.labels(&of_user(&record.ours.metadata)?))
}

/// `k1,v1,k2,v2`, as docker-machine has it.
pub(crate) fn of_user(text: &str) -> Result<BTreeMap<String, String>> {
    let wrong = |what: String| {
        Error::new(ErrorKind::Flags, format!("--openstack-metadata: {what}"))
            .hint("for example: --openstack-metadata team,lab,purpose,ci")
    };
    if text.is_empty() {
        return Ok(BTreeMap::new());
    }
    let words: Vec<&str> = text.split(',').map(str::trim).collect();
    if !words.len().is_multiple_of(2) {
        return Err(wrong(format!("`{}` has no value", words[words.len() - 1])));
    }
    let mut all = BTreeMap::new();
    for pair in words.chunks_exact(2) {
        let (key, value) = (pair[0], pair[1]);
        let is_plain = |it: char| it.is_alphanumeric() || "-_:. ".contains(it);
        if key.is_empty() || !key.chars().all(is_plain) {
            return Err(wrong(format!("`{key}` is no key: letters, digits, `-`, `_`, `:`, `.`")));
        }
        if let Some(long) = pair.iter().find(|it| it.chars().count() > LONGEST) {
            let start: String = long.chars().take(20).collect();
            return Err(wrong(format!("`{start}…` has more than {LONGEST} characters")));
        }
        all.insert(key.to_owned(), value.to_owned());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_in_a_row() {
        let all = of_user("team, lab,x:y,").unwrap();
        assert_eq!(all["team"], "lab");
        assert_eq!(all["x:y"], "");
        for wrong in ["a", "a,b,c", ",b", "a/b,c", &format!("a,{}", "x".repeat(256))] {
            assert_eq!(of_user(wrong).unwrap_err().kind(), ErrorKind::Flags, "{wrong}");
        }
        of_user(&format!("a,{}", "ü".repeat(255))).unwrap();
    }
}
