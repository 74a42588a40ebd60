//! Another number of processors, another amount of memory.

use serde_json::{Value, json};

use super::Windows;

/// One of ours is given its shape once more; docker-machine's has its files elsewhere.
#[test]
fn another_size() {
    let windows = Windows::new();
    windows.put("m1", "Off");
    let size = ["set", "m1", "--cpus", "2", "--memory", "2G"];
    let refused = windows.run(&size);
    assert!(refused.stderr.contains("a machine of docker-machine"), "{}", refused.stderr);
    let dir = windows.store().join("machines/m1");
    let path = dir.join("config.json");
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let id = windows.host()["machines"][0]["id"].clone();
    (record["Driver"]["VMID"], record["Driver"]["Generation"]) = (id, json!(1));
    std::fs::write(&path, record.to_string()).unwrap();
    // Its disk is not there: what Hyper-V refuses does not stand in the record.
    let memory = ["inspect", "m1", "-f", "{{.Driver.CPU}} {{.Driver.MemSize}}"];
    let before = windows.ok(&memory);
    assert_eq!(windows.run(&size).code, Some(1));
    assert_eq!(windows.ok(&memory), before);
    for file in ["disk.vhdx", "boot2docker.iso"] {
        std::fs::write(dir.join(file), "").unwrap();
    }
    windows.ok(&size);
    assert_eq!(windows.ok(&memory), "2 2048\n");
    let machine = &windows.host()["machines"][0];
    assert_eq!((&machine["processors"], &machine["memory_mb"]), (&json!(2), &json!(2048)));
    let disk = windows.run(&["set", "m1", "--disk", "60G"]);
    assert!(disk.stderr.contains("does not support larger disks"), "{}", disk.stderr);
}
