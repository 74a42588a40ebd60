use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// The names of the process that called us and of the one that called that, nearest first; fewer
/// where the system does not tell.
pub(super) fn callers() -> Vec<String> {
    let mut system = System::new();
    let mut names = Vec::new();
    let mut current = Pid::from_u32(std::process::id());
    // Ourselves first, only to learn who called us.
    for step in 0..=2 {
        let only_this = ProcessesToUpdate::Some(&[current]);
        system.refresh_processes_specifics(only_this, false, ProcessRefreshKind::nothing());
        let Some(process) = system.process(current) else { break };
        if step > 0 {
            names.push(process.name().to_string_lossy().into_owned());
        }
        let Some(parent) = process.parent() else { break };
        current = parent;
    }
    names
}
