//! The expectations are what Go 1.19's `text/template` printed for the same template and data.

use gotmpl::Value;
use serde_json::json;

use super::*;

/// The text, or the error with a mark before it.
fn run(source: &str, data: &Value) -> String {
    match GoTemplate::parse(source) {
        Err(error) => format!("! {error}"),
        Ok(template) => template.execute(data).unwrap_or_else(|error| format!("! {error}")),
    }
}

fn record() -> Value {
    from_json(&json!({
        "ConfigVersion": 3,
        "Driver": {
            "IPAddress": "1.2.3.4", "SSHPort": 2222, "Memory": 1_000_000, "Disk": 20000,
            "Big": 123_456_789, "Huge": 1e22, "Neg": -3, "Frac": 0.5, "Small": 1e-7,
            "Tags": ["a", "b"], "None": null, "Html": "<a&b>", "Empty": {}, "EmptyL": [],
            "Yes": true,
        },
        "HostOptions": {"EngineOptions": {"TlsVerify": true, "Labels": []}},
        "Name": "m1",
    }))
}

#[track_caller]
fn all(data: &Value, cases: &[(&str, &str)]) {
    for (source, expected) in cases {
        assert_eq!(run(source, data), *expected, "{source}");
    }
}

#[test]
fn values_are_printed_as_gos() {
    all(
        &record(),
        &[
            ("{{.Driver.SSHPort}}", "2222"),
            ("{{.Driver.Memory}} {{.Driver.Disk}} {{.Driver.Big}}", "1e+06 20000 1.23456789e+08"),
            (
                "{{.Driver.Huge}} {{.Driver.Neg}} {{.Driver.Frac}} {{.Driver.Small}}",
                "1e+22 -3 0.5 1e-07",
            ),
            ("{{.Nope}}|{{.Driver.Nope}}|{{.Nope.Deeper}}", "<no value>|<no value>|<no value>"),
            ("{{.Driver.None}}", "<no value>"),
            ("{{.HostOptions}}", "map[EngineOptions:map[Labels:[] TlsVerify:true]]"),
            ("{{.Driver.Tags}}{{.Driver.Empty}}{{.Driver.EmptyL}}", "[a b]map[][]"),
            ("{{range .Driver.Tags}}[{{.}}]{{end}}", "[a][b]"),
            (
                "{{range $k, $v := .HostOptions.EngineOptions}}{{$k}}={{$v}};{{end}}",
                "Labels=[];TlsVerify=true;",
            ),
            ("{{index .Driver.Tags 1}}{{index .Driver \"SSHPort\"}}", "b2222"),
            (
                "{{printf \"%v %.0f %s %q\" .Driver.Memory .Driver.SSHPort .Name .Name}}",
                "1e+06 2222 m1 \"m1\"",
            ),
            ("{{.Driver.Memory | printf \"%v %v\" .Driver.Tags}}", "[a b] 1e+06"),
            ("{{.Name | printf \"%5s|\"}}", "   m1|"),
            ("{{print .Driver.SSHPort .Name 1 2}}", "2222m11 2"),
            ("{{println .Name .Driver.Memory}}", "m1 1e+06\n"),
            ("{{len .Driver.Tags}} {{len .Name}} {{.Driver.Tags | len}}", "2 2 2"),
            ("{{if eq .Name \"m1\"}}yes{{else}}no{{end}}", "yes"),
            ("{{eq .Driver.SSHPort 2222.0}} {{lt .Driver.SSHPort 3.0}}", "true false"),
            ("{{with .Driver}}{{.IPAddress}}{{end}}", "1.2.3.4"),
            ("{{$x := .Name}}{{$x}}", "m1"),
            ("{{html .Driver.Html}}", "&lt;a&amp;b&gt;"),
            ("{{slice .Name 0 1}}", "m"),
            ("{{1.5}} {{1e3}} {{0x10}} {{'a'}}", "1.5 1000 16 97"),
            ("{{define \"x\"}}[{{.}}]{{end}}{{template \"x\" .Name}}", "[m1]"),
            ("{{ .Name -}} \n {{/* no }} end */}} {{- \"}}\" }}", "m1}}"),
        ],
    );
}

