//! The one PowerShell of a command, and how it is asked.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use machine_driver::conversation::Conversation;
use machine_driver::{Context, Error, ErrorKind, Result, process};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::advice;
use crate::scripts::{SESSION, Script};

/// The whole command line: the session's script is the first line of its input. No quotes, so that
/// there is nothing that Windows, WSL or PowerShell could read in another way; and no `$input`, at the
/// sight of which PowerShell reads its input itself (`ConsoleHost.cs` of PowerShell/PowerShell).
const BEGIN: &str =
    "& ([scriptblock]::Create((ConvertFrom-Json -InputObject ([Console]::In.ReadLine()))))";

/// How long PowerShell may take to start: on a cold, busy Windows several seconds.
const START: Duration = Duration::from_secs(60);

/// Where Windows has it, for a WSL that does not take over Windows' search path.
const IN_WSL: &str = "/mnt/c/Windows/System32/WindowsPowerShell/v1.0/powershell.exe";

/// Started at the first question, and used until the command ends.
#[derive(Debug, Default)]
pub(crate) struct PowerShell {
    session: Mutex<Option<Session>>,
}

#[derive(Debug)]
struct Session {
    talk: Conversation,
    hello: Hello,
}

/// What a session says first.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Hello {
    /// Its version, for example `5.1.19041.1`.
    pub(crate) powershell: String,
    /// The user's directory for what belongs to this computer.
    pub(crate) local_data: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    result: Value,
    #[serde(default)]
    warnings: Vec<String>,
    error: Option<Failure>,
}

/// An error of PowerShell. Its id is the same in every language, its message is not.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) id: String,
    pub(crate) category: String,
    pub(crate) script_line: Option<u32>,
    /// Whether the user may not use Hyper-V at all.
    pub(crate) no_rights: bool,
}

impl PowerShell {
    /// Runs a script with these parameters (a JSON object) and reads its one answer. A script that
    /// takes longer than `deadline` is given up, and PowerShell with it.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        cx: &Context,
        script: Script,
        parameters: Value,
        deadline: Duration,
    ) -> Result<T> {
        let mut place = self.session.lock().await;
        // Taken out while it is asked: an answer that nobody waited for must never be read as that
        // of the next question.
        let mut session = match place.take() {
            Some(session) => session,
            None => Session::start(&cx.search_path).await?,
        };
        let answer = session.ask(script, &parameters, deadline).await?;
        *place = Some(session);
        for warning in &answer.warnings {
            cx.progress.warn(warning.trim());
        }
        if let Some(failure) = answer.error {
            return Err(advice::error(script, failure));
        }
        serde_json::from_value(answer.result).map_err(|error| {
            Error::other(format!("the script `{}` answered something else", script.name))
                .caused_by(error)
        })
    }

    /// Starts it if need be.
    pub(crate) async fn hello(&self, search_path: &OsStr) -> Result<Hello> {
        let mut session = self.session.lock().await;
        if session.is_none() {
            *session = Some(Session::start(search_path).await?);
        }
        Ok(session.as_ref().expect("it was started").hello.clone())
    }
}

impl Session {
    async fn start(search_path: &OsStr) -> Result<Self> {
        let program = program(search_path)?;
        let args = ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", BEGIN];
        let mut talk = Conversation::start(&program, args)?;
        talk.say(&ascii(&json!(SESSION.text))).await?;
        let hello = answer(&mut talk, START).await.map_err(|error| {
            error
                .context("PowerShell cannot be used")
                .hint("does it start by itself? `powershell.exe -NoProfile -Command 1`")
        })?;
        let hello: Hello = serde_json::from_value(hello.result)
            .map_err(|error| Error::other("PowerShell said something else").caused_by(error))?;
        tracing::debug!(version = hello.powershell, "PowerShell");
        Ok(Self { talk, hello })
    }

    async fn ask(
        &mut self,
        script: Script,
        parameters: &Value,
        deadline: Duration,
    ) -> Result<Answer> {
        tracing::debug!(script = script.name, %parameters, "ask");
        let request =
            json!({ "name": script.name, "script": script.text, "parameters": parameters });
        let asked = async {
            self.talk.say(&ascii(&request)).await?;
            answer(&mut self.talk, deadline).await
        };
        let answer = asked
            .await
            .map_err(|error| error.context(format!("Hyper-V could not {}", script.deed)))?;
        tracing::debug!(result = %answer.result, error = ?answer.error, "answer");
        Ok(answer)
    }
}

/// Passes over what else PowerShell may print.
async fn answer(talk: &mut Conversation, deadline: Duration) -> Result<Answer> {
    let end = tokio::time::Instant::now() + deadline;
    loop {
        let left = end.saturating_duration_since(tokio::time::Instant::now());
        let line = talk.hear(left).await?;
        match serde_json::from_str(line.trim_start_matches('\u{feff}')) {
            Ok(answer) => return Ok(answer),
            Err(error) => tracing::debug!(line, %error, "no answer"),
        }
    }
}

/// Windows PowerShell, which every Windows has, or its successor.
fn program(search_path: &OsStr) -> Result<PathBuf> {
    process::find("powershell.exe", search_path)
        .or_else(|| process::find("pwsh.exe", search_path))
        .or_else(|| process::find(IN_WSL, search_path))
        .ok_or_else(|| {
            Error::new(ErrorKind::MissingTool, "Powershell was not found in the path")
                .hint("Hyper-V is a part of Windows: use this driver there, or in WSL")
                .hint("elsewhere: `--driver qemu`")
        })
}

/// JSON in pure ASCII: PowerShell reads its input in a code page that differs between computers.
fn ascii(value: &Value) -> String {
    value.to_string().chars().fold(String::new(), |mut text, letter| {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                text += &format!("\\u{unit:04x}");
            }
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_arrives_whatever_the_code_page() {
        let value = json!({ "Path": "C:\\Käyttäjä\\O'Neil \"測試\" 🐳" });
        let text = ascii(&value);
        assert!(text.is_ascii(), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
        assert!(!ascii(&json!(SESSION.text)).contains('\n'));
    }
}
