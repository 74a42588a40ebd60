//! Whether every function and every variable is known, which Go asks before it runs anything.

use gotmpl::parse::{CommandNode, Expr, ListNode, Node, PipeNode, Pos, SmolStr};

/// Go's own functions, those of `gotmpl` and ours.
const FUNCTIONS: [&str; 21] = [
    "and",
    "call",
    "eq",
    "ge",
    "gt",
    "html",
    "index",
    "js",
    "json",
    "le",
    "len",
    "lt",
    "ne",
    "not",
    "or",
    "prettyjson",
    "print",
    "printf",
    "println",
    "slice",
    "urlquery",
];

/// Checks one tree.
pub(super) fn check(tree: &ListNode) -> Result<(), String> {
    list(tree, &mut vec!["$".into()])
}

fn list(tree: &ListNode, variables: &mut Vec<SmolStr>) -> Result<(), String> {
    for node in &tree.nodes {
        match node {
            Node::Action(action) => pipe(&action.pipe, variables)?,
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                let known = variables.len();
                pipe(&branch.pipe, variables)?;
                list(&branch.body, variables)?;
                if let Some(otherwise) = &branch.else_body {
                    list(otherwise, variables)?;
                }
                variables.truncate(known);
            }
            Node::Template(template) => {
                if let Some(inner) = &template.pipe {
                    pipe(inner, variables)?;
                }
            }
            Node::List(inner) => list(inner, variables)?,
            Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
    Ok(())
}

fn pipe(pipe: &PipeNode, variables: &mut Vec<SmolStr>) -> Result<(), String> {
    pipe.commands.iter().try_for_each(|it| command(it, variables))?;
    if !pipe.is_assign {
        variables.extend(pipe.decl.iter().cloned());
    }
    Ok(())
}

fn command(command: &CommandNode, variables: &mut Vec<SmolStr>) -> Result<(), String> {
    command.args.iter().try_for_each(|it| expression(it, variables))
}

fn expression(expression: &Expr, variables: &mut Vec<SmolStr>) -> Result<(), String> {
    match expression {
        Expr::Identifier(at, name) if !FUNCTIONS.contains(&name.as_str()) => {
            wrong(*at, &format!("function {:?} not defined", name.as_str()))
        }
        Expr::Variable(at, name, _) if !variables.contains(name) => {
            wrong(*at, &format!("undefined variable {:?}", name.as_str()))
        }
        Expr::Pipe(_, inner) => pipe(inner, variables),
        Expr::Chain(_, inner, _) => self::expression(inner, variables),
        _ => Ok(()),
    }
}

fn wrong(at: Pos, what: &str) -> Result<(), String> {
    Err(format!("template: :{}: {what}", at.line))
}
