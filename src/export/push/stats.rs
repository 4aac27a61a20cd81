//! Counters of one exporter, for self-metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Data points that left and that did not. Readers may see one counter of an export before the
/// other.
#[derive(Debug, Default)]
pub struct ExporterStats {
    exported: AtomicU64,
    failed: AtomicU64,
    waiting: AtomicU64,
}

impl ExporterStats {
    /// Data points that the receiver has taken.
    pub fn exported_points(&self) -> u64 {
        self.exported.load(Ordering::Relaxed)
    }

    /// Data points that were refused, superseded before they could be delivered, or lost. Those
    /// that wait to be sent again are not among them.
    pub fn failed_points(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    /// Data points that were collected and are neither.
    pub fn waiting_points(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Returns how many waited before.
    pub(super) fn wait(&self, points: u64) -> u64 {
        self.waiting.swap(points, Ordering::Relaxed)
    }

    pub(super) fn exported(&self, points: u64) {
        self.exported.fetch_add(points, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, points: u64) {
        self.failed.fetch_add(points, Ordering::Relaxed);
    }
}
