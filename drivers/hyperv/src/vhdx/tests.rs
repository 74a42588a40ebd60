//! The format is read back by another implementation.

use std::path::Path;
use std::process::Command;

use super::*;

/// Runs `qemu-img`; `None` where it is not installed.
fn qemu_img(args: &[&str], path: &Path) -> Option<String> {
    let output = match Command::new("qemu-img").args(args).arg(path).output() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            io::Write::write_all(&mut io::stderr(), b"skipped: no qemu-img\n").unwrap();
            return None;
        }
        output => output.unwrap(),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{args:?}: {text}{errors}");
    Some(text)
}

#[test]
fn qemu_img_finds_no_fault_and_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    // The second is over 4096 blocks, so that a bitmap's entry lies in the table.
    for (size, length) in [(100 << 20, 5_000), (6_000 << 20, 3 << 20), (20_000 << 20, 0)] {
        let content: Vec<u8> = (0..=250).cycle().take(length).collect();
        let path = dir.path().join("disk.vhdx");
        create(&path, size, &content).unwrap();
        let Some(check) = qemu_img(&["check", "-f", "vhdx"], &path) else { return };
        assert!(check.contains("No errors were found"), "{check}");
        let info = qemu_img(&["info", "-f", "vhdx", "--output", "json"], &path).unwrap();
        let info: serde_json::Value = serde_json::from_str(&info).unwrap();
        assert_eq!(info["virtual-size"], size);
        assert_eq!(info["cluster-size"], BLOCK);
        let taken = std::fs::metadata(&path).unwrap().len();
        assert!(taken < 10 << 20, "{taken} bytes for an empty disk");
        // The small one is compared as a whole: what was not written reads as zeros.
        if size > 1 << 30 {
            continue;
        }
        let raw = dir.path().join("raw");
        let file = std::fs::File::create(&raw).unwrap();
        (&file).write_all(&content).unwrap();
        file.set_len(size).unwrap();
        let raw = raw.to_str().unwrap();
        let compared = qemu_img(&["compare", "-f", "raw", "-F", "vhdx", raw], &path).unwrap();
        assert!(compared.contains("Images are identical"), "{compared}");
    }
}

#[test]
fn what_is_no_disk_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk.vhdx");
    create(&path, 0, b"").unwrap_err();
    create(&path, 1000, b"").unwrap_err();
    create(&path, 1 << 20, &vec![1; 2 << 20]).unwrap_err();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
