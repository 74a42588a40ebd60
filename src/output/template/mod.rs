//! Go templates, as `ls --format` and `inspect --format` have them.
//!
//! The language is the `gotmpl` crate's. Here stands what it does otherwise than Go: how numbers
//! and structs are printed, what is found wrong before anything runs, and the words of the errors,
//! which are those of Go's `text/template`.

mod blocks;
mod names;
mod print;
mod words;

use gotmpl::parse::{CommandNode, Expr, ListNode, Node, Parser, PipeNode};
use gotmpl::{MissingKey, Template, TemplateError, Value};

pub use print::{header, object, structure};

/// A template that was found to be right.
pub struct GoTemplate {
    /// For plain maps.
    template: Template,
    /// The same for structs.
    strict: Template,
    /// The text and all trees as they were written, for errors to point at.
    source: String,
    trees: Vec<ListNode>,
}

/// Under this name the text outside all `define`s is kept, as in Go.
const MAIN: &str = "";

impl GoTemplate {
    /// Reads a template, which may use `json` and `prettyjson` besides Go's own functions. The error
    /// is Go's text, for example `template: :1: unclosed action`.
    pub fn parse(source: &str) -> Result<Self, String> {
        blocks::check(source)?;
        let parsed = Parser::new(source, "{{", "}}").and_then(Parser::parse);
        let (tree, defines) = parsed.map_err(|error| words::parse_error(&error))?;
        let empty = |nothing: &'static str| {
            Template::new(MAIN)
                .func("json", |values| json("json", values, super::json::compact))
                .func("prettyjson", |values| json("prettyjson", values, super::json::pretty))
                .func("print", |values| Ok(print::print(values)))
                .func("println", |values| Ok(print::println(values)))
                .func(TEXT, move |values| Ok(print::action(values, nothing)))
                .func(VERB_V, |values| Ok(print::operand(values)))
        };
        let (mut template, mut strict) =
            (empty("<no value>"), empty("<nil>").missing_key(MissingKey::Error));
        let mut trees = vec![tree];
        let mut defined = vec![MAIN.to_owned()];
        for define in defines {
            defined.push(define.name.to_string());
            trees.push(define.body);
        }
        for (name, tree) in defined.iter().zip(&trees) {
            names::check(tree)?;
            let mut tree = tree.clone();
            print_as_go(&mut tree);
            strict = strict.add_parse_tree(name, tree.clone());
            template = template.add_parse_tree(name, tree);
        }
        Ok(Self { template, strict, source: source.to_owned(), trees })
    }

    /// The text for `data`. In a [`structure`] a field that is not there is an error, in a plain map
    /// it is printed as `<no value>`. The error is Go's, for example
    /// `template: :1:2: executing "" at <.Nope>: can't evaluate field Nope in type string`.
    pub fn execute(&self, data: &Value) -> Result<String, String> {
        let template = if print::is_structure(data) { &self.strict } else { &self.template };
        let mut text = String::new();
        match template.execute_template_fmt(&mut text, MAIN, data) {
            Ok(()) => Ok(text),
            Err(error) => Err(words::execution_error(&error, &self.source, &self.trees, data)),
        }
    }
}

impl std::fmt::Debug for GoTemplate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GoTemplate").finish_non_exhaustive()
    }
}

/// Data from JSON, with every number a `float64`, as Go's generic maps have them.
pub fn from_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Nil,
        serde_json::Value::Bool(truth) => Value::Bool(*truth),
        serde_json::Value::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        serde_json::Value::String(text) => Value::from(text.as_str()),
        serde_json::Value::Array(items) => {
            Value::from(items.iter().map(from_json).collect::<Vec<_>>())
        }
        serde_json::Value::Object(map) => {
            object(map.iter().map(|(key, value)| (key.as_str(), from_json(value))))
        }
    }
}

fn json(
    name: &str,
    values: &[Value],
    format: fn(&serde_json::Value) -> serde_json::Result<String>,
) -> gotmpl::Result<Value> {
    let [value] = values else {
        let name = name.to_owned();
        return Err(TemplateError::ArgCount { name, expected: 1, got: values.len() });
    };
    let text = format(&print::to_json(value));
    text.map(Value::from).map_err(|error| TemplateError::Exec(error.to_string()))
}

/// The function through which the value of every action goes.
const TEXT: &str = " text";

/// The function through which the operands of `%v` go.
const VERB_V: &str = " verb v";

/// Sends every value that is printed through our own functions.
fn print_as_go(tree: &mut ListNode) {
    for node in &mut tree.nodes {
        match node {
            Node::Action(action) => {
                printf_as_go(&mut action.pipe);
                if action.pipe.decl.is_empty() {
                    action.pipe.commands.push(call(&action.pipe, TEXT));
                }
            }
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                printf_as_go(&mut branch.pipe);
                print_as_go(&mut branch.body);
                branch.else_body.iter_mut().for_each(print_as_go);
            }
            Node::Template(template) => template.pipe.iter_mut().for_each(printf_as_go),
            Node::List(list) => print_as_go(list),
            Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

fn printf_as_go(pipe: &mut PipeNode) {
    let template = pipe.clone();
    let mut commands = Vec::new();
    for mut command in std::mem::take(&mut pipe.commands) {
        let verbs = match &command.args[..] {
            [Expr::Identifier(_, name), Expr::String(_, format), ..] if name == "printf" => {
                verbs(format)
            }
            _ => Vec::new(),
        };
        for (place, argument) in command.args.iter_mut().enumerate() {
            if let Expr::Pipe(_, inner) = argument {
                printf_as_go(inner);
            }
            if place >= 2 && verbs.get(place - 2) == Some(&'v') {
                let inner = CommandNode { pos: command.pos, args: vec![argument.clone()] };
                let call = call(&template, VERB_V);
                let commands = vec![inner, call];
                let pipe = PipeNode { pos: command.pos, decl: vec![], commands, is_assign: false };
                *argument = Expr::Pipe(command.pos, pipe);
            }
        }
        let piped = verbs.get(command.args.len().saturating_sub(2));
        if !commands.is_empty() && piped == Some(&'v') {
            commands.push(call(&template, VERB_V));
        }
        commands.push(command);
    }
    pipe.commands = commands;
}

fn call(pipe: &PipeNode, function: &str) -> CommandNode {
    CommandNode { pos: pipe.pos, args: vec![Expr::Identifier(pipe.pos, function.into())] }
}

/// The verbs of a format, in order.
fn verbs(format: &str) -> Vec<char> {
    let mut verbs = Vec::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character == '%' {
            let verb = characters.find(|c| !c.is_ascii_digit() && !"+-# .".contains(*c));
            verbs.extend(verb.filter(|verb| *verb != '%'));
        }
    }
    verbs
}

#[cfg(test)]
mod tests;
