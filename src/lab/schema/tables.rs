use super::{Key, Shape, Text};

/// The whole file, for machines and defaults of these shapes.
pub(in super::super) fn lab(
    drivers: Vec<Text>,
    machines: Vec<Vec<Key>>,
    defaults: Vec<Key>,
) -> Shape {
    let items = machines.into_iter().map(|flags| Shape::Map(machine(drivers.clone(), flags)));
    let items = items.collect();
    let mut default_keys = machine(drivers, defaults);
    default_keys.retain(|key| !["name", "count"].contains(&key.name.as_ref()));
    Shape::Map(vec![
        Key::new("name", "Name of the lab; the directory's, if there is none", Shape::Text),
        Key::new(
            "network",
            "Network that its machines share; the lab's name, or none",
            Shape::Text,
        ),
        Key::new(
            "defaults",
            "What all machines have that do not say it themselves",
            Shape::Map(default_keys),
        ),
        Key::new("machines", "The machines", Shape::Items(items)),
        Key::new("swarm", "Make a Docker swarm of the machines", Shape::Map(swarm())),
    ])
}

/// One machine. `flags` are the keys of its driver.
fn machine(drivers: Vec<Text>, flags: Vec<Key>) -> Vec<Key> {
    let mut keys = general(drivers);
    keys.extend(flags);
    keys
}

pub(super) fn general_names() -> Vec<&'static str> {
    let name = |key: Key| match key.name {
        Text::Borrowed(name) => name,
        Text::Owned(_) => "",
    };
    general(Vec::new()).into_iter().map(name).collect()
}

fn general(drivers: Vec<Text>) -> Vec<Key> {
    let texts = || Shape::List(Box::new(Shape::Text));
    vec![
        Key::new("name", "Name of the machine; n{1..3} are three", Shape::Text),
        Key::new("count", "So many machines: NAME1, NAME2 and so on", Shape::Int),
        Key::new("driver", "What the machine is made with", Shape::Word(drivers)),
        Key::new("network", "Another network than the lab's, or none", Shape::Text),
        Key::new("labels", "Labels of the Engine", Shape::Pairs),
        Key::new("engine", "Options of the Engine", Shape::Map(engine())),
        Key::new("tls-san", "Further names and addresses for the certificate", texts()),
        Key::new(
            "cloud-init",
            "File for cloud-init, where the driver boots through it",
            Shape::Text,
        ),
        Key::new("publish", "Ports on 127.0.0.1: GUEST or HOST:GUEST (0: any free one)", texts()),
        Key::new(
            "files",
            "Files to copy to the machine",
            Shape::List(Box::new(Shape::Map(vec![
                Key::new("from", "File or directory, from the lab file's directory", Shape::Text),
                Key::new("to", "Path on the machine; its directory must exist", Shape::Text),
            ]))),
        ),
        Key::new("run", "Commands to run on the machine when it is ready", texts()),
        Key::new(
            "swarm",
            "Part of the machine in the lab's swarm",
            Shape::Word(["manager", "worker", "none"].map(Text::Borrowed).to_vec()),
        ),
    ]
}

fn engine() -> Vec<Key> {
    let texts = || Shape::List(Box::new(Shape::Text));
    vec![
        Key::new("options", "Options of dockerd, each FLAG=VALUE", texts()),
        Key::new("env", "Environment of dockerd", Shape::Pairs),
        Key::new("registry-mirrors", "Mirrors of Docker Hub", texts()),
        Key::new("insecure-registries", "Registries without TLS that may be used", texts()),
        Key::new("storage-driver", "Storage driver of the Engine", Shape::Text),
        Key::new("install-url", "Script that installs the Engine", Shape::Text),
        Key::new(
            "install",
            "Where the Engine of a host without one comes from",
            Shape::Word(["auto", "script", "package", "none"].map(Text::Borrowed).to_vec()),
        ),
        Key::new("version", "Version of the Engine to install", Shape::Text),
    ]
}

fn swarm() -> Vec<Key> {
    vec![
        Key::new("managers", "Managers, the first machines of the file; 1, 3 or 5", Shape::Int),
        Key::new("workers", "Workers, the next machines; all others, if not said", Shape::Int),
    ]
}
