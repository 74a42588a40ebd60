//! What can be known of the scripts without a Windows: that they are PowerShell, and that they use
//! what Microsoft documents.

use std::collections::{BTreeMap, BTreeSet};

use tree_sitter::{Node, Parser, Tree};

use super::{ALL, Script};

/// A cmdlet, and its parameters.
type Table = BTreeMap<String, BTreeSet<String>>;

fn documented() -> Table {
    let rows = include_str!("cmdlets.tsv").lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let columns: Vec<&str> = row.split('\t').collect();
        assert!(columns.len() == 3 && columns[2].contains('/'), "no source: {row}");
        let parameters = columns[1].split_whitespace().map(str::to_owned).collect();
        (columns[0].to_owned(), parameters)
    })
    .collect()
}

fn parsed(script: &Script) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).unwrap();
    parser.parse(script.text, None).unwrap()
}

fn visit<'a>(node: Node<'a>, found: &mut Vec<Node<'a>>) {
    found.push(node);
    for child in node.children(&mut node.walk()) {
        visit(child, found);
    }
}

fn nodes(tree: &Tree) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    visit(tree.root_node(), &mut found);
    found
}

fn text<'a>(script: &'a Script, node: Node<'_>) -> &'a str {
    &script.text[node.byte_range()]
}

/// The cmdlets and our own functions that the scripts call, and with which parameters.
fn used() -> Table {
    let mut used = Table::new();
    for script in ALL {
        let tree = parsed(script);
        for node in nodes(&tree).into_iter().filter(|node| node.kind() == "command") {
            let Some(name) = node.child_by_field_name("command_name") else { continue };
            let name = text(script, name);
            // A block of code that is called has no name.
            if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
                continue;
            }
            let parameters = used.entry(name.to_owned()).or_default();
            let mut below = Vec::new();
            for element in node.children(&mut node.walk()) {
                let is_inner =
                    |node: &Node<'_>| node.kind() == "command" && node.id() != element.id();
                visit(element, &mut below);
                // A command in parentheses has parameters of its own.
                while let Some(inner) = below.iter().position(is_inner) {
                    let range = below[inner].byte_range();
                    below.retain(|node| !range.contains(&node.start_byte()));
                }
            }
            let own = below.iter().filter(|node| node.kind() == "command_parameter");
            parameters
                .extend(own.map(|node| text(script, *node).trim_matches(['-', ':']).to_owned()));
        }
    }
    used
}

#[test]
fn the_scripts_are_powershell() {
    for script in ALL {
        let tree = parsed(script);
        let wrong: Vec<String> = nodes(&tree)
            .into_iter()
            .filter(|node| node.is_error() || node.is_missing())
            .map(|node| format!("{}: {}", node.start_position(), text(script, node)))
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", script.name);
        for newer in ["??", "?.", "&&", "||", "-Parallel", "-AsArray", "-AsHashtable"] {
            let fault = "Windows PowerShell 5.1 does not know it";
            assert!(!script.text.contains(newer), "{}: {newer}: {fault}", script.name);
        }
        assert!(script.text.is_ascii(), "{}: Windows PowerShell takes it for ANSI", script.name);
    }
}

#[test]
fn every_cmdlet_and_parameter_is_documented() {
    let documented = documented();
    let own: Vec<&str> =
        super::SESSION.text.lines().filter_map(|line| line.strip_prefix("function ")).collect();
    let own: BTreeSet<&str> = own.iter().filter_map(|line| line.split(['(', ' ']).next()).collect();
    let mut left: BTreeMap<&String, BTreeSet<&String>> =
        documented.iter().map(|(name, parameters)| (name, parameters.iter().collect())).collect();
    for (name, parameters) in &used() {
        if own.contains(name.as_str()) {
            continue;
        }
        let known = documented.get(name).unwrap_or_else(|| panic!("{name} is not in the table"));
        for parameter in parameters.iter().filter(|it| *it != "ErrorAction") {
            assert!(known.contains(parameter), "{name} -{parameter} is not in the table");
            left.get_mut(name).unwrap().remove(parameter);
        }
        if left[name].is_empty() {
            left.remove(name);
        }
    }
    assert!(left.is_empty(), "in the table, and not used: {left:?}");
}

/// VMware's module has cmdlets of the same names.
#[test]
fn hyper_vs_cmdlets_are_named_with_their_module() {
    for name in used().keys().filter(|name| name.contains("-VM")) {
        assert!(name.starts_with(r"Hyper-V\"), "{name}");
    }
}

/// The one thing that must never happen: a value that becomes a piece of a script.
#[test]
fn values_never_become_script() {
    for script in ALL {
        for word in ["Invoke-Expression", "iex ", "-EncodedCommand", "ExpandString"] {
            assert!(!script.text.contains(word), "{}: {word}", script.name);
        }
        let creates = script.text.matches("[scriptblock]::Create").count();
        assert_eq!(creates, usize::from(script.name == "session"), "{}", script.name);
    }
}
