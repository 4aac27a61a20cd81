//! A connection that notes what its client takes, and when it does not.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::activity::{Activity, Blocked};

/// Notes data that is left unread in the client's [`Activity`]. hyper has a time-out for request
/// heads only, and an encoder waits as long as its client does.
pub struct Unread<S> {
    stream: S,
    activity: Activity,
    blocked: Option<Blocked>,
}

impl<S> Unread<S> {
    pub fn new(stream: S, activity: Activity) -> Self {
        Self {
            stream,
            activity,
            blocked: None,
        }
    }

    fn note<T>(&mut self, progress: &Poll<io::Result<T>>) {
        match progress {
            Poll::Ready(_) => self.blocked = None,
            Poll::Pending if self.blocked.is_none() => self.blocked = Some(self.activity.blocked()),
            Poll::Pending => {}
        }
    }

    fn note_written(&mut self, progress: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.note(&progress);
        if let Poll::Ready(Ok(bytes)) = progress {
            self.activity.took(bytes);
        }
        progress
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unread<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unread<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note_written(progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.note_written(progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A socket has nothing to flush: this says nothing about what its client has read.
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let progress = Pin::new(&mut self.stream).poll_shutdown(context);
        self.note(&progress);
        progress
    }
}
