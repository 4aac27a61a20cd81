//! A fault that lasts, such as a process without file descriptors: said when it begins and when it
//! ends, however often it is met in between.

use std::time::Duration;

use tokio::time::Instant;

/// How long a fault must not have been met to be over: connections come and go, and the last free
/// descriptor with them.
const QUIET: Duration = Duration::from_secs(5);

/// Whether connections cannot be accepted, and since when.
#[derive(Default)]
pub struct Outage {
    current: Option<Current>,
}

struct Current {
    since: Instant,
    last: Instant,
    failures: u64,
    /// It worked after the last failure.
    works: bool,
}

impl Outage {
    /// Notes a failure; `true` for the first of an outage.
    pub fn fail(&mut self) -> bool {
        let now = Instant::now();
        match &mut self.current {
            Some(current) => {
                current.last = now;
                current.failures += 1;
                current.works = false;
                false
            }
            None => {
                self.current = Some(Current {
                    since: now,
                    last: now,
                    failures: 1,
                    works: false,
                });
                true
            }
        }
    }

    pub fn succeed(&mut self) {
        if let Some(current) = &mut self.current {
            current.works = true;
        }
    }

    /// Resolves with how long the outage was, and how many failures it had, once it is over.
    pub async fn over(&mut self) -> (Duration, u64) {
        let Some(current) = self.current.as_ref().filter(|current| current.works) else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(current.last + QUIET).await;
        let over = (current.last - current.since, current.failures);
        self.current = None;
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::testing::block_on;
    use tokio::time::timeout;

    #[test]
    fn an_outage_begins_once_and_is_over_when_it_has_worked_for_a_while() {
        block_on(async {
            let mut outage = Outage::default();
            assert!(outage.fail());
            assert!(!outage.fail());
            timeout(QUIET * 2, outage.over()).await.unwrap_err();
            outage.succeed();
            assert!(!outage.fail());
            outage.succeed();
            let begun = Instant::now();
            assert_eq!(outage.over().await.1, 3);
            assert!(begun.elapsed() >= QUIET);
            assert!(outage.fail());
        });
    }
}
