//! The way from an encoder to the network: pieces of bounded size, handed over as they fill.

use std::io::{self, Write};
use std::ops::ControlFlow;

use bytes::Bytes;
use flate2::write::GzEncoder;
use flate2::Compression;

/// The most bytes in one piece.
pub const CHUNK: usize = 64 * 1024;

/// From here on a piece is handed over: few lines are longer than the rest.
const FULL: usize = 60 * 1024;

/// Takes pieces of at most [`CHUNK`] bytes; breaks when nobody wants more.
pub type Sink<'s> = dyn FnMut(Bytes) -> ControlFlow<()> + 's;

/// Collects what is written and hands it to a sink.
pub struct Chunks<'s> {
    buffer: Vec<u8>,
    sink: &'s mut Sink<'s>,
}

impl<'s> Chunks<'s> {
    pub fn new(sink: &'s mut Sink<'s>) -> Self {
        Self {
            buffer: Vec::with_capacity(CHUNK),
            sink,
        }
    }

    /// Where to write; call [`Chunks::pass_on`] between lines or messages.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Hands a full buffer over.
    pub fn pass_on(&mut self) -> ControlFlow<()> {
        match self.buffer.len() >= FULL {
            true => self.flush(),
            false => ControlFlow::Continue(()),
        }
    }

    /// Hands over whatever there is.
    pub fn flush(&mut self) -> ControlFlow<()> {
        let mut bytes = Bytes::from(std::mem::replace(
            &mut self.buffer,
            Vec::with_capacity(CHUNK),
        ));
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(CHUNK));
            (self.sink)(piece)?;
        }
        ControlFlow::Continue(())
    }
}

impl Write for Chunks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        match self.pass_on() {
            ControlFlow::Continue(()) => Ok(bytes.len()),
            ControlFlow::Break(()) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Compresses what `write` gives to the sink it gets, and hands it to `sink`.
pub fn gzip<'s>(
    sink: &'s mut Sink<'s>,
    write: impl FnOnce(&mut Sink<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    // Level 1: exposition is repetitive, the higher levels gain little and take several times as
    // long.
    let mut encoder = GzEncoder::new(Chunks::new(sink), Compression::fast());
    write(&mut |bytes| match encoder.write_all(&bytes) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    })?;
    match encoder.finish() {
        Ok(mut chunks) => Chunks::flush(&mut chunks),
        Err(_) => ControlFlow::Break(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn pieces_are_bounded_and_complete() {
        let mut pieces = Vec::new();
        let mut sink = |bytes: Bytes| {
            pieces.push(bytes);
            ControlFlow::Continue(())
        };
        let mut chunks = Chunks::new(&mut sink);
        for length in [10, CHUNK * 3 + 5, 7, FULL] {
            chunks.buffer().extend(std::iter::repeat_n(b'x', length));
            assert!(chunks.pass_on().is_continue());
        }
        assert!(Chunks::flush(&mut chunks).is_continue());
        assert!(pieces.iter().all(|piece| piece.len() <= CHUNK));
        let total: usize = pieces.iter().map(Bytes::len).sum();
        assert_eq!(total, 10 + CHUNK * 3 + 5 + 7 + FULL);
    }

    #[test]
    fn gzip_gives_back_what_went_in_and_stops_with_its_reader() {
        let text = "metric{label=\"value\"} 1\n".repeat(20_000);
        let mut packed = Vec::new();
        let mut sink = |bytes: Bytes| {
            packed.extend_from_slice(&bytes);
            ControlFlow::Continue(())
        };
        let done = gzip(&mut sink, |sink| sink(Bytes::from(text.clone())));
        assert!(done.is_continue());
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_string(&mut unpacked)
            .unwrap();
        assert_eq!(unpacked, text);

        let mut gone = |_| ControlFlow::Break(());
        assert!(gzip(&mut gone, |sink| sink(Bytes::from(text.clone()))).is_break());
    }
}
