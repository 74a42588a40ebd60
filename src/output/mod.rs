//! What output looks like: tables, JSON, YAML, Go templates, shell dialects, progress.
//!
//! Nothing here prints, except through a writer that was handed in.

pub mod format;
pub mod json;
pub mod natural;
pub mod progress;
pub mod regexp;
pub mod shell;
pub mod suggest;
pub mod table;
pub mod template;
pub mod text;
