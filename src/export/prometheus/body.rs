//! The body of an answer: a short text, a page that is still being written, or none.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::mpsc;

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

    /// A body and the writer that fills it from another thread.
    pub(super) fn stream() -> (BodyWriter, Self) {
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        (BodyWriter(sender), Self(Kind::Stream(receiver)))
    }
}

/// Fills a streamed body.
pub(super) struct BodyWriter(mpsc::Sender<Piece>);

impl BodyWriter {
    /// Waits until there is room. `false`: the client has gone. Not for async code.
    pub fn write(&self, bytes: Bytes) -> bool {
        self.0.blocking_send(Piece::Data(bytes)).is_ok()
    }

    /// Says that the page is whole.
    pub fn finish(self) {
        // If the client has gone there is nobody to tell.
        let _ = self.0.blocking_send(Piece::End);
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

    #[tokio::test]
    async fn a_body_whose_writer_vanishes_is_an_error_and_not_an_end() {
        let (writer, body) = Body::stream();
        tokio::task::spawn_blocking(move || writer.write(Bytes::from_static(b"half")));
        assert_eq!(body.collect().await.unwrap_err(), Truncated);
    }

    #[tokio::test]
    async fn a_writer_learns_that_its_reader_has_gone() {
        let (writer, body) = Body::stream();
        drop(body);
        let wrote = tokio::task::spawn_blocking(move || writer.write(Bytes::from_static(b"x")));
        assert!(!wrote.await.unwrap());
    }
}
