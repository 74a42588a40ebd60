//! A stand-in for `VBoxManage`. It keeps its machines, interfaces and settings in the directory that
//! `VBOX_USER_HOME` names, answers as the real one did in `../shared/transcripts/virtualbox-7.2`
//! (`tests/transcripts.rs` compares them), and starts QEMU where the real one starts a machine.
//!
//! | variable | what it does |
//! |---|---|
//! | `VBOX_USER_HOME` | where everything is kept; `calls.jsonl` there has every call |
//! | `STANDIN_VERSION` | the version that it says it is; 7.2.22 otherwise |
//! | `STANDIN_START` | `fail`: no machine starts, as without the kernel driver; `pretend`: it runs without QEMU |
//! | `STANDIN_NETWORK` | `real`: host-only interfaces are made in this network namespace; `none`: there can be none |
//! | `STANDIN_CONFIGURATION` | ranges of host-only networks that are allowed, as in `networks.conf` |

mod answer;
mod create;
mod host;
mod list;
mod modify;
mod monitor;
mod network;
mod power;
mod qemu;
mod settings;
mod show;
mod snapshot;
mod storage;
mod vm;

use std::io::Write;
use std::process::ExitCode;

use answer::{Answer, usage};
use host::Host;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    if let ["--run", uuid] = words[..] {
        return qemu::run(uuid);
    }
    host::log(&args);
    let answer = answer(&words);
    std::io::stdout().write_all(answer.stdout.as_bytes()).ok();
    std::io::stderr().write_all(answer.stderr.as_bytes()).ok();
    ExitCode::from(answer.code)
}

fn answer(words: &[&str]) -> Answer {
    match *words {
        ["--version"] => Answer::says(version()),
        ["startvm", id, ..] => power::start(id),
        ["controlvm", id, ref rest @ ..] => power::control(id, rest),
        ["list", ref rest @ ..] => list::list(&Host::open(), rest),
        ["showvminfo", id, "--machinereadable"] => show::info(&Host::open(), id),
        ["getextradata", id, key] => settings::extradata(&Host::open(), id, key),
        ["guestproperty", "enumerate", id] => settings::properties(&Host::open(), id),
        _ => change(words),
    }
}

/// The commands that change what is kept. Two at once get an answer that is no help, as of the real
/// one: whoever calls them has to see to it that they do not meet.
fn change(words: &[&str]) -> Answer {
    let Some(mut host) = Host::open_alone() else { return answer::not_ready() };
    let answer = match *words {
        ["createvm", ref rest @ ..] => create::create(&mut host, rest),
        ["unregistervm", ref rest @ ..] => create::unregister(&mut host, rest),
        ["modifyvm", id, ref rest @ ..] => modify::modify(&mut host, id, rest),
        ["storagectl", id, ref rest @ ..] => storage::controller(&mut host, id, rest),
        ["storageattach", id, ref rest @ ..] => storage::attach(&mut host, id, rest),
        ["clonemedium", "disk", from, to, "--format", "VMDK"] => storage::clone(from, to),
        ["closemedium", "dvd", path] => storage::close(&mut host, path),
        ["hostonlyif", ref rest @ ..] => network::interface(&mut host, rest),
        ["dhcpserver", ref rest @ ..] => network::dhcp(&mut host, rest),
        ["sharedfolder", "add", id, ref rest @ ..] => settings::share(&mut host, id, rest),
        ["guestproperty", "set", id, key, value] => settings::property(&mut host, id, key, value),
        ["setextradata", id, key] => settings::set_extradata(&mut host, id, key, None),
        ["setextradata", id, key, value] => {
            settings::set_extradata(&mut host, id, key, Some(value))
        }
        ["snapshot", id, ref rest @ ..] => snapshot::snapshot(&mut host, id, rest),
        ["discardstate", id] => power::discard(&mut host, id),
        [command, ..] => usage(&format!("Invalid command '{command}'")),
        [] => usage("no command"),
    };
    if answer.code == 0 {
        host.save();
    }
    answer
}

/// Older versions know fewer options.
pub(crate) fn is_at_least(major: u32, minor: u32) -> bool {
    let version = version();
    let mut numbers = version.split('.').map(|it| it.parse().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}

fn version() -> String {
    std::env::var("STANDIN_VERSION").unwrap_or_else(|_| "7.2.22_Debianr175245".to_owned()) + "\n"
}
