//! The driver's contract, kept by the fake: nothing leaks at any step, and everything carries on.

use std::path::Path;
use std::sync::{Arc, Mutex};

use machine_driver::seed::Seed;
use machine_driver::{
    Birth, Checkpoint, Context, Driver, ErrorKind, FlagValue, FlagValues, Kind, Silent, State,
};
use machine_driver_fake::{Cloud, Script, Step, kind};
use serde_json::Value;

#[derive(Default)]
struct Saved(Mutex<Option<Value>>);

impl Checkpoint for Saved {
    fn save(&self, record: Value) -> machine_driver::Result<()> {
        *self.0.lock().unwrap() = Some(record);
        Ok(())
    }
}

struct Lab {
    dir: tempfile::TempDir,
    saved: Arc<Saved>,
}

impl Lab {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), saved: Arc::default() }
    }

    fn context(&self) -> Context {
        let machine_dir = self.dir.path().join("machines/m");
        std::fs::create_dir_all(&machine_dir).unwrap();
        Context {
            machine: "m".into(),
            machine_dir,
            shared_dir: self.dir.path().join("fake"),
            runtime_dir: self.dir.path().join("run"),
            search_path: "".into(),
            environment: machine_driver::Environment::default(),
            policy: machine_driver::Policy::default(),
            store_id: "s1".into(),
            cache_dir: std::path::PathBuf::new(),
            progress: Arc::new(Silent),
            checkpoint: self.saved.clone(),
        }
    }

    fn cloud(&self) -> std::path::PathBuf {
        self.dir.path().join("fake/cloud.json")
    }

    fn configure(&self, flags: &[(&str, &str)]) -> Box<dyn Driver> {
        let mut values = FlagValues::defaults(&kind().flags());
        for (name, value) in flags {
            let value = match values.list(name) {
                [] if ["fake-url", "fake-ssh", "fake-state", "fake-cloud"].contains(name) => {
                    FlagValue::Text((*value).into())
                }
                list => {
                    let mut list = list.to_vec();
                    list.push((*value).into());
                    FlagValue::List(list)
                }
            };
            values.set(*name, value);
        }
        kind().configure(&self.context(), &values).unwrap()
    }

    /// The machine as another process would find it: as last recorded.
    fn reload(&self, unborn: &dyn Driver) -> Box<dyn Driver> {
        let saved = self.saved.0.lock().unwrap().clone();
        kind().load(saved.unwrap_or_else(|| unborn.record())).unwrap()
    }
}

fn birth() -> Birth {
    Birth {
        image: None,
        seed: Seed::default(),
        ssh_public_key: String::new(),
        first_boot: machine_driver::FirstBoot::default(),
    }
}

fn ids(cloud: &Path) -> Vec<String> {
    Cloud::read(cloud).unwrap().resources.into_iter().map(|it| it.id).collect()
}

const BIRTH: [Step; 7] = [
    Step::Key,
    Step::AfterKey,
    Step::Disk,
    Step::AfterDisk,
    Step::Server,
    Step::AfterServer,
    Step::Start,
];

#[tokio::test]
async fn create_carries_on_after_a_failure_at_any_step() {
    for step in BIRTH {
        let lab = Lab::new();
        let cx = lab.context();
        let mut machine = lab.configure(&[("fake-fail", &format!("{step}:1"))]);
        machine.create(&cx, &birth()).await.unwrap_err();
        let mut machine = lab.reload(&*machine);
        machine.create(&cx, &birth()).await.unwrap();
        assert_eq!(ids(&lab.cloud()), ["key-1", "disk-2", "server-3"], "{step}");
        assert_eq!(machine.state(&cx).await.unwrap(), State::Running, "{step}");
    }
}

#[tokio::test]
async fn remove_leaves_nothing_after_a_failure_at_any_step() {
    for step in BIRTH {
        let lab = Lab::new();
        let cx = lab.context();
        let mut machine = lab.configure(&[("fake-fail", &step.to_string())]);
        machine.create(&cx, &birth()).await.unwrap_err();
        let mut machine = lab.reload(&*machine);
        machine.remove(&cx).await.unwrap();
        machine.remove(&cx).await.unwrap();
        assert!(ids(&lab.cloud()).is_empty(), "{step}");
    }
}

