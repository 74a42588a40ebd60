//! The Engine's configuration: the arguments of `dockerd`, the systemd drop-in, and what has to be
//! merged into a `daemon.json` that is there already.
//!
//! dockerd refuses to start when an option stands both on its command line and in `daemon.json`,
//! so what the host's file has already is merged there, and everything else stands in the drop-in,
//! whose text is docker-machine's.

use machine_driver::{Error, Result};
use serde_json::{Map, Value};

use super::family::OPTIONS_DIR;
use crate::ssh::quoted;
use crate::store::EngineOptions;

/// What is to be written on the host.
#[derive(Debug, PartialEq)]
pub(super) struct Configuration {
    /// The words behind `dockerd`, without quotes.
    pub arguments: Vec<String>,
    /// The new `daemon.json`, if it has to change.
    pub daemon_json: Option<String>,
}

/// One option in both of its forms.
struct Setting {
    /// The key in `daemon.json`.
    key: String,
    value: Value,
    words: Vec<String>,
}

/// Puts the Engine's options together with the host's `daemon.json`, which may be empty. Lists are
/// joined; another value for the same option is an error, because it is somebody's.
pub(super) fn configuration(
    options: &EngineOptions,
    provider: &str,
    port: u16,
    daemon_json: &str,
) -> Result<Configuration> {
    let old = parse(daemon_json)?;
    let mut new = old.clone();
    let mut arguments = Vec::new();
    for setting in settings(options, provider, port) {
        if old.contains_key(&setting.key) {
            merge(&mut new, &setting.key, setting.value)?;
        } else {
            arguments.extend(setting.words);
        }
    }
    let changed = new != old;
    let text = serde_json::to_string_pretty(&new).expect("JSON is written") + "\n";
    Ok(Configuration { arguments, daemon_json: changed.then_some(text) })
}

/// `daemon.json` with `live-restore` on: containers outlive a restart of the Engine.
pub(super) fn with_live_restore(daemon_json: &str) -> Result<String> {
    let mut map = parse(daemon_json)?;
    map.insert("live-restore".to_owned(), Value::Bool(true));
    Ok(serde_json::to_string_pretty(&map).expect("JSON is written") + "\n")
}

/// docker-machine's `10-machine.conf`. A value with blanks or quotes stays one word, which it does
/// not there.
pub(super) fn drop_in(dockerd: &str, arguments: &[String], env: &[String]) -> String {
    let words = arguments.iter().fold(String::new(), |text, word| text + &systemd_word(word) + " ");
    let env = env.iter().fold(String::new(), |text, it| text + &systemd_quoted(it) + " ");
    format!("[Service]\nExecStart=\nExecStart={dockerd} {words}\nEnvironment={env}\n")
}

/// `OpenRC`'s `/etc/conf.d/docker`, which the service script sources: a shell reads the options once
/// there, and once more when it starts the Engine.
pub(super) fn openrc_conf(arguments: &[String], env: &[String]) -> String {
    let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
    let mut text = String::from("# Written by machine\n");
    text += &format!("DOCKER_OPTS={}\n", quoted(&words.join(" ")));
    for variable in env {
        text += &format!("export {}\n", quoted(variable));
    }
    text
}

/// In docker-machine's order.
fn settings(options: &EngineOptions, provider: &str, port: u16) -> Vec<Setting> {
    let tcp = format!("tcp://0.0.0.0:{port}");
    let unix = "unix:///var/run/docker.sock";
    let path = |name: &str| format!("{OPTIONS_DIR}/{name}");
    let one = |flag: &str, value: String| Setting {
        key: flag.to_owned(),
        words: vec![format!("--{flag}"), value.clone()],
        value: Value::String(value),
    };
    let item = |key: &str, flag: &str, value: &String| Setting {
        key: key.to_owned(),
        value: Value::from(vec![value.clone()]),
        words: vec![format!("--{flag}"), value.clone()],
    };
    let mut all = vec![Setting {
        key: "hosts".to_owned(),
        value: Value::from(vec![tcp.clone(), unix.to_owned()]),
        words: vec!["-H".to_owned(), tcp, "-H".to_owned(), unix.to_owned()],
    }];
    if !options.storage_driver.is_empty() {
        all.push(one("storage-driver", options.storage_driver.clone()));
    }
    all.push(Setting {
        key: "tlsverify".to_owned(),
        value: Value::Bool(true),
        words: vec!["--tlsverify".to_owned()],
    });
    all.push(one("tlscacert", path("ca.pem")));
    all.push(one("tlscert", path("server.pem")));
    all.push(one("tlskey", path("server-key.pem")));
    let provider = format!("provider={provider}");
    all.extend(options.labels.iter().chain([&provider]).map(|it| item("labels", "label", it)));
    let insecure = options.insecure_registry.iter();
    all.extend(insecure.map(|it| item("insecure-registries", "insecure-registry", it)));
    let mirrors = options.registry_mirror.iter();
    all.extend(mirrors.map(|it| item("registry-mirrors", "registry-mirror", it)));
    all.extend(options.arbitrary_flags.iter().map(|flag| {
        let (key, value) =
            flag.split_once('=').map_or((flag.as_str(), None), |(key, value)| (key, Some(value)));
        Setting {
            key: key.to_owned(),
            value: value.map_or(Value::Bool(true), |value| {
                serde_json::from_str(value).unwrap_or_else(|_| Value::from(value))
            }),
            words: vec![format!("--{flag}")],
        }
    }));
    all
}

