//! Standard output as programs find it. Node makes pipes and sockets non-blocking once something in
//! the program touches `process.stdout`: a write then fails while the reader is behind, and the
//! text is still the writer's to deliver. A blocking one would hold the thread for as long.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

/// What a pipe takes in one piece or not at all (POSIX, `PIPE_BUF`), and without blocking once it
/// has room. Lines that fit are never cut, nor do others' come between.
const PIECE: usize = if cfg!(any(target_os = "linux", target_os = "android")) {
    4096
} else {
    512
};

/// The longest wait before a look at whether it is still worth waiting.
pub(super) const WAIT: Duration = Duration::from_millis(50);

/// Before another attempt where there seemed to be room and was none.
const PAUSE: Duration = Duration::from_millis(2);

/// Something that takes bytes when it has room.
pub(super) trait Output: Write {
    /// Whether there is room, after this time at most.
    ///
    /// # Errors
    /// What the operating system says.
    fn has_room(&mut self, within: Duration) -> io::Result<bool>;
}

/// Writes lines, and keeps the rest of one that it could not finish.
#[derive(Default)]
pub(super) struct LineWriter {
    rest: Vec<u8>,
}

impl LineWriter {
    /// Writes lines until `stop` is set; first the rest of one that was begun before.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] when it was stopped before the end, else what the output says.
    pub fn write(
        &mut self,
        out: &mut dyn Output,
        lines: &[u8],
        stop: &AtomicBool,
    ) -> io::Result<()> {
        let rest = std::mem::take(&mut self.rest);
        self.write_lines(out, &rest, true, stop)?;
        self.write_lines(out, lines, false, stop)
    }

