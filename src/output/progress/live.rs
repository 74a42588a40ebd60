use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use machine_driver::Progress;

/// The terminal's live part: a line for each machine, and a bar for each download below.
#[derive(Default)]
pub struct Live {
    lines: MultiProgress,
    all: Arc<Mutex<BTreeMap<String, ProgressBar>>>,
}

/// The line of one machine: what it is doing, and for how long.
pub(super) struct Line {
    lines: MultiProgress,
    spinner: ProgressBar,
    bars: Mutex<BTreeMap<String, ProgressBar>>,
}

impl Live {
    pub(super) fn line(&self, name: &str) -> Line {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let line = all.entry(name.to_owned()).or_insert_with(|| {
            let line = self.lines.add(ProgressBar::new_spinner());
            line.set_style(style("{spinner} {prefix}  {wide_msg} {elapsed}"));
            line.set_prefix(name.to_owned());
            line.enable_steady_tick(Duration::from_millis(120));
            line
        });
        Line { lines: self.lines.clone(), spinner: line.clone(), bars: Mutex::default() }
    }

    pub(super) fn finish(&self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        for line in std::mem::take(&mut *all).into_values() {
            line.finish_and_clear();
        }
        self.lines.clear().ok();
    }
}

impl Progress for Line {
    fn line(&self, text: &str) {
        // The machine's name stands in front already.
        let prefix = format!("({}) ", self.spinner.prefix());
        self.spinner.set_message(text.strip_prefix(&prefix).unwrap_or(text).to_owned());
    }

    fn warn(&self, text: &str) {
        self.lines.println(format!("{}: warning: {text}", self.spinner.prefix())).ok();
    }

    fn advance(&self, what: &str, done: u64, total: Option<u64>) {
        let mut bars = self.bars.lock().unwrap_or_else(PoisonError::into_inner);
        let bar = bars.entry(what.to_owned()).or_insert_with(|| {
            let bar = self.lines.add(ProgressBar::new(total.unwrap_or(0)));
            bar.set_style(style("  {wide_bar} {bytes}/{total_bytes}  {msg}"));
            bar.set_message(what.trim_end().to_owned());
            bar
        });
        bar.set_length(total.unwrap_or(done));
        bar.set_position(done);
        if total.is_some_and(|total| done >= total) {
            bar.finish_and_clear();
            bars.remove(what);
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant")
}
