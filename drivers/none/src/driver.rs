use machine_driver::{
    Birth, Capabilities, Context, Driver, Endpoint, Error, ErrorKind, Result, State, async_trait,
};

use crate::record::Record;

/// A machine without a driver: always running, never started.
#[derive(Debug)]
pub(crate) struct NoneDriver {
    record: Record,
}

impl NoneDriver {
    pub(crate) fn new(record: Record) -> Self {
        Self { record }
    }
}

#[async_trait]
impl Driver for NoneDriver {
    fn kind(&self) -> &'static str {
        "none"
    }

    fn record(&self) -> serde_json::Value {
        serde_json::to_value(&self.record).expect("a record of text is JSON")
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint {
            ip: present(&self.record.base.ip_address),
            docker_url: present(&self.record.url),
            ..Endpoint::default()
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    async fn pre_create_check(&self, _cx: &Context) -> Result<()> {
        Ok(())
    }

    async fn create(&mut self, cx: &Context, _birth: &Birth) -> Result<()> {
        cx.checkpoint(self)
    }

    async fn start(&mut self, _cx: &Context) -> Result<()> {
        Err(cannot("started"))
    }

    async fn stop(&mut self, _cx: &Context) -> Result<()> {
        Err(cannot("stopped"))
    }

    async fn kill(&mut self, _cx: &Context) -> Result<()> {
        Err(cannot("killed"))
    }

    async fn restart(&mut self, _cx: &Context) -> Result<()> {
        Err(cannot("restarted"))
    }

    async fn remove(&mut self, _cx: &Context) -> Result<()> {
        Ok(())
    }

    async fn state(&self, _cx: &Context) -> Result<State> {
        Ok(State::Running)
    }

    fn glance(&self, _cx: &Context) -> Option<State> {
        Some(State::Running)
    }
}

fn cannot(done: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("hosts without a driver cannot be {done}"))
}

fn present(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}
