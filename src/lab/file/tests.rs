use super::*;
use crate::lab::{Publish, Role};

fn try_read(text: &str) -> Result<Lab> {
    let variables = |name: &str| (name == "MEM").then(|| "900".to_owned());
    let source = Source {
        text,
        path: Path::new("/labs/my lab/lab.yaml"),
        driver: "qemu",
        variables: &variables,
    };
    super::read(&source, &Registry::built_in())
}

#[track_caller]
fn good(text: &str) -> Lab {
    try_read(text).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn bad(text: &str) -> String {
    try_read(text).unwrap_err().one_line()
}

#[test]
fn flags_are_keys_with_and_without_the_drivers_name() {
    let lab = good(
        "defaults: {memory: '${MEM}', driver: qemu, generic-ssh-user: root}\n\
         machines:\n\
         - {name: a, qemu-cpu-count: 3, labels: {x: 1, y: two}}\n\
         - {name: b, driver: generic, ip-address: 10.0.0.1, labels: [z=3]}\n",
    );
    let [a, b] = &lab.machines[..] else { panic!("{lab:?}") };
    assert_eq!((&a.flags["qemu-memory"], &a.flags["qemu-cpu-count"]), (&900.into(), &3.into()));
    assert_eq!(a.engine.labels, ["x=1", "y=two"]);
    assert_eq!(a.flags["qemu-network"], "my-lab", "the lab's name is its directory's");
    assert_eq!(b.flags["generic-ip-address"], "10.0.0.1");
    assert_eq!(b.flags["generic-ssh-user"], "root");
    assert_eq!(b.flags.len(), 2);
    assert_eq!(b.engine.labels, ["z=3"]);
}

#[test]
fn virtualbox_has_networks_of_its_own_only_behind_nat() {
    let lab = good(
        "name: x\nmachines:\n- {name: a, driver: virtualbox}\n\
         - {name: b, driver: virtualbox, virtualbox-network: hostonly}\n\
         - {name: c, driver: virtualbox, network: none}\n",
    );
    let network = |at: usize| {
        let flag = |name| lab.machines[at].flags.get(name).and_then(|it| it.as_str());
        (flag("virtualbox-network"), flag("virtualbox-internal-network"))
    };
    assert_eq!(network(0), (Some("nat"), Some("x")));
    assert_eq!(network(1), (Some("hostonly"), None));
    assert_eq!(network(2), (None, None));
}

#[test]
fn counts_ports_and_files() {
    let lab = good(
        "name: x\nnetwork: none\nmachines:\n\
         - {name: n, count: 2, publish: ['0:80', 8080], files: {from: a, to: /b}, run: docker info}\n\
         - name: 'm{1..2}'\n  network: other\n",
    );
    let names: Vec<_> = lab.machines.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["n1", "n2", "m1", "m2"]);
    let first = &lab.machines[0];
    let ports = [Publish { host: 0, guest: 80 }, Publish { host: 8080, guest: 8080 }];
    assert_eq!(first.publish, ports);
    assert_eq!(first.files[0].from, Path::new("/labs/my lab/a"));
    assert_eq!(first.run, ["docker info"]);
    assert!(first.flags.is_empty());
    assert_eq!(lab.machines[2].flags["qemu-network"], "other");
}

#[test]
fn roles_follow_the_order_unless_they_are_said() {
    let roles = |text: &str| -> String {
        let lab = good(text);
        let letter = |spec: &Spec| match spec.role {
            Some(Role::Manager) => 'm',
            Some(Role::Worker) => 'w',
            None => '-',
        };
        lab.machines.iter().map(letter).collect()
    };
    let three = "machines: [{name: n, count: 3}]\n";
    assert_eq!(roles(three), "---");
    assert_eq!(roles(&format!("{three}swarm:\n")), "mww");
    assert_eq!(roles(&format!("{three}swarm: {{managers: 3}}\n")), "mmm");
    assert_eq!(roles(&format!("{three}swarm: {{managers: 1, workers: 1}}\n")), "mw-");
    let said =
        "machines: [{name: a}, {name: b, swarm: none}, {name: c, swarm: manager}, {name: d}]\n";
    assert_eq!(roles(&format!("{said}swarm: {{}}\n")), "w-mw");
    assert!(bad(&format!("{three}swarm: {{workers: 3}}\n")).contains("1 machines too few"));
    assert!(bad(&format!("{three}swarm: {{managers: 0}}\n")).contains("no swarm"));
}

#[test]
fn mistakes_are_told_with_line_column_and_the_nearest_key() {
    for (text, place, expected) in [
        ("machines:\n- name: a\n  memori: 1\n", "3:3", "key `memori`, did you mean `memory`?"),
        ("machine:\n- name: a\n", "1:1", "unknown key `machine`, did you mean `machines`?"),
        ("machines:\n- name: a\n  memory: much\n", "3:11", "expected a whole number"),
        ("machines:\n- name: a\n  memory: ${NOPE}\n", "3:11", "variable `NOPE` is not set"),
        ("machines:\n- {name: a, driver: qemo}\n", "2:21", "`qemo`, did you mean `qemu`?"),
        ("machines:\n- {name: a, name: b}\n", "2:3", "duplicate entry with key \"name\""),
        ("machines:\n- {name: a, ip-address: x}\n", "2:13", "unknown key `ip-address`"),
        ("machines: 3\n", "1:11", "expected a list"),
        ("machines: [\n", "2:1", "did not find"),
        ("machines: []\n", "", "there are no machines"),
        ("machines: [{count: 2}]\n", "", "has no name"),
        ("machines: [{name: a}, {name: a}]\n", "", "`a` is there twice"),
        ("machines: [{name: a_b}]\n", "", "`a_b` is not a machine name"),
        ("machines: [{name: a, publish: x}]\n", "", "`x` is no port"),
        ("name: a/b\nmachines: [{name: a}]\n", "", "`a/b` is no name of a lab"),
    ] {
        let said = bad(text);
        let file =
            if place.is_empty() { "lab.yaml: ".to_owned() } else { format!("lab.yaml:{place}: ") };
        assert!(said.contains(expected), "{text}: {said}");
        assert!(said.starts_with("/labs/my lab/") && said.contains(&file), "{text}: {said}");
    }
}
