//! The file `/etc/os-release`: os-release(5).

use std::collections::BTreeMap;

/// What an operating system says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct OsRelease {
    values: BTreeMap<String, String>,
}

impl OsRelease {
    /// Reads shell-like assignments. What is none is passed over: the file is somebody else's.
    pub(super) fn parse(text: &str) -> Self {
        let assignment = |line: &str| {
            let (name, value) = line.trim().split_once('=')?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            (!name.is_empty() && name.chars().all(plain))
                .then(|| (name.to_owned(), unquoted(value)))
        };
        Self { values: text.lines().filter_map(assignment).collect() }
    }

    /// Lower case by the specification; some are not.
    pub(super) fn id(&self) -> String {
        self.value("ID").to_lowercase()
    }

    /// The systems that this one is like, nearest first.
    pub(super) fn id_like(&self) -> Vec<String> {
        self.value("ID_LIKE").split_whitespace().map(str::to_lowercase).collect()
    }

    pub(super) fn version_id(&self) -> &str {
        self.value("VERSION_ID")
    }

    /// A name for people, for example `Debian GNU/Linux 12 (bookworm)`.
    pub(super) fn pretty_name(&self) -> &str {
        match (self.value("PRETTY_NAME"), self.value("NAME")) {
            ("", "") => self.value("ID"),
            ("", name) | (name, _) => name,
        }
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }
}

/// The value as a shell would have it, without expansions: nothing there is meant to have any.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.to_owned();
    }
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let mut text = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        text.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_equal_signs() {
        let os = OsRelease::parse(
            "# comment\n\nID='rocky'\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=9.4\n\
             PRETTY_NAME=\"Rocky \\\"Linux\\\" 9\"\nBUG_REPORT_URL=https://x/?a=b\nrubbish\n=x\n",
        );
        assert_eq!(os.id(), "rocky");
        assert_eq!(os.id_like(), ["rhel", "centos", "fedora"]);
        assert_eq!(os.version_id(), "9.4");
        assert_eq!(os.pretty_name(), "Rocky \"Linux\" 9");
        assert_eq!(os.value("BUG_REPORT_URL"), "https://x/?a=b");
    }

    #[test]
    fn a_lone_quote_is_no_quotation() {
        assert_eq!(OsRelease::parse("ID='").id(), "'");
        assert_eq!(OsRelease::parse("").pretty_name(), "");
    }
}
