//! The stand-in answers as the real `VBoxManage` 7.2.22 did: its recorded session is played again, and
//! exit codes, output and complaints are compared.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One recorded command.
struct Recorded {
    file: String,
    args: Vec<String>,
    code: i32,
    stdout: String,
    stderr: String,
}

/// What no driver asks for is not stood in for. `convertfromraw` made the disks of the session; here
/// files take their place.
const LEFT_OUT: [&str; 16] = [
    "001-", "003-", "005-", "010-", "011-", "012-", "014-", "026-", "037-", "038-", "039-", "040-",
    "059-", "060-", "061-", "067-",
];

fn transcripts() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let dir = root.join("../shared/transcripts/virtualbox-7.2");
    dir.is_dir().then_some(dir)
}

fn read(path: &Path) -> Recorded {
    let text = fs::read_to_string(path).unwrap();
    let mut parts = text.splitn(3, "----- std");
    let (head, out, err) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let command = head.lines().next().unwrap().trim_start_matches("$ VBoxManage ");
    let code = head.lines().find_map(|line| line.strip_prefix("# rc=")).unwrap();
    let code = code.split_whitespace().next().unwrap().parse().unwrap();
    let body =
        |part: &str| part.split_once('\n').map_or(String::new(), |(_, rest)| rest.to_owned());
    let args = command.replace("\\,", ",").split_whitespace().map(str::to_owned).collect();
    let file = path.file_name().unwrap().to_str().unwrap().to_owned();
    Recorded { file, args, code, stdout: body(out), stderr: body(err) }
}

/// What differs from run to run is made the same: UUIDs, MAC addresses, times, and where the files are.
fn normal(text: &str, home: &str) -> String {
    let text = text.replace(home, "/home/user");
    let mut out = String::new();
    let is_hex = |word: &str| word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    'lines: for line in text.lines() {
        let is_time =
            ["VMStateChangeTime", "Host time", "Memory available", "Operating system version"];
        if is_time.iter().any(|key| line.starts_with(key)) {
            continue;
        }
        let line = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-');
        for word in line {
            let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric() && c != '-');
            match bare.len() {
                36 if is_hex(bare) => out += &word.replace(bare, "UUID"),
                12 if bare.starts_with("080027") => out += &word.replace(bare, "MAC"),
                _ if bare.starts_with("2026-11-") => {
                    out += "TIME\n";
                    continue 'lines;
                }
                _ => out += word,
            }
        }
        out += "\n";
    }
    out.trim_end().to_owned()
}

/// The complaints, without where in VirtualBox's source they were made and without help.
fn complaints(text: &str) -> Vec<String> {
    let wanted = |line: &&str| line.contains("error: ") || line.contains("warning: ");
    text.lines()
        .filter(wanted)
        .filter(|line| !line.contains("Context: "))
        // The callee is Mozilla's; the code is what programs act on.
        .map(|line| line.split(", component").next().unwrap().to_owned())
        .collect()
}

#[test]
fn the_recorded_session_played_again() {
    let Some(dir) = transcripts() else {
        std::io::Write::write_all(&mut std::io::stderr(), b"skipped: no ../shared/transcripts\n")
            .unwrap();
        return;
    };
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path().display().to_string();
    let machines = scratch.path().join(".docker/machine/machines/m1");
    fs::create_dir_all(&machines).unwrap();
    fs::write(machines.join("boot2docker.iso"), [0; 2048]).unwrap();
    fs::write(
        machines.join("disk.vmdk"),
        b"KDMV\nddb.uuid.image=\"db63efc5-d514-4c43-924e-f366afd1700f\"\n",
    )
    .unwrap();
    let mut files: Vec<PathBuf> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut played = 0;
    let mut differences = Vec::new();
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let is_numbered = name.starts_with(|c: char| c.is_ascii_digit());
        if !is_numbered || LEFT_OUT.iter().any(|prefix| name.starts_with(prefix)) {
            continue;
        }
        let recorded = read(&path);
        // Clones and media of other kinds are nobody's here, and neither is the whole text.
        let words: Vec<&str> = recorded.args.iter().map(String::as_str).collect();
        if matches!(
            words[..],
            ["clonevm" | "closemedium", ..] | ["showvminfo", _] | ["list", "hdds"]
        ) || words.contains(&"m2")
        {
            continue;
        }
        let args = recorded.args.iter().map(|arg| arg.replace("/home/user", &home));
        let output = Command::new(env!("CARGO_BIN_EXE_VBoxManage"))
            .args(args)
            .env("VBOX_USER_HOME", scratch.path().join("vbox"))
            .env("STANDIN_START", "fail")
            .env("STANDIN_NETWORK", "none")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let same_code = output.status.code() == Some(recorded.code);
        let (said, expected) =
            (normal(&text(&output.stdout), &home), normal(&recorded.stdout, "/home/user"));
        let same_stdout = match words[..] {
            // All of it would be the real text; the driver reads three lines.
            ["list", "vms", "--long"] => expected.contains(said.lines().next().unwrap_or_default()),
            ["list", "hostinfo"] => keys(&said) == keys(&expected),
            // Made with the raw-mode address of the session's own computer.
            _ => said == expected,
        };
        let (wrong, wrong_expected) = (
            complaints(&text(&output.stderr).replace(&home, "/home/user")),
            complaints(&recorded.stderr),
        );
        if !same_code || !same_stdout || wrong != wrong_expected {
            differences.push(format!(
                "{}: {:?}\ncode {:?}, recorded {}\n--- stdout\n{}\n--- recorded\n{}\n--- complaints\n{}\n--- recorded\n{}",
                recorded.file, words, output.status.code(), recorded.code, said, expected,
                wrong.join("\n"), wrong_expected.join("\n"),
            ));
        }
        played += 1;
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n\n{}",
        differences.len(),
        differences.join("\n\n")
    );
    assert!(played > 50, "{played}");
}

fn keys(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.split(':').next()).filter(|key| !key.is_empty()).collect()
}
