use futures_util::future::join_all;
use machine_driver::{
    Availability, Context, Driver, Error, Flag, FlagValues, Kind, Result, SizeFlags, State,
    async_trait,
};

use crate::driver::VirtualBox;
use crate::listing::Machines;
use crate::manage::Manage;
use crate::record::Record;
use crate::version;

/// What the registry holds for `virtualbox`.
pub fn kind() -> impl Kind {
    VirtualBoxKind
}

struct VirtualBoxKind;

fn read(record: serde_json::Value) -> Result<Record> {
    serde_json::from_value(record)
        .map_err(|error| Error::other("this is no record of driver `virtualbox`").caused_by(error))
}

#[async_trait]
impl Kind for VirtualBoxKind {
    fn name(&self) -> &'static str {
        "virtualbox"
    }

    fn summary(&self) -> &'static str {
        "A virtual machine on this computer by Oracle VirtualBox"
    }

    fn flags(&self) -> Vec<Flag> {
        crate::flags::table()
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        Ok(Box::new(VirtualBox::new(crate::flags::record(cx, values)?)))
    }

    fn load(&self, record: serde_json::Value) -> Result<Box<dyn Driver>> {
        Ok(Box::new(VirtualBox::new(read(record)?)))
    }

    async fn availability(&self, cx: &Context) -> Availability {
        let found = async { version::version(&Manage::find(cx)?).await };
        match found.await {
            Ok(version) => {
                let detail = format!("VirtualBox {version}");
                Availability { installed: true, detail, fix: None }
            }
            Err(error) => Availability {
                installed: false,
                detail: error.to_string(),
                fix: error.hints().first().cloned(),
            },
        }
    }

    fn network_flag(&self) -> Option<&'static str> {
        Some("virtualbox-internal-network")
    }

    fn network_mode(&self) -> Option<(&'static str, &'static str)> {
        Some(("virtualbox-network", "nat"))
    }

    fn size_flags(&self) -> SizeFlags {
        crate::resize::FLAGS
    }

    fn boots_boot2docker(&self) -> bool {
        true
    }

    fn answers_at_once(&self) -> bool {
        true
    }

    /// One listing for all. Where it is in a language that is not known, each machine is asked.
    async fn states(&self, machines: &[(&Context, &dyn Driver)]) -> Vec<Result<State>> {
        let Some((cx, _)) = machines.first() else { return Vec::new() };
        let listed = async { Machines::list(&Manage::find(cx)?).await };
        let listed = match listed.await {
            Ok(listed) => listed,
            Err(error) => {
                let text = error.one_line();
                return machines.iter().map(|_| Err(Error::other(text.clone()))).collect();
            }
        };
        let states = machines.iter().map(async |(cx, driver)| {
            match listed.state(read(driver.record())?.id()) {
                Some(state) => Ok(state),
                None => driver.state(cx).await,
            }
        });
        join_all(states).await
    }
}
