//! How often the page's data is collected: a flood of requests shares collections.
//!
//! No request ever gets a collection that began before it came, so what was recorded before a scrape
//! is on its page. What a flood costs is time: it waits for its turn.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep_until, timeout, Instant};

use crate::export::reader::{Collected, Reader};

/// One collection in this time, on average: each runs the program's callbacks on its event loop, and
/// a flood must leave most of that. A scrape waits for its turn no longer than this.
const INTERVAL: Duration = Duration::from_millis(250);

/// Collections that may come at once: several Prometheus servers, a federation, a person who reloads.
const BURST: u32 = 10;

/// How much longer than its own time-out a collection is waited for, before the engine is taken for
/// stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// A collection, or why there is none.
pub type Outcome = Result<Arc<Collected>, String>;

/// The collections of one kind: those that wait for event loops, or those of what is known.
pub struct Turns {
    reader: Arc<Reader>,
    timeout: Duration,
    state: Mutex<State>,
}

struct State {
    allowance: Allowance,
    /// The collection that has not begun yet.
    next: Option<watch::Receiver<Option<Outcome>>>,
}

impl Turns {
    pub fn new(reader: Arc<Reader>, timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            reader,
            timeout,
            state: Mutex::new(State {
                allowance: Allowance(Instant::now()),
                next: None,
            }),
        })
    }

    /// A collection that begins from now on, with whoever else waits for it.
    pub async fn collect(self: &Arc<Self>) -> Outcome {
        let mut receiver = self.join();
        let outcome = receiver.wait_for(Option::is_some).await;
        let outcome = outcome.ok().and_then(|outcome| outcome.clone());
        outcome.unwrap_or_else(|| Err("The page's data could not be collected\n".to_owned()))
    }

    fn join(self: &Arc<Self>) -> watch::Receiver<Option<Outcome>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(next) = &state.next {
            return next.clone();
        }
        let now = Instant::now();
        let start = state.allowance.take(now);
        let (sender, receiver) = watch::channel(None);
        if start > now {
            state.next = Some(receiver.clone());
        }
        let turns = self.clone();
        tokio::spawn(async move {
            if start > now {
                sleep_until(start).await;
                let mut state = turns.state.lock().unwrap_or_else(PoisonError::into_inner);
                // Whoever comes from here on is not to get what may be older than they are.
                state.next = None;
            }
            sender.send_replace(Some(turns.run().await));
        });
        receiver
    }

    async fn run(&self) -> Outcome {
        let answer = self.reader.collect(self.timeout);
        match timeout(self.timeout + PATIENCE, answer).await {
            Ok(Ok(collection)) => Ok(Arc::new(collection)),
            Ok(Err(error)) => Err(format!("{error}\n")),
            Err(_) => Err("The metrics engine does not answer\n".to_owned()),
        }
    }
}

/// [`BURST`] at once, then one each [`INTERVAL`]. Holds when the bucket will be full again (the
/// generic cell rate algorithm).
struct Allowance(Instant);

impl Allowance {
    /// Takes one; returns from when on it may be used.
    fn take(&mut self, now: Instant) -> Instant {
        let full = self.0.max(now);
        self.0 = full + INTERVAL;
        // Early in a machine's life there is no such instant before.
        let start = full.checked_sub(INTERVAL * (BURST - 1)).unwrap_or(now);
        start.max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_starts_at_once_and_a_flood_one_by_one() {
        let now = Instant::now();
        let mut allowance = Allowance(now);
        for _ in 0..BURST {
            assert_eq!(allowance.take(now), now);
        }
        for turn in 1..4 {
            assert_eq!(allowance.take(now), now + INTERVAL * turn);
        }
        let later = now + INTERVAL * 100;
        assert_eq!(allowance.take(later), later);
    }
}