fn merge(map: &mut Map<String, Value>, key: &str, ours: Value) -> Result<()> {
    let there = map.entry(key).or_insert(Value::Null);
    match (&mut *there, ours) {
        (Value::Array(there), Value::Array(ours)) => {
            for item in ours {
                if !there.contains(&item) {
                    there.push(item);
                }
            }
            Ok(())
        }
        (there, ours) if *there == ours => Ok(()),
        (there, ours) => Err(Error::other(format!(
            "`/etc/docker/daemon.json` on the host says {key} = {there}, and the machine needs {ours}"
        ))
        .hint("nothing was changed there: take that line out of the file, and try again")
        .hint("or use the host as it is, through SSH: `machine adopt NAME ssh://USER@HOST`")),
    }
}

fn parse(daemon_json: &str) -> Result<Map<String, Value>> {
    if daemon_json.trim().is_empty() {
        return Ok(Map::new());
    }
    serde_json::from_str(daemon_json).map_err(|error| {
        Error::other("`/etc/docker/daemon.json` on the host cannot be read")
            .caused_by(error)
            .hint("nothing was changed there: mend the file, and try again")
    })
}

/// systemd.service(5), "Command lines": `%` and `$` are doubled, quotes keep blanks together.
fn systemd_word(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !"\"'\\;".contains(c);
    let doubled = word.replace('%', "%%").replace('$', "$$");
    if !word.is_empty() && word.chars().all(plain) {
        return doubled;
    }
    format!("\"{}\"", doubled.replace('\\', "\\\\").replace('"', "\\\""))
}

/// systemd.exec(5), `Environment=`: no `$` expansion there, but `%`.
fn systemd_quoted(variable: &str) -> String {
    let escaped = variable.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> EngineOptions {
        EngineOptions {
            labels: vec!["a=b".into()],
            insecure_registry: vec!["r:5000".into()],
            registry_mirror: vec!["http://m".into()],
            arbitrary_flags: vec!["bip=1.2.3.4/24".into()],
            env: vec!["FOO=bar baz".into(), "X=1".into()],
            ..EngineOptions::default()
        }
    }

    #[test]
    fn the_drop_in_is_docker_machines() {
        let options = EngineOptions { storage_driver: "overlay2".into(), ..options() };
        let configuration = configuration(&options, "generic", 2376, "").unwrap();
        assert_eq!(configuration.daemon_json, None);
        let text = drop_in("/usr/bin/dockerd", &configuration.arguments, &options.env);
        let expected = "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376 \
            -H unix:///var/run/docker.sock --storage-driver overlay2 --tlsverify \
            --tlscacert /etc/docker/ca.pem --tlscert /etc/docker/server.pem \
            --tlskey /etc/docker/server-key.pem --label a=b --label provider=generic \
            --insecure-registry r:5000 --registry-mirror http://m --bip=1.2.3.4/24 \n\
            Environment=\"FOO=bar baz\" \"X=1\" \n";
        assert_eq!(text, expected);
    }

    #[test]
    fn no_storage_driver_is_forced() {
        let arguments = configuration(&options(), "generic", 2376, "").unwrap().arguments;
        assert!(!arguments.iter().any(|word| word.contains("storage")), "{arguments:?}");
    }

    #[test]
    fn a_daemon_json_is_merged_and_keeps_what_it_has() {
        let theirs =
            r#"{"hosts": ["fd://"], "labels": ["x=y"], "tlsverify": true, "data-root": "/d"}"#;
        let merged = configuration(&options(), "generic", 2376, theirs).unwrap();
        let json: Value = serde_json::from_str(&merged.daemon_json.unwrap()).unwrap();
        let hosts = ["fd://", "tcp://0.0.0.0:2376", "unix:///var/run/docker.sock"];
        assert_eq!(json["hosts"], Value::from(hosts.to_vec()));
        assert_eq!(json["labels"], Value::from(vec!["x=y", "a=b", "provider=generic"]));
        assert_eq!(json["data-root"], "/d");
        assert_eq!(json.get("registry-mirrors"), None);
        assert!(!merged.arguments.iter().any(|it| it.contains("label") || it.starts_with("-H")));
        assert!(merged.arguments.join(" ").contains("--registry-mirror http://m "));
    }

    #[test]
    fn somebody_elses_value_is_not_replaced() {
        let theirs = r#"{"tlscacert": "/srv/ca.pem"}"#;
        let error = configuration(&options(), "generic", 2376, theirs).unwrap_err();
        assert!(error.to_string().contains("tlscacert = \"/srv/ca.pem\""), "{error}");
        assert!(configuration(&options(), "generic", 2376, "{").is_err());
    }

    #[test]
    fn nothing_is_expanded_or_split() {
        let words = ["--label".to_owned(), "a=b c$d%e".to_owned()];
        let text = drop_in("d", &words, &["V=\"%".into()]);
        assert!(text.contains("--label \"a=b c$$d%%e\" \n"), "{text}");
        assert!(text.contains("Environment=\"V=\\\"%%\" \n"), "{text}");
    }

    /// As `/sbin/openrc-run` reads it.
    #[test]
    #[cfg(unix)]
    fn openrc_gives_the_engine_the_same_words() {
        let words = ["-H", "unix:///x", "--label", "it's=b c$HOME%e"].map(str::to_owned);
        let conf = openrc_conf(&words, &["V=a 'b' $HOME".to_owned()]);
        let script = format!("{conf}\neval printf \"'%s\\n'\" $DOCKER_OPTS; echo \"$V\"");
        let said = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        let said = String::from_utf8(said.stdout).unwrap();
        assert_eq!(said, "-H\nunix:///x\n--label\nit's=b c$HOME%e\na 'b' $HOME\n");
    }
}
