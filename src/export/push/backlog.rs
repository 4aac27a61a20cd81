//! What waits to be sent, oldest first.

use std::collections::VecDeque;

use super::Batch;

/// A batch that waits.
#[derive(Clone)]
pub(super) struct Waiting {
    pub batch: Batch,
    /// An earlier export could not deliver it.
    pub late: bool,
}

/// A number of batches and of the data points in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amount {
    pub batches: u64,
    pub points: u64,
}

impl Amount {
    pub fn add(&mut self, batches: u64, points: u64) {
        self.batches += batches;
        self.points += points;
    }
}

/// Batches in the order of their collections. Between exports it holds delta data only and at most
/// `limit` bytes of it.
pub(super) struct Backlog {
    waiting: VecDeque<Waiting>,
    limit: usize,
}

impl Backlog {
    pub fn new(limit: usize) -> Self {
        Self {
            waiting: VecDeque::new(),
            limit,
        }
    }

    pub fn push(&mut self, batch: Batch) {
        self.waiting.push_back(Waiting { batch, late: false });
    }

    /// Those that wait, oldest first. Their bodies are shared, not copied.
    pub fn snapshot(&self) -> Vec<Waiting> {
        self.waiting.iter().cloned().collect()
    }

    /// Takes out the one at this place, counted from the oldest.
    pub fn remove(&mut self, place: usize) {
        self.waiting.remove(place);
    }

    pub fn clear(&mut self) {
        self.waiting.clear();
    }

    /// Drops what the next collection supersedes and says how much that was; the rest is late.
    pub fn keep_delta(&mut self) -> Amount {
        let mut superseded = Amount::default();
        self.waiting.retain_mut(|waiting| {
            waiting.late = true;
            if !waiting.batch.delta {
                superseded.add(1, waiting.batch.points);
            }
            waiting.batch.delta
        });
        superseded
    }

    /// Drops the oldest beyond the limit and says how much that was.
    pub fn shrink(&mut self) -> Amount {
        let mut bytes: usize = self.waiting.iter().map(|w| w.batch.body.len()).sum();
        let mut dropped = Amount::default();
        while bytes > self.limit {
            let Some(oldest) = self.waiting.pop_front() else {
                break;
            };
            bytes -= oldest.batch.body.len();
            dropped.add(1, oldest.batch.points);
        }
        dropped
    }

    pub fn total(&self) -> Amount {
        let mut total = Amount::default();
        for waiting in &self.waiting {
            total.add(1, waiting.batch.points);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(bytes: usize, points: u64, delta: bool) -> Batch {
        Batch {
            body: vec![0; bytes].into(),
            points,
            delta,
            unsendable: None,
        }
    }

    #[test]
    fn the_oldest_go_first_when_the_bound_is_passed() {
        let mut backlog = Backlog::new(100);
        for points in 1..=4 {
            backlog.push(batch(40, points, true));
        }
        let dropped = backlog.shrink();
        assert_eq!((dropped.batches, dropped.points), (2, 3));
        assert_eq!(backlog.snapshot()[0].batch.points, 3);
        assert_eq!(backlog.shrink(), Amount::default());
    }

    #[test]
    fn only_delta_data_waits_for_the_next_export() {
        let mut backlog = Backlog::new(100);
        backlog.push(batch(1, 1, true));
        backlog.push(batch(1, 2, false));
        backlog.push(batch(1, 4, true));
        assert!(!backlog.snapshot()[0].late);
        let superseded = backlog.keep_delta();
        assert_eq!((superseded.batches, superseded.points), (1, 2));
        assert_eq!(backlog.total().points, 5);
        assert!(backlog.snapshot()[0].late);
        backlog.remove(1);
        assert_eq!(backlog.total().points, 1);
    }
}
