//! The pages of the commands are what the program itself says. `MACHINE_UPDATE_DOCS=1` writes them.

use std::fs;
use std::path::Path;

use crate::lab::Lab;

const COMMANDS: &[&str] = &[
    "active",
    "adopt",
    "clone",
    "completion",
    "config",
    "context",
    "context create",
    "context rm",
    "create",
    "doctor",
    "down",
    "driver",
    "driver ls",
    "driver show",
    "env",
    "exec",
    "export",
    "forward",
    "gc",
    "help",
    "image",
    "import",
    "inspect",
    "ip",
    "kill",
    "lab",
    "lab init",
    "lab schema",
    "logs",
    "ls",
    "mount",
    "plan",
    "provision",
    "regenerate-certs",
    "restart",
    "rm",
    "scp",
    "set",
    "snapshot",
    "snapshot ls",
    "snapshot restore",
    "snapshot rm",
    "snapshot save",
    "ssh",
    "ssh-config",
    "start",
    "status",
    "stop",
    "suspend",
    "swarm",
    "swarm status",
    "template",
    "template build",
    "up",
    "upgrade",
    "tunnel",
    "url",
    "version",
    "image build",
    "image pull",
];

#[test]
fn every_command_has_a_page_that_is_true() {
    let lab = Lab::new();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    for command in COMMANDS {
        let mut run = lab.command();
        run.args(command.split(' ')).arg("--help").env("COLUMNS", "100");
        let help = crate::lab::run(&mut run).stdout;
        let name = command.replace(' ', "-");
        let page = docs.join("commands").join(format!("{name}.md"));
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        let text =
            format!("# machine {command}\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
        if std::env::var_os("MACHINE_UPDATE_DOCS").is_some() {
            fs::create_dir_all(page.parent().unwrap()).unwrap();
            fs::write(&page, &text).unwrap();
        }
        assert_eq!(fs::read_to_string(&page).unwrap_or_default(), text, "{}", page.display());
        assert!(summary.contains(&format!("commands/{name}.md")), "SUMMARY.md lacks {name}");
    }
}

/// What each driver can do is what the drivers say. `MACHINE_UPDATE_DOCS=1` writes it.
#[test]
fn the_table_of_capabilities_is_the_drivers_own() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/drivers/capabilities.md");
    let table = machine::engine::capability_table(&machine::engine::Registry::built_in());
    let text = fs::read_to_string(&page).unwrap_or_default();
    let begin = text.find("| driver |").unwrap_or(text.len());
    let length = text[begin..].find("\n\n").map_or(text.len() - begin, |end| end + 1);
    if std::env::var_os("MACHINE_UPDATE_DOCS").is_some() {
        let (before, after) = (&text[..begin], &text[begin + length..]);
        fs::write(&page, format!("{before}{table}{after}")).unwrap();
        return;
    }
    assert_eq!(&text[begin..begin + length], table, "MACHINE_UPDATE_DOCS=1 writes it anew");
}
