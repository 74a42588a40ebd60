/// How large a machine is to be; `None` leaves it as it is. Memory and disk are in MiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Size {
    pub cpus: Option<u32>,
    pub memory: Option<u32>,
    pub disk: Option<u32>,
}

/// The flags of a driver that say how large a machine is, each in the units of [`Size`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SizeFlags {
    pub cpus: Option<&'static str>,
    pub memory: Option<&'static str>,
    pub disk: Option<&'static str>,
}

impl Size {
    /// Whether nothing is to change.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}
