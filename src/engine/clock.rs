//! Time as points carry it: it follows the wall clock and never goes back.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds since the Unix epoch, as OTLP counts time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

impl From<SystemTime> for Timestamp {
    /// A time before the epoch counts as the epoch.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(nanos(since))
    }
}

static CLOCK: Mutex<Option<Clock>> = Mutex::new(None);

/// The time, later than any this process was told before.
pub fn now() -> Timestamp {
    let mut clock = CLOCK.lock().unwrap_or_else(PoisonError::into_inner);
    let (wall, instant) = (SystemTime::now(), Instant::now());
    match clock.as_mut() {
        Some(clock) => clock.advance(wall, instant),
        None => clock.insert(Clock::new(wall, instant)).last,
    }
}

/// Jumps ahead with the wall clock. Where that was set back it goes on at half the speed until the
/// wall clock has caught up: intervals stay in order, and no difference stays for ever.
struct Clock {
    last: Timestamp,
    read: Instant,
}

impl Clock {
    fn new(wall: SystemTime, instant: Instant) -> Self {
        Self {
            last: wall.into(),
            read: instant,
        }
    }

    fn advance(&mut self, wall: SystemTime, instant: Instant) -> Timestamp {
        let elapsed = nanos(instant.saturating_duration_since(self.read));
        let next = self.last.0.saturating_add((elapsed / 2).max(1));
        self.last = Timestamp::from(wall).max(Timestamp(next));
        self.read = instant;
        self.last
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_time_follows_the_wall_clock() {
        let (wall, instant) = (UNIX_EPOCH + HOUR, Instant::now());
        let mut clock = Clock::new(wall, instant);
        for seconds in 1..10 {
            let passed = SECOND * seconds;
            let told = clock.advance(wall + passed, instant + passed);
            assert_eq!(told, Timestamp::from(wall + passed));
        }
        // Set ahead.
        let told = clock.advance(wall + HOUR, instant + 10 * SECOND);
        assert_eq!(told, Timestamp::from(wall + HOUR));
    }

    #[test]
    fn a_wall_clock_that_is_set_back_is_waited_for() {
        let (wall, instant) = (UNIX_EPOCH + 2 * HOUR, Instant::now());
        let mut clock = Clock::new(wall, instant);
        let mut last = clock.last;
        for seconds in 1..3 * 3600 {
            let passed = SECOND * seconds;
            let told = clock.advance(wall + passed - HOUR, instant + passed);
            assert!(told > last, "{told:?} after {last:?}");
            last = told;
        }
        assert_eq!(last, Timestamp::from(wall - HOUR + SECOND * (3 * 3600 - 1)));
    }

    #[test]
    fn no_two_readings_are_the_same() {
        let (wall, instant) = (UNIX_EPOCH + HOUR, Instant::now());
        let mut clock = Clock::new(wall, instant);
        let first = clock.last;
        let second = clock.advance(wall, instant);
        assert!(second > first);
        let mut last = now();
        for _ in 0..1000 {
            let told = now();
            assert!(told > last);
            last = told;
        }
    }
}
