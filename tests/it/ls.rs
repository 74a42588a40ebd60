//! `ls` and `active`, to the byte.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::json;

use crate::lab::{Lab, run};

/// A record of driver `none` with these swarm options and labels.
fn record(url: &str, swarm: &serde_json::Value, labels: &[&str]) -> Vec<u8> {
    serde_json::to_vec(&json!({
        "ConfigVersion": 3,
        "Driver": {"URL": url},
        "DriverName": "none",
        "HostOptions": {"SwarmOptions": swarm, "EngineOptions": {"Labels": labels}},
    }))
    .unwrap()
}

/// A port of this computer on which nobody listens.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", listener.local_addr().unwrap())
}

const HEADER: &str = "NAME   ACTIVE   DRIVER   STATE   URL   SWARM   DOCKER   ERRORS\n";

#[test]
fn an_empty_store_has_a_header() {
    let lab = Lab::new();
    assert_eq!(lab.ok(["ls"]), HEADER);
    assert_eq!(lab.ok(["ls", "-q"]), "");
    assert_eq!(lab.ok(["ls", "-f", "{{.Name}}"]), "");
    assert_eq!(lab.ok(["ls", "-f", "table {{.Name}}\\t{{.ResponseTime}}"]), "NAME   RESPONSE\n");
    assert!(!lab.store().exists());
}

#[test]
fn rows_are_docker_machines() {
    let lab = Lab::new();
    // The fake driver's machines have no certificates that anybody would accept, and nobody there.
    let url = closed();
    lab.put("zz10", &record(&url, &json!(null), &[]));
    lab.put("zz9", &record("unix:///x", &json!(null), &[]));
    assert_eq!(lab.fake(&["off"]).code, Some(0));
    lab.ok(["stop", "off"]);
    let listing = run(lab.command().env("DOCKER_HOST", &url).arg("ls")).stdout;
    let lines: Vec<&str> = listing.lines().collect();
    let width = url.len() + 3;
    assert_eq!(
        lines[0],
        format!("NAME   ACTIVE   DRIVER   STATE     {:width$}SWARM   DOCKER    ERRORS", "URL")
    );
    assert_eq!(
        lines[1],
        format!("off    -        fake     Stopped   {:width$}        Unknown   ", "")
    );
    assert!(
        lines[2].starts_with(&format!(
            "zz9    -        none     Running   {:width$}        Unknown   Unable to query docker version: ",
            "unix:///x"
        )),
        "{listing}"
    );
    assert!(
        lines[3]
            .starts_with(&format!("zz10   *        none     Running   {url}           Unknown   ")),
        "{listing}"
    );
    assert_eq!(lines.len(), 4);
}

#[test]
fn names_that_differ_in_case_are_two_rows() {
    let lab = Lab::new();
    lab.put("AA", &record("unix:///1", &json!(null), &[]));
    if lab.store().join("machines/aa").exists() {
        return; // This file system takes them for one.
    }
    lab.put("aa", &record("unix:///2", &json!(null), &[]));
    assert_eq!(lab.ok(["ls", "-f", "{{.Name}} {{.URL}}"]), "AA unix:///1\naa unix:///2\n");
    assert_eq!(lab.ok(["ls", "-q"]), "AA\naa\n");
}

#[test]
fn swarms_have_a_column_a_mark_and_a_filter() {
    let lab = Lab::new();
    let master = json!({"IsSwarm": true, "Master": true, "Discovery": "token://x", "Host": "tcp://0.0.0.0:3376"});
    let agent = json!({"IsSwarm": true, "Discovery": "token://x"});
    let url = closed();
    let host = url.rsplit_once(':').unwrap().0;
    lab.put("Boss", &record(&url, &master, &[]));
    lab.put("agent", &record("unix:///a", &agent, &[]));
    lab.put("other", &record("unix:///b", &json!({"Discovery": "token://y"}), &[]));
    assert_eq!(
        lab.ok([
            "ls",
            "-f",
            "{{.Name}}|{{.Swarm}}|{{.SwarmOptions.Master}}|{{.SwarmOptions.Discovery}}"
        ]),
        "agent|Boss|false|token://x\nBoss|Boss (master)|true|token://x\nother||false|token://y\n"
    );
    assert_eq!(lab.ok(["ls", "-q", "--filter", "swarm=boss"]), "Boss\nagent\n");
    let swarm = format!("{host}:3376");
    let active = run(lab.command().env("DOCKER_HOST", &swarm).args([
        "ls",
        "-f",
        "{{.Name}} {{.Active}} {{.ActiveHost}} {{.ActiveSwarm}}",
    ]));
    assert_eq!(
        active.stdout,
        "agent - false false\nBoss * (swarm) false true\nother - false false\n"
    );
}

