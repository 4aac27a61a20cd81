//! Warnings about data that cannot be exposed: each said once, not once a scrape.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::log::Logger;

/// Metric names come from the program, so what is remembered about them needs a bound.
const MOST: usize = 512;

/// Says a thing the first time only. Clones share their memory.
#[derive(Clone, Default)]
pub struct Notices {
    logger: Logger,
    said: Arc<Mutex<HashSet<String>>>,
}

impl Notices {
    pub fn new(logger: Logger) -> Self {
        Self {
            logger,
            said: Arc::default(),
        }
    }

    /// Warns with `message` unless it has been said before.
    pub fn warn(&self, message: String) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() < MOST && !said.contains(&message) {
            self.logger.warn(message.clone());
            said.insert(message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_said_once_and_their_number_is_bounded() {
        let logger = Logger::default();
        let notices = Notices::new(logger.clone());
        for _ in 0..3 {
            notices.warn("same".to_owned());
        }
        assert_eq!(logger.drain().len(), 1);
        let clone = notices.clone();
        for index in 0..2 * MOST {
            clone.warn(index.to_string());
        }
        assert!(logger.drain().len() < MOST);
    }
}
