//! What the rest of the program sees of the driver `generic`.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use machine_driver::seed::Seed;
use machine_driver::{
    Birth, Checkpoint, Context, Driver, ErrorKind, FlagValue, FlagValues, Kind, Progress, State,
};
use machine_driver_generic::{adopted, kind};
use serde_json::{Value, json};

#[derive(Default)]
struct Saved(Mutex<Vec<Value>>);

impl Checkpoint for Saved {
    fn save(&self, record: Value) -> machine_driver::Result<()> {
        self.0.lock().unwrap().push(record);
        Ok(())
    }
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Progress for Lines {
    fn line(&self, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
    fn advance(&self, _what: &str, _done: u64, _total: Option<u64>) {}
    fn warn(&self, _text: &str) {}
}

fn context(dir: &Path, saved: &Arc<Saved>, lines: &Arc<Lines>) -> Context {
    Context {
        machine: "box".into(),
        machine_dir: dir.join("machines/box"),
        shared_dir: dir.join("generic"),
        runtime_dir: dir.join("run"),
        search_path: "".into(),
        cache_dir: std::path::PathBuf::new(),
        environment: machine_driver::Environment::default(),
        policy: machine_driver::Policy::default(),
        store_id: "s1".into(),
        progress: lines.clone(),
        checkpoint: saved.clone(),
    }
}

fn values(pairs: &[(&str, &str)]) -> FlagValues {
    let mut values = FlagValues::defaults(&kind().flags());
    for (name, value) in pairs {
        let value = match value.parse() {
            Ok(number) => FlagValue::Int(number),
            Err(_) => FlagValue::Text((*value).into()),
        };
        values.set(*name, value);
    }
    values
}

fn birth() -> Birth {
    Birth {
        image: None,
        seed: Seed::default(),
        ssh_public_key: String::new(),
        first_boot: machine_driver::FirstBoot::default(),
    }
}

#[test]
fn the_flags_are_docker_machines() {
    let flags: Vec<_> = kind()
        .flags()
        .into_iter()
        .map(|flag| (flag.name.into_owned(), flag.env.unwrap().into_owned()))
        .collect();
    let expected = [
        ("generic-engine-port", "GENERIC_ENGINE_PORT"),
        ("generic-ip-address", "GENERIC_IP_ADDRESS"),
        ("generic-ssh-key", "GENERIC_SSH_KEY"),
        ("generic-ssh-port", "GENERIC_SSH_PORT"),
        ("generic-ssh-user", "GENERIC_SSH_USER"),
    ];
    assert_eq!(flags, expected.map(|(name, env)| (name.to_owned(), env.to_owned())));
}

#[tokio::test]
async fn the_key_is_copied_and_the_record_is_docker_machines() {
    let dir = tempfile::tempdir().unwrap();
    let (saved, lines) = (Arc::new(Saved::default()), Arc::new(Lines::default()));
    let cx = context(dir.path(), &saved, &lines);
    fs::create_dir_all(&cx.machine_dir).unwrap();
    let key = dir.path().join("key.pem");
    fs::write(&key, "-----BEGIN OPENSSH PRIVATE KEY-----\n").unwrap();
    let key = key.to_str().unwrap();
    let values = values(&[
        ("generic-ip-address", "192.0.2.1"),
        ("generic-ssh-user", "ubuntu"),
        ("generic-ssh-port", "2222"),
        ("generic-ssh-key", key),
    ]);
    let mut machine = kind().configure(&cx, &values).unwrap();
    assert_eq!(machine.endpoint().ssh.unwrap().key, Path::new(key), "before it is copied");
    machine.pre_create_check(&cx).await.unwrap();
    machine.create(&cx, &birth()).await.unwrap();
    let copy = cx.machine_dir.join("ssh-key.pem");
    let store = dir.path().display();
    let expected = format!(
        r#"{{"IPAddress":"192.0.2.1","MachineName":"box","SSHUser":"ubuntu","SSHPort":2222,"SSHKeyPath":"{}","StorePath":"{store}","SwarmMaster":false,"SwarmHost":"","SwarmDiscovery":"","EnginePort":2376,"SSHKey":"{key}"}}"#,
        copy.display()
    );
    assert_eq!(saved.0.lock().unwrap()[0].to_string(), expected);
    let said = lines.0.lock().unwrap().clone();
    assert_eq!(said[0], "Importing SSH key...");
    assert!(said[1].starts_with("Couldn't copy SSH public key : "), "{said:?}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Resumed where the key is gone: the copy is as good.
    fs::remove_file(key).unwrap();
    machine.create(&cx, &birth()).await.unwrap();
    assert_eq!(machine.endpoint().docker_url.as_deref(), Some("tcp://192.0.2.1:2376"));
}

#[tokio::test]
async fn what_it_cannot_do_it_says_as_docker_machine_does() {
    let dir = tempfile::tempdir().unwrap();
    let cx = context(dir.path(), &Arc::default(), &Arc::default());
    let mut machine = kind().configure(&cx, &values(&[("generic-ip-address", "::1")])).unwrap();
    for (result, word) in [
        (machine.start(&cx).await, "start"),
        (machine.stop(&cx).await, "stop"),
        (machine.kill(&cx).await, "kill"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.to_string(), format!("generic driver does not support {word}"));
    }
    machine.remove(&cx).await.unwrap();
    assert_eq!(machine.endpoint().docker_url.as_deref(), Some("tcp://[::1]:2376"));
    let error = kind().configure(&cx, &values(&[])).unwrap_err();
    assert_eq!(error.to_string(), "generic driver requires the --generic-ip-address option");
    let missing = values(&[("generic-ip-address", "h"), ("generic-ssh-key", "/nowhere")]);
    let machine = kind().configure(&cx, &missing).unwrap();
    let error = machine.pre_create_check(&cx).await.unwrap_err();
    assert_eq!(error.to_string(), "SSH key does not exist: \"/nowhere\"");
}

#[tokio::test]
async fn the_state_is_whether_the_ssh_port_answers() {
    let dir = tempfile::tempdir().unwrap();
    let cx = context(dir.path(), &Arc::default(), &Arc::default());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let record = json!({"IPAddress": "127.0.0.1", "SSHPort": port, "EnginePort": 2376, "Later": 1});
    let machine = kind().load(record).unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Running);
    drop(listener);
    assert_eq!(machine.state(&cx).await.unwrap(), State::Stopped);
    assert_eq!(machine.record()["Later"], 1);
    assert_eq!(machine.endpoint().ssh.unwrap().user, "root");
}

#[tokio::test]
async fn an_adopted_host_has_an_ssh_url_and_no_guest_to_change() {
    let dir = tempfile::tempdir().unwrap();
    let saved = Arc::new(Saved::default());
    let cx = context(dir.path(), &saved, &Arc::default());
    for (user, port, url) in
        [(None, None, "ssh://build"), (Some("me"), Some(2222), "ssh://me@build:2222")]
    {
        let mut machine: Box<dyn Driver> = adopted(&cx, "build", user, port);
        machine.create(&cx, &birth()).await.unwrap();
        assert_eq!(machine.endpoint().docker_url.as_deref(), Some(url));
        assert!(!machine.capabilities().has_guest && machine.capabilities().existing_host);
        let again = kind().load(machine.record()).unwrap();
        assert_eq!(again.endpoint(), machine.endpoint());
    }
}