    fn write_lines(
        &mut self,
        out: &mut dyn Output,
        mut text: &[u8],
        mut within_line: bool,
        stop: &AtomicBool,
    ) -> io::Result<()> {
        while !text.is_empty() {
            match write_some(out, piece(text), within_line, stop) {
                Ok(written) => {
                    within_line = text[written - 1] != b'\n';
                    text = &text[written..];
                }
                Err(error) => {
                    if within_line && error.kind() == io::ErrorKind::TimedOut {
                        self.rest = text
                            .split_inclusive(|byte| *byte == b'\n')
                            .next()
                            .map_or_else(Vec::new, <[u8]>::to_vec);
                    }
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

/// As many whole lines as fit into one piece, or as much of the first.
fn piece(text: &[u8]) -> &[u8] {
    let most = &text[..text.len().min(PIECE)];
    let lines = most.iter().rposition(|byte| *byte == b'\n');
    &most[..lines.map_or(most.len(), |end| end + 1)]
}

/// Waits for room, and writes what fits. A line that was begun is finished if that needs no wait.
fn write_some(
    out: &mut dyn Output,
    piece: &[u8],
    within_line: bool,
    stop: &AtomicBool,
) -> io::Result<usize> {
    loop {
        let stopped = stop.load(Ordering::Relaxed);
        let room = out.has_room(if stopped { Duration::ZERO } else { WAIT })?;
        if stopped && !(room && within_line) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if !room {
            continue;
        }
        match out.write(piece) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => return Ok(written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if stopped {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                sleep(PAUSE);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Opens standard output for a while.
///
/// # Errors
/// When the process has none.
pub(super) fn open() -> io::Result<Box<dyn Output>> {
    Ok(Box::new(StandardOutput::open()?))
}

#[cfg(unix)]
use unix::StandardOutput;

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io::{self, Write};
    use std::os::fd::{AsFd, AsRawFd};
    use std::time::Duration;

    use mio::unix::SourceFd;
    use mio::{Events, Interest, Poll, Token};

    use super::Output;

    pub struct StandardOutput {
        /// A descriptor of its own for the same output, without std's buffer.
        file: File,
        poll: Poll,
        events: Events,
        /// Files and some devices cannot be waited for: they always have room.
        waits: bool,
    }

    impl StandardOutput {
        pub fn open() -> io::Result<Self> {
            Self::new(io::stdout().as_fd().try_clone_to_owned()?.into())
        }

        pub fn new(file: File) -> io::Result<Self> {
            let poll = Poll::new()?;
            let descriptor = file.as_raw_fd();
            let waits = poll
                .registry()
                .register(&mut SourceFd(&descriptor), Token(0), Interest::WRITABLE)
                .is_ok();
            Ok(Self {
                file,
                poll,
                events: Events::with_capacity(1),
                waits,
            })
        }
    }

    impl Output for StandardOutput {
        fn has_room(&mut self, within: Duration) -> io::Result<bool> {
            if !self.waits {
                return Ok(true);
            }
            let descriptor = self.file.as_raw_fd();
            // Registered anew, because it tells of changes only.
            self.poll.registry().reregister(
                &mut SourceFd(&descriptor),
                Token(0),
                Interest::WRITABLE,
            )?;
            match self.poll.poll(&mut self.events, Some(within)) {
                Ok(()) => Ok(!self.events.is_empty()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
                Err(error) => Err(error),
            }
        }
    }

    impl Write for StandardOutput {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.file.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
}

/// Without a way to wait: Node makes its pipes blocking there.
#[cfg(not(unix))]
struct StandardOutput(io::Stdout);

#[cfg(not(unix))]
impl StandardOutput {
    fn open() -> io::Result<Self> {
        Ok(Self(io::stdout()))
    }
}

#[cfg(not(unix))]
impl Output for StandardOutput {
    fn has_room(&mut self, _: Duration) -> io::Result<bool> {
        Ok(true)
    }
}

#[cfg(not(unix))]
impl Write for StandardOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.0.flush()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::sync::Arc;
    use std::thread;
    use std::time::Instant;

    use super::*;

    /// Lines of many lengths, some longer than a piece.
    fn lines(count: usize) -> Vec<u8> {
        let line = |n: usize| format!("{n} {}\n", "x".repeat(n * 37 % (3 * PIECE)));
        (0..count).flat_map(|n| line(n).into_bytes()).collect()
    }

    /// A pipe or a socket, blocking or not.
    fn channels() -> Vec<(OwnedFd, OwnedFd, &'static str)> {
        let (reader, writer) = io::pipe().unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (slow, blocked) = UnixStream::pair().unwrap();
        blocked.set_nonblocking(true).unwrap();
        vec![
            (reader.into(), writer.into(), "pipe"),
            (ours.into(), theirs.into(), "socket"),
            (slow.into(), blocked.into(), "non-blocking socket"),
        ]
    }

    fn output(descriptor: OwnedFd) -> unix::StandardOutput {
        unix::StandardOutput::new(File::from(descriptor)).unwrap()
    }

    #[test]
    fn a_slow_reader_gets_everything() {
        for (reader, writer, name) in channels() {
            let expected = lines(2000);
            let reading = thread::spawn(move || {
                let mut reader = File::from(reader);
                let mut read = Vec::new();
                let mut chunk = vec![0; 300_000];
                loop {
                    sleep(Duration::from_millis(5));
                    match reader.read(&mut chunk).unwrap() {
                        0 => return read,
                        count => read.extend_from_slice(&chunk[..count]),
                    }
                }
            });
            let mut out = output(writer);
            let never = AtomicBool::new(false);
            let written = LineWriter::default().write(&mut out, &expected, &never);
            written.unwrap();
            drop(out);
            assert!(reading.join().unwrap() == expected, "{name}");
        }
    }

    #[test]
    fn nobody_is_waited_for_beyond_the_time_and_the_line_is_finished_later() {
        for (reader, writer, name) in channels() {
            let mut writer = output(writer);
            let mut lines_out = LineWriter::default();
            let text = lines(2000);
            let stop = Arc::new(AtomicBool::new(false));
            let stopping = stop.clone();
            let timer = thread::spawn(move || {
                sleep(Duration::from_millis(200));
                stopping.store(true, Ordering::Relaxed);
            });
            let start = Instant::now();
            let error = lines_out.write(&mut writer, &text, &stop).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{name}");
            assert!(start.elapsed() < Duration::from_secs(5), "{name}");
            timer.join().unwrap();

            let reading = thread::spawn(move || {
                let mut read = Vec::new();
                File::from(reader).read_to_end(&mut read).unwrap();
                read
            });
            let never = AtomicBool::new(false);
            lines_out.write(&mut writer, b"next\n", &never).unwrap();
            drop(writer);
            let read = reading.join().unwrap();
            let before = read.strip_suffix(b"next\n").unwrap();
            assert!(before.len() > 10_000 && before.len() < text.len(), "{name}");
            assert!(
                text.starts_with(before) && before.ends_with(b"\n"),
                "{name}"
            );
        }
    }

    #[test]
    fn a_reader_that_has_gone_is_an_error() {
        for (reader, writer, name) in channels() {
            drop(reader);
            let never = AtomicBool::new(false);
            let written = LineWriter::default().write(&mut output(writer), b"line\n", &never);
            assert_eq!(
                written.unwrap_err().kind(),
                io::ErrorKind::BrokenPipe,
                "{name}"
            );
        }
    }

    #[test]
    fn files_and_devices_always_have_room() {
        let path = std::env::temp_dir().join(format!("standard-output-{}", std::process::id()));
        let expected = lines(300);
        let never = AtomicBool::new(false);
        for path in [path.as_path(), "/dev/null".as_ref()] {
            let file = File::create(path).unwrap();
            let mut out = unix::StandardOutput::new(file).unwrap();
            LineWriter::default()
                .write(&mut out, &expected, &never)
                .unwrap();
        }
        assert!(std::fs::read(&path).unwrap() == expected);
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_piece_is_whole_lines_or_part_of_one() {
        let short = b"a\nbc\n";
        assert_eq!(piece(short), short);
        let long = [vec![b'x'; PIECE], b"\nshort\n".to_vec()].concat();
        assert_eq!(piece(&long), &long[..PIECE]);
        assert_eq!(piece(&long[PIECE - 3..]), b"xxx\nshort\n");
        let some = [b"first\n".to_vec(), vec![b'x'; PIECE]].concat();
        assert_eq!(piece(&some), b"first\n");
    }
}
