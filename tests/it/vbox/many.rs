//! Several machines at once.

use std::collections::BTreeSet;
use std::process::{Output, Stdio};

use super::host::{Host, Namespace, hollow_image};

/// Commands that run at the same time: their outputs.
fn at_once(host: &Host, commands: &[Vec<&str>]) -> Vec<Output> {
    let children: Vec<_> = commands
        .iter()
        .map(|args| {
            let mut command = host.program("machine");
            command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    children.into_iter().map(|child| child.wait_with_output().unwrap()).collect()
}

/// Ten creates, as far as VirtualBox has a part in them: no machine, interface or port is lost or had
/// twice, and none costs more calls for it. Nobody answers in the end.
#[test]
fn ten_creates_at_once() {
    let host = Host::pretending();
    let image = hollow_image(&host.lab);
    let names: Vec<String> = (0..10).map(|number| format!("lab{number}")).collect();
    let create = [
        "create",
        "-d",
        "virtualbox",
        "--virtualbox-no-share",
        "--virtualbox-boot2docker-url",
        &image,
    ];
    let creates: Vec<Vec<&str>> =
        names.iter().map(|name| [&create[..], &[name]].concat()).collect();
    for output in at_once(&host, &creates) {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("SSH"), "{said}");
    }
    let calls = host.calls().len();
    assert!(calls <= 10 * 25, "{calls} calls for ten");
    let (machines, interfaces) = host.has();
    assert_eq!((machines.len(), interfaces.len()), (10, 1));
    let ports: BTreeSet<u64> =
        names.iter().map(|name| host.record(name)["SSHPort"].as_u64().unwrap()).collect();
    assert_eq!(ports.len(), 10);
    let listed = host.ok(&["ls"]);
    assert_eq!(host.calls().len(), 1, "one call for all of them");
    assert_eq!(listed.lines().filter(|line| line.contains("lab")).count(), 10, "{listed}");
    let removes: Vec<Vec<&str>> = names.iter().map(|name| vec!["rm", "-y", name]).collect();
    for output in at_once(&host, &removes) {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    host.has_nothing();
}

/// Three that really boot, on one host-only network.
#[test]
fn three_boot_at_once() {
    if crate::lab::in_a_hurry() || crate::vm::skipped() {
        return;
    }
    let Some(network) = Namespace::new() else { return };
    let mut host = Host::new();
    crate::vm::image_version(&host.lab);
    host.network = Some(network);
    host.variables.push(("MACHINE_BOOT_TIMEOUT", "1200".to_owned()));
    host.variables.push(("STANDIN_NETWORK", "real".to_owned()));
    let names = ["one", "two", "three"];
    let create = ["create", "-d", "virtualbox", "--virtualbox-no-share"];
    let creates: Vec<Vec<&str>> =
        names.iter().map(|name| [&create[..], &[name]].concat()).collect();
    for output in at_once(&host, &creates) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    }
    let calls = host.calls().len();
    assert!(calls <= 3 * 25, "{calls} calls for three");
    let addresses: BTreeSet<String> = names.iter().map(|name| host.ok(&["ip", name])).collect();
    assert_eq!((addresses.len(), host.has().1), (3, vec!["vboxnet0".to_owned()]));
    for name in names {
        let asked = format!("docker $(machine config {name} | tr -d '\"') info -f '{{{{.Name}}}}'");
        assert_eq!(host.shell(&asked), format!("{name}\n"));
    }
    host.calls();
    assert_eq!(host.ok(&["ls"]).matches("Running").count(), 3);
    assert_eq!(host.calls().len(), 1, "one call for all of them");
    host.ok(&["rm", "-y", "one", "two", "three"]);
    host.has_nothing();
}

/// Without a host-only network: machines that are born provisioned, and reach each other by an
/// internal network.
#[test]
fn two_behind_nat() {
    if crate::lab::in_a_hurry() || crate::vm::skipped() {
        return;
    }
    let host = Host::new();
    crate::vm::image_version(&host.lab);
    let nat = ["--virtualbox-network", "nat", "--virtualbox-internal-network", "lab"];
    for name in ["one", "two"] {
        let create = ["create", "-d", "virtualbox", "--virtualbox-no-share", name];
        let created = host.ok(&[&create[..], &nat].concat());
        assert!(!created.contains("Provisioning"), "{created}");
    }
    assert_eq!(host.has().1, [] as [&str; 0], "no host-only interface was made");
    let one = host.ok(&["ip", "--private", "one"]);
    let ping = host.run(&["ssh", "two", &format!("sudo ping -c 2 -w 20 {}", one.trim())]);
    assert_eq!(ping.code, Some(0), "{}{}", ping.stdout, ping.stderr);
    // By name, and the first one has heard of the second as well.
    for (from, to) in [("two", "one"), ("one", "two")] {
        let ping = host.run(&["ssh", from, &format!("sudo ping -c 2 -w 20 {to}")]);
        assert_eq!(ping.code, Some(0), "{from} to {to}: {}{}", ping.stdout, ping.stderr);
    }
    assert!(host.ok(&["url", "one"]).starts_with("tcp://127.0.0.1:"));
    host.ok(&["suspend", "one"]);
    assert_eq!(host.ok(&["status", "one"]), "Saved\n");
    host.ok(&["start", "one"]);
    host.calls();
    assert_eq!(host.ok(&["ls"]).matches("Running").count(), 2);
    assert_eq!(host.calls().len(), 1, "one call for all of them");
    host.ok(&["rm", "-y", "one"]);
    let names = host.ok(&["ssh", "two", "cat /etc/hosts"]);
    assert!(names.contains(" two") && !names.contains(" one"), "{names}");
    host.ok(&["rm", "-y", "two"]);
    host.has_nothing();
}
