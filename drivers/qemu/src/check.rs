//! What would make `create` fail later.

use machine_driver::{Context, Error, Result};

use crate::record::Record;
use crate::{accelerator, platform, program, system};

/// A fresh machine's own files, and room to breathe. The disk itself is sparse.
const FREE_SPACE: u64 = 1 << 30;

pub(crate) async fn check(cx: &Context, record: &Record) -> Result<()> {
    let program = program::find(&record.program, &cx.search_path)?;
    program::version(&program).await?;
    accelerator::choose(cx, &program, record.accelerator).await?;
    let dir = cx.machine_dir.parent().unwrap_or(&cx.machine_dir);
    if let Some(free) = platform::free_space(dir).filter(|free| *free < FREE_SPACE) {
        return Err(Error::other(format!(
            "`{}` has only {} MB left, and a machine needs {} MB to begin with",
            dir.display(),
            free >> 20,
            FREE_SPACE >> 20
        ))
        .hint("free some space, or name another store with `--storage-path DIR`"));
    }
    let asked = u64::from(record.memory) << 20;
    if let Some(memory) = system::memory().filter(|memory| asked > *memory) {
        return Err(Error::other(format!(
            "the machine is to have {} MB of memory, and this computer has {} MB",
            record.memory,
            memory >> 20
        ))
        .hint("ask for less: `--qemu-memory 1024`"));
    }
    Ok(())
}
