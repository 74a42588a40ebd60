use machine_driver::State;

/// A state in VirtualBox's words: those of `VMState` in `showvminfo --machinereadable`.
pub(crate) fn from_key(word: &str) -> State {
    match word {
        "running" | "livesnapshotting" | "teleporting" => State::Running,
        "paused" | "teleportingpausedvm" => State::Paused,
        "saved" | "aborted-saved" => State::Saved,
        "poweroff" | "aborted" | "teleported" => State::Stopped,
        "starting" | "restoring" => State::Starting,
        "stopping" | "saving" => State::Stopping,
        "gurumeditation" | "stuck" => State::Error,
        _ => State::None,
    }
}

/// The same of `State:` in `list vms --long`; `None` for words of another language.
pub(crate) fn from_words(words: &str) -> Option<State> {
    let words = words.split(" (since").next().unwrap_or_default().trim();
    let key = match words {
        "powered off" => "poweroff",
        "guru meditation" => "gurumeditation",
        "live snapshotting" => "livesnapshotting",
        other => other,
    };
    Some(from_key(key)).filter(|state| *state != State::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_words() {
        assert_eq!(from_key("aborted"), State::Stopped);
        assert_eq!(from_key("dreaming"), State::None);
        let since = "powered off (since 2026-11-23T21:19:10.668000000)";
        assert_eq!(from_words(since), Some(State::Stopped));
        assert_eq!(from_words("running (since x)"), Some(State::Running));
        assert_eq!(from_words("ausgeschaltet (seit x)"), None);
    }
}
