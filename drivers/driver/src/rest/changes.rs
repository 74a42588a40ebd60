use tokio::sync::watch;

/// The calls of this process that may make or delete something. Whoever is asked to stop lets those
/// that are under way end, so that what they make is recorded, and no further one begin.
#[derive(Debug)]
pub(super) struct Changes(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    closed: bool,
}

/// One call. When it is dropped, the call is over.
pub(super) struct Change<'a>(&'a Changes);

impl Changes {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }

    /// Never comes back once there is to be no further call.
    pub(super) async fn begin(&self) -> Change<'_> {
        let begun = self.0.send_if_modified(|state| {
            state.under_way += usize::from(!state.closed);
            !state.closed
        });
        if !begun {
            std::future::pending::<()>().await;
        }
        Change(self)
    }

    pub(super) async fn end(&self) {
        self.0.send_modify(|state| state.closed = true);
        let ended = self.0.subscribe().wait_for(|state| state.under_way == 0).await.is_ok();
        assert!(ended, "the sender outlives this call");
    }
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.under_way -= 1);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_is_under_way_ends_and_nothing_begins() {
        let changes = Changes::new();
        let first = changes.begin().await;
        let second = changes.begin().await;
        let mut end = std::pin::pin!(changes.end());
        assert_eq!(end.as_mut().now_or_never(), None);
        drop(first);
        assert_eq!(end.as_mut().now_or_never(), None);
        assert!(changes.begin().now_or_never().is_none(), "no further one begins");
        drop(second);
        assert_eq!(end.now_or_never(), Some(()));
    }
}
