use machine_driver::{
    Availability, Context, Driver, Error, Flag, FlagValues, Kind, Result, SizeFlags, Templates,
    async_trait,
};

use crate::driver::Qemu;
use crate::program;
use crate::template::QemuTemplates;

/// What the registry holds for `qemu`.
pub fn kind() -> impl Kind {
    QemuKind
}

struct QemuKind;

#[async_trait]
impl Kind for QemuKind {
    fn name(&self) -> &'static str {
        "qemu"
    }

    fn summary(&self) -> &'static str {
        "A virtual machine on this computer by QEMU, without root"
    }

    fn flags(&self) -> Vec<Flag> {
        crate::flags::table()
    }

    fn configure(&self, cx: &Context, values: &FlagValues) -> Result<Box<dyn Driver>> {
        Ok(Box::new(Qemu::new(crate::flags::record(cx, values)?)))
    }

    fn load(&self, record: serde_json::Value) -> Result<Box<dyn Driver>> {
        let record = serde_json::from_value(record)
            .map_err(|error| Error::other("this is no record of driver `qemu`").caused_by(error))?;
        Ok(Box::new(Qemu::new(record)))
    }

    async fn availability(&self, cx: &Context) -> Availability {
        let found = async {
            let path = program::find("", &cx.search_path)?;
            program::version(&path).await
        };
        match found.await {
            Ok(version) => {
                Availability { installed: true, detail: format!("QEMU {version}"), fix: None }
            }
            Err(error) => Availability {
                installed: false,
                detail: error.to_string(),
                fix: error.hints().first().cloned(),
            },
        }
    }

    fn network_flag(&self) -> Option<&'static str> {
        Some("qemu-network")
    }

    fn size_flags(&self) -> SizeFlags {
        SizeFlags {
            cpus: Some("qemu-cpu-count"),
            memory: Some("qemu-memory"),
            disk: Some("qemu-disk-size"),
        }
    }

    fn templates(&self) -> Option<&dyn Templates> {
        Some(&QemuTemplates)
    }
}
