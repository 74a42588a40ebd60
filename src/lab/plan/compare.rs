use machine_driver::{Kind, Size};
use serde_json::Value;

use super::Change;
use crate::engine::Machine;
use crate::lab::Spec;

/// What has to change so that a machine that was made for `old` is what `new` asks for.
pub(super) fn changes(machine: &Machine<'_>, old: &Spec, new: &Spec) -> Vec<Change> {
    let kind = machine.kind;
    let resizable = machine.driver.capabilities().resize;
    let new = &new.without_secrets(kind);
    let mut changes = Vec::new();
    if old.driver != new.driver {
        changes.push(Change::Replace(format!("driver: {} instead of {}", new.driver, old.driver)));
        return changes;
    }
    let size = flags(kind, resizable, old, new, &mut changes);
    if !size.is_empty() {
        changes.insert(0, Change::Resize(size));
    }
    let same = [
        ("the Engine's options", old.engine == new.engine),
        ("tls-san", old.tls_san == new.tls_san),
        ("cloud-init", old.cloud_init == new.cloud_init),
    ];
    let other = same.iter().filter(|(_, same)| !same);
    changes.extend(other.map(|(what, _)| Change::Replace(format!("{what}: not as it was"))));
    let gone = old.publish.iter().filter(|port| !new.publish.contains(port));
    changes.extend(gone.copied().map(Change::Unpublish));
    let added = new.publish.iter().filter(|port| !old.publish.contains(port));
    changes.extend(added.copied().map(Change::Publish));
    if old.role != new.role {
        changes.push(Change::Role { from: old.role, to: new.role });
    }
    changes
}

/// Sorts the flags that differ into those that the driver can change and the others.
fn flags(
    kind: &dyn Kind,
    resizable: bool,
    old: &Spec,
    new: &Spec,
    changes: &mut Vec<Change>,
) -> Size {
    let sizes = kind.size_flags();
    let mut size = Size::default();
    for flag in kind.flags() {
        let name = flag.name.as_ref();
        let (was, is) = (old.flags.get(name), new.flags.get(name));
        if was == is {
            continue;
        }
        let number = is.and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok());
        let grows =
            was.and_then(Value::as_u64).is_none_or(|was| number.is_some_and(|it| was < it.into()));
        let place = [
            (sizes.cpus, &mut size.cpus, true),
            (sizes.memory, &mut size.memory, true),
            (sizes.disk, &mut size.disk, grows),
        ]
        .into_iter()
        .find(|(flag, _, can)| resizable && *can && *flag == Some(name));
        match (place, number) {
            (Some((_, place, _)), Some(number)) => *place = Some(number),
            _ => changes.push(Change::Replace(differs(name, flag.secret, was, is))),
        }
    }
    size
}

fn differs(flag: &str, secret: bool, was: Option<&Value>, is: Option<&Value>) -> String {
    let shown = |value: Option<&Value>| match value {
        None => "its default".to_owned(),
        Some(_) if secret => "<redacted>".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    format!("{flag}: {} instead of {}", shown(is), shown(was))
}
