//! The PowerShell that this driver runs: every script as it lies beside this file.

/// A script. What it wants to know are its parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) name: &'static str,
    /// What it does, after "could not".
    pub(crate) deed: &'static str,
    pub(crate) text: &'static str,
}

macro_rules! scripts {
    ($($constant:ident = $name:literal: $deed:literal;)*) => {
        $(pub(crate) const $constant: Script = Script {
            name: $name,
            deed: $deed,
            text: include_str!(concat!($name, ".ps1")),
        };)*

        #[cfg(test)]
        pub(crate) const ALL: &[Script] = &[$($constant),*];
    };
}

scripts! {
    SESSION = "session": "begin";
    CHECK = "check": "say what it has";
    CONFIGURE = "configure": "configure the machine";
    CREATE = "create": "create the machine";
    JOIN = "join": "make the network";
    KILL = "kill": "switch the machine off";
    LEAVE = "leave": "remove the network";
    REMOVE = "remove": "remove the machine";
    SAVE = "save": "save the machine";
    START = "start": "start the machine";
    STATES = "states": "tell the state of its machines";
    STOP = "stop": "shut the machine down";
}

#[cfg(test)]
mod tests;
