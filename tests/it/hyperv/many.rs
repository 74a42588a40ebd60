//! How much is asked of Hyper-V.

use serde_json::json;

use super::Windows;

/// `docker-machine` needed ten seconds for one machine.
#[test]
fn ten_machines_are_listed_with_one_question() {
    let windows = Windows::new();
    for number in 0..10 {
        windows.put(&format!("m{number}"), "Off");
    }
    let table = windows.ok(&["ls", "--format", "{{.Name}} {{.State}}"]);
    assert_eq!(table.matches("Stopped").count(), 10, "{table}");
    assert_eq!(windows.calls(), (1, vec!["states".to_owned()]));
    assert_eq!(windows.names().lines().count(), 10);
    assert_eq!(windows.calls().0, 0, "names are in the store");
}

#[test]
fn a_command_starts_one_powershell() {
    let windows = Windows::new();
    windows.put("lab1", "Running");
    // docker-machine's machines have no id in their record, and are found by their name.
    for (args, scripts) in [
        (vec!["status", "lab1"], vec!["states"]),
        (vec!["stop", "lab1"], vec!["states", "states", "stop", "kill"]),
        (vec!["status", "lab1"], vec!["states"]),
        (vec!["rm", "-y", "lab1"], vec!["remove"]),
    ] {
        windows.calls();
        windows.ok(&args);
        assert_eq!(
            windows.calls(),
            (1, scripts.into_iter().map(str::to_owned).collect()),
            "{args:?}"
        );
    }
    assert_eq!((windows.host()["machines"].clone(), windows.names()), (json!([]), String::new()));
}

#[test]
fn states_are_told_in_our_words() {
    let windows = Windows::new();
    let states = ["Off", "Running", "Paused", "Saved", "OffCritical", "PausedCritical"];
    for state in states {
        windows.put(&state.to_lowercase(), state);
    }
    let table = windows.ok(&["ls", "--format", "{{.Name}} {{.State}}", "--timeout", "1"]);
    for line in [
        "off Stopped",
        "running Running",
        "paused Paused",
        "saved Saved",
        "offcritical Error",
        "pausedcritical Error",
    ] {
        assert!(table.lines().any(|it| it == line), "{line}: {table}");
    }
}
