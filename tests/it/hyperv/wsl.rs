//! The program for Linux in a WSL, with Hyper-V on its Windows: stand-ins for `wslpath` and
//! `powershell.exe` are on the PATH. Nothing boots: the start is refused for lack of memory, when all
//! that Hyper-V is to be given has been given.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Windows;
use crate::lab::{Run, run};

/// A WSL whose drive C: is a directory.
struct Wsl {
    windows: Windows,
}

impl Wsl {
    fn new() -> Self {
        let windows = Windows::new();
        let wslpath = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/wsl/wslpath");
        symlink(wslpath, windows.lab.path().join("bin/wslpath")).unwrap();
        let drive = windows.lab.path().join("c");
        std::fs::create_dir(&drive).unwrap();
        windows.set("/drive_c", json!(drive));
        windows.set("/facts/free_memory", json!(0));
        Self { windows }
    }

    fn drive(&self) -> PathBuf {
        self.windows.lab.path().join("c")
    }

    fn run(&self, store: &Path, args: &[&str]) -> Run {
        let mut command = self.windows.command(args);
        run(command.env("WSL_STAND_IN_C", self.drive()).env("MACHINE_STORAGE_PATH", store))
    }

    /// Makes a machine as far as it goes, and gives its record.
    #[track_caller]
    fn create(&self, store: &Path) -> Value {
        let image = crate::vbox::hollow_image(&self.windows.lab);
        let args = ["create", "-d", "hyperv", "--hyperv-boot2docker-url", &image, "lab1"];
        let run = self.run(store, &args);
        assert!(run.stderr.contains("Not enough memory"), "{}{}", run.stdout, run.stderr);
        let record = std::fs::read(store.join("machines/lab1/config.json")).unwrap();
        serde_json::from_slice::<Value>(&record).unwrap()["Driver"].clone()
    }

    #[track_caller]
    fn remove(&self, store: &Path) {
        let run = self.run(store, &["rm", "-y", "lab1"]);
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        assert_eq!(self.windows.host()["machines"], json!([]));
    }
}

#[test]
fn a_store_on_a_drive_of_windows_is_used_as_it_is() {
    let wsl = Wsl::new();
    let store = wsl.drive().join("Jörg O'Neil/store");
    let record = wsl.create(&store);
    assert_eq!(record["WindowsDirectory"], "");
    let machine = &wsl.windows.host()["machines"][0];
    assert_eq!(machine["path"], r"C:\Jörg O'Neil\store\machines\lab1\lab1");
    assert_eq!(machine["disk"], json!(store.join("machines/lab1/disk.vhdx")));
    wsl.remove(&store);
    assert_eq!(std::fs::read_dir(store.join("machines")).unwrap().count(), 0);
}

/// Hyper-V takes no disks from the file system of Linux.
#[test]
fn a_store_in_linux_has_its_disks_on_a_drive_of_windows() {
    let wsl = Wsl::new();
    let store = wsl.windows.lab.path().join("store");
    let record = wsl.create(&store);
    let directory = record["WindowsDirectory"].as_str().unwrap();
    assert!(directory.starts_with(r"C:\Users\Jörg O'Neil\AppData\Local\machine\"), "{directory}");
    let disk = PathBuf::from(wsl.windows.host()["machines"][0]["disk"].as_str().unwrap());
    assert!(disk.starts_with(wsl.drive()) && disk.ends_with("disk.vhdx"), "{}", disk.display());
    assert!(!store.join("machines/lab1/disk.vhdx").exists());
    wsl.remove(&store);
    assert!(!disk.parent().unwrap().exists() && disk.parent().unwrap().parent().unwrap().exists());
}
