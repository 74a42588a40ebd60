use machine_driver::{
    Availability, Context, Driver, Error, ErrorKind, Flag, FlagValues, Kind, Result, State,
    async_trait,
};

use crate::driver::Fake;
use crate::record::Record;
use crate::{Cloud, Script};

/// What the registry holds for `fake`.
pub fn kind() -> impl Kind {
    FakeKind
}

struct FakeKind;

#[async_trait]
impl Kind for FakeKind {
    fn name(&self) -> &'static str {
        "fake"
    }

    fn summary(&self) -> &'static str {
        "No machine at all: a file plays the cloud, for tests"
    }

    fn flags(&self) -> Vec<Flag> {
        vec![
            Flag::text("fake-cloud", "FAKE_CLOUD", None, "File that plays the cloud"),
            Flag::list("fake-fail", "FAKE_FAIL", "Fail at STEP[:COUNT]"),
            Flag::list("fake-delay", "FAKE_DELAY", "Take time at a step, STEP=MILLIS"),
            Flag::list("fake-hang", "FAKE_HANG", "Never return from STEP[:COUNT]"),
            Flag::list("fake-abort", "FAKE_ABORT", "Abort the process at STEP[:COUNT]"),
            Flag::text("fake-state", "FAKE_STATE", None, "State to report instead of the truth"),
            Flag::text("fake-url", "FAKE_URL", None, "URL of the Docker Engine to report"),
            Flag::text("fake-ssh", "FAKE_SSH", None, "SSH server to report, HOST:PORT"),
            Flag::text("fake-image", "FAKE_IMAGE", None, "Image to copy: default, or its source"),
        ]
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        let script = Script::from_flags(values)?;
        let mut record = Record::new(cx, values.text("fake-cloud"), script)?;
        record.image = values.text("fake-image").map(str::to_owned).unwrap_or_default();
        record.url = values.text("fake-url").map(str::to_owned).unwrap_or_default();
        if let Some(ssh) = values.text("fake-ssh") {
            (record.base.ip_address, record.base.ssh_port) = host_and_port(ssh)?;
            record.base.ssh_user = String::from("docker");
            record.has_ssh = true;
        }
        Ok(Box::new(Fake::new(record)))
    }

    fn load(&self, record: serde_json::Value) -> Result<Box<dyn Driver>> {
        let record = serde_json::from_value(record)
            .map_err(|error| Error::other("this is no record of driver `fake`").caused_by(error))?;
        Ok(Box::new(Fake::new(record)))
    }

    fn boots_boot2docker(&self) -> bool {
        true
    }

    /// Counts the questions, for a lab asks each driver once and not each machine.
    async fn states(&self, machines: &[(&Context, &dyn Driver)]) -> Vec<Result<State>> {
        let first = machines.first().map(|(_, driver)| serde_json::from_value(driver.record()));
        if let Some(Ok(record)) = first {
            let record: Record = record;
            // A count that cannot be written makes a test fail, and no machine.
            Cloud::update(record.cloud(), |cloud| cloud.asked_for_all += 1).ok();
        }
        let mut states = Vec::new();
        for (cx, driver) in machines {
            states.push(driver.state(cx).await);
        }
        states
    }

    async fn availability(&self, _cx: &Context) -> Availability {
        Availability { installed: true, detail: "needs nothing".into(), fix: None }
    }
}

fn host_and_port(text: &str) -> Result<(String, u16)> {
    text.rsplit_once(':')
        .and_then(|(host, port)| Some((host.to_owned(), port.parse().ok()?)))
        .ok_or_else(|| {
            Error::new(ErrorKind::Flags, format!("--fake-ssh `{text}` is not HOST:PORT"))
        })
}