#[test]
fn json_is_gos() {
    all(
        &record(),
        &[
            ("{{json .HostOptions}}", r#"{"EngineOptions":{"Labels":[],"TlsVerify":true}}"#),
            ("{{.Name | json}}{{json .Driver.Html}}", r#""m1""\u003ca\u0026b\u003e""#),
            ("{{json .Driver.Tags}}{{json .Driver.None}}{{json .Nope}}", r#"["a","b"]nullnull"#),
            (
                "{{json .Driver.Memory}} {{json .Driver.Huge}} {{json .Driver.Small}}",
                "1000000 1e+22 1e-7",
            ),
            (
                "{{prettyjson .HostOptions}}",
                "{\n    \"EngineOptions\": {\n        \"Labels\": [],\n        \"TlsVerify\": true\n    }\n}",
            ),
        ],
    );
}

#[test]
fn what_cannot_be_read_is_said_in_gos_words() {
    all(
        &record(),
        &[
            ("{{.Name", "! template: :1: unclosed action"),
            ("{{", "! template: :1: unclosed action"),
            ("{{.Name}", "! template: :1: bad character U+007D '}'"),
            ("{{.Na-me}}", "! template: :1: bad character U+002D '-'"),
            ("{{}}", "! template: :1: missing value for command"),
            ("{{end}}", "! template: :1: unexpected {{end}}"),
            ("{{else}}", "! template: :1: unexpected {{else}}"),
            ("{{if .Name}}x", "! template: :1: unexpected EOF"),
            ("{{range}}{{end}}", "! template: :1: missing value for range"),
            ("{{if}}{{end}}", "! template: :1: missing value for if"),
            ("{{.Name}}{{break}}", "! template: :1: {{break}} outside {{range}}"),
            ("{{nope .Name}}", "! template: :1: function \"nope\" not defined"),
            ("\n{{.Name | nope}}", "! template: :2: function \"nope\" not defined"),
            ("{{$y}}", "! template: :1: undefined variable \"$y\""),
            ("{{\"abc}}", "! template: :1: unterminated quoted string"),
            ("{{(.Name}}", "! template: :1: unclosed left paren"),
            ("{{.Name)}}", "! template: :1: unexpected \")\" in command"),
        ],
    );
}

#[test]
fn what_cannot_be_done_is_said_in_gos_words() {
    let at = |place: &str, piece: &str, what: &str| {
        format!("! template: :{place}: executing \"\" at <{piece}>: {what}")
    };
    let no_foo = "can't evaluate field Foo in type interface {}";
    for (source, expected) in [
        ("{{.Name.Foo}}", at("1:7", ".Name.Foo", no_foo)),
        ("{{.Driver.IPAddress.Foo}}", at("1:9", ".Driver.IPAddress.Foo", no_foo)),
        ("line\n{{.Name.Foo}}", at("2:7", ".Name.Foo", no_foo)),
        ("{{json}}", at("1:2", "json", "wrong number of args for json: want 1 got 0")),
        ("{{json .Name .Name}}", at("1:2", "json", "wrong number of args for json: want 1 got 2")),
        (
            "{{eq .Driver.SSHPort 2222}}",
            at(
                "1:2",
                "eq .Driver.SSHPort 2222",
                "error calling eq: incompatible types for comparison",
            ),
        ),
        (
            "{{index .Driver.Tags 5}}",
            at("1:2", "index .Driver.Tags 5", "error calling index: index out of range: 5"),
        ),
        ("{{.Name}} {{ 1 2 }}", at("1:13", "1", "can't give argument to non-function 1")),
        ("{{template \"x\"}}", at("1:11", "{{template \"x\"}}", "template \"x\" not defined")),
        ("{{range .Name}}{{end}}", at("1:8", ".Name", "range can't iterate over m1")),
        (
            "{{range .Driver.SSHPort}}{{end}}",
            at("1:15", ".Driver.SSHPort", "range can't iterate over 2222"),
        ),
    ] {
        assert_eq!(run(source, &record()), expected, "{source}");
    }
}

#[test]
fn structs_are_strict_and_print_in_braces() {
    let labels = Value::from(vec![Value::from("a=b"), Value::from("c=d")]);
    let options = structure(
        "*engine.Options",
        vec![("Labels", labels), ("LogLevel", Value::from("")), ("TLSVerify", Value::Bool(true))],
    );
    let item = structure(
        "commands.HostListItem",
        vec![("Name", Value::from("m1")), ("EngineOptions", options), ("Swarm", Value::Nil)],
    );
    let in_item = |place: &str, piece: &str, field: &str, kind: &str| {
        format!(
            "! template: :{place}: executing \"\" at <{piece}>: can't evaluate field {field} in type {kind}"
        )
    };
    let (host, engine) = ("commands.HostListItem", "*engine.Options");
    for (source, expected) in [
        ("{{.EngineOptions}}", "{[a=b c=d]  true}".to_owned()),
        ("{{.EngineOptions.TLSVerify}} {{.Swarm}}", "true <nil>".to_owned()),
        ("{{range .EngineOptions.Labels}}{{.}},{{end}}", "a=b,c=d,".to_owned()),
        ("{{.Nope}}", in_item("1:2", ".Nope", "Nope", host)),
        ("{{.Name}} {{.Nope}}", in_item("1:12", ".Nope", "Nope", host)),
        ("{{.Name}} {{$.Nope}}", in_item("1:13", "$.Nope", "Nope", host)),
        (
            "{{.EngineOptions.TlsVerify}}",
            in_item("1:16", ".EngineOptions.TlsVerify", "TlsVerify", engine),
        ),
        ("{{.Name.Foo}}", in_item("1:7", ".Name.Foo", "Foo", "string")),
        (
            "{{with .EngineOptions}}{{.LogLevel}}{{.Nope}}{{end}}",
            in_item("1:38", ".Nope", "Nope", engine),
        ),
    ] {
        assert_eq!(run(source, &item), expected, "{source}");
    }
}

#[test]
fn a_header_is_text_with_fields() {
    let headers = object([("EngineOptions", header("ENGINE", vec![("Labels", "LABELS".into())]))]);
    assert_eq!(run("{{.EngineOptions}} {{.EngineOptions.Labels}}", &headers), "ENGINE LABELS");
}
