//! A disk that is full, a store that is large, and very many commands at once.

use std::fs;
use std::path::{Path, PathBuf};

use crate::interrupt::{start, until};
use crate::lab::{Lab, Run, end, run};
use crate::tmpfs::Tmpfs;
use crate::vm::{qemus, skipped};

/// The pages that `create` of the fake driver needs for all that it writes are fewer than this.
const ENOUGH: u64 = 160;

/// What is full says so, and what to do about it.
#[track_caller]
fn says_full(run: &Run) {
    assert!(run.stderr.contains("No space left on device"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: free some space"), "{}", run.stderr);
}

/// Every file below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().map(Result::unwrap);
    entries
        .flat_map(|entry| match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path()),
            false => vec![entry.path()],
        })
        .collect()
}

#[track_caller]
fn no_half_file(dir: &Path) {
    for path in files(dir) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!name.starts_with(".tmp-") && !name.starts_with(".removed-"), "{}", path.display());
    }
}

/// The disk becomes full at every place of `create` in turn, since each time one more page is left.
#[test]
fn a_disk_that_fills_during_create() {
    let lab = Lab::new();
    let Some(disk) = Tmpfs::mount(&lab.store(), 4096) else { return };
    assert_eq!(lab.fake(&["other"]).code, Some(0), "the certificates are there");
    let (mut failures, mut kept) = (0, 0);
    for left in (0..ENOUGH).step_by(4) {
        disk.fill(left);
        let create = lab.fake(&["lab1"]);
        no_half_file(&lab.store());
        if create.code == Some(0) {
            lab.ok(["rm", "-y", "lab1"]);
            continue;
        }
        failures += 1;
        assert!(matches!(create.code, Some(1 | 3)), "{left} KiB: {:?}", create.code);
        says_full(&create);
        let exists = lab.store().join("machines/lab1").exists();
        kept += u32::from(exists);
        let told = create.stderr.contains("hint: carry on with `machine create lab1`");
        assert_eq!(told, exists, "{left} KiB: {}", create.stderr);
        if exists && left % 8 == 0 {
            // Nothing is freed: the removal makes its own space.
            lab.ok(["rm", "-y", "lab1"]);
        }
        disk.free();
        assert_eq!(lab.fake(&["lab1"]).code, Some(0), "{left} KiB");
        assert_eq!(lab.ok(["status", "lab1"]), "Running\n");
        lab.ok(["rm", "-y", "lab1"]);
        assert_eq!((lab.cloud(), lab.machine_files()), (3, vec!["other".to_owned()]));
    }
    assert!(failures > 3 && kept > 0 && kept < failures, "{kept} of {failures} were kept");
    disk.fill(0);
    lab.ok(["rm", "-y", "other"]);
    assert_eq!((lab.cloud(), lab.machine_files().len()), (0, 0));
    no_half_file(&lab.store());
}

/// The very first `create`, which makes the store itself.
#[test]
fn a_full_disk_from_the_start() {
    let lab = Lab::new();
    let Some(disk) = Tmpfs::mount(&lab.store(), 1024) else { return };
    for left in (0..64).step_by(4) {
        disk.fill(left);
        let create = lab.fake(&["lab1"]);
        if create.code == Some(0) {
            lab.ok(["rm", "-y", "lab1"]);
            break;
        }
        says_full(&create);
        no_half_file(&lab.store());
    }
    disk.free();
    assert_eq!(lab.fake(&["lab1"]).code, Some(0));
    lab.ok(["rm", "-y", "lab1"]);
    assert_eq!((lab.cloud(), lab.machine_files().len()), (0, 0));
}

#[test]
fn too_little_space_for_a_machine() {
    if skipped() {
        return;
    }
    let lab = Lab::new();
    let Some(_disk) = Tmpfs::mount(&lab.store(), 200 << 10) else { return };
    let create = lab.run(["create", "lab1"]);
    assert_eq!(create.code, Some(3), "{}", create.stderr);
    for text in ["Error with pre-create check", "MB left", "hint: free some space"] {
        assert!(create.stderr.contains(text), "no `{text}` in {}", create.stderr);
    }
    assert!(lab.machine_files().is_empty());
    assert_eq!(qemus(&lab.store()), 0);
}

