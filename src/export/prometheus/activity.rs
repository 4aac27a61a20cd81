//! What a connection is doing, so that a crowded server can end those that only take up room.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::{sleep_until, Instant};

/// Whether a connection is waiting for a request, and since when. Clones share it.
#[derive(Clone)]
pub struct Activity(Arc<watch::Sender<State>>);

struct State {
    /// What keeps it busy: answers, and writing the rest of one.
    busy: usize,
    /// When the last of them ended.
    since: Instant,
}

impl Activity {
    /// Of a connection that was just opened.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State {
            busy: 0,
            since: Instant::now(),
        })))
    }

    /// The connection waits for no request while what is returned lives.
    pub fn busy(&self) -> Busy {
        self.0.send_modify(|state| state.busy += 1);
        Busy(self.clone())
    }

    /// Resolves once the connection waits for a request.
    pub async fn idle(&self) {
        // No error: `self` holds the sender.
        let _ = self.0.subscribe().wait_for(|state| state.busy == 0).await;
    }

    /// Resolves once the connection has waited for a request for `patience` and there is a crowd.
    pub async fn overstayed(&self, patience: Duration, mut crowd: watch::Receiver<bool>) {
        let mut activity = self.0.subscribe();
        loop {
            if crowd.wait_for(|crowded| *crowded).await.is_err() {
                // The server is stopping: that has its own way to end connections.
                return std::future::pending().await;
            }
            let waiting = {
                let state = activity.borrow_and_update();
                (state.busy == 0).then_some(state.since)
            };
            let patient = async {
                match waiting {
                    Some(since) => sleep_until(since + patience).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = patient => {
                    if *crowd.borrow() {
                        return;
                    }
                }
                // No error: `self` holds the sender.
                _ = activity.changed() => {}
            }
        }
    }
}

/// One thing that a connection does.
pub struct Busy(Activity);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0 .0.send_modify(|state| {
            state.busy -= 1;
            state.since = Instant::now();
        });
    }
}

/// A body of an answer. What of it is still to be written then, keeps the connection busy by itself.
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
    use crate::export::prometheus::stall::StallGuard;
    use crate::export::testing::block_on;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    #[test]
    fn a_connection_that_still_writes_does_not_wait_for_a_request() {
        block_on(async {
            let activity = Activity::new();
            let (_sender, crowd) = watch::channel(true);
            let patience = Duration::from_millis(20);
            let overstayed =
                || timeout(10 * patience, activity.overstayed(patience, crowd.clone()));

            let (stream, mut client) = tokio::io::duplex(8);
            let mut guard = StallGuard::new(stream, Duration::from_secs(60), activity.clone());
            drop(activity.busy());
            let writing = tokio::spawn(async move {
                guard.write_all(&[0; 16]).await.unwrap();
                guard
            });
            while activity.0.borrow().busy == 0 {
                tokio::task::yield_now().await;
            }
            overstayed().await.unwrap_err();

            client.read_exact(&mut [0; 16]).await.unwrap();
            let _guard = writing.await.unwrap();
            overstayed().await.unwrap();
        });
    }
}
