/// What the program prints, and its exit code.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) code: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) const PROGRESS: &str =
    "0%...10%...20%...30%...40%...50%...60%...70%...80%...90%...100%\n";

impl Answer {
    pub(crate) fn says(stdout: impl Into<String>) -> Self {
        Self { stdout: stdout.into(), ..Self::default() }
    }

    /// It was done, and took a moment.
    pub(crate) fn done(stdout: impl Into<String>) -> Self {
        Self { stdout: stdout.into(), stderr: PROGRESS.to_owned(), ..Self::default() }
    }

    pub(crate) fn fails(code: u8, message: &str) -> Self {
        Self { code, stderr: format!("VBoxManage: error: {message}\n"), ..Self::default() }
    }

    /// Adds what kind of error it was.
    pub(crate) fn of(mut self, kind: &str, component: &str) -> Self {
        self.stderr += &format!("VBoxManage: error: Details: code {kind}, component {component}\n");
        self
    }
}

pub(crate) const NOT_FOUND: &str = "VBOX_E_OBJECT_NOT_FOUND (0x80bb0001)";
pub(crate) const IN_USE: &str = "VBOX_E_OBJECT_IN_USE (0x80bb000c)";
pub(crate) const FILE_ERROR: &str = "VBOX_E_FILE_ERROR (0x80bb0004)";
pub(crate) const INVALID: &str = "NS_ERROR_INVALID_ARG (0x80070057)";
pub(crate) const FAILURE: &str = "NS_ERROR_FAILURE (0x80004005)";

/// For what a machine that is on does not let be done.
pub(crate) fn locked(name: &str) -> Answer {
    let text = format!("The machine '{name}' is already locked for a session (or being unlocked)");
    Answer::fails(1, &text).of("VBOX_E_INVALID_OBJECT_STATE (0x80bb0007)", "MachineWrap")
}

pub(crate) fn no_machine(id: &str) -> Answer {
    let is_uuid = id.len() == 36 && id.matches('-').count() == 4;
    let text = match is_uuid {
        true => format!("Could not find a registered machine with UUID {{{id}}}"),
        false => format!("Could not find a registered machine named '{id}'"),
    };
    Answer::fails(1, &text)
        .of(NOT_FOUND, "VirtualBoxWrap, interface IVirtualBox, callee nsISupports")
}

pub(crate) fn not_ready() -> Answer {
    Answer::fails(1, "The object is not ready").of("E_ACCESSDENIED (0x80070005)", "VirtualBoxWrap")
}

pub(crate) fn usage(message: &str) -> Answer {
    Answer::fails(2, message)
}

pub(crate) fn unknown_option(option: &str) -> Answer {
    Answer::fails(1, &format!("Unknown option: {option}"))
}
