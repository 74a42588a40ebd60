use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use machine_driver::Progress;

/// docker-machine's lines. A long piece of work is a line of its own, which grows: a dot every two
/// per cent, a number every ten.
pub(super) struct Plain {
    writer: Arc<Mutex<dyn Write + Send>>,
    /// What stands before each line that does not begin with it.
    prefix: String,
    /// For each piece of work under way, the per cent that are printed.
    bars: Mutex<BTreeMap<String, u64>>,
}

impl Plain {
    pub(super) fn new(writer: Arc<Mutex<dyn Write + Send>>) -> Self {
        Self { writer, prefix: String::new(), bars: Mutex::default() }
    }

    /// One of several machines, whose lines come in any order.
    pub(super) fn named(writer: Arc<Mutex<dyn Write + Send>>, name: &str) -> Self {
        Self { writer, prefix: format!("({name}) "), bars: Mutex::default() }
    }

    /// A reader that went away must not end the work.
    fn write(&self, text: &str) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(text.as_bytes()).and_then(|()| writer.flush()).ok();
    }

    /// What comes next begins a line of its own, also after work that did not come to its end.
    fn end_bars(&self) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        if !bars.is_empty() {
            bars.clear();
            self.write("\n");
        }
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.end_bars();
    }
}

impl Progress for Plain {
    fn line(&self, text: &str) {
        self.end_bars();
        let prefix = if text.starts_with(&self.prefix) { "" } else { &self.prefix };
        self.write(&format!("{prefix}{text}\n"));
    }

    fn warn(&self, text: &str) {
        self.end_bars();
        let text = text.strip_prefix(&self.prefix).unwrap_or(text);
        self.write(&format!("{}warning: {text}\n", self.prefix));
    }

    fn advance(&self, what: &str, done: u64, total: Option<u64>) {
        // A line that grows would be torn by those of the others.
        if !self.prefix.is_empty() {
            return;
        }
        let Some(total) = total.filter(|total| *total > 0) else { return };
        let percent = (done.min(total) * 100) / total;
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        // Only one growing line at a time can be read.
        if bars.keys().any(|other| other != what) {
            return;
        }
        let printed = bars.get(what).copied();
        let from = printed.map_or(0, |printed| printed + 1);
        let text: String = (from..=percent).map(mark).collect();
        if printed.is_none() && done < total {
            // Nothing but a machine's name: it is the work of which the last line spoke.
            let colon = if what.is_empty() || what.ends_with(' ') { "" } else { ": " };
            self.write(&format!("{what}{colon}{text}"));
        } else if printed.is_some() {
            self.write(&text);
        }
        if done >= total {
            if printed.is_some() {
                self.write("\n");
            }
            bars.remove(what);
        } else {
            bars.insert(what.to_owned(), percent);
        }
    }
}

fn mark(percent: u64) -> String {
    match percent {
        _ if percent.is_multiple_of(10) => format!("{percent}%"),
        _ if percent.is_multiple_of(2) => ".".to_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_docker_machines() {
        let sink = Arc::new(Mutex::new(Vec::new()));
        let plain = Plain::new(sink.clone());
        plain.line("Creating machine...");
        for done in [0, 5, 50, 100] {
            plain.advance("Downloading", done, Some(100));
        }
        plain.advance("nothing to do", 7, Some(7));
        plain.advance("(lab1) ", 0, Some(10));
        plain.advance("(lab1) ", 10, Some(10));
        plain.line("done");
        let text = String::from_utf8(sink.lock().unwrap().clone()).unwrap();
        let bar = "0%....10%....20%....30%....40%....50%....60%....70%....80%....90%....100%";
        assert_eq!(text, format!("Creating machine...\nDownloading: {bar}\n(lab1) {bar}\ndone\n"));
    }

    #[test]
    fn work_that_is_broken_off_ends_its_line() {
        let sink = Arc::new(Mutex::new(Vec::new()));
        let plain = Plain::new(sink.clone());
        plain.advance("a", 10, Some(100));
        plain.line("what went wrong");
        plain.advance("b", 0, Some(100));
        drop(plain);
        let text = String::from_utf8(sink.lock().unwrap().clone()).unwrap();
        assert_eq!(text, "a: 0%....10%\nwhat went wrong\nb: 0%\n");
    }
}
