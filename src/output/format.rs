//! `--format`: a table, JSON, YAML, or a Go template.

use gotmpl::{Template, Value};
use machine_driver::{Error, Result};
use serde::Serialize;

use super::table;

/// How a listing is to be printed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Default,
    Json,
    Yaml,
    /// A Go template for each row; with `table`, headers and alignment too.
    Template {
        table: bool,
        template: String,
    },
}

/// A field that templates can name, and its header in tables.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub field: &'static str,
    pub header: &'static str,
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
                // Parsed once here, so that a mistake is found before anything is asked.
                parse(&template)?;
                Self::Template { table, template }
            }
        };
        Ok(format)
    }

    /// The text for `items`, whose fields are named in `columns`. `default` is the template of the
    /// plain table.
    pub fn rows<T: Serialize>(
        &self,
        columns: &[Column],
        default: &str,
        items: &[T],
    ) -> Result<String> {
        match self {
            Self::Json => pretty_json(&items),
            Self::Yaml => serde_yaml::to_string(items).map_err(|error| render_error(&error)),
            Self::Default => {
                let template = default.strip_prefix("table ").unwrap_or(default);
                template_rows(columns, template, true, items)
            }
            Self::Template { table, template } => template_rows(columns, template, *table, items),
        }
    }
}

/// The text of `inspect`: JSON with four spaces, YAML, or a template over the JSON keys.
pub fn inspect(record: &serde_json::Value, format: Option<&str>) -> Result<String> {
    match format {
        None | Some("json") => pretty_json(record),
        Some("yaml") => serde_yaml::to_string(record).map_err(|error| render_error(&error)),
        Some(template) => {
            let data = gotmpl::to_value(record).map_err(|error| template_error(&error))?;
            Ok(execute(&parse(template)?, &data)? + "\n")
        }
    }
}

fn template_rows<T: Serialize>(
    columns: &[Column],
    template: &str,
    table: bool,
    items: &[T],
) -> Result<String> {
    let template = parse(template)?.missing_key(gotmpl::MissingKey::Error);
    let mut lines = Vec::new();
    if table {
        let headers =
            columns.iter().map(|it| (std::sync::Arc::from(it.field), Value::from(it.header)));
        lines.push(execute(&template, &Value::Map(std::sync::Arc::new(headers.collect())))?);
    }
    for item in items {
        let data = gotmpl::to_value(item).map_err(|error| template_error(&error))?;
        lines.push(execute(&template, &data)?);
    }
    if !table {
        return Ok(lines.iter().fold(String::new(), |all, line| all + line + "\n"));
    }
    let rows: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    Ok(table::render(&rows))
}

fn parse(template: &str) -> Result<Template> {
    Template::new("")
        .func("json", |values| Ok(json(values, false)))
        .func("prettyjson", |values| Ok(json(values, true)))
        .parse(template)
        .map_err(|error| template_error(&error))
}

fn json(values: &[Value], pretty: bool) -> Value {
    let value = values.first().map_or(serde_json::Value::Null, to_json);
    let text = if pretty { pretty_json(&value).unwrap_or_default() } else { value.to_string() };
    Value::from(text.trim_end())
}

/// Keys come out sorted, as Go's do.
fn to_json(value: &Value) -> serde_json::Value {
    match value {
        Value::Nil | Value::Function(_) => serde_json::Value::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Int(number) => (*number).into(),
        Value::Uint(number) => (*number).into(),
        Value::Float(number) => (*number).into(),
        Value::String(text) => text.to_string().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(map) => {
            let entry = |(key, value): (&_, &Value)| {
                let key: &std::sync::Arc<str> = key;
                (key.to_string(), to_json(value))
            };
            serde_json::Value::Object(map.iter().map(entry).collect())
        }
    }
}

fn execute(template: &Template, data: &Value) -> Result<String> {
    template.execute_to_string(data).map_err(|error| template_error(&error))
}

fn pretty_json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).map_err(|error| render_error(&error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned() + "\n")
}

fn render_error(error: &dyn std::fmt::Display) -> Error {
    Error::other(format!("cannot print this: {error}"))
}

fn template_error(error: &gotmpl::TemplateError) -> Error {
    Error::other(format!("template parsing error: {error}"))
        .hint("templates are Go's, for example '{{.Name}}'")
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

    const COLUMNS: [Column; 2] =
        [Column { field: "Name", header: "NAME" }, Column { field: "State", header: "STATE" }];

    fn rows(format: &str) -> Result<String> {
        let items = [Item { name: "lab1".into(), state: "Running" }];
        Format::parse(format)?.rows(&COLUMNS, "table {{.Name}}\t{{.State}}", &items)
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
    fn mistakes_are_errors() {
        assert!(Format::parse("{{.Name").is_err());
        assert!(rows("{{.Nope}}").is_err());
    }

    #[test]
    fn inspect_reads_json_keys() {
        let record = serde_json::json!({"Driver": {"IPAddress": "1.2.3.4", "SSHPort": 22}});
        let text = |format| inspect(&record, Some(format)).unwrap();
        assert_eq!(text("{{.Driver.IPAddress}}:{{.Driver.SSHPort}}"), "1.2.3.4:22\n");
        assert_eq!(text("{{.Driver.Nope}}"), "<no value>\n");
        assert_eq!(text("{{json .Driver}}"), "{\"IPAddress\":\"1.2.3.4\",\"SSHPort\":22}\n");
        assert!(text("{{prettyjson .}}").starts_with("{\n    \"Driver\": {\n"));
    }
}