#[tokio::test]
async fn a_dropped_create_leaves_nothing_that_remove_does_not_find() {
    for step in BIRTH {
        let lab = Lab::new();
        let cx = lab.context();
        let mut machine = lab.configure(&[("fake-hang", &step.to_string())]);
        let birth = birth();
        let mut create = machine.create(&cx, &birth);
        assert!(poll_once(&mut create).await.is_none(), "{step}");
        drop(create);
        lab.reload(&*machine).remove(&cx).await.unwrap();
        assert!(ids(&lab.cloud()).is_empty(), "{step}");
    }
}

#[tokio::test]
async fn remove_carries_on_and_reports_every_failure() {
    let lab = Lab::new();
    let cx = lab.context();
    let mut machine =
        lab.configure(&[("fake-fail", "remove-server:1"), ("fake-fail", "remove-key:1")]);
    machine.create(&cx, &birth()).await.unwrap();
    let error = machine.remove(&cx).await.unwrap_err().to_string();
    assert!(error.contains("`remove-server`") && error.contains("`remove-key`"), "{error}");
    assert_eq!(ids(&lab.cloud()), ["key-1", "server-3"]);
    lab.reload(&*machine).remove(&cx).await.unwrap();
    assert_eq!(Cloud::read(&lab.cloud()).unwrap(), Cloud { made: 3, ..Cloud::default() });
}

#[tokio::test]
async fn the_power_goes_on_and_off_and_is_idempotent() {
    let lab = Lab::new();
    let cx = lab.context();
    let mut machine = lab.configure(&[]);
    assert_eq!(machine.state(&cx).await.unwrap(), State::None);
    machine.create(&cx, &birth()).await.unwrap();
    for _ in 0..2 {
        machine.stop(&cx).await.unwrap();
        assert_eq!(machine.state(&cx).await.unwrap(), State::Stopped);
    }
    for _ in 0..2 {
        machine.start(&cx).await.unwrap();
        assert_eq!(machine.state(&cx).await.unwrap(), State::Running);
    }
    machine.kill(&cx).await.unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Stopped);
    Cloud::update(&lab.cloud(), |cloud| cloud.resources.clear()).unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Missing);
    assert_eq!(machine.start(&cx).await.unwrap_err().kind(), ErrorKind::NotFound);
    machine.remove(&cx).await.unwrap();
}

#[tokio::test]
async fn the_script_can_be_changed_while_the_machine_lives() {
    let lab = Lab::new();
    let cx = lab.context();
    let mut machine = lab.configure(&[("fake-state", "Paused")]);
    machine.create(&cx, &birth()).await.unwrap();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Paused);
    let script = Script { fail: vec!["state:1".parse().unwrap()], ..Script::default() };
    Cloud::update(&lab.cloud(), |cloud| cloud.script.insert("m".into(), script)).unwrap();
    machine.state(&cx).await.unwrap_err();
    assert_eq!(machine.state(&cx).await.unwrap(), State::Running);
}

#[tokio::test]
async fn the_endpoint_is_what_was_asked_for() {
    let lab = Lab::new();
    let cx = lab.context();
    let mut machine = lab.configure(&[]);
    assert_eq!(machine.endpoint(), machine_driver::Endpoint::default());
    machine.create(&cx, &birth()).await.unwrap();
    assert_eq!(machine.endpoint().docker_url.as_deref(), Some("tcp://127.0.0.4:2376"));
    assert!(!machine.capabilities().has_guest);

    let machine = Lab::new().configure(&[("fake-ssh", "h:2222"), ("fake-url", "tcp://x:1")]);
    assert_eq!(machine.endpoint().docker_url.as_deref(), Some("tcp://x:1"));
    let ssh = machine.endpoint().ssh.unwrap();
    assert_eq!((ssh.host.as_str(), ssh.port, ssh.user.as_str()), ("h", 2222, "docker"));
    assert!(ssh.key.ends_with("machines/m/id_rsa"));
    assert!(machine.capabilities().has_guest);
}

#[test]
fn many_writers_lose_nothing() {
    let lab = Lab::new();
    let path = lab.cloud();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..5 {
                    Cloud::update(&path, |cloud| cloud.made += 1).unwrap();
                }
            });
        }
    });
    assert_eq!(Cloud::read(&path).unwrap().made, 40);
}

/// Polls once: `None` while the future waits.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        let output = match std::pin::Pin::new(&mut *future).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        };
        std::task::Poll::Ready(output)
    })
    .await
}
