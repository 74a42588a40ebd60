//! `inspect`, to the byte.

use crate::lab::Lab;

const RECORD: &str = r#"{
    "ConfigVersion": 3,
    "Driver": {
        "URL": "tcp://127.0.0.1:1",
        "SSHPort": 2222,
        "Memory": 1000000,
        "Secret": "\u003ca\u0026b\u003e",
        "Tags": [
            "x"
        ],
        "Empty": {},
        "Nothing": null
    },
    "DriverName": "none",
    "HostOptions": {},
    "Name": "m"
}"#;

#[test]
fn without_a_format_it_is_the_record() {
    let lab = Lab::new();
    lab.put("m", RECORD.as_bytes());
    assert_eq!(lab.ok(["inspect", "m"]), format!("{RECORD}\n"));
    assert_eq!(lab.ok(["inspect", "-f", "", "m"]), format!("{RECORD}\n"));
    lab.put("default", RECORD.as_bytes());
    assert_eq!(lab.ok(["inspect"]), format!("{}\n", RECORD.replace("\"m\"", "\"default\"")));
}

#[test]
fn templates_see_a_generic_map() {
    let lab = Lab::new();
    lab.put("m", RECORD.as_bytes());
    let text = |format: &str| lab.ok(["inspect", "m", "-f", format]);
    assert_eq!(text("{{.Driver.SSHPort}} {{.Driver.Memory}}"), "2222 1e+06\n");
    assert_eq!(
        text("{{.Driver.Nope}}{{.Nope}}{{.Driver.Nothing}}"),
        "<no value><no value><no value>\n"
    );
    assert_eq!(text("{{.Driver.Secret}} {{.Driver.Tags}} {{.Driver.Empty}}"), "<a&b> [x] map[]\n");
    assert_eq!(
        text("{{json .Driver}}"),
        "{\"Empty\":{},\"Memory\":1000000,\"Nothing\":null,\"SSHPort\":2222,\
         \"Secret\":\"\\u003ca\\u0026b\\u003e\",\"Tags\":[\"x\"],\"URL\":\"tcp://127.0.0.1:1\"}\n"
    );
    assert_eq!(text("{{prettyjson .Driver.Tags}}"), "[\n    \"x\"\n]\n");
    assert_eq!(
        text("{{range $k, $v := .Driver}}{{$k}} {{end}}"),
        "Empty Memory Nothing SSHPort Secret Tags URL \n"
    );
}

#[test]
fn mistakes_have_docker_machines_words() {
    let lab = Lab::new();
    lab.put("m", RECORD.as_bytes());
    for (format, message) in [
        ("{{.Name", "template parsing error: template: :1: unclosed action\n"),
        ("{{end}}", "template parsing error: template: :1: unexpected {{end}}\n"),
        (
            "{{.Name.Foo}}",
            "template: :1:7: executing \"\" at <.Name.Foo>: can't evaluate field Foo in type interface {}\n",
        ),
    ] {
        let refused = lab.run(["inspect", "-f", format, "m"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
}
