//! `ls`, `inspect` and the commands that print one word.

use crate::lab::Lab;

fn two() -> Lab {
    let lab = Lab::new();
    let url = "tcp://127.0.0.1:1";
    assert_eq!(lab.fake(&["--fake-url", url, "--engine-label", "k=v", "zz10"]).code, Some(0));
    assert_eq!(
        lab.run(["create", "-d", "none", "--url", "tcp://127.0.0.1:2", "zz9"]).code,
        Some(0)
    );
    lab
}

#[test]
fn columns_order_and_active_mark() {
    let lab = two();
    let mut command = lab.command();
    command.env("DOCKER_HOST", "tcp://127.0.0.1:1").arg("ls");
    let listing = crate::lab::run(&mut command).stdout;
    let lines: Vec<&str> = listing.lines().collect();
    assert!(lines[0].starts_with("NAME   ACTIVE   DRIVER   STATE"), "{listing}");
    assert!(lines[1].starts_with("zz9 ") && lines[2].starts_with("zz10   *"), "{listing}");
}

#[test]
fn filters_and_formats() {
    let lab = two();
    let names = |args: &[&str]| lab.ok(["ls", "-q"].iter().chain(args));
    assert_eq!(names(&["--filter", "driver=fake"]), "zz10\n");
    assert_eq!(names(&["--filter", "name=9$"]), "zz9\n");
    assert_eq!(names(&["--filter", "label=k=v"]), "zz10\n");
    assert_eq!(names(&["--filter", "driver=fake", "--filter", "name=9$"]), "");
    assert_eq!(lab.ok(["ls", "--format", "{{.Name}}:{{.DriverName}}"]), "zz9:none\nzz10:fake\n");
    let json: serde_json::Value =
        serde_json::from_str(&lab.ok(["ls", "--format", "json"])).unwrap();
    assert_eq!(json[1]["Name"], "zz10");
    assert_eq!(lab.run(["ls", "--filter", "color=red"]).code, Some(1));
    assert_eq!(lab.run(["ls", "--format", "{{.Name"]).code, Some(1));
}

#[test]
fn records_are_docker_machines() {
    let lab = two();
    let text = std::fs::read_to_string(lab.store().join("machines/zz9/config.json")).unwrap();
    assert!(text.starts_with("{\n    \"ConfigVersion\": 3,\n    \"Driver\": {\n"), "{text}");
    assert_eq!(lab.ok(["url", "zz9"]), "tcp://127.0.0.1:2\n");
    let path = lab.ok(["inspect", "zz9", "-f", "{{.HostOptions.AuthOptions.StorePath}}"]);
    assert_eq!(path.trim_end(), lab.store().join("machines/zz9").display().to_string());
    for file in ["ca.pem", "cert.pem", "key.pem"] {
        assert!(lab.store().join("machines/zz9").join(file).is_file(), "{file}");
    }
}

#[test]
fn old_global_flags_are_taken() {
    let lab = Lab::new();
    assert_eq!(lab.ok(["--bugsnag-api-token=no-report", "ls", "-q"]), "");
    assert!(lab.ok(["version"]).starts_with("machine version "));
    assert!(lab.ok(["completion", "bash"]).contains("complete"));
}

/// What is no listing of machines has the same forms.
#[test]
fn other_listings_have_all_forms_too() {
    let lab = Lab::new();
    let names = lab.ok(["driver", "ls", "--format", "{{.Name}}"]);
    assert!(names.lines().any(|name| name == "fake"), "{names}");
    let rows = lab.ok(["driver", "ls", "--format", "table {{.Name}}\t{{.Ready}}"]);
    assert!(rows.starts_with("NAME "), "{rows}");
    assert!(lab.ok(["driver", "ls", "--format", "yaml"]).contains("\n- name: fake\n"));
    assert_eq!(lab.ok(["driver", "show", "fake", "-f", "{{.Name}}"]), "fake\n");
    assert!(lab.ok(["driver", "show", "fake", "-f", "yaml"]).starts_with("name: fake\n"));
    let json = lab.ok(["driver", "show", "fake", "-f", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["name"], "fake");
    assert!(lab.ok(["driver", "show", "fake"]).starts_with("fake: "));
    for args in [&["driver", "show", "fake"][..], &["driver", "ls"], &["template", "ls"]] {
        let wrong = lab.run(args.iter().chain(&["--format", "xml"]));
        assert_eq!(wrong.code, Some(2), "{args:?}");
        assert!(wrong.stderr.contains("`xml` is not a format"), "{}", wrong.stderr);
    }
}
