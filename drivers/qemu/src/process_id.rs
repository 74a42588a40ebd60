use std::io;

use serde::{Deserialize, Serialize};

use crate::system;

/// Names one process for good. The number alone does not: it is given to another process when the
/// first has ended, and all numbers are given anew when the computer is switched on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ProcessId {
    #[serde(rename = "PID")]
    pub(crate) pid: u32,
    /// In the unit of the operating system; only compared.
    pub(crate) start_time: String,
    #[serde(rename = "BootID")]
    pub(crate) boot_id: String,
}

impl ProcessId {
    /// The process that has this number now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let start_time = system::start_time(pid)?;
        Some(Self { pid, start_time, boot_id: system::boot_id() })
    }

    pub(crate) fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }

    /// Ends exactly this process at once; `false` if it is gone already.
    pub(crate) fn kill(&self) -> io::Result<bool> {
        system::kill(self)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_recycled_number_is_never_signalled() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let now = ProcessId::of(child.id()).unwrap();
        assert!(now.is_alive());
        let before = ProcessId { start_time: "1".into(), ..now.clone() };
        let last_boot = ProcessId { boot_id: "another".into(), ..now.clone() };
        for other in [before, last_boot] {
            assert!(!other.is_alive());
            assert!(!other.kill().unwrap());
            assert!(child.try_wait().unwrap().is_none());
        }
        assert!(now.kill().unwrap());
        child.wait().unwrap();
        assert!(!now.is_alive());
        assert!(!now.kill().unwrap());
    }
}
