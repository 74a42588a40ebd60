//! Lab files with the fake driver: plan, up, down, and what is between them.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::lab::{Lab, Run};

/// A store with a lab file beside it.
struct Labs {
    lab: Lab,
}

impl Labs {
    fn new(text: &str) -> Self {
        let labs = Self { lab: Lab::new() };
        labs.write(text);
        labs
    }

    fn write(&self, text: &str) {
        fs::write(self.lab.path().join("lab.yaml"), text).unwrap();
    }

    fn run(&self, args: &[&str]) -> Run {
        crate::lab::run(self.lab.command().current_dir(self.lab.path()).args(args))
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let run = self.run(args);
        assert_eq!(run.code, Some(0), "{args:?}: {}{}", run.stdout, run.stderr);
        run.stdout
    }

    /// The plan as `MACHINE ACTION` lines.
    #[track_caller]
    fn plan(&self) -> Vec<String> {
        let rows: serde_json::Value =
            serde_json::from_str(&self.ok(&["plan", "--format", "json"])).unwrap();
        let word = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap().to_owned();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| format!("{} {}", word(row, "machine"), word(row, "action"))).collect()
    }

    fn cloud(&self) -> serde_json::Value {
        let text = fs::read_to_string(self.lab.path().join("cloud.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

const THREE: &str = "name: x\ndefaults: {driver: fake}\nmachines: [{name: n, count: 3}]\n";

#[test]
fn up_makes_what_is_missing_and_down_leaves_nothing() {
    let labs = Labs::new(THREE);
    assert_eq!(labs.plan(), ["n1 create", "n2 create", "n3 create"]);
    assert!(!labs.lab.store().exists(), "a plan writes nothing");
    let up = labs.ok(&["up"]);
    assert!(up.contains("n2   created"), "{up}");
    assert!(up.contains("(n2) Creating machine..."), "each line says whose it is: {up}");
    assert_eq!(labs.plan(), ["n1 keep", "n2 keep", "n3 keep"]);
    labs.ok(&["stop", "n2"]);
    labs.ok(&["rm", "-y", "n3"]);
    assert_eq!(labs.plan(), ["n1 keep", "n2 start", "n3 create"]);
    labs.ok(&["up"]);
    assert_eq!(labs.ok(&["status", "n2"]), "Running\n");
    assert_eq!(labs.lab.cloud(), 9);

    // Fewer in the file: they go only if that is said.
    labs.write(&THREE.replace("count: 3", "count: 2"));
    assert_eq!(labs.plan().last().unwrap(), "n3 remove");
    labs.ok(&["up"]);
    assert_eq!(labs.lab.machine_files().len(), 3);
    labs.ok(&["up", "--prune"]);
    assert_eq!(labs.lab.machine_files().len(), 2);

    labs.ok(&["down", "n1"]);
    labs.write("machines: [");
    assert_eq!(labs.run(&["down"]).code, Some(0), "also by a file that is broken");
    // Which has no name any more, so that it means another lab.
    assert_eq!(labs.lab.machine_files(), ["n2"]);
    labs.ok(&["down", "--lab", "x"]);
    assert!(labs.lab.machine_files().is_empty());
    assert_eq!(labs.lab.cloud(), 0);
}

#[test]
fn what_fails_stops_no_other_and_what_was_killed_is_carried_on_with() {
    let labs = Labs::new(
        "name: x\ndefaults: {driver: fake}\nmachines:\n- {name: a, fake-fail: 'server:1'}\n\
         - {name: b}\n- {name: c, abort: after-disk}\n",
    );
    let killed = labs.run(&["up"]);
    assert_ne!(killed.code, Some(0));
    assert!(labs.plan().contains(&"c resume".to_owned()), "{:?}", labs.plan());
    let mut runs = 0;
    while labs.run(&["up"]).code != Some(0) {
        runs += 1;
        assert!(runs < 4, "{:?}", labs.plan());
    }
    assert_eq!(labs.plan(), ["a keep", "b keep", "c keep"]);
    assert_eq!(labs.cloud()["resources"].as_array().unwrap().len(), 9, "nothing twice");
    labs.ok(&["down", "-y"]);
    assert_eq!(labs.lab.cloud(), 0);
}

/// `kill -9` while two of three machines are half made; once with another `up` after it, once not.
#[test]
fn up_that_was_killed_leaves_nothing_that_is_not_seen() {
    for carries_on in [true, false] {
        let labs = Labs::new(
            "name: x\ndefaults: {driver: fake}\nmachines:\n- {name: a}\n\
             - {name: b, fake-hang: 'after-disk:1'}\n- {name: c, fake-hang: 'server:1'}\n",
        );
        let mut up = labs.lab.command();
        up.current_dir(labs.lab.path()).arg("up").stdout(Stdio::null()).stderr(Stdio::null());
        let mut up = up.spawn().unwrap();
        // All of `a`, key and disk of the others; and these hang, which they are told to do only once.
        let hang = ["b/hang/after-disk", "c/hang/server"];
        let cloud = labs.lab.path().join("cloud.json");
        let hanging = || {
            let said = fs::read_to_string(&cloud).unwrap_or_default();
            hang.iter().all(|order| said.contains(order))
        };
        while labs.lab.cloud() < 7 || !hanging() {
            assert_eq!(up.try_wait().unwrap(), None, "it waits for its machines");
            std::thread::sleep(Duration::from_millis(20));
        }
        up.kill().unwrap();
        up.wait().unwrap();
        if carries_on {
            let plan = labs.plan();
            assert_eq!(plan[1..], ["b resume", "c resume"], "{plan:?}");
            labs.ok(&["up"]);
            assert_eq!(labs.plan(), ["a keep", "b keep", "c keep"]);
            assert_eq!(labs.lab.cloud(), 9, "nothing twice");
        }
        labs.ok(&["down", "-y"]);
        assert_eq!(labs.lab.cloud(), 0);
        assert!(labs.lab.machine_files().is_empty());
    }
}

#[test]
fn nothing_is_replaced_or_taken_in_unless_it_is_said() {
    let labs = Labs::new(THREE);
    labs.ok(&["up"]);
    labs.write(&THREE.replace("count: 3", "count: 3, labels: {a: b}"));
    assert_eq!(labs.plan(), ["n1 replace", "n2 replace", "n3 replace"]);
    let refused = labs.run(&["up"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("machine up --replace n1"), "{}", refused.stderr);
    assert_eq!(labs.cloud()["made"], 9);
    labs.ok(&["up", "--replace", "n1"]);
    assert_eq!(labs.plan(), ["n1 keep", "n2 replace", "n3 replace"]);
    assert_eq!(labs.cloud()["made"], 12);

    // A machine of somebody else, and one of another lab.
    assert_eq!(labs.lab.fake(&["own"]).code, Some(0));
    labs.write("name: y\nmachines: [{name: own, driver: fake}]\n");
    assert_eq!(labs.plan(), ["own adopt"]);
    assert!(labs.run(&["up"]).stderr.contains("--adopt"));
    labs.ok(&["up", "--adopt"]);
    assert_eq!(labs.plan(), ["own keep"]);
    labs.write("name: y\nmachines: [{name: n2, driver: fake}]\n");
    let other = labs.run(&["plan"]);
    assert!(other.stderr.contains("belongs to the lab `x`"), "{}", other.stderr);
    labs.ok(&["down", "--lab", "x"]);
    labs.ok(&["down"]);
    assert_eq!(labs.lab.cloud(), 0);
}

/// A hundred machines that run are asked for in one question.
#[test]
fn a_hundred_machines_are_one_question() {
    let labs = Labs::new(&THREE.replace("count: 3", "count: 100"));
    assert_eq!(labs.plan().len(), 100);
    labs.ok(&["up", "-j", "100"]);
    let before = labs.cloud()["asked_for_all"].as_u64().unwrap();
    let up = labs.ok(&["up"]);
    assert_eq!(up.matches("unchanged").count(), 100);
    assert_eq!(labs.cloud()["asked_for_all"].as_u64().unwrap() - before, 1);
    labs.ok(&["down", "-y"]);
    assert_eq!(labs.lab.cloud(), 0);
}

#[test]
fn several_machines_by_one_create() {
    let lab = Lab::new();
    let run = lab.fake(&["web{1..2}", "db"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert_eq!(lab.ok(["ls", "-q"]), "db\nweb1\nweb2\n");
    let again = lab.fake(&["db", "new"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("\"db\" already exists"), "{}", again.stderr);
    assert!(again.stdout.contains("new   created"), "what fails stops no other: {}", again.stdout);
    assert_eq!(lab.fake(&["a", "a"]).code, Some(2));
    assert_eq!(lab.fake(&["n{3..1}"]).code, Some(2));
}

#[test]
fn mistakes_in_the_file_have_a_line_and_cost_nothing() {
    let labs = Labs::new("machines:\n- name: a\n  driver: fake\n  fake-fial: key\n");
    let run = labs.run(&["up"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.stderr.contains(
            "lab.yaml:4:3: machines[0]: unknown key `fake-fial`, did you mean `fake-fail`?"
        ),
        "{}",
        run.stderr
    );
    labs.write("machines: [{name: a, driver: fake, publish: 80}]\n");
    assert!(labs.run(&["plan"]).stderr.contains("does not support port forwards"));
    labs.write("machines: [{name: a, driver: fake, files: {from: nowhere, to: /x}}]\n");
    assert!(labs.run(&["plan"]).stderr.contains("nowhere"));
    labs.write(
        "machines: [{name: a, driver: qemu, publish: ['8000:80']}, {name: b, publish: 8000}]\n",
    );
    assert!(labs.run(&["plan"]).stderr.contains("for `a` and for `b`"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    labs.write(&format!("machines: [{{name: a, publish: ['{port}:80']}}]\n"));
    let conflict = labs.run(&["plan"]);
    assert_eq!(conflict.code, Some(1));
    assert!(conflict.stderr.contains("is taken"), "{}", conflict.stderr);
    assert!(labs.lab.machine_files().is_empty());
}

#[test]
fn init_schema_and_as_lab_are_files_that_are_read() {
    let labs = Labs::new("");
    fs::remove_file(labs.lab.path().join("lab.yaml")).unwrap();
    assert!(labs.run(&["plan"]).stderr.contains("machine lab init"));
    labs.ok(&["lab", "init"]);
    assert_eq!(labs.run(&["lab", "init"]).code, Some(1), "nothing is overwritten");
    assert_eq!(labs.plan(), ["node1 create", "node2 create", "node3 create"]);
    let schema: serde_json::Value = serde_json::from_str(&labs.ok(&["lab", "schema"])).unwrap();
    assert_eq!(schema["type"], "object");

    labs.lab.fake(&["--engine-label", "a=b", "one"]);
    let text = labs.ok(&["inspect", "--as-lab", "one"]);
    labs.write(&text);
    assert_eq!(labs.plan(), ["one adopt"]);
    labs.ok(&["up", "--adopt"]);
    assert_eq!(labs.plan(), ["one keep"]);
    labs.ok(&["down"]);
}

/// By a validator that is not ours: the schema is one, the example, the file of the examples and what
/// `inspect --as-lab` writes are labs by it, and what the program refuses is none.
#[test]
fn the_schema_is_held_against_a_validator() {
    let Some(python) = ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        let answer = Command::new(python).args(["-c", "import jsonschema"]).output();
        answer.is_ok_and(|it| it.status.success())
    }) else {
        return crate::lab::skip("there is no python3 with jsonschema");
    };
    let labs = Labs::new("machines: [{name: a, driver: fake}]\n");
    let read = |text: &str| serde_yaml::from_str::<serde_json::Value>(text).unwrap();
    labs.lab.fake(&["--engine-label", "a=b", "one"]);
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/lab.yaml");
    let good = [
        fs::read_to_string(own).unwrap(),
        labs.ok(&["inspect", "--as-lab", "one"]),
        machine::lab::example().to_owned(),
        "name: 7\nmachines:\n- {name: a, run: true, files: {from: a, to: b}, labels: }\nswarm:\n"
            .into(),
    ];
    let bad = [
        "machines: [{name: a, memori: 1}]",
        "machines: [{name: a, memory: much}]",
        "machines: [{name: a, swarm: chief}]",
        "machines: [{name: a, engine: {mirror: x}}]",
        "machine: []",
        "machines: [{name: a}]\nswarm: {manager: 1}",
    ];
    let schema: serde_json::Value = serde_json::from_str(&labs.ok(&["lab", "schema"])).unwrap();
    let documents: Vec<_> = good.iter().map(String::as_str).chain(bad).map(read).collect();
    let input = labs.lab.path().join("documents.json");
    fs::write(&input, serde_json::to_vec(&(schema, documents)).unwrap()).unwrap();
    let script = "import json,sys,jsonschema\n\
        schema,documents=json.load(open(sys.argv[1]))\n\
        jsonschema.Draft7Validator.check_schema(schema)\n\
        validator=jsonschema.Draft7Validator(schema)\n\
        print(json.dumps([[e.message for e in validator.iter_errors(d)] for d in documents]))";
    let run = crate::lab::run(Command::new(python).args(["-c", script]).arg(&input));
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let complaints: Vec<Vec<String>> = serde_json::from_str(&run.stdout).unwrap();
    let (accepted, refused) = complaints.split_at(good.len());
    for (text, complaints) in good.iter().zip(accepted) {
        assert!(complaints.is_empty(), "{text}: {complaints:?}");
    }
    for (text, complaints) in bad.iter().zip(refused) {
        assert!(!complaints.is_empty(), "{text} is no lab");
        labs.write(text);
        assert_eq!(labs.run(&["plan"]).code, Some(2), "{text}");
    }
}

#[test]
fn what_a_driver_cannot_do_is_said() {
    let lab = Lab::new();
    lab.fake(&["one"]);
    for args in [
        &["set", "one", "--disk", "30G"][..],
        &["snapshot", "save", "one", "s"],
        &["snapshot", "ls", "one"],
        &["suspend", "one"],
        &["clone", "one", "two"],
        &["forward", "one", "80"],
    ] {
        let run = lab.run(args);
        assert_eq!(run.code, Some(1), "{args:?}");
        assert!(run.stderr.contains("driver `fake` does not support"), "{}", run.stderr);
    }
    let ssh = lab.run(["ssh", "on*"]);
    assert!(ssh.stderr.contains("machine exec 'on*'"), "{}", ssh.stderr);
    assert!(lab.run(["exec", "x*", "--", "true"]).stderr.contains("no machine fits"));
}
