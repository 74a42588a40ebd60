//! JSON as Go's `encoding/json` writes it, which is how docker-machine writes its records: `<`, `>`
//! and `&` as escapes, a whole number without a fraction, four spaces where it is to be read.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, CompactFormatter, Formatter, PrettyFormatter};

/// In one line, without blanks.
pub fn compact<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    text(value, Go(CompactFormatter))
}

/// With four spaces, without a newline at the end.
pub fn pretty<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    text(value, Go(PrettyFormatter::with_indent(b"    ")))
}

fn text<T: Serialize + ?Sized>(value: &T, format: impl Formatter) -> serde_json::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, format))?;
    Ok(String::from_utf8(bytes).expect("JSON is text"))
}

/// A number as Go writes it into JSON: without an exponent between 1e-6 and 1e21.
pub(super) fn number(value: f64) -> String {
    if value != 0.0 && (value.abs() < 1e-6 || value.abs() >= 1e21) {
        let text = format!("{value:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    value.to_string()
}

/// Go's way with strings and numbers, `F`'s with all else.
struct Go<F>(F);

impl<F: Formatter> Formatter for Go<F> {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(number(value).as_bytes())
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let special = |c| matches!(c, '<' | '>' | '&' | '\u{2028}' | '\u{2029}');
        let mut rest = fragment;
        while let Some(place) = rest.find(special) {
            let (plain, from) = rest.split_at(place);
            let mut characters = from.chars();
            let character = characters.next().expect("it was found");
            write!(writer, "{plain}\\u{:04x}", u32::from(character))?;
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            // Go before 1.22, which made docker-machine, has no short form for these two.
            CharEscape::Backspace => writer.write_all(b"\\u0008"),
            CharEscape::FormFeed => writer.write_all(b"\\u000c"),
            other => self.0.write_char_escape(writer, other),
        }
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What Go 1.19's `json.Marshal` printed for the same values.
    #[test]
    fn as_go_writes_it() {
        let value = json!({
            "text": "<a&b>\u{2028}\u{7}\u{8}\u{c}\n\t\"\\é/",
            "numbers": [0.0, 1e6, 0.5, 1e-7, 1e22, 1.5e-9, -3.0, 20000, u64::MAX],
            "empty": [{}, [], null, true],
        });
        let expected = r#"{"text":"\u003ca\u0026b\u003e\u2028\u0007\u0008\u000c\n\t\"\\é/","#
            .to_owned()
            + r#""numbers":[0,1000000,0.5,1e-7,1e+22,1.5e-9,-3,20000,18446744073709551615],"#
            + r#""empty":[{},[],null,true]}"#;
        assert_eq!(compact(&value).unwrap(), expected);
        let expected = "{\n    \"a\": [\n        1,\n        2\n    ],\n    \"b\": {}\n}";
        assert_eq!(pretty(&json!({"a": [1, 2], "b": {}})).unwrap(), expected);
    }
}
