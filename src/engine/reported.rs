//! Deltas of observable counters.

use std::collections::{HashMap, HashSet};

use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind, Temporality};

use super::canonical::Canonical;
use super::instrument::InstrumentSpec;
use super::plan::StreamPlan;

/// The totals that an observable counter reported, from which its deltas are made.
#[derive(Clone)]
pub struct Reported {
    totals: HashMap<Canonical, f64>,
    monotonic: bool,
    /// What is observed next was counted before anything was to be reported.
    begins: bool,
}

impl Reported {
    /// `None` where the stream has no deltas to make.
    pub fn new(spec: &InstrumentSpec, plan: &StreamPlan) -> Option<Self> {
        let monotonic = spec.kind == InstrumentKind::ObservableCounter;
        let counts = monotonic || spec.kind == InstrumentKind::ObservableUpDownCounter;
        let wanted = counts
            && plan.temporality == Temporality::Delta
            && plan.aggregation == Aggregation::Sum;
        wanted.then(|| Self {
            totals: HashMap::new(),
            monotonic,
            begins: false,
        })
    }

    /// What counts from the next observation on.
    #[must_use]
    pub fn beginning(self) -> Self {
        Self {
            begins: true,
            ..self
        }
    }

    /// A total of a monotonic sum below the one before is that of a counter that started over, and all
    /// new (Metrics data model, "Resets and gaps"). Series that are observed no more are remembered
    /// while they are at most as many as the limit.
    pub fn make_deltas(&mut self, totals: &mut Vec<(Canonical, f64)>, limit: usize) {
        if self.totals.len() > totals.len() + limit {
            let current: HashSet<&Canonical> = totals.iter().map(|(set, _)| set).collect();
            self.totals.retain(|set, _| current.contains(set));
        }
        for (set, total) in totals.iter_mut() {
            let before = self.totals.insert(set.clone(), *total).unwrap_or(0.0);
            if *total >= before || !self.monotonic {
                *total -= before;
            }
        }
        if std::mem::take(&mut self.begins) {
            totals.clear();
        }
    }
}
