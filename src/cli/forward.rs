use std::process::ExitCode;
use std::time::Duration;

use machine_driver::Forward;

use super::console;
use super::error::CliError;
use super::session::{Session, silent};
use super::target;
use crate::output::table;

/// Forward ports of this computer to a machine
///
/// `machine forward NAME [HOST:]GUEST…` adds, `--rm HOST` takes away, nothing lists.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    name: String,
    /// Ports to add: `8080`, or `9000:8080` for another one on this computer (0: any free one)
    #[arg(value_name = "[HOST:]GUEST")]
    ports: Vec<String>,
    /// Take away the forward from this port of this computer (can be repeated)
    #[arg(long, value_name = "HOST")]
    rm: Vec<u16>,
}

pub(super) async fn run(args: Args, session: &Session) -> Result<ExitCode, CliError> {
    target::check(session, &args.name)?;
    let wanted = args.ports.iter().map(|text| parse(text)).collect::<Result<Vec<_>, _>>()?;
    if wanted.is_empty() && args.rm.is_empty() {
        return list(&args.name, session);
    }
    let command = format!("forward {}", args.name);
    let _lock = session.engine.store.lock(&args.name, &command, Duration::from_secs(20))?;
    let mut machine = session.engine.load(&args.name, silent())?;
    let context = machine.context.clone();
    let forwards = machine.driver.forwards_or_unsupported()?;
    for port in args.rm {
        forwards.remove(&context, port).await?;
    }
    for forward in wanted {
        let Forward { host, host_port, guest_port } = forwards.add(&context, forward).await?;
        console::println(&format!("{host}:{host_port} -> {guest_port}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn list(name: &str, session: &Session) -> Result<ExitCode, CliError> {
    let mut machine = session.machine(name)?;
    let forwards = machine.driver.forwards_or_unsupported()?.list();
    let mut rows = vec![vec!["HOST".to_owned(), "GUEST".to_owned()]];
    for Forward { host, host_port, guest_port } in forwards {
        rows.push(vec![format!("{host}:{host_port}"), guest_port.to_string()]);
    }
    console::print(&table::render(&rows))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads `[HOST:]GUEST`. Without a host port the guest's is used on this computer too.
fn parse(text: &str) -> Result<Forward, CliError> {
    let (host_port, guest_port) = text.split_once(':').unwrap_or((text, text));
    let ports = host_port.parse().ok().zip(guest_port.parse().ok().filter(|port| *port != 0));
    match ports {
        Some((host_port, guest_port)) => {
            Ok(Forward { host: "127.0.0.1".to_owned(), host_port, guest_port })
        }
        None => Err(CliError::usage(format!("`{text}` is not a port or a pair of ports"))
            .hint("machine forward lab1 9000:8080")),
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn ports_and_pairs() {
        let both = |text| parse(text).map(|it| (it.host_port, it.guest_port)).ok();
        assert_eq!(both("8080"), Some((8080, 8080)));
        assert_eq!(both("9000:80"), Some((9000, 80)));
        assert_eq!(both("0:80"), Some((0, 80)));
        for bad in ["", "x", "80:", "1:0", "70000", "1:2:3"] {
            assert_eq!(both(bad), None, "{bad}");
        }
    }
}
