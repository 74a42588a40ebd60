//! Errors in the words of Go's `text/template`, with the place and the piece of the template that
//! they are about. `gotmpl` says what is wrong but not where; the place is found by going through
//! the template again.

use gotmpl::parse::{CommandNode, Expr, ListNode, Node, PipeNode, Pos, SmolStr};
use gotmpl::{TemplateError, Value};

use super::print;

/// `template: :1: unclosed action`.
pub(super) fn parse_error(error: &TemplateError) -> String {
    match error {
        TemplateError::Parse { line, message, .. } | TemplateError::Lex { line, message, .. } => {
            format!("template: :{line}: {}", in_go(message))
        }
        other => format!("template: {other}"),
    }
}

fn in_go(message: &str) -> String {
    let character = message
        .strip_prefix("unexpected character: ")
        .and_then(|quoted| quoted.trim_matches('\'').chars().next());
    if let Some(character) = character {
        return format!("bad character U+{:04X} '{character}'", u32::from(character));
    }
    let known = [
        ("empty command", "missing value for command"),
        ("unterminated string", "unterminated quoted string"),
        ("unterminated raw string", "unterminated raw quoted string"),
        ("unterminated character literal", "unterminated character constant"),
        ("expected RightParen, got RightDelim", "unclosed left paren"),
        ("expected closing delimiter, got RightParen", "unexpected \")\" in command"),
    ];
    let found = known.iter().find(|(ours, _)| message.starts_with(ours));
    found.map_or_else(|| message.to_owned(), |(_, go)| (*go).to_owned())
}

/// `template: :1:2: executing "" at <.Nope>: can't evaluate field Nope in type string`.
pub(super) fn execution_error(
    error: &TemplateError,
    source: &str,
    trees: &[ListNode],
    data: &Value,
) -> String {
    let found = trees.iter().find_map(|tree| Search { error }.list(tree, Some(data)));
    let Some(Place { offset, piece, what }) = found else {
        let text = error.to_string();
        return format!("template: : {}", text.trim_start_matches("execution error: "));
    };
    let before = source.get(..offset).unwrap_or(source);
    let line = 1 + before.matches('\n').count();
    let column = before.rfind('\n').map_or(offset, |end| offset - end - 1);
    format!("template: :{line}:{column}: executing \"\" at <{piece}>: {what}")
}

/// What an error is about.
struct Place {
    /// Bytes from the start of the template.
    offset: usize,
    piece: String,
    what: String,
}

/// Goes through a tree until the piece is found that gives this error. `dot` is the value of the
/// dot as far as it is known without running the template.
struct Search<'a> {
    error: &'a TemplateError,
}