#[test]
fn filters_hold_together() {
    let lab = Lab::new();
    lab.put("web1", &record("unix:///a", &json!(null), &["app=Web", "bare"]));
    lab.put("web2", &record("unix:///b", &json!(null), &["app=db"]));
    assert_eq!(lab.fake(&["db1"]).code, Some(0));
    let names = |filters: &[&str]| {
        let mut args = vec!["ls", "-q"];
        for filter in filters {
            args.extend(["--filter", filter]);
        }
        lab.ok(args).split_whitespace().map(str::to_owned).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(&["driver=NONE"]), "web1 web2");
    assert_eq!(names(&["driver=none", "driver=fake"]), "db1 web1 web2");
    assert_eq!(names(&["driver=none", "name=1$"]), "web1");
    assert_eq!(names(&["DRIVER=fake", "state=running"]), "db1");
    assert_eq!(names(&["state=Stopped"]), "");
    assert_eq!(names(&["label=app=web"]), "web1");
    assert_eq!(names(&["label=app=web", "label=app=DB"]), "web1 web2");
    assert_eq!(names(&["label=bare"]), "web1", "a label without a value is no panic");
    assert_eq!(names(&["label=app"]), "web1 web2");
    for (filter, message) in [
        ("x", "Unsupported filter syntax"),
        ("a=b", "Unsupported filter key 'a'"),
        ("name=[", "error parsing regexp: missing closing ]: `[`"),
    ] {
        let refused = lab.run(["ls", "--filter", filter]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
}

#[test]
fn templates_have_docker_machines_fields() {
    let lab = Lab::new();
    lab.put("m", &record("unix:///x", &json!(null), &["a=b", "c=d"]));
    let text = |format: &str| lab.ok(["ls", "-f", format]);
    assert_eq!(text(r"{{.Name}}\t{{.DriverName}}\n{{.State}}"), "m\tnone\nRunning\n");
    assert_eq!(
        text("{{.EngineOptions}} {{.EngineOptions.TLSVerify}} {{.EngineOptions.InstallURL}}"),
        "{[] []  [] false [] [a=b c=d]   false true [] https://get.docker.com} true https://get.docker.com\n"
    );
    assert_eq!(
        text("{{.SwarmOptions}}"),
        "{false   false false tcp://0.0.0.0:3376 swarm:latest spread 0 0 [] [] [] false}\n"
    );
    assert_eq!(text("{{range .EngineOptions.Labels}}<{{.}}>{{end}}"), "<a=b><c=d>\n");
    assert_eq!(
        text("table {{.Name}}\\t{{.EngineOptions.Labels}}\\t{{.DockerVersion}}"),
        "NAME   LABELS      DOCKER\nm      [a=b c=d]   Unknown\n"
    );
    assert_eq!(
        text("table {{.ActiveHost}}\\t{{.SwarmOptions.Strategy}}\\t{{.SwarmOptions.Host}}"),
        "ACTIVE_HOST   STRATEGY   HOST\nfalse         spread     tcp://0.0.0.0:3376\n"
    );
    assert!(text("table {{.SwarmOptions}}").starts_with("SWARM_OPTIONS\n{false "));
}

#[test]
fn mistakes_in_templates_have_gos_words() {
    let lab = Lab::new();
    lab.put("m", &record("unix:///x", &json!(null), &[]));
    for (format, message) in [
        (
            "{{.Nope}}",
            "template: :1:2: executing \"\" at <.Nope>: can't evaluate field Nope in type commands.HostListItem\n",
        ),
        (
            "{{.EngineOptions.TlsVerify}}",
            "at <.EngineOptions.TlsVerify>: can't evaluate field TlsVerify in type *engine.Options\n",
        ),
        ("{{.Name", "template: :1: unclosed action\n"),
        ("{{nope}}", "template: :1: function \"nope\" not defined\n"),
    ] {
        let refused = lab.run(["ls", "-f", format]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{format}");
        assert!(refused.stderr.contains(message), "{}", refused.stderr);
    }
}

#[test]
fn no_time_at_all_makes_every_machine_late() {
    let lab = Lab::new();
    lab.put("m", &record("unix:///x", &json!(null), &[]));
    lab.put("bad", b"{");
    let rows = lab.ok(["ls", "-t", "0", "-f", "{{.Name}}|{{.Active}}|{{.DriverName}}|{{.State}}|{{.URL}}|{{.DockerVersion}}|{{.EngineOptions}}|{{.ResponseTime}}"]);
    assert_eq!(rows, "bad||not found|Error|||<nil>|0s\nm||none|Timeout|||<nil>|0s\n");
}

/// One machine that accepts and never answers makes no other late.
#[test]
fn a_machine_that_hangs_is_late_alone() {
    let lab = Lab::new();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    lab.ok(["create", "-d", "none", "--url", &format!("tcp://{address}"), "hangs"]);
    lab.ok(["create", "-d", "none", "--url", &closed(), "quick"]);
    let rows = lab.ok(["ls", "-t", "5", "-f", "{{.Name}} {{.State}} {{.ResponseTime}}"]);
    let rows: Vec<&str> = rows.lines().collect();
    assert_eq!(rows[0], "hangs Timeout 5s");
    assert!(rows[1].starts_with("quick Running "), "{rows:?}");
    drop(silent);
}

/// What is no TLS is an error in the row, not in the command.
#[test]
fn an_engine_that_answers_rubbish_is_named() {
    let lab = Lab::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let read = stream.read(&mut [0; 64]);
        assert!(read.is_ok_and(|length| length > 0));
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok();
    });
    lab.ok(["create", "-d", "none", "--url", &format!("tcp://{address}"), "m"]);
    let row = lab.ok(["ls", "-f", "{{.State}}|{{.DockerVersion}}|{{.Error}}"]);
    assert!(row.starts_with("Running|Unknown|Unable to query docker version: "), "{row}");
    assert!(row.contains(&address.to_string()), "{row}");
}

#[test]
fn the_active_machine() {
    let lab = Lab::new();
    let url = closed();
    lab.put("b", &record(&url, &json!(null), &[]));
    let active = |host: &str| run(lab.command().env("DOCKER_HOST", host).arg("active"));
    assert_eq!(active(&url).stdout, "b\n");
    let none = active("tcp://127.0.0.1:9");
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), ""));
    assert!(none.stderr.contains("No active host found"), "{}", none.stderr);
    assert_eq!(lab.run(["active"]).code, Some(1));
}
