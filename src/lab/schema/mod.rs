//! What may stand in a lab file, as data: the reader, the JSON Schema and the example all follow
//! from these tables and from the drivers' own.

mod example;
mod json;
mod tables;

use std::borrow::Cow;

use machine_driver::{Flag, FlagKind, Kind};

pub use example::example;
pub use json::json_schema;
pub(super) use tables::lab;

type Text = Cow<'static, str>;

/// What may stand at one place.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    Text,
    Int,
    Bool,
    /// One of these words.
    Word(Vec<Text>),
    /// A list, or one item for a list of one.
    List(Box<Shape>),
    /// `KEY: VALUE` pairs, or a list of `KEY=VALUE`.
    Pairs,
    Map(Vec<Key>),
    /// A list whose items are not all of one shape.
    Items(Vec<Shape>),
}

/// One key of a map.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: Text,
    pub(super) help: Text,
    pub(super) shape: Shape,
}

impl Key {
    fn new(name: &'static str, help: &'static str, shape: Shape) -> Self {
        Self { name: name.into(), help: help.into(), shape }
    }
}

/// The keys for the flags of a driver.
pub(super) fn flag_keys(kind: &dyn Kind) -> Vec<Key> {
    let flags = kind.flags();
    let keys = flags.iter().zip(flag_names(kind)).flat_map(|(flag, (_, names))| {
        names.into_iter().map(|name| Key {
            name: name.into(),
            help: flag.help.clone(),
            shape: flag_shape(flag),
        })
    });
    keys.collect()
}

/// Each flag of a driver with the keys that stand for it: its name, and that without the driver's
/// in front where it means nothing else.
pub(super) fn flag_names(kind: &dyn Kind) -> Vec<(String, Vec<String>)> {
    let general = tables::general_names();
    let names = |flag: &Flag| {
        let short = short_name(kind.name(), &flag.name).filter(|name| !general.contains(name));
        let keys = [Some(flag.name.as_ref()), short].into_iter().flatten();
        (flag.name.to_string(), keys.map(str::to_owned).collect())
    };
    kind.flags().iter().map(names).collect()
}

/// `memory` for the flag `qemu-memory` of driver `qemu`.
pub(super) fn short_name<'a>(driver: &str, flag: &'a str) -> Option<&'a str> {
    flag.strip_prefix(driver)?.strip_prefix('-')
}

fn flag_shape(flag: &Flag) -> Shape {
    match flag.kind {
        FlagKind::Bool => Shape::Bool,
        FlagKind::Int(_) => Shape::Int,
        FlagKind::Text(_) => Shape::Text,
        FlagKind::List(_) => Shape::List(Box::new(Shape::Text)),
    }
}
