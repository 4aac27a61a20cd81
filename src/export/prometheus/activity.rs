//! What a client is doing, and how long it has kept the server waiting.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::{sleep_until, Instant};

/// What a client must keep up with while it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From the end of a request's headers to the last byte of its answer.
    pub answer: Duration,
    /// How long a client may leave data unread, and how much longer altogether than it takes at
    /// `rate`.
    pub stall: Duration,
    /// Bytes a second. Only the time counts in which the client is waited for.
    pub rate: u32,
}

/// The state of one client. Clones share it.
#[derive(Clone)]
pub struct Activity(Arc<watch::Sender<State>>);

struct State {
    /// What keeps it busy: answers, and writing the rest of one.
    busy: usize,
    /// When the last of them ended.
    since: Instant,
    /// When the answer under way began.
    answering: Instant,
    /// Since when the client leaves data unread.
    blocked: Option<Instant>,
    /// How long it did before that, within the answer.
    waited: Duration,
    /// What it took of the answer.
    bytes: u64,
}

impl State {
    fn waited(&self) -> Duration {
        self.waited + self.blocked.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// When the client will have used up its time, if nothing changes.
    fn end(&self, pace: Pace) -> Option<Instant> {
        if self.busy == 0 {
            return None;
        }
        let end = self.answering + pace.answer;
        Some(match self.blocked {
            None => end,
            Some(since) => {
                let earned = Duration::from_secs_f64(self.bytes as f64 / f64::from(pace.rate));
                let left = (pace.stall + earned).saturating_sub(self.waited);
                end.min(since + pace.stall.min(left))
            }
        })
    }
}

impl Activity {
    /// Of a client that has just come.
    pub fn new() -> Self {
        let now = Instant::now();
        Self(Arc::new(watch::Sender::new(State {
            busy: 0,
            since: now,
            answering: now,
            blocked: None,
            waited: Duration::ZERO,
            bytes: 0,
        })))
    }

    /// The client waits for an answer, or takes it, while what is returned lives.
    pub fn answer(&self) -> Busy {
        self.0.send_modify(|state| {
            state.busy += 1;
            state.answering = Instant::now();
            state.waited = Duration::ZERO;
            state.bytes = 0;
        });
        Busy(self.clone())
    }

    /// The client leaves data unread while what is returned lives.
    pub fn blocked(&self) -> Blocked {
        self.0.send_modify(|state| {
            state.busy += 1;
            state.blocked = Some(Instant::now());
        });
        Blocked(Busy(self.clone()))
    }

    /// The client took this much.
    pub fn took(&self, bytes: usize) {
        // Nobody needs to hear of each: what is taken only puts ends off.
        self.0.send_if_modified(|state| {
            state.bytes += bytes as u64;
            false
        });
    }

    /// Resolves when the client has read what it was sent.
    pub async fn caught_up(&self) {
        // No error: `self` holds the sender.
        let mut state = self.0.subscribe();
        let _ = state.wait_for(|state| state.blocked.is_none()).await;
    }

    /// Resolves once the connection waits for a request.
    pub async fn idle(&self) {
        // No error: `self` holds the sender.
        let _ = self.0.subscribe().wait_for(|state| state.busy == 0).await;
    }

    /// How much longer than granted the client has kept the server waiting, for a request or for
    /// reading an answer.
    pub fn overdue(&self, request: Duration, reading: Duration) -> Option<Duration> {
        let state = self.0.borrow();
        match state.busy {
            0 => state.since.elapsed().checked_sub(request),
            _ => state.waited().checked_sub(reading),
        }
    }

    /// Resolves when the client has used up the time for its answer.
    pub async fn spent(&self, pace: Pace) {
        let mut changes = self.0.subscribe();
        loop {
            let end = changes.borrow_and_update().end(pace);
            let reached = async {
                match end {
                    Some(end) => sleep_until(end).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = reached => return,
                // No error: `self` holds the sender.
                _ = changes.changed() => {}
            }
        }
    }
}

/// One thing that a client does.
pub struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0 .0.send_modify(|state| {
            state.busy -= 1;
            state.since = Instant::now();
        });
    }
}

/// Data that the client leaves unread.
pub struct Blocked(Busy);

impl Drop for Blocked {
    fn drop(&mut self) {
        let activity = &self.0 .0;
        activity.0.send_modify(|state| {
            state.waited = state.waited();
            state.blocked = None;
        });
    }
}

/// A body of an answer. What of it is still to be written then, keeps the client busy by itself.
pub struct Answer<B> {
    body: B,
    _busy: Busy,
}

impl<B> Answer<B> {
    pub fn new(body: B, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl<B: http_body::Body + Unpin> http_body::Body for Answer<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::prometheus::unread::Unread;
    use crate::export::testing::block_on;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::{sleep, timeout};

    const PATIENCE: Duration = Duration::from_millis(20);

    fn overdue(activity: &Activity) -> bool {
        activity.overdue(PATIENCE, Duration::MAX).is_some()
    }

    #[test]
    fn a_connection_that_still_writes_does_not_wait_for_a_request() {
        block_on(async {
            let activity = Activity::new();
            let (stream, mut client) = tokio::io::duplex(8);
            let mut watched = Unread::new(stream, activity.clone());
            drop(activity.answer());
            let writing = tokio::spawn(async move {
                watched.write_all(&[0; 16]).await.unwrap();
                watched
            });
            while activity.0.borrow().busy == 0 {
                tokio::task::yield_now().await;
            }
            sleep(10 * PATIENCE).await;
            assert!(!overdue(&activity));

            client.read_exact(&mut [0; 16]).await.unwrap();
            let _watched = writing.await.unwrap();
            sleep(2 * PATIENCE).await;
            assert!(overdue(&activity));
        });
    }

    fn pace(stall: u64, answer: u64) -> Pace {
        Pace {
            answer: Duration::from_millis(answer),
            stall: Duration::from_millis(stall),
            rate: 1000,
        }
    }

    async fn time(pace: Pace, activity: &Activity) -> u128 {
        let begun = Instant::now();
        timeout(Duration::from_secs(10), activity.spent(pace))
            .await
            .unwrap();
        begun.elapsed().as_millis()
    }

    #[test]
    fn a_client_that_reads_nothing_more_has_the_time_of_a_stall() {
        block_on(async {
            let activity = Activity::new();
            let _answer = activity.answer();
            activity.took(1_000_000);
            let _blocked = activity.blocked();
            let took = time(pace(100, 60_000), &activity).await;
            assert!((100..2000).contains(&took), "{took} ms");
        });
    }

    #[test]
    fn a_client_that_reads_too_slowly_is_given_up_although_it_never_stalls() {
        block_on(async {
            let activity = Activity::new();
            let _answer = activity.answer();
            let reader = activity.clone();
            // 100 bytes a second, of 1 000.
            let reading = tokio::spawn(async move {
                loop {
                    let blocked = reader.blocked();
                    sleep(Duration::from_millis(50)).await;
                    drop(blocked);
                    reader.took(5);
                }
            });
            let took = time(pace(500, 60_000), &activity).await;
            assert!((450..3000).contains(&took), "{took} ms");
            reading.abort();
        });
    }

    #[test]
    fn an_answer_ends_at_its_deadline_however_well_it_goes() {
        block_on(async {
            let activity = Activity::new();
            let _answer = activity.answer();
            let took = time(pace(60_000, 100), &activity).await;
            assert!((100..2000).contains(&took), "{took} ms");
        });
    }
}
