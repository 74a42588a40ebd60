//! Whether every block is closed, which `gotmpl` does not ask.

/// Checks the nesting of `if`, `with`, `range`, `define` and `block`, and that what needs a value
/// has one. An action that is not closed is left to the parser.
pub(super) fn check(source: &str) -> Result<(), String> {
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(action) = next_action(source, at) {
        at = action.end;
        let line = 1 + source[..action.start].matches('\n').count();
        let wrong = |what: &str| Err(format!("template: :{line}: {what}"));
        let mut words = action.text.split_whitespace();
        match words.next() {
            None => return wrong("missing value for command"),
            Some(word @ ("if" | "with" | "range")) => {
                if words.next().is_none() {
                    return wrong(&format!("missing value for {word}"));
                }
                open.push(word);
            }
            Some(word @ ("define" | "block")) => open.push(word),
            Some("end") if open.pop().is_none() => return wrong("unexpected {{end}}"),
            Some("else") if open.is_empty() => return wrong("unexpected {{else}}"),
            Some(word @ ("break" | "continue")) if !open.contains(&"range") => {
                return wrong(&format!("{{{{{word}}}}} outside {{{{range}}}}"));
            }
            Some(_) => {}
        }
    }
    if open.is_empty() || has_open_action(source, at) {
        return Ok(());
    }
    Err(format!("template: :{}: unexpected EOF", 1 + source.matches('\n').count()))
}

/// One action without its braces and trim markers.
struct Action<'a> {
    text: &'a str,
    /// Where its `{{` stands.
    start: usize,
    /// What follows its `}}`.
    end: usize,
}

/// The next action that is closed, comments left out.
fn next_action(source: &str, from: usize) -> Option<Action<'_>> {
    let start = from + source[from..].find("{{")?;
    let inside = start + 2;
    let body = &source[inside..];
    let trimmed = body.strip_prefix("- ").unwrap_or(body).trim_start();
    if trimmed.starts_with("/*") {
        let end = inside + body.find("*/")? + 2;
        return next_action(source, end + source[end..].find("}}")? + 2);
    }
    let length = closing(body)?;
    let text = &body[..length];
    let text =
        text.strip_prefix('-').filter(|it| it.starts_with(char::is_whitespace)).unwrap_or(text);
    let text =
        text.strip_suffix('-').filter(|it| it.ends_with(char::is_whitespace)).unwrap_or(text);
    Some(Action { text: text.trim(), start, end: inside + length + 2 })
}

/// Where the action's `}}` stands, which may also be part of a text in quotes.
fn closing(body: &str) -> Option<usize> {
    let mut quote = None;
    let mut characters = body.char_indices();
    while let Some((place, character)) = characters.next() {
        match (quote, character) {
            (None, '"' | '`' | '\'') => quote = Some(character),
            (None, '}') if body[place..].starts_with("}}") => return Some(place),
            (Some('"' | '\''), '\\') => {
                characters.next();
            }
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn has_open_action(source: &str, from: usize) -> bool {
    source[from..].contains("{{")
}
