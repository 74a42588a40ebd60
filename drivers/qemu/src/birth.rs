//! How a machine comes into being: from a template where one fits, else by a boot.

use std::fs;

use machine_driver::{Birth, Context, Error, Result};

use crate::driver::Qemu;
use crate::files::Files;
use crate::launch::{self, Origin};
use crate::record::Warm;
use crate::template::{self, Template};
use crate::{materials, platform, power, saved};

pub(crate) async fn create(qemu: &mut Qemu, cx: &Context, birth: &Birth) -> Result<()> {
    let files = Files::new(cx);
    if qemu.record.unborn {
        start_over(qemu, cx, &files).await?;
    }
    if platform::is_held(&files.lock())? {
        return saved::wake(&files).await;
    }
    let image = birth.image.as_ref().ok_or_else(|| Error::other("there is no boot image"))?;
    materials::link_image(cx, &mut qemu.record, &files, image)?;
    cx.checkpoint(qemu)?;
    if !qemu.record.disk_ready
        && qemu.record.warm == Warm::Auto
        && let Some(template) = find(qemu, cx, birth).await
    {
        match from_template(qemu, cx, birth, &template).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                cx.progress.warn(&format!("the template is of no use: {}", error.one_line()));
                start_over(qemu, cx, &files).await?;
            }
        }
    }
    let seed = materials::with_network(cx, &qemu.record, birth.seed.clone())?;
    materials::make_disk(&mut qemu.record, &seed, &files)?;
    cx.checkpoint(qemu)?;
    launch::start(qemu, cx, Origin::Boot).await
}

/// The template for this machine. One that cannot be looked at is none.
async fn find(qemu: &Qemu, cx: &Context, birth: &Birth) -> Option<Template> {
    match template::find(cx, &qemu.record, birth.image.as_ref()?, &birth.seed.profile).await {
        Ok(Some(template)) => Some(template),
        Ok(None) => {
            cx.progress.line("Booting: there is no template for machines like this one yet");
            None
        }
        Err(error) => {
            cx.progress
                .warn(&format!("booting, for the template is of no use: {}", error.one_line()));
            None
        }
    }
}

/// The record says `unborn` from before there is anything until the guest has its identity: a crash
/// in between must not leave a machine that is nobody.
async fn from_template(
    qemu: &mut Qemu,
    cx: &Context,
    birth: &Birth,
    template: &Template,
) -> Result<()> {
    let files = Files::new(cx);
    cx.progress.line(&format!("Starting from the template {}", template.id()));
    qemu.record.unborn = true;
    cx.checkpoint(qemu)?;
    template.copy_disk(&files.disk(), qemu.record.disk_size)?;
    let seed = materials::with_network(cx, &qemu.record, birth.seed.clone())?;
    launch::start(qemu, cx, Origin::Template(template, &seed)).await?;
    (qemu.record.unborn, qemu.record.disk_ready) = (false, true);
    cx.checkpoint(qemu)
}

/// Removes what there is of a machine that is not born.
async fn start_over(qemu: &mut Qemu, cx: &Context, files: &Files) -> Result<()> {
    power::kill(qemu, cx).await?;
    match fs::remove_file(files.disk()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    (qemu.record.unborn, qemu.record.disk_ready) = (false, false);
    cx.checkpoint(qemu)
}