impl Search<'_> {
    fn list(&self, list: &ListNode, dot: Option<&Value>) -> Option<Place> {
        list.nodes.iter().find_map(|node| self.node(node, dot))
    }

    fn node(&self, node: &Node, dot: Option<&Value>) -> Option<Place> {
        match node {
            Node::Action(action) => self.pipe(&action.pipe, dot),
            Node::If(branch) | Node::With(branch) | Node::Range(branch) => {
                if let Some(place) = self.pipe(&branch.pipe, dot) {
                    return Some(place);
                }
                let value = value_of(&branch.pipe, dot);
                let inner = match (node, value) {
                    (Node::If(_), _) => dot,
                    (Node::With(_), value) => value,
                    (_, Some(Value::List(items))) => items.first(),
                    (_, Some(value)) => return self.not_iterable(&branch.pipe, value),
                    (_, None) => None,
                };
                let otherwise = branch.else_body.as_ref();
                self.list(&branch.body, inner)
                    .or_else(|| otherwise.and_then(|it| self.list(it, dot)))
            }
            Node::Template(template) => match self.error {
                TemplateError::UndefinedTemplate(name) if *name == template.name => Some(Place {
                    offset: template.pos.offset + "template ".len(),
                    piece: format!("{{{{template {name:?}}}}}"),
                    what: format!("template {name:?} not defined"),
                }),
                _ => self.pipe(template.pipe.as_ref()?, dot),
            },
            Node::List(list) => self.list(list, dot),
            Node::Text(_) | Node::Define(_) | Node::Break(_) | Node::Continue(_) => None,
        }
    }

    fn pipe(&self, pipe: &PipeNode, dot: Option<&Value>) -> Option<Place> {
        let mut commands = pipe.commands.iter().enumerate();
        commands.find_map(|(place, command)| self.command(command, place > 0, dot))
    }

    fn command(&self, command: &CommandNode, piped: bool, dot: Option<&Value>) -> Option<Place> {
        let inner = command.args.iter().find_map(|argument| self.expression(argument, dot));
        inner.or_else(|| self.call(command, piped))
    }

    /// A call that fails, or what cannot be called.
    fn call(&self, command: &CommandNode, piped: bool) -> Option<Place> {
        let first = command.args.first()?;
        let Expr::Identifier(at, name) = first else {
            let is_call = piped || command.args.len() > 1;
            let TemplateError::Exec(message) = self.error else { return None };
            let about = is_call && message.starts_with("can't give argument to non-function");
            return about.then(|| {
                let piece = written(first);
                let what = format!("can't give argument to non-function {piece}");
                Place { offset: offset(first), piece, what }
            });
        };
        let failed = |what: &str| Place {
            offset: at.offset,
            piece: command.args.iter().map(written).collect::<Vec<_>>().join(" "),
            what: format!("error calling {name}: {what}"),
        };
        match (self.error, name.as_str()) {
            (TemplateError::ArgCount { name: wanted, expected, got }, _) if *wanted == *name => {
                Some(Place {
                    offset: at.offset,
                    piece: name.to_string(),
                    what: format!("wrong number of args for {name}: want {expected} got {got}"),
                })
            }
            (TemplateError::IndexOutOfRange { index }, "index") => {
                Some(failed(&format!("index out of range: {index}")))
            }
            (TemplateError::Exec(message), "eq" | "ne" | "lt" | "le" | "gt" | "ge")
                if message.starts_with("incompatible types for comparison") =>
            {
                Some(failed("incompatible types for comparison"))
            }
            (TemplateError::Exec(message), name) => {
                let what = message.strip_prefix(name)?.strip_prefix(": ")?;
                Some(failed(what))
            }
            _ => None,
        }
    }

    fn expression(&self, expression: &Expr, dot: Option<&Value>) -> Option<Place> {
        if let Expr::Pipe(_, pipe) = expression {
            return self.pipe(pipe, dot);
        }
        let (receiver, kind) = match self.error {
            TemplateError::MissingKey { key } => (key.as_str(), None),
            TemplateError::Exec(message) => {
                let rest = message.strip_prefix("can't evaluate field ")?;
                (rest.split(' ').next()?, Some("interface {}"))
            }
            _ => return None,
        };
        let (Expr::Field(_, fields) | Expr::Variable(_, _, fields)) = expression else {
            return None;
        };
        let place = fields.iter().position(|field| field == receiver)?;
        let known = matches!(expression, Expr::Field(..)).then_some(dot).flatten();
        let owner = known.and_then(|dot| walk(dot, &fields[..place]));
        // A field that is there is not the one that is missed.
        if owner.is_some_and(|owner| owner.field(receiver).is_some()) {
            return None;
        }
        let is_struct = known.is_some_and(print::is_structure);
        let kind = match (kind, owner) {
            (Some(kind), _) if !is_struct => kind,
            (_, Some(owner)) => print::kind(owner),
            (_, None) => print::kind(dot?),
        };
        Some(Place {
            offset: offset(expression),
            piece: written(expression),
            what: format!("can't evaluate field {receiver} in type {kind}"),
        })
    }

    fn not_iterable(&self, pipe: &PipeNode, value: &Value) -> Option<Place> {
        let TemplateError::NotIterable(_) = self.error else { return None };
        let expression = pipe.commands.first()?.args.first()?;
        Some(Place {
            offset: offset(expression),
            piece: written(expression),
            what: format!("range can't iterate over {}", print::text(value)),
        })
    }
}

/// The value of a pipeline that is one chain of fields.
fn value_of<'a>(pipe: &PipeNode, dot: Option<&'a Value>) -> Option<&'a Value> {
    let [command] = &pipe.commands[..] else { return None };
    match &command.args[..] {
        [Expr::Dot(_)] => dot,
        [Expr::Field(_, fields)] => walk(dot?, fields),
        _ => None,
    }
}

fn walk<'a>(value: &'a Value, fields: &[SmolStr]) -> Option<&'a Value> {
    fields.iter().try_fold(value, |value, field| value.field(field))
}

/// Where Go says that a piece stands: a chain of fields stands at its second link.
fn offset(expression: &Expr) -> usize {
    let Pos { offset, .. } = expression.pos();
    match expression {
        Expr::Field(_, fields) if fields.len() > 1 => offset + 1 + fields[0].len(),
        Expr::Variable(_, name, fields) if !fields.is_empty() => offset + name.len(),
        _ => offset,
    }
}

/// A piece as Go writes it in errors.
fn written(expression: &Expr) -> String {
    let chain =
        |fields: &[SmolStr]| fields.iter().fold(String::new(), |text, it| text + &format!(".{it}"));
    match expression {
        Expr::Dot(_) => ".".to_owned(),
        Expr::Field(_, fields) => chain(fields),
        Expr::Variable(_, name, fields) => format!("{name}{}", chain(fields)),
        Expr::Identifier(_, name) => name.to_string(),
        Expr::String(_, text) => format!("{text:?}"),
        Expr::Number(_, number) => match number {
            gotmpl::parse::Number::Int(number) => number.to_string(),
            gotmpl::parse::Number::Uint(number) => number.to_string(),
            gotmpl::parse::Number::Float(number) => number.to_string(),
        },
        Expr::Bool(_, truth) => truth.to_string(),
        Expr::Nil(_) => "nil".to_owned(),
        Expr::Pipe(_, pipe) => {
            let command = |command: &CommandNode| {
                command.args.iter().map(written).collect::<Vec<_>>().join(" ")
            };
            format!("({})", pipe.commands.iter().map(command).collect::<Vec<_>>().join(" | "))
        }
        Expr::Chain(_, inner, fields) => format!("{}{}", written(inner), chain(fields)),
    }
}
