//! Regular expressions, with Go's words for what is wrong with one.

use regex::Regex;
use regex_syntax::ast::{Error, ErrorKind, parse::Parser};

/// Compiles an expression. The error is Go's, for example
/// ``error parsing regexp: missing closing ]: `[a` ``.
pub fn compile(expression: &str) -> Result<Regex, String> {
    if let Err(error) = Parser::new().parse(expression) {
        return Err(format!("error parsing regexp: {}", in_go(expression, &error)));
    }
    Regex::new(expression).map_err(|error| format!("error parsing regexp: {error}"))
}

fn in_go(expression: &str, error: &Error) -> String {
    let (start, end) = (error.span().start.offset, error.span().end.offset);
    let (from, piece) = (&expression[start..], &expression[start..end]);
    match error.kind() {
        ErrorKind::ClassUnclosed => format!("missing closing ]: `{from}`"),
        ErrorKind::GroupUnclosed => format!("missing closing ): `{expression}`"),
        ErrorKind::GroupUnopened => format!("unexpected ): `{expression}`"),
        ErrorKind::RepetitionMissing => {
            let operator = from.get(..1).unwrap_or(from);
            format!("missing argument to repetition operator: `{operator}`")
        }
        ErrorKind::EscapeUnexpectedEof => "trailing backslash at end of expression: ``".to_owned(),
        ErrorKind::EscapeUnrecognized => format!("invalid escape sequence: `{piece}`"),
        ErrorKind::ClassRangeInvalid => format!("invalid character class range: `{piece}`"),
        ErrorKind::RepetitionCountInvalid => format!("invalid repeat count: `{piece}`"),
        ErrorKind::FlagUnrecognized | ErrorKind::UnsupportedLookAround => {
            let group = expression[..start].rfind("(?").map_or(from, |at| &expression[at..end]);
            format!("invalid or unsupported Perl syntax: `{group}`")
        }
        other => format!("{other}: `{piece}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::compile;

    /// What Go 1.19's `regexp.Compile` said.
    #[test]
    fn mistakes_are_said_in_gos_words() {
        for (expression, expected) in [
            ("[", "missing closing ]: `[`"),
            ("a[b", "missing closing ]: `[b`"),
            ("(ab", "missing closing ): `(ab`"),
            ("ab)", "unexpected ): `ab)`"),
            ("*", "missing argument to repetition operator: `*`"),
            ("a\\", "trailing backslash at end of expression: ``"),
            ("\\q", "invalid escape sequence: `\\q`"),
            ("[b-a]", "invalid character class range: `b-a`"),
        ] {
            let error = compile(expression).unwrap_err();
            assert_eq!(error, format!("error parsing regexp: {expected}"), "{expression}");
        }
        assert!(compile("^web-[0-9]+$").unwrap().is_match("web-12"));
    }
}
