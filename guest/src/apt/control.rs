//! The stanzas of `Packages`, `Release` and apt's own `.sources`: `Field: value`, continued on lines
//! that begin with a space, separated by empty lines.

/// One stanza. Field names are compared without regard to case.
#[derive(Debug, Clone)]
pub(super) struct Stanza<'a> {
    text: &'a str,
}

/// The stanzas of a text, without its comments.
pub(super) fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    text.split("\n\n").filter(|text| !text.trim().is_empty()).map(|text| Stanza { text })
}

impl<'a> Stanza<'a> {
    /// The value of a field, without the name and the space around it; continuation lines stay.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let mut start = None;
        let mut end = self.text.len();
        let mut offset = 0;
        for line in self.text.split_inclusive('\n') {
            let here = offset;
            offset += line.len();
            if line.starts_with([' ', '\t', '#']) {
                continue;
            }
            if start.is_some() {
                end = here;
                break;
            }
            match line.split_once(':') {
                Some((field, _)) if field.eq_ignore_ascii_case(name) => {
                    start = Some(here + field.len() + 1);
                }
                _ => {}
            }
        }
        start.map(|start| self.text[start..end].trim())
    }

    /// The words of a field, without comments between its lines; none if it is not there.
    pub(super) fn words(&self, name: &str) -> Vec<&'a str> {
        let lines = self.get(name).unwrap_or_default().lines();
        lines.filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_may_go_on_over_lines() {
        let text = "Package: a\nSHA256:\n 11 5 main/x\n 22 6 main/y\nSize: 7\n\n\nPackage: b\n";
        let all: Vec<_> = stanzas(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("size"), Some("7"));
        assert_eq!(all[0].words("SHA256"), ["11", "5", "main/x", "22", "6", "main/y"]);
        assert_eq!((all[1].get("Package"), all[1].get("Size")), (Some("b"), None));
    }
}
