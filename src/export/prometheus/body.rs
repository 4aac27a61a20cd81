//! The body of an answer: a short text, a page that is still being written, or none.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::allocator;

/// Pieces between the encoder and the network. Few: the encoder waits for its reader.
const IN_FLIGHT: usize = 4;

/// A response body. Implements [`http_body::Body`].
pub struct Body(Kind);

enum Kind {
    Text(Option<Bytes>),
    /// What a HEAD answer would have had; its length is unknown.
    Omitted,
    Stream(mpsc::Receiver<Piece>),
    Done,
}

enum Piece {
    Data(Bytes),
    End,
}

/// The page ended before its end: its encoder failed. The connection must be cut, so that the
/// client does not take half a page for a whole one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated;

impl fmt::Display for Truncated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the page could not be completed")
    }
}

impl std::error::Error for Truncated {}

impl Body {
    pub(super) fn text(text: impl Into<Bytes>) -> Self {
        Self(Kind::Text(Some(text.into())))
    }

    pub(super) fn omitted() -> Self {
        Self(Kind::Omitted)
    }

    /// A body and the writer that fills it from another thread, once one of `writers` may begin.
    pub(super) async fn stream(writers: Arc<Semaphore>) -> (BodyWriter, Self) {
        let (pieces, receiver) = mpsc::channel(IN_FLIGHT);
        let permit = writers.clone().acquire_owned().await.ok();
        let writer = BodyWriter {
            pieces,
            writers,
            permit,
            runtime: Handle::current(),
        };
        (writer, Self(Kind::Stream(receiver)))
    }
}

/// Fills a streamed body. While it waits for its reader, another writer can have its permit.
pub(super) struct BodyWriter {
    pieces: mpsc::Sender<Piece>,
    writers: Arc<Semaphore>,
    permit: Option<OwnedSemaphorePermit>,
    runtime: Handle,
}

impl BodyWriter {
    /// Waits until there is room. `false`: the client has gone. Not for async code.
    pub fn write(&mut self, bytes: Bytes) -> bool {
        let piece = match self.pieces.try_send(Piece::Data(bytes)) {
            Ok(()) => return true,
            Err(TrySendError::Closed(_)) => return false,
            Err(TrySendError::Full(piece)) => piece,
        };
        self.permit = None;
        allocator::take_back();
        if self.pieces.blocking_send(piece).is_err() {
            return false;
        }
        let again = self.writers.clone().acquire_owned();
        self.permit = self.runtime.block_on(again).ok();
        true
    }

    /// Says that the page is whole.
    pub fn finish(self) {
        drop(self.permit);
        // If the client has gone there is nobody to tell.
        let _ = self.pieces.blocking_send(Piece::End);
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Truncated;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Truncated>>> {
        match &mut self.0 {
            Kind::Text(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Kind::Omitted | Kind::Done => Poll::Ready(None),
            Kind::Stream(pieces) => match std::task::ready!(pieces.poll_recv(context)) {
                Some(Piece::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                Some(Piece::End) => {
                    self.0 = Kind::Done;
                    Poll::Ready(None)
                }
                None => {
                    self.0 = Kind::Done;
                    Poll::Ready(Some(Err(Truncated)))
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Text(None) | Kind::Done)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Kind::Done => SizeHint::with_exact(0),
            Kind::Omitted | Kind::Stream(_) => SizeHint::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    fn writers() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(1))
    }

    #[tokio::test]
    async fn a_body_whose_writer_vanishes_is_an_error_and_not_an_end() {
        let (mut writer, body) = Body::stream(writers()).await;
        tokio::task::spawn_blocking(move || writer.write(Bytes::from_static(b"half")));
        assert_eq!(body.collect().await.unwrap_err(), Truncated);
    }

    #[tokio::test]
    async fn a_writer_learns_that_its_reader_has_gone() {
        let (mut writer, body) = Body::stream(writers()).await;
        drop(body);
        let wrote = tokio::task::spawn_blocking(move || writer.write(Bytes::from_static(b"x")));
        assert!(!wrote.await.unwrap());
    }

    #[tokio::test]
    async fn a_writer_that_waits_for_its_reader_keeps_no_other_from_writing() {
        let writers = writers();
        let (mut slow, unread) = Body::stream(writers.clone()).await;
        let writing = tokio::task::spawn_blocking(move || {
            (0..2 * IN_FLIGHT).all(|_| slow.write(Bytes::from_static(b"x")))
        });
        let (mut other, body) = Body::stream(writers).await;
        tokio::task::spawn_blocking(move || {
            other.write(Bytes::from_static(b"whole"));
            other.finish();
        });
        assert_eq!(body.collect().await.unwrap().to_bytes(), "whole");
        drop(unread);
        assert!(!writing.await.unwrap());
    }
}
