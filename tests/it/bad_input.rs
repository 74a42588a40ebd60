//! Every mistake gets a clear error with a hint, the documented exit code, and leaves nothing.

use std::fs;

use crate::lab::{Lab, Run, run};

#[track_caller]
fn refused(run: &Run, code: i32, says: &[&str]) {
    assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
    for text in says {
        assert!(run.stderr.contains(text), "no `{text}` in:\n{}", run.stderr);
    }
}

#[test]
fn names() {
    let lab = Lab::new();
    for name in ["../x", "a b", ".hidden", "ü"] {
        refused(&lab.fake(&[name]), 1, &["is not a machine name", "hint:"]);
    }
    refused(&lab.run(["create"]), 2, &["No machine name specified", "hint:"]);
    assert!(lab.machine_files().is_empty());
    assert_eq!(lab.fake(&["lab1"]).code, Some(0));
    refused(
        &lab.fake(&["lab1"]),
        1,
        &["Docker machine \"lab1\" already exists", "machine rm lab1"],
    );
}

#[test]
fn drivers_and_flags() {
    let lab = Lab::new();
    refused(&lab.run(["create", "-d", "qemo", "x"]), 1, &["Driver \"qemo\" not found", "qemu"]);
    refused(&lab.run(["create", "--qemu-memroy", "1", "x"]), 2, &["--qemu-memory"]);
    refused(&lab.run(["create", "--qemu-memory", "lots", "x"]), 2, &["lots"]);
    refused(&lab.run(["create", "--qemu-cpu-count", "0", "x"]), 3, &["--qemu-cpu-count"]);
    refused(&lab.run(["create", "--qemu-open-port", "web", "x"]), 3, &["web", "hint:"]);
    refused(
        &run(lab.command().env("QEMU_MEMORY", "lots").args(["create", "x"])),
        2,
        &["QEMU_MEMORY"],
    );
    refused(&lab.run(["lss"]), 2, &["ls"]);
    assert!(lab.machine_files().is_empty());
}

#[test]
fn no_qemu() {
    let lab = Lab::new();
    let run = run(lab.command().env("PATH", lab.path()).args(["create", "x"]));
    refused(&run, 3, &["QEMU is not installed", "hint: install it"]);
    assert!(lab.machine_files().is_empty());
}

#[test]
fn unknown_machines_are_told_the_nearest() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["lab1"]).code, Some(0));
    for command in ["env", "ip", "url", "status", "start", "stop", "rm", "inspect", "ssh", "config"]
    {
        let mut args = vec![command, "lab2"];
        if command == "rm" {
            args.insert(1, "-y");
        }
        refused(&lab.run(args), 1, &["\"lab2\" does not exist", "there is a machine `lab1`"]);
    }
    refused(&lab.run(["url"]), 1, &["no \"default\" machine exists"]);
}

#[test]
fn a_truncated_record_is_one_broken_row() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["good"]).code, Some(0));
    assert_eq!(lab.fake(&["bad"]).code, Some(0));
    let path = lab.store().join("machines/bad/config.json");
    let text = fs::read(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    let listing = lab.ok(["ls"]);
    assert!(listing.lines().any(|line| line.starts_with("good") && line.contains("Running")));
    let broken = listing.lines().find(|line| line.starts_with("bad")).unwrap();
    assert!(broken.contains("Error") && broken.contains("config.json"), "{broken}");
    assert_eq!(lab.ok(["ls", "-q"]), "good\n", "as docker-machine has it");
    refused(&lab.run(["url", "bad"]), 1, &["is broken", "machine rm -f bad"]);
    refused(&lab.run(["rm", "-y", "bad"]), 1, &["is broken"]);
    lab.ok(["rm", "-f", "bad"]);
    assert_eq!(lab.ok(["ls", "-q"]), "good\n");
}

#[test]
fn a_store_that_cannot_be_written() {
    let lab = Lab::new();
    fs::write(lab.path().join("file"), "").unwrap();
    let run = run(lab
        .command()
        .env("MACHINE_STORAGE_PATH", lab.path().join("file/store"))
        .args(["create", "-d", "fake", "x"]));
    refused(&run, 1, &["cannot", "file/store"]);
}

#[test]
fn no_terminal_where_a_prompt_would_come() {
    let lab = Lab::new();
    assert_eq!(lab.fake(&["lab1"]).code, Some(0));
    refused(&lab.run(["rm", "lab1"]), 1, &["not a terminal", "hint: machine rm -y lab1"]);
    assert_eq!(lab.ok(["status", "lab1"]), "Running\n");
}

#[test]
fn a_mirror_that_is_none() {
    let lab = Lab::new();
    let build = |mirror: &str| {
        let cache = lab.path().join("cache");
        run(lab
            .command()
            .env("MACHINE_CACHE_PATH", cache)
            .args(["image", "build", "--mirror", mirror]))
    };
    refused(&build("http://127.0.0.1:9/debian"), 1, &["cannot fetch", "127.0.0.1:9", "--mirror"]);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::io::Read::read(&mut stream, &mut [0; 2048]).ok();
            let page =
                "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>";
            std::io::Write::write_all(&mut stream, page.as_bytes()).ok();
        }
    });
    refused(&build(&address), 1, &["InRelease", "is not a signed index", "<html>"]);
    refused(
        &lab.run(["image", "build", "--repo", "rubbish"]),
        1,
        &["does not describe a repository"],
    );
    let key = lab.path().join("key.asc");
    fs::write(&key, "<html>").unwrap();
    let spec = format!("http://127.0.0.1:9/debian trixie stable {}", key.display());
    refused(
        &lab.run(["image", "build", "--repo", &spec]),
        1,
        &["key.asc` is not a usable OpenPGP key", "hint:"],
    );
}

#[test]
fn an_image_that_is_none() {
    let lab = Lab::new();
    let cache = lab.path().join("cache");
    let import = |path: &std::path::Path| {
        run(lab.command().env("MACHINE_CACHE_PATH", &cache).args(["image", "import"]).arg(path))
    };
    let page = lab.path().join("page.iso");
    fs::write(&page, "<html>not found</html>").unwrap();
    refused(&import(&page), 1, &["page.iso", "too short to be an ISO", "hint:"]);
    // Another maker's: a volume without a manifest.
    let mut bytes = vec![0; 0x8000];
    bytes.extend(b"\x01CD001");
    bytes.resize(0x9000, 0);
    fs::write(&page, bytes).unwrap();
    refused(&import(&page), 1, &["page.iso", "manifest.json", "--qemu-boot2docker-url"]);
    refused(&import(&lab.path().join("nothing.iso")), 1, &["nothing.iso", "hint:"]);
    refused(&import(lab.path()), 1, &["manifest.json", "is broken", "hint:"]);
    let left: Vec<_> = fs::read_dir(cache.join("images"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, [".lock"]);
}
