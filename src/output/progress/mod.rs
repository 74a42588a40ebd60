//! Progress for people: one live line for each machine on a terminal, docker-machine's lines
//! elsewhere.

mod live;
mod plain;

use std::io::Write;
use std::sync::{Arc, Mutex};

use machine_driver::Progress;

/// Where progress goes, shared by all machines of one command.
pub enum Display {
    Live(live::Live),
    Plain(Arc<Mutex<dyn Write + Send>>),
}

impl Display {
    /// Live lines on the terminal behind stderr.
    pub fn live() -> Self {
        Self::Live(live::Live::default())
    }

    /// One line for each thing that happens, to `writer`.
    pub fn plain(writer: impl Write + Send + 'static) -> Self {
        Self::Plain(Arc::new(Mutex::new(writer)))
    }

    /// The progress of one machine.
    pub fn for_machine(&self, name: &str) -> Arc<dyn Progress> {
        match self {
            Self::Live(live) => Arc::new(live.line(name)),
            Self::Plain(writer) => Arc::new(plain::Plain::new(Arc::clone(writer))),
        }
    }

    /// The same for one of several machines: where there are no live lines, its name stands before
    /// each.
    pub fn one_of_many(&self, name: &str) -> Arc<dyn Progress> {
        match self {
            Self::Live(live) => Arc::new(live.line(name)),
            Self::Plain(writer) => Arc::new(plain::Plain::named(Arc::clone(writer), name)),
        }
    }

    /// Takes the live lines away; what comes next has the terminal for itself.
    pub fn finish(&self) {
        if let Self::Live(live) = self {
            live.finish();
        }
    }
}
