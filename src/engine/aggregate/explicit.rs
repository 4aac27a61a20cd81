//! Histograms with explicit buckets (Metrics SDK specification, "Explicit bucket histogram
//! aggregation").

use std::ops::Range;
use std::sync::Arc;

use smallvec::SmallVec;

use super::counts::Counts;
use super::{copy, push, Row};

/// Sum, minimum and maximum of what one series recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Head {
    pub sum: f64,
    pub min: f64,
    pub max: f64,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }
}

impl Head {
    pub fn record(&mut self, value: f64) {
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }
}

/// The histograms of one stream, by row.
#[derive(Clone, Debug)]
pub struct Explicit {
    /// Upper bounds, inclusive, ascending, without `+Inf`.
    bounds: Arc<[f64]>,
    heads: Vec<Head>,
    /// One more a row than there are bounds.
    counts: Counts,
}

impl Explicit {
    pub fn new(bounds: Arc<[f64]>) -> Self {
        Self {
            bounds,
            heads: Vec::new(),
            counts: Counts::default(),
        }
    }

    #[cfg(test)]
    pub fn from_parts(bounds: Arc<[f64]>, heads: Vec<Head>, counts: Counts) -> Self {
        Self {
            bounds,
            heads,
            counts,
        }
    }

    pub fn bounds(&self) -> &[f64] {
        &self.bounds
    }

    pub fn head(&self, row: usize) -> Head {
        self.heads[row]
    }

    pub fn counts(&self, row: usize) -> SmallVec<[u64; 17]> {
        self.counts.copy(self.buckets(row))
    }

    fn buckets(&self, row: usize) -> Range<usize> {
        let stride = self.bounds.len() + 1;
        row * stride..(row + 1) * stride
    }

    pub fn push(&mut self) {
        push(&mut self.heads, Head::default());
        let counts = self.heads.len() * (self.bounds.len() + 1);
        self.counts.make_room(counts);
        self.counts.resize(counts);
    }

    pub fn reset(&mut self, row: usize) {
        self.heads[row] = Head::default();
        self.counts.clear(self.buckets(row));
    }

    pub fn record(&mut self, row: usize, value: f64) {
        self.heads[row].record(value);
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        self.counts.add(self.buckets(row).start + bucket, 1);
    }

    /// None yet, of the same shape.
    pub fn empty(&self) -> Self {
        Self::new(self.bounds.clone())
    }

    /// Some rows.
    pub fn copy(&self, rows: &[Row]) -> Self {
        if rows.len() == self.heads.len() {
            return self.clone();
        }
        let mut counts = self.counts.empty(rows.len() * (self.bounds.len() + 1));
        for row in rows {
            counts.extend_from(&self.counts, self.buckets(*row as usize));
        }
        Self {
            bounds: self.bounds.clone(),
            heads: copy(&self.heads, rows),
            counts,
        }
    }
}
