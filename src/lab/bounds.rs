use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use machine_driver::Kind;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};

/// How much is done at the same time: so many machines, of each driver no more than it allows, and
/// no more than this computer has memory for.
pub struct Bounds {
    jobs: Semaphore,
    drivers: BTreeMap<String, Semaphore>,
    starting: Mutex<Starting>,
    ended: Notify,
    available: fn() -> u64,
}

/// The machines that start now, whose memory is not taken yet as far as the system knows.
#[derive(Debug, Default)]
struct Starting {
    machines: usize,
    /// In MiB.
    memory: u64,
}

/// Leave to work on one machine, until it is dropped.
pub struct Permit<'a> {
    bounds: &'a Bounds,
    memory: u64,
    #[expect(dead_code, reason = "held, never read")]
    places: (SemaphorePermit<'a>, Option<SemaphorePermit<'a>>),
}

impl Bounds {
    /// `jobs` machines at the same time, at least one.
    pub fn new<'k>(jobs: usize, kinds: impl IntoIterator<Item = &'k dyn Kind>) -> Self {
        let limits = kinds.into_iter().filter_map(|kind| {
            Some((kind.name().to_owned(), Semaphore::new(kind.at_once()?.max(1))))
        });
        Self {
            jobs: Semaphore::new(jobs.max(1)),
            drivers: limits.collect(),
            starting: Mutex::default(),
            ended: Notify::new(),
            available,
        }
    }

    /// Waits for leave to start a machine that takes `memory` MiB of this computer. One alone may
    /// always start: whether it is too large is for its driver to say.
    pub async fn enter(&self, driver: &str, memory: u64) -> Permit<'_> {
        const OPEN: &str = "nobody closes it";
        let job = self.jobs.acquire().await.expect(OPEN);
        let place = match self.drivers.get(driver) {
            Some(places) => Some(places.acquire().await.expect(OPEN)),
            None => None,
        };
        loop {
            let ended = self.ended.notified();
            if self.fits(memory) {
                return Permit { bounds: self, memory, places: (job, place) };
            }
            ended.await;
        }
    }

    fn fits(&self, memory: u64) -> bool {
        let mut starting = self.starting();
        let fits =
            memory == 0 || starting.machines == 0 || starting.memory + memory <= (self.available)();
        if fits {
            starting.machines += usize::from(memory > 0);
            starting.memory += memory;
        }
        fits
    }

    fn starting(&self) -> std::sync::MutexGuard<'_, Starting> {
        self.starting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut starting = self.bounds.starting();
        starting.machines -= usize::from(self.memory > 0);
        starting.memory -= self.memory;
        drop(starting);
        self.bounds.ended.notify_waiters();
    }
}

/// The memory that programs could take now, in MiB.
fn available() -> u64 {
    let mut system = sysinfo::System::new();
    system.refresh_memory();
    system.available_memory() >> 20
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn bounds(jobs: usize) -> Bounds {
        Bounds { available: || 1000, ..Bounds::new(jobs, []) }
    }

    fn look<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    fn enter(bounds: &Bounds, memory: u64) -> Option<Permit<'_>> {
        look(pin!(bounds.enter("x", memory)))
    }

    #[test]
    fn memory_and_number_bound_what_is_done_at_once() {
        let many = bounds(10);
        let first = enter(&many, 5000);
        assert!(first.is_some(), "one alone may always start");
        assert!(enter(&many, 1).is_none(), "the first is too large already");
        assert!(enter(&many, 0).is_some(), "a machine elsewhere takes nothing here");
        drop(first);
        let first = enter(&many, 600);
        assert!(enter(&many, 401).is_none());
        assert!(enter(&many, 400).is_some());
        drop(first);
        let two = bounds(2);
        let both = [enter(&two, 0), enter(&two, 0)];
        assert!(both.iter().all(Option::is_some) && enter(&two, 0).is_none());
    }

    #[test]
    fn whoever_waits_goes_on_when_another_has_ended() {
        let bounds = bounds(2);
        let first = enter(&bounds, 900).unwrap();
        let mut second = pin!(bounds.enter("x", 900));
        assert!(look(second.as_mut()).is_none());
        drop(first);
        assert!(look(second.as_mut()).is_some());
    }
}
