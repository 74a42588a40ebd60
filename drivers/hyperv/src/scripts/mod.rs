//! The PowerShell that this driver runs: every script as it lies beside this file.

/// A script. What it wants to know are its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! scripts {
    ($($constant:ident = $name:literal;)*) => {
        $(pub(crate) const $constant: Script =
            Script { name: $name, text: include_str!(concat!($name, ".ps1")) };)*

        #[cfg(test)]
        pub(crate) const ALL: &[Script] = &[$($constant),*];
    };
}

scripts! {
    SESSION = "session";
    CHECK = "check";
    CONFIGURE = "configure";
    CREATE = "create";
    JOIN = "join";
    KILL = "kill";
    LEAVE = "leave";
    REMOVE = "remove";
    SAVE = "save";
    START = "start";
    STATES = "states";
    STOP = "stop";
}

#[cfg(test)]
mod tests;
