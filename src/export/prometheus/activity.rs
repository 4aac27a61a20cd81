//! What a connection is doing, so that a crowded server can end those that only take up room.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Frame, SizeHint};
use tokio::sync::watch;
use tokio::time::{sleep_until, Instant};

/// Since when a connection has been waiting for a request; `None` while it is being answered.
/// Clones share it.
#[derive(Clone)]
pub struct Activity(Arc<watch::Sender<Option<Instant>>>);

impl Activity {
    /// Of a connection that was just opened.
    pub fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Some(Instant::now()))))
    }

    /// A request's headers are complete. What is returned lives as long as the answer.
    pub fn answering(&self) -> Answering {
        self.0.send_replace(None);
        Answering(self.clone())
    }

    /// Resolves once the connection has waited for a request for `patience` and there is a crowd.
    pub async fn overstayed(&self, patience: Duration, mut crowd: watch::Receiver<bool>) {
        let mut activity = self.0.subscribe();
        loop {
            if crowd.wait_for(|crowded| *crowded).await.is_err() {
                // The server is stopping: that has its own way to end connections.
                return std::future::pending().await;
            }
            let waiting = *activity.borrow_and_update();
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

/// An answer under way; dropping it ends the answer.
pub struct Answering(Activity);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0 .0.send_replace(Some(Instant::now()));
    }
}

/// A body that takes its [`Answering`] along: an answer ends with its body.
pub struct Answer<B> {
    body: B,
    _answering: Answering,
}

impl<B> Answer<B> {
    pub fn new(body: B, answering: Answering) -> Self {
        Self {
            body,
            _answering: answering,
        }
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
