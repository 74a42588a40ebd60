use machine_driver::{Error, ErrorKind, Kind, Result};

use crate::output::suggest::nearest;

/// The drivers that this program has. Adding one is one line in [`Registry::built_in`].
pub struct Registry {
    kinds: Vec<Box<dyn Kind>>,
}

impl Registry {
    pub fn built_in() -> Self {
        Self {
            kinds: vec![
                Box::new(machine_driver_qemu::kind()),
                Box::new(machine_driver_virtualbox::kind()),
                Box::new(machine_driver_hyperv::kind()),
                Box::new(machine_driver_generic::kind()),
                Box::new(machine_driver_none::kind()),
                #[cfg(feature = "amazonec2")]
                Box::new(machine_driver_amazonec2::kind()),
                #[cfg(feature = "digitalocean")]
                Box::new(machine_driver_digitalocean::kind()),
                #[cfg(feature = "hetzner")]
                Box::new(machine_driver_hetzner::kind()),
                #[cfg(feature = "openstack")]
                Box::new(machine_driver_openstack::kind()),
                Box::new(machine_driver_fake::kind()),
            ],
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = &dyn Kind> {
        self.kinds.iter().map(AsRef::as_ref)
    }

    /// The driver of that name, or an error that suggests the nearest one.
    pub fn find(&self, name: &str) -> Result<&dyn Kind> {
        self.iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<&str> = self.iter().map(Kind::name).collect();
            let error = Error::new(ErrorKind::NotFound, format!("Driver \"{name}\" not found"));
            match nearest(name, names.iter().copied()) {
                Some(near) => error.hint(format!("there is a driver `{near}`: `--driver {near}`")),
                None => error.hint(format!("the drivers are {}", names.join(", "))),
            }
        })
    }
}
