/// Where the values of variables come from.
pub(super) type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Puts the values of variables into a text: `${NAME}`, which must be set, and `${NAME:-DEFAULT}`.
/// `$${` stands for `${`; any other `$` is itself, for commands are full of them. The error is a
/// message for people.
pub(super) fn expand(text: &str, variables: Variables<'_>) -> Result<String, String> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find("${") {
        let (before, from) = rest.split_at(place);
        if let Some(before) = before.strip_suffix('$') {
            expanded += before;
            expanded += "${";
            rest = &from[2..];
            continue;
        }
        expanded += before;
        let (inside, after) =
            from[2..].split_once('}').ok_or_else(|| format!("`{from}` has no `}}`"))?;
        expanded += &value(inside, variables)?;
        rest = after;
    }
    Ok(expanded + rest)
}

fn value(inside: &str, variables: Variables<'_>) -> Result<String, String> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return Err(format!("`${{{inside}}}` is no variable; write `$${{` for a plain `${{`"));
    }
    variables(name).or_else(|| default.map(str::to_owned)).ok_or_else(|| {
        format!("the variable `{name}` is not set; a default is written `${{{name}:-VALUE}}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        expand(text, &|name| (name == "A").then(|| "1".to_owned()))
    }

    #[test]
    fn variables_defaults_and_plain_dollars() {
        for (text, value) in [
            ("x${A}y${A:-2}", "x1y1"),
            ("${B:-}|${B:-a b}", "|a b"),
            ("$A $(date) $$ 5$", "$A $(date) $$ 5$"),
            ("$${A} ${A}", "${A} 1"),
        ] {
            assert_eq!(expanded(text).unwrap(), value);
        }
        assert!(expanded("${B}").unwrap_err().contains("`B` is not set"));
        assert!(expanded("${A").unwrap_err().contains('}'));
        assert!(expanded("${a b}").unwrap_err().contains("is no variable"));
    }
}
