use std::path::Path;

use machine_driver::Image;

use crate::accelerator::{Accelerator, stamp};
use crate::files::digest;
use crate::record::Record;

/// To be raised with every change of the devices in [`crate::arguments`], of the guest's part in a
/// birth, or of the template's form. (What is missed here QEMU or the guest refuses, and the machine
/// boots.)
const FORM: &str = "1";

/// The name of the template that fits a machine: 16 hexadecimal digits, others for everything that
/// makes a saved state useless. The disk's size is not among it: a disk can grow.
pub(super) fn key(
    record: &Record,
    program: &Path,
    accelerator: Accelerator,
    image: &Image,
    profile: &str,
) -> String {
    let length = std::fs::metadata(&image.iso).map_or(0, |meta| meta.len());
    let mut name = digest(&[
        FORM,
        &stamp(program).unwrap_or_default(),
        accelerator.as_str(),
        &record.cpus.to_string(),
        &record.memory.to_string(),
        if record.network.is_empty() { "alone" } else { "networked" },
        &image.version,
        &length.to_string(),
        image.direct.as_ref().map_or("", |direct| &direct.command_line),
        profile,
    ]);
    name.truncate(16);
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tests::Lab;

    #[test]
    fn options_that_the_guest_sees_make_another_template() {
        let lab = Lab::new();
        let cx = lab.context("one");
        let program = lab.path().join("qemu");
        std::fs::write(&program, "1").unwrap();
        let image = Image::iso("v1", lab.path().join("iso"));
        let of_with = |machine: &str, profile: &str, change: fn(&mut Record)| {
            let mut record = Record::new(&lab.context(machine));
            (record.cpus, record.memory, record.disk_size) = (2, 1024, 20_000);
            change(&mut record);
            key(&record, &program, Accelerator::Tcg, &image, profile)
        };
        let first = of_with("one", "p", |_| {});
        assert_eq!(first.len(), 16);
        assert_eq!(of_with("two", "p", |record| record.disk_size = 30_000), first);
        let record = Record::new(&cx);
        let changed = [
            of_with("one", "q", |_| {}),
            of_with("one", "p", |record| record.cpus = 1),
            of_with("one", "p", |record| record.memory = 2048),
            of_with("one", "p", |record| record.network = "lab".into()),
            key(&record, &program, Accelerator::Kvm, &image, "p"),
            key(&record, &program, Accelerator::Tcg, &Image::iso("v2", &image.iso), "p"),
        ];
        assert!(changed.iter().all(|key| *key != first), "{changed:?}");
        std::fs::write(&program, "another QEMU").unwrap();
        assert_ne!(of_with("one", "p", |_| {}), first);
    }
}
