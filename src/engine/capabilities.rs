use machine_driver::{Capabilities, Kind};
use serde_json::Map;

use super::Registry;

/// What some drivers can do and others cannot: the words of the documentation, and where a driver
/// says it.
const COLUMNS: [Column; 6] = [
    Column { title: "`forward`, `publish`", has: |it| it.forward },
    Column { title: "`suspend`", has: |it| it.suspend },
    Column { title: "`set`", has: |it| it.resize },
    Column { title: "`snapshot`", has: |it| it.snapshot },
    Column { title: "`clone`", has: |it| it.copy },
    Column { title: "`export` with its disk", has: |it| it.portable },
];

struct Column {
    title: &'static str,
    has: fn(Capabilities) -> bool,
}

/// The table of the documentation, as Markdown: a line for each driver, in the registry's order.
pub fn capability_table(registry: &Registry) -> String {
    let titles = COLUMNS.map(|column| column.title);
    let titles: Vec<&str> =
        ["driver"].into_iter().chain(titles).chain(["network of a lab", "templates"]).collect();
    let mut text = format!("| {} |\n|{}\n", titles.join(" | "), "---|".repeat(titles.len()));
    for kind in registry.iter() {
        let yes = |truth: bool| if truth { "yes" } else { "-" };
        let capabilities = capabilities(kind);
        let cells = COLUMNS.map(|column| yes((column.has)(capabilities)));
        let more = [yes(kind.network_flag().is_some()), yes(kind.templates().is_some())];
        let cells: Vec<&str> = cells.into_iter().chain(more).collect();
        text += &format!("| {} | {} |\n", kind.name(), cells.join(" | "));
    }
    text
}

/// Those of a machine of which nothing is known but its driver.
fn capabilities(kind: &dyn Kind) -> Capabilities {
    let driver = kind.load(serde_json::Value::Object(Map::new()));
    driver.map(|driver| driver.capabilities()).unwrap_or_default()
}
