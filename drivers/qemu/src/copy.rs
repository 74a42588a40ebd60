//! Another machine with a copy of this one's disk.

use machine_driver::{Context, Error, Result, file};
use serde_json::Value;

use crate::files::Files;
use crate::record::Record;
use crate::snapshots::{IMAGE, copy_disk};
use crate::{platform, qmp, saved};

/// Copies the disk, sparse, and what the machine boots. The disk of one that runs is as after a power
/// cut, for QEMU has written all that the guest had handed to it.
pub(crate) async fn copy(record: &Record, cx: &Context, to: &Context) -> Result<Record> {
    let (files, copies) = (Files::new(cx), Files::new(to));
    cx.progress.line("Copying its disk...");
    if platform::is_held(&files.lock())? {
        let mut monitor = qmp::connect(&files.monitor()).await?;
        monitor.execute("stop", Value::Null).await?;
        drop(monitor);
        let copied = copy_disk(&files.disk(), &copies.disk());
        copied.and(saved::wake(&files).await)?;
    } else if files.saved().exists() {
        let name = &cx.machine;
        return Err(Error::other(format!("machine `{name}` is saved with its memory"))
            .caused_by("its disk alone is not what it was working on")
            .hint(format!("let it go on first: `machine start {name}`")));
    } else {
        copy_disk(&files.disk(), &copies.disk())?;
    }
    for part in IMAGE.iter().filter(|part| files.dir().join(part).exists()) {
        file::link_or_copy(&files.dir().join(part), &copies.dir().join(part))?;
    }
    let mut copy = record.at_home(to);
    for forward in &mut copy.forwards {
        forward.host_port = 0;
    }
    Ok(copy)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use machine_driver::Forward;

    use super::*;
    use crate::files::tests::Lab;

    #[tokio::test]
    async fn a_copy_has_the_disk_and_nothing_else_in_common() {
        let lab = Lab::new();
        let (one, two) = (lab.context("one"), lab.context("two"));
        let (files, copies) = (Files::new(&one), Files::new(&two));
        fs::write(files.disk(), "disk").unwrap();
        fs::write(files.iso(), "iso").unwrap();
        let forward = Forward { host: "127.0.0.1".into(), host_port: 8080, guest_port: 80 };
        let mut record = Record::new(&one);
        (record.disk_ready, record.cpus, record.engine_port) = (true, 3, 2000);
        (record.base.ssh_port, record.network) = (2001, "lab".into());
        (record.mac, record.private_ip) = ("52:54:00:00:00:01".into(), Some([10, 1, 1, 2].into()));
        record.forwards = vec![forward];
        let copied = copy(&record, &one, &two).await.unwrap();
        assert_eq!(fs::read(copies.disk()).unwrap(), b"disk");
        assert_eq!(fs::read(copies.iso()).unwrap(), b"iso");
        assert_eq!((copied.cpus, copied.network.as_str(), copied.disk_ready), (3, "lab", true));
        assert_eq!((copied.engine_port, copied.base.ssh_port, copied.private_ip), (0, 0, None));
        assert!(copied.mac.is_empty() && copied.forwards[0].host_port == 0);
        assert_eq!(copied.base.machine_name, "two");
        assert!(copied.base.ssh_key_path.ends_with("two/id_rsa"), "{}", copied.base.ssh_key_path);
        fs::write(files.saved(), "memory").unwrap();
        let refused = copy(&record, &one, &two).await.unwrap_err();
        assert!(refused.to_string().contains("saved with its memory"), "{refused}");
    }
}
