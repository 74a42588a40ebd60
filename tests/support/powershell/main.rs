//! Plays Windows PowerShell with the module Hyper-V for the tests.
//!
//! It speaks the protocol of the driver's `session.ps1` and carries out what the other scripts say, by
//! their names: it cannot read PowerShell. So that the two do not drift apart, it refuses a script
//! that uses a cmdlet of Hyper-V which is not modelled here, and parameters that the script does not
//! declare. Hyper-V's objects and rules are in [`host`]; a virtual machine that is started becomes a
//! QEMU with its disk and its image ([`qemu`]).
//!
//! `HYPERV_STAND_IN` is its directory: `host.json` (see [`host::Host`]; a test may change it) and
//! `log.jsonl`, one line for each process and each request.

mod host;
mod messages;
mod operations;
mod qemu;
mod request;

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use request::Request;

/// An error as PowerShell describes it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) id: String,
    pub(crate) category: &'static str,
}

impl Failure {
    pub(crate) fn new(id: &str, message: impl Into<String>) -> Self {
        Self { message: message.into(), id: id.to_owned(), category: "NotSpecified" }
    }

    pub(crate) fn category(self, category: &'static str) -> Self {
        Self { category, ..self }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new("StandIn", error.to_string())
    }
}

fn main() -> std::io::Result<()> {
    let dir = PathBuf::from(std::env::var_os("HYPERV_STAND_IN").expect("HYPERV_STAND_IN is set"));
    std::fs::create_dir_all(&dir)?;
    let args: Vec<String> = std::env::args().skip(1).collect();
    log(&dir, &json!({ "started": args }))?;
    assert_eq!(args[..4], ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command"]);
    assert!(args[4].contains("[Console]::In.ReadLine()"), "{}", args[4]);

    let mut lines = std::io::stdin().lock().lines();
    let session: String = serde_json::from_str(&lines.next().expect("the session's script")?)?;
    assert!(session.contains("while ($null -ne ($line = [Console]::In.ReadLine()))"));
    let local_data = match host::with(&dir, |host| Ok(host.drive_c.is_some())) {
        Ok(true) => json!(r"C:\Users\Jörg O'Neil\AppData\Local"),
        _ => json!(dir),
    };
    answer(&json!({ "result": { "powershell": "5.1 (stand-in)", "local_data": local_data } }))?;
    for line in lines {
        let line = line?;
        assert!(line.is_ascii(), "a code page would change it: {line}");
        let request: Request = serde_json::from_str(&line)?;
        log(&dir, &json!({ "script": request.name, "parameters": request.parameters }))?;
        let done = request.check().and_then(|()| operations::run(&dir, &request));
        answer(&match done {
            Ok(result) => json!({ "result": result, "warnings": [] }),
            Err(Failure { message, id, category }) => json!({ "error": {
                "message": message, "id": id, "category": category, "script_line": 1,
                "no_rights": host::has_no_rights(&dir)
            } }),
        })?;
    }
    Ok(())
}

fn answer(answer: &Value) -> std::io::Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{answer}")?;
    stdout.flush()
}

fn log(dir: &Path, entry: &Value) -> std::io::Result<()> {
    let mut entry = entry.clone();
    entry["pid"] = std::process::id().into();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    entry["ms"] = json!(now.map_or(0, |now| now.as_millis()));
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(dir.join("log.jsonl"))?;
    file.write_all(format!("{entry}\n").as_bytes())
}