/// There was space at the check, and there is none when the machine is made: in which step that shows
/// depends on how fast the image is copied.
#[test]
fn a_disk_that_fills_before_the_machine_is_made() {
    if skipped() {
        return;
    }
    let lab = Lab::new();
    let Some(disk) = Tmpfs::mount(&lab.store(), 1100 << 10) else { return };
    let create = start(&lab, &["create", "lab1"]);
    let record = lab.store().join("machines/lab1/config.json");
    until("the record", || record.exists());
    disk.fill(0);
    let Run { code, stderr, .. } = end(create);
    assert_eq!(code, Some(1), "{stderr}");
    for text in ["full", "df -h", "machine create lab1", "machine rm -y lab1"] {
        assert!(stderr.contains(text), "no `{text}` in {stderr}");
    }
    no_half_file(&lab.store());
    // What the failure freed is gone again: the removal needs no space but what it makes.
    disk.fill(0);
    lab.ok(["rm", "-y", "lab1"]);
    assert!(lab.machine_files().is_empty());
    assert_eq!(qemus(&lab.store()), 0);
}

/// The guest writes and there is no space: QEMU halts it. `create` says so at once, and carries on
/// when there is space.
#[test]
fn a_disk_that_fills_while_the_guest_boots() {
    if crate::lab::in_a_hurry() || skipped() {
        return;
    }
    let lab = Lab::new();
    let Some(disk) = Tmpfs::mount(&lab.store(), 1250 << 10) else { return };
    let create = start(&lab, &["create", "--qemu-memory", "1024", "lab1"]);
    until("QEMU", || qemus(&lab.store()) > 0);
    disk.fill(64);
    let Run { code, stderr, .. } = end(create);
    assert_eq!(code, Some(1), "{stderr}");
    for text in ["step `engine` failed", "halted", "disk of this computer may be full", "df -h"] {
        assert!(stderr.contains(text), "no `{text}` in {stderr}");
    }
    assert_eq!(lab.ok(["status", "lab1"]), "Incomplete\n");
    disk.free();
    lab.ok(["create", "lab1"]);
    assert_eq!(lab.ok(["status", "lab1"]), "Running\n");
    lab.ok(["rm", "-y", "lab1"]);
    assert!(lab.machine_files().is_empty());
    assert_eq!(qemus(&lab.store()), 0);
    no_half_file(&lab.store());
}

/// A thousand machines, some of them broken: every command that reads goes on.
#[test]
fn a_large_store_with_broken_records() {
    let lab = Lab::new();
    lab.ok(["create", "-d", "none", "--url", "tcp://127.0.0.1:1", "m0"]);
    let machines = lab.store().join("machines");
    let text = fs::read_to_string(machines.join("m0/config.json")).unwrap();
    for number in 1..1000 {
        let dir = machines.join(format!("m{number}"));
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("config.json"), text.replace("m0", &format!("m{number}"))).unwrap();
    }
    let broken = [
        ("b-empty", ""),
        ("b-half", &text[..text.len() / 2]),
        ("b-array", "[1, 2]"),
        ("b-driver", &text.replace("\"none\"", "\"no-such-driver\"")),
        ("b-record", r#"{"ConfigVersion": 3, "Driver": 7, "DriverName": "none"}"#),
    ];
    for (name, content) in broken {
        fs::create_dir(machines.join(name)).unwrap();
        fs::write(machines.join(name).join("config.json"), content).unwrap();
    }
    fs::create_dir(machines.join("b-none")).unwrap();
    fs::create_dir_all(machines.join("b-dir/config.json")).unwrap();
    fs::write(machines.join("no-machine"), "").unwrap();

    // As in docker-machine, `-q` names those that can be read, be their driver there or not.
    let names = lab.ok(["ls", "-q"]);
    assert_eq!(names.lines().count(), 1001);
    assert!(names.contains("b-driver\n"), "{names}");
    let rows: serde_json::Value =
        serde_json::from_str(&lab.ok(["ls", "--format", "json"])).unwrap();
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 1007);
    for row in rows {
        let broken = row["Name"].as_str().unwrap().starts_with("b-");
        let state = if broken { "Error" } else { "Running" };
        assert_eq!(row["State"], state, "{row}");
    }
    assert_eq!(lab.ok(["url", "m999"]), "tcp://127.0.0.1:1\n");
    for command in ["url", "ip", "env", "inspect", "status", "start", "config", "ssh"] {
        let run = lab.run([command, "b-half"]);
        assert_eq!(run.code, Some(1), "{command}: {}{}", run.stdout, run.stderr);
        assert!(run.stderr.contains("machine rm -f b-half"), "{command}: {}", run.stderr);
    }
    for row in
        rows.iter().map(|row| row["Name"].as_str().unwrap()).filter(|it| it.starts_with("b-"))
    {
        lab.ok(["rm", "-f", row]);
    }
    let rows = lab.ok(["ls", "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&rows).unwrap();
    assert_eq!(rows.as_array().unwrap().len(), 1000);
}

/// A store that another program made and this user cannot write is read like any other.
#[test]
fn readers_write_nothing() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["lab1"]).code, Some(0));
    let store = lab.store();
    for name in ["store-id", "machines/lab1/journal.jsonl"] {
        fs::remove_file(store.join(name)).unwrap();
    }
    fs::remove_dir_all(store.join("locks")).unwrap();
    let before = files(&store);
    for command in ["env", "url", "ip", "config", "inspect", "status", "ls"] {
        match command {
            "ls" => lab.ok([command]),
            _ => lab.ok([command, "lab1"]),
        };
    }
    lab.run(["active"]);
    assert_eq!(files(&store), before);
}

