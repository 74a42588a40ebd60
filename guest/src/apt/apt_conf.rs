//! The form of apt.conf(5): `A::B "value";`, or nested, `A { B "value"; };`. Names are compared
//! without regard to case; `//`, `#` and `/* */` begin comments.

/// The values of a setting in a text, in its order. `name` is in lower case, with `::`.
pub(super) fn values<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    let mut scopes: Vec<String> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    for token in tokens(text) {
        match token {
            "{" => scopes.push(std::mem::take(&mut words).concat().to_lowercase()),
            "}" => {
                words.clear();
                scopes.pop();
            }
            ";" => {
                if let [setting, value] = words.as_slice() {
                    let setting = setting.to_lowercase();
                    let scope = scopes.iter().map(String::as_str).filter(|it| !it.is_empty());
                    if scope.chain([setting.as_str()]).collect::<Vec<_>>().join("::") == name {
                        found.push(value.trim_matches('"'));
                    }
                }
                words.clear();
            }
            word => words.push(word),
        }
    }
    found
}

/// Words, quoted texts (with their quotes) and the signs `{`, `}` and `;`, without comments.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let end = if rest.starts_with("//") || rest.starts_with('#') {
                rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            } else {
                break;
            };
            rest = &rest[end..];
        }
        let first = rest.chars().next()?;
        let end = match first {
            '{' | '}' | ';' => 1,
            '"' => rest[1..].find('"').map_or(rest.len(), |end| end + 2),
            _ => {
                rest.find(|c: char| c.is_whitespace() || "{};\"".contains(c)).unwrap_or(rest.len())
            }
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_and_nested_settings_are_found() {
        let text = "// Acquire::http::Proxy \"http://comment\";\n\
            # Acquire::http::Proxy \"http://comment\";\n\
            /* Acquire::http::Proxy \"http://comment\"; */\n\
            Acquire::http::Proxy \"http://flat:3142\";\n\
            Acquire::http::Proxy::m.example \"DIRECT\";\n\
            Acquire { HTTP::proxy \"http://half:3142\"; http { Proxy \"http://nested:3142/\"; };\n\
            https::Proxy \"http://other\"; };\nAPT { Keep { \"^linux\"; }; };\n\
            acquire::http::proxy http://bare:1;";
        let found = values(text, "acquire::http::proxy");
        let expected =
            ["http://flat:3142", "http://half:3142", "http://nested:3142/", "http://bare:1"];
        assert_eq!(found, expected);
    }

    #[test]
    fn rubbish_ends() {
        for text in ["\"", "/*", "{{{", "};};", "a b c;", "//", "<html>ü</html>"] {
            assert!(values(text, "acquire::http::proxy").is_empty(), "{text}");
        }
    }
}
