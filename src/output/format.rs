//! `--format`: a table, JSON, YAML, or a Go template.

use gotmpl::Value;
use machine_driver::{Error, Result};
use serde::Serialize;

use super::template::{self, GoTemplate};
use super::{json, table};

/// How a listing is to be printed.
#[derive(Debug, Default)]
pub enum Format {
    /// The plain table.
    #[default]
    Default,
    Json,
    Yaml,
    /// A Go template for each row; with `table`, headers and alignment too.
    Template {
        table: bool,
        template: Box<GoTemplate>,
    },
}

/// What can be listed: as JSON and YAML by its `Serialize`, and in templates by `fields`.
pub trait Listed: Serialize {
    /// docker-machine's plain table, in the form of `--format`.
    const TABLE: &'static str;

    /// The header of each field.
    fn headers() -> Value;

    /// The fields that templates can name, a [`template::structure`].
    fn fields(&self) -> Value;
}

impl Format {
    /// Reads the value of `--format`. `\t` and `\n` stand for a tab and a line's end.
    pub fn parse(text: &str) -> Result<Self> {
        let format = match text {
            "table" => Self::Default,
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            _ => {
                let (table, template) = match text.strip_prefix("table ") {
                    Some(template) => (true, template),
                    None => (false, text),
                };
                let template = template.replace("\\t", "\t").replace("\\n", "\n");
                let template = GoTemplate::parse(&template).map_err(template_error)?;
                Self::Template { table, template: Box::new(template) }
            }
        };
        Ok(format)
    }

    /// The text for `items`.
    pub fn rows<T: Listed>(&self, items: &[T]) -> Result<String> {
        match self {
            Self::Json => Ok(json::pretty(items).map_err(|error| render_error(&error))? + "\n"),
            Self::Yaml => serde_yaml::to_string(items).map_err(|error| render_error(&error)),
            Self::Default => Self::parse(T::TABLE)?.rows(items),
            Self::Template { table, template } => {
                let headers = table.then(T::headers);
                template_rows(template, headers, items.iter().map(T::fields))
            }
        }
    }
}

/// The text of a listing whose table is written by `as_table`. JSON and YAML are `rows`, an array of
/// objects; a template sees the keys of each in Go's manner: `asked_for` is `.AskedFor`.
pub fn listing(
    format: Option<&str>,
    rows: &serde_json::Value,
    as_table: impl FnOnce() -> String,
) -> Result<String> {
    let rows: &[serde_json::Value] = rows.as_array().map_or(&[], Vec::as_slice);
    match Format::parse(format.unwrap_or("table"))? {
        Format::Default => Ok(as_table()),
        Format::Json => Ok(json::pretty(rows).map_err(|error| render_error(&error))? + "\n"),
        Format::Yaml => serde_yaml::to_string(rows).map_err(|error| render_error(&error)),
        Format::Template { table, template } => {
            let headers = rows.first().filter(|_| table).map(headers);
            template_rows(&template, headers, rows.iter().map(fields))
        }
    }
}

/// A row as templates see it. Whole numbers stay whole, unlike those of `inspect`.
fn fields(row: &serde_json::Value) -> Value {
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::Null => Value::from(""),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(whole) => Value::Int(whole),
            None => template::from_json(value),
        },
        other => template::from_json(other),
    };
    let fields: Vec<(String, Value)> =
        entries(row).map(|(key, it)| (in_capitals(key), value(it))).collect();
    let fields = fields.iter().map(|(key, value)| (key.as_str(), value.clone()));
    template::structure("Row", fields.collect())
}

fn headers(row: &serde_json::Value) -> Value {
    let header = |key: &String| (in_capitals(key), key.replace('_', " ").to_uppercase());
    let headers: Vec<(String, String)> = entries(row).map(|(key, _)| header(key)).collect();
    template::object(headers.iter().map(|(key, text)| (key.as_str(), text.as_str().into())))
}

fn entries(row: &serde_json::Value) -> impl Iterator<Item = (&String, &serde_json::Value)> {
    row.as_object().into_iter().flatten()
}

fn in_capitals(key: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    };
    key.split('_').map(word).collect()
}

/// The text of `inspect`: JSON with four spaces, YAML, or a template over the JSON keys.
pub fn inspect(record: &serde_json::Value, format: Option<&str>) -> Result<String> {
    match format {
        None | Some("" | "json") => {
            Ok(json::pretty(record).map_err(|error| render_error(&error))? + "\n")
        }
        Some("yaml") => serde_yaml::to_string(record).map_err(|error| render_error(&error)),
        Some(template) => {
            let template = GoTemplate::parse(template)
                .map_err(|error| template_error(format!("template parsing error: {error}")))?;
            let text = template.execute(&template::from_json(record)).map_err(template_error)?;
            Ok(text + "\n")
        }
    }
}

