//! What the rest of the program sees of the driver `none`.

use std::sync::{Arc, Mutex};

use machine_driver::seed::Seed;
use machine_driver::{
    Birth, Capabilities, Checkpoint, Context, ErrorKind, FlagValue, FlagValues, Kind, Silent, State,
};
use machine_driver_none::kind;
use serde_json::{Value, json};

#[derive(Default)]
struct Saved(Mutex<Vec<Value>>);

impl Checkpoint for Saved {
    fn save(&self, record: Value) -> machine_driver::Result<()> {
        self.0.lock().unwrap().push(record);
        Ok(())
    }
}

fn context(saved: &Arc<Saved>) -> Context {
    Context {
        machine: "box".into(),
        machine_dir: "/store/machines/box".into(),
        shared_dir: "/store/none".into(),
        runtime_dir: "/run/none".into(),
        search_path: "".into(),
        environment: machine_driver::Environment::default(),
        policy: machine_driver::Policy::default(),
        store_id: "s1".into(),
        cache_dir: std::path::PathBuf::new(),
        progress: Arc::new(Silent),
        checkpoint: saved.clone(),
    }
}

fn values(url: &str) -> FlagValues {
    let mut values = FlagValues::defaults(&kind().flags());
    values.set("url", FlagValue::Text(url.into()));
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

#[tokio::test]
async fn the_record_is_docker_machines() {
    let saved = Arc::new(Saved::default());
    let cx = context(&saved);
    let mut machine = kind().configure(&cx, &values("tcp://1.2.3.4:2376")).unwrap();
    machine.create(&cx, &birth()).await.unwrap();
    let expected = r#"{"IPAddress":"1.2.3.4:2376","MachineName":"box","SSHUser":"","SSHPort":0,"SSHKeyPath":"","StorePath":"/store","SwarmMaster":false,"SwarmHost":"","SwarmDiscovery":"","URL":"tcp://1.2.3.4:2376"}"#;
    assert_eq!(saved.0.lock().unwrap()[0].to_string(), expected);
}

#[tokio::test]
async fn it_is_an_address_that_runs_and_nothing_else() {
    let cx = context(&Arc::default());
    let mut machine = kind().configure(&cx, &values("tcp://1.2.3.4:2376")).unwrap();
    assert_eq!(machine.capabilities(), Capabilities::default());
    assert_eq!(machine.state(&cx).await.unwrap(), State::Running);
    assert_eq!(machine.glance(&cx), Some(State::Running));
    let endpoint = machine.endpoint();
    assert_eq!(endpoint.docker_url.as_deref(), Some("tcp://1.2.3.4:2376"));
    assert_eq!(endpoint.ip.as_deref(), Some("1.2.3.4:2376"));
    assert_eq!(endpoint.ssh, None);
    for (result, word) in [
        (machine.start(&cx).await, "started"),
        (machine.stop(&cx).await, "stopped"),
        (machine.restart(&cx).await, "restarted"),
        (machine.kill(&cx).await, "killed"),
    ] {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert_eq!(error.to_string(), format!("hosts without a driver cannot be {word}"));
    }
    machine.remove(&cx).await.unwrap();
    machine.remove(&cx).await.unwrap();
}

#[test]
fn unknown_keys_survive() {
    let record = json!({"IPAddress": "h:1", "URL": "tcp://h:1", "Later": {"a": [1]}});
    let machine = kind().load(record).unwrap();
    assert_eq!(machine.record()["Later"], json!({"a": [1]}));
    assert_eq!(machine.record()["SSHPort"], 0);
    assert_eq!(kind().load(json!({"URL": 5})).unwrap_err().kind(), ErrorKind::Other);
}

#[test]
fn the_url_is_required() {
    let error = kind()
        .configure(&context(&Arc::default()), &FlagValues::defaults(&kind().flags()))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Flags);
    assert_eq!(error.to_string(), "--url option is required when no driver is selected");
    assert_eq!(kind().flags()[0].env, None);
}