/// Fifty commands on one store at the same time. All end, and the store is consistent.
#[test]
fn fifty_commands_at_once() {
    let lab = Lab::new();
    for number in 0..10 {
        assert_eq!(lab.fake(&[&format!("old{number}")]).code, Some(0));
    }
    let create = |name: String| vec!["create".into(), "-d".into(), "fake".into(), name];
    let on = |command: &str, name: String| vec![command.to_owned(), name];
    let mut commands: Vec<(Vec<String>, bool)> = Vec::new();
    for number in 0..10 {
        commands.push((create(format!("new{number}")), true));
        // Half of the old ones go while others look at them.
        if number < 5 {
            commands.push((vec!["rm".into(), "-y".into(), format!("old{number}")], true));
        } else {
            commands.push((on("stop", format!("old{number}")), true));
        }
        commands.push((on("env", format!("old{number}")), number >= 5));
        commands.push((on("inspect", format!("old{number}")), number >= 5));
        commands.push((vec!["ls".into()], true));
    }
    assert_eq!(commands.len(), 50);
    let children: Vec<_> = commands
        .iter()
        .map(|(args, _)| start(&lab, &args.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    for ((args, must), child) in commands.iter().zip(children) {
        let Run { code, stderr, .. } = end(child);
        match code {
            Some(0) => {}
            Some(1) if !must => {
                let gone = stderr.contains("does not exist") || stderr.contains("not complete");
                assert!(gone || stderr.contains("not running"), "{args:?}: {stderr}");
            }
            code => panic!("{args:?}: {code:?} {stderr}"),
        }
    }
    let mut expected: Vec<String> = (0..10).map(|number| format!("new{number}")).collect();
    expected.extend((5..10).map(|number| format!("old{number}")));
    assert_eq!(lab.ok(["ls", "-q"]).lines().collect::<Vec<_>>(), expected);
    let listing = lab.ok(["ls", "--format", "{{.Name}} {{.State}}"]);
    for name in &expected {
        let state = if name.starts_with("new") { "Running" } else { "Stopped" };
        assert!(listing.contains(&format!("{name} {state}\n")), "{listing}");
    }
    assert_eq!(lab.cloud(), 45);
    no_half_file(&lab.store());
    assert_eq!(fs::read_dir(lab.store().join("locks")).unwrap().count(), 0);
    let mut rm = lab.command();
    rm.args(["rm", "-y"]).args(&expected);
    assert_eq!(run(&mut rm).code, Some(0));
    assert_eq!((lab.cloud(), lab.machine_files().len()), (0, 0));
}
