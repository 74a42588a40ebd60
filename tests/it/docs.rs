//! The pages of the commands are what the program itself says. `MACHINE_UPDATE_DOCS=1` writes them.

use std::fs;
use std::path::Path;

use crate::lab::Lab;

const COMMANDS: &[&str] = &[
    "active",
    "adopt",
    "completion",
    "config",
    "context",
    "context create",
    "context rm",
    "create",
    "doctor",
    "driver",
    "driver ls",
    "driver show",
    "env",
    "forward",
    "gc",
    "help",
    "image",
    "inspect",
    "ip",
    "kill",
    "logs",
    "ls",
    "mount",
    "provision",
    "regenerate-certs",
    "restart",
    "rm",
    "scp",
    "ssh",
    "ssh-config",
    "start",
    "status",
    "stop",
    "suspend",
    "template",
    "template build",
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