/// With headers it is a table, and aligned.
fn template_rows(
    template: &GoTemplate,
    headers: Option<Value>,
    rows: impl Iterator<Item = Value>,
) -> Result<String> {
    let is_table = headers.is_some();
    let mut text = String::new();
    for row in headers.into_iter().chain(rows) {
        text += &template.execute(&row).map_err(template_error)?;
        text.push('\n');
    }
    Ok(if is_table { table::align(&text) } else { text })
}

fn render_error(error: &dyn std::fmt::Display) -> Error {
    Error::other(format!("cannot print this: {error}"))
}

fn template_error(error: String) -> Error {
    Error::other(error).hint("templates are Go's, for example '{{.Name}}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Item {
        name: String,
        state: &'static str,
    }

    impl Listed for Item {
        const TABLE: &'static str = "table {{.Name}}\t{{.State}}";

        fn headers() -> Value {
            template::object([("Name", "NAME".into()), ("State", "STATE".into())])
        }

        fn fields(&self) -> Value {
            let fields = vec![("Name", self.name.as_str().into()), ("State", self.state.into())];
            template::structure("test.Item", fields)
        }
    }

    fn rows(format: &str) -> Result<String> {
        Format::parse(format)?.rows(&[Item { name: "lab1".into(), state: "Running" }])
    }

    #[test]
    fn every_form_of_a_listing() {
        assert_eq!(rows("table").unwrap(), "NAME   STATE\nlab1   Running\n");
        assert_eq!(rows(r"{{.Name}}\t{{.State}}").unwrap(), "lab1\tRunning\n");
        assert_eq!(rows("table {{.State}}").unwrap(), "STATE\nRunning\n");
        assert_eq!(rows("yaml").unwrap(), "- Name: lab1\n  State: Running\n");
        assert!(rows("json").unwrap().contains("\"Name\": \"lab1\""));
    }

    #[test]
    fn a_listing_of_plain_data() {
        let rows = serde_json::json!([{"name": "a", "asked_for": 125_829_120, "fix": null}]);
        let text = |format| listing(format, &rows, || "a table\n".to_owned());
        assert_eq!(text(None).unwrap(), "a table\n");
        assert_eq!(text(Some("table")).unwrap(), "a table\n");
        assert_eq!(text(Some("{{.Name}}: {{.AskedFor}}{{.Fix}}")).unwrap(), "a: 125829120\n");
        let with_headers = text(Some("table {{.AskedFor}}\\t{{.Name}}")).unwrap();
        assert_eq!(with_headers, "ASKED FOR   NAME\n125829120   a\n");
        assert_eq!(text(Some("yaml")).unwrap(), "- name: a\n  asked_for: 125829120\n  fix: null\n");
        assert!(text(Some("json")).unwrap().starts_with("[\n    {\n        \"name\": \"a\""));
        let error = text(Some("{{.Nope}}")).unwrap_err();
        assert!(error.to_string().contains("can't evaluate field Nope"), "{error}");
    }

    #[test]
    fn mistakes_are_errors() {
        let error = Format::parse("{{.Name").unwrap_err();
        assert_eq!(error.to_string(), "template: :1: unclosed action");
        assert_eq!(
            rows("{{.Nope}}").unwrap_err().to_string(),
            "template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope in type test.Item"
        );
    }

    #[test]
    fn inspect_reads_json_keys() {
        let record = serde_json::json!({"Driver": {"IPAddress": "1.2.3.4", "SSHPort": 22}});
        let text = |format| inspect(&record, Some(format)).unwrap();
        assert_eq!(text("{{.Driver.IPAddress}}:{{.Driver.SSHPort}}"), "1.2.3.4:22\n");
        assert_eq!(text("{{.Driver.Nope}}"), "<no value>\n");
        assert_eq!(text("{{json .Driver}}"), "{\"IPAddress\":\"1.2.3.4\",\"SSHPort\":22}\n");
        assert!(text("{{prettyjson .}}").starts_with("{\n    \"Driver\": {\n"));
        let error = inspect(&record, Some("{{.Name")).unwrap_err();
        assert_eq!(error.to_string(), "template parsing error: template: :1: unclosed action");
    }
}
