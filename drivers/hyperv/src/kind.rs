use std::sync::Arc;

use machine_driver::{
    Availability, Context, Driver, Error, Flag, FlagValues, Kind, Result, SizeFlags, State,
    async_trait,
};

use crate::driver::HyperV;
use crate::hypervisor::Hypervisor;
use crate::record::Record;
use crate::{check, states};

/// What the registry holds for `hyperv`.
pub fn kind() -> impl Kind {
    HyperVKind::default()
}

#[derive(Default)]
struct HyperVKind {
    hypervisor: Arc<Hypervisor>,
}

#[async_trait]
impl Kind for HyperVKind {
    fn name(&self) -> &'static str {
        "hyperv"
    }

    fn summary(&self) -> &'static str {
        "A virtual machine on this computer by Hyper-V, on Windows or in WSL"
    }

    fn flags(&self) -> Vec<Flag> {
        crate::flags::table()
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        Ok(Box::new(self.driver(crate::flags::record(cx, values)?)))
    }

    fn load(&self, record: serde_json::Value) -> Result<Box<dyn Driver>> {
        Ok(Box::new(self.driver(read(record)?)))
    }

    async fn availability(&self, cx: &Context) -> Availability {
        let found = async {
            let version = self.hypervisor.hello(&cx.search_path).await?.powershell;
            check::usable(&check::facts(&self.hypervisor, cx).await?)?;
            Ok::<_, Error>(version)
        };
        match found.await {
            Ok(version) => Availability {
                installed: true,
                detail: format!("Hyper-V, through PowerShell {version}"),
                fix: None,
            },
            Err(error) => Availability {
                installed: false,
                detail: error.to_string(),
                fix: error.hints().first().cloned(),
            },
        }
    }

    fn size_flags(&self) -> SizeFlags {
        crate::resize::FLAGS
    }

    fn answers_at_once(&self) -> bool {
        true
    }

    async fn states(&self, machines: &[(&Context, &dyn Driver)]) -> Vec<Result<State>> {
        let Some((cx, _)) = machines.first() else { return Vec::new() };
        let records: Result<Vec<Record>> =
            machines.iter().map(|(_, driver)| read(driver.record())).collect();
        let looked = async {
            let records = records?;
            let records: Vec<&Record> = records.iter().collect();
            states::look(&self.hypervisor, cx, &records).await
        };
        match looked.await {
            Ok(found) => found
                .into_iter()
                .map(|found| Ok(found.map_or(State::Missing, |found| found.state())))
                .collect(),
            // One cause, told for each.
            Err(error) => machines.iter().map(|_| Err(Error::other(error.one_line()))).collect(),
        }
    }
}

impl HyperVKind {
    fn driver(&self, record: Record) -> HyperV {
        HyperV { record, hypervisor: Arc::clone(&self.hypervisor) }
    }
}

fn read(record: serde_json::Value) -> Result<Record> {
    serde_json::from_value(record)
        .map_err(|error| Error::other("this is no record of driver `hyperv`").caused_by(error))
}
