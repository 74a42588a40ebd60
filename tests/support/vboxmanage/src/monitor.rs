//! QEMU's monitor.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::host::home;

pub(crate) struct Monitor {
    reader: BufReader<UnixStream>,
}

/// Where the monitor of a machine listens.
pub(crate) fn socket(uuid: &str) -> PathBuf {
    home().join(format!("{}.qmp", &uuid[..8]))
}

impl Monitor {
    pub(crate) fn open(uuid: &str) -> std::io::Result<Self> {
        let mut monitor = Self { reader: BufReader::new(UnixStream::connect(socket(uuid))?) };
        monitor.line()?;
        monitor.execute("qmp_capabilities", Value::Null)?;
        Ok(monitor)
    }

    pub(crate) fn execute(&mut self, command: &str, arguments: Value) -> std::io::Result<Value> {
        let mut call = json!({"execute": command});
        if !arguments.is_null() {
            call["arguments"] = arguments;
        }
        writeln!(self.reader.get_mut(), "{call}")?;
        loop {
            let answer: Value = serde_json::from_str(&self.line()?)?;
            if let Some(value) = answer.get("return") {
                return Ok(value.clone());
            }
            if let Some(error) = answer.get("error") {
                return Err(std::io::Error::other(error.to_string()));
            }
        }
    }

    /// A command of the monitor for people.
    pub(crate) fn human(&mut self, line: &str) -> std::io::Result<Value> {
        self.execute("human-monitor-command", json!({"command-line": line}))
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            return Err(std::io::Error::other("QEMU has ended"));
        }
        Ok(line)
    }
}
