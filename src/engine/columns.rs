//! The series of one stream: what they are, since when, and their numbers, in columns. A series is a
//! row; that of one which is gone is given to another.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smallvec::SmallVec;

use super::aggregate::{Counts, Exemplars, Exponential, Head, Misfit, Numbers, Values};
use super::canonical::Canonical;
use super::clock::Timestamp;
use super::points::{
    Attributes, Exemplar, ExponentialBuckets, ExponentialPoint, HistogramPoint, Identity, Number,
    Point, Visit,
};

pub type Row = u32;

/// The columns of a stream, which the engine's thread fills and exporters read. Whoever holds the lock
/// sees every point of one moment, and no series without its first value.
#[derive(Clone)]
pub struct SharedColumns(Arc<Mutex<Columns>>);

impl SharedColumns {
    pub fn new(columns: Columns) -> Self {
        Self(Arc::new(Mutex::new(columns)))
    }

    pub fn lock(&self) -> MutexGuard<'_, Columns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which of the numbers that were recorded are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shown {
    /// Histograms have a sum: where negative values can be recorded it tells nothing (Metrics SDK
    /// specification, "Histogram aggregations").
    pub sum: bool,
    pub min_max: bool,
}

pub struct Columns {
    shown: Shown,
    /// Histograms take the whole part of what is recorded.
    integers: bool,
    /// Attributes; none where the row is free.
    sets: Vec<Option<Canonical>>,
    starts: Vec<Timestamp>,
    /// Whether something was recorded since the last [`take`](Self::take).
    touched: Vec<bool>,
    values: Values,
    exemplars: Exemplars,
    free: Vec<Row>,
}

impl Columns {
    /// Without a row, in the shape of `values` and `exemplars`.
    pub fn new(shown: Shown, integers: bool, values: Values, exemplars: Exemplars) -> Self {
        Self {
            shown,
            integers,
            sets: Vec::new(),
            starts: Vec::new(),
            touched: Vec::new(),
            values,
            exemplars,
            free: Vec::new(),
        }
    }

    /// A row for a series that begins, with nothing recorded in it.
    pub fn insert(&mut self, attributes: Canonical, start: Timestamp) -> Row {
        if let Some(row) = self.free.pop() {
            let at = row as usize;
            self.sets[at] = Some(attributes);
            self.starts[at] = start;
            return row;
        }
        self.sets.push(Some(attributes));
        self.starts.push(start);
        self.touched.push(false);
        self.values.push();
        (self.sets.len() - 1) as Row
    }

    /// # Errors
    /// The value does not fit: it is left out, or cut off at the last integer.
    pub fn record(&mut self, row: Row, value: f64) -> Result<(), Misfit> {
        self.touched[row as usize] = true;
        let value = if self.integers { value.trunc() } else { value };
        self.values.record(row as usize, value)
    }

    /// Replaces a sum or a last value.
    ///
    /// # Errors
    /// The value does not fit: it is left out, or cut off at the last integer.
    pub fn set(&mut self, row: Row, value: f64) -> Result<(), Misfit> {
        self.touched[row as usize] = true;
        self.values.set(row as usize, value)
    }

    /// Offers a value that was recorded in a row as an exemplar of it.
    pub fn offer(&mut self, row: Row, exemplar: Exemplar) {
        if self.sets[row as usize].is_some() {
            self.exemplars.offer(row, exemplar);
        }
    }

    /// A collection of cumulative series has ended. Others may read the same exemplars, so they stay
    /// until there are new ones.
    pub fn begin_interval(&mut self) {
        self.exemplars.begin_interval();
    }

    /// The series of a row is gone; with the last one goes the memory of all.
    pub fn remove(&mut self, row: Row) {
        let at = row as usize;
        if self.sets[at].take().is_some() {
            self.touched[at] = false;
            self.values.reset(at);
            self.exemplars.remove(row);
            self.free.push(row);
        }
        if self.free.len() == self.sets.len() {
            self.clear();
        }
    }

    /// Every series is gone, and its memory.
    pub fn clear(&mut self) {
        *self = Self::new(
            self.shown,
            self.integers,
            self.values.empty(),
            self.exemplars.empty(),
        );
    }

    fn rows(&self, until: Timestamp) -> impl Iterator<Item = usize> + '_ {
        (0..self.sets.len())
            .filter(move |&row| self.sets[row].is_some() && self.starts[row] < until)
    }

    /// Whether a series began before `until`.
    pub fn has_rows(&self, until: Timestamp) -> bool {
        self.rows(until).next().is_some()
    }

    /// All series that began before `until`.
    pub fn copy(&self, until: Timestamp) -> Snapshot {
        self.copy_since(Timestamp::default(), until)
    }

    /// All series, with an interval that began then, unless they began later.
    pub fn copy_since(&self, interval: Timestamp, until: Timestamp) -> Snapshot {
        let mut snapshot = self.snapshot();
        for row in self.rows(until) {
            snapshot.push(self, row, self.starts[row].max(interval), until);
        }
        snapshot
    }

    /// The series in which something was recorded since the last time, which start from nothing
    /// again. Their interval began with the last one, unless they began later, and ends at `until`.
    pub fn take(&mut self, interval: Timestamp, until: Timestamp) -> Snapshot {
        let mut snapshot = self.snapshot();
        for row in 0..self.sets.len() {
            if self.touched[row] && self.sets[row].is_some() {
                snapshot.push(self, row, self.starts[row].max(interval), until);
                self.touched[row] = false;
                self.values.reset(row);
                self.exemplars.remove(row as Row);
            }
        }
        snapshot
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            shown: self.shown,
            sets: Vec::new(),
            starts: Vec::new(),
            values: self.values.empty(),
            exemplars: Vec::new(),
        }
    }
}

/// Some series of a stream, as they were at one moment.
pub struct Snapshot {
    shown: Shown,
    sets: Vec<Canonical>,
    starts: Vec<Timestamp>,
    values: Values,
    /// By row, in ascending order.
    exemplars: Vec<(usize, Vec<Exemplar>)>,
}

impl Snapshot {
    #[cfg(test)]
    pub fn from_parts(
        shown: Shown,
        sets: Vec<Canonical>,
        starts: Vec<Timestamp>,
        values: Values,
    ) -> Self {
        Self {
            shown,
            sets,
            starts,
            values,
            exemplars: Vec::new(),
        }
    }

    /// As if a row had these exemplars; rows come in ascending order.
    #[cfg(test)]
    pub fn with_exemplars(mut self, row: usize, exemplars: Vec<Exemplar>) -> Self {
        self.exemplars.push((row, exemplars));
        self
    }

    /// As if all series had begun then.
    #[cfg(test)]
    pub fn started(mut self, start: Timestamp) -> Self {
        self.starts.fill(start);
        self
    }

    fn push(&mut self, columns: &Columns, row: usize, start: Timestamp, until: Timestamp) {
        if let Some(attributes) = &columns.sets[row] {
            if !columns.exemplars.is_empty() {
                self.push_exemplars(columns.exemplars.of(row as Row), start, until);
            }
            self.sets.push(attributes.clone());
            self.starts.push(start);
            self.values.copy(&columns.values, row);
        }
    }

    /// Exemplars of the next row. Event loops tell the time in milliseconds: one may seem to be older
    /// than its series.
    fn push_exemplars<'e>(
        &mut self,
        exemplars: impl Iterator<Item = &'e Exemplar>,
        start: Timestamp,
        until: Timestamp,
    ) {
        let exemplars = exemplars.filter(|exemplar| exemplar.time <= until);
        let within = exemplars.map(|exemplar| Exemplar {
            time: exemplar.time.max(start),
            ..exemplar.clone()
        });
        let within: Vec<Exemplar> = within.collect();
        if !within.is_empty() {
            self.exemplars.push((self.sets.len(), within));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    pub fn for_each<'r>(&'r self, visit: &mut Visit<'_, 'r>) -> ControlFlow<()> {
        let mut exemplars = self.exemplars.iter().peekable();
        (0..self.sets.len()).try_for_each(|row| {
            let own = exemplars.next_if(|(of, _)| *of == row);
            let identity = Identity {
                attributes: Attributes::Recorded(&self.sets[row]),
                start: self.starts[row],
                exemplars: own.map(|(_, own)| &own[..]).unwrap_or_default(),
            };
            match &self.values {
                Values::Sums(numbers) | Values::Latest(numbers) => {
                    let number = match numbers {
                        Numbers::Double(values) => Number::Double(values[row]),
                        Numbers::Int(values) => Number::Int(values[row]),
                    };
                    visit(&identity, Point::Number(number))
                }
                Values::Explicit(histograms) => {
                    let mut bucket_counts: SmallVec<_> = histograms.counts(row).collect();
                    let count = bucket_counts.iter().sum();
                    if histograms.bounds().is_empty() {
                        bucket_counts.clear();
                    }
                    let (sum, min, max) = self.head(&histograms.head(row), count);
                    let point = HistogramPoint {
                        count,
                        sum,
                        min,
                        max,
                        bounds: histograms.bounds(),
                        bucket_counts,
                    };
                    visit(&identity, Point::Explicit(&point))
                }
                Values::Exponential(shape, histograms) => {
                    let point = match &histograms[row] {
                        Some(histogram) => self.exponential(histogram),
                        None => self.exponential(&Exponential::new(*shape)),
                    };
                    visit(&identity, Point::Exponential(&point))
                }
            }
        })
    }

    /// Sum, minimum and maximum, where they mean something and are wanted.
    fn head(&self, head: &Head, count: u64) -> (Option<f64>, Option<f64>, Option<f64>) {
        let min_max = self.shown.min_max && count > 0;
        (
            self.shown.sum.then_some(head.sum),
            min_max.then_some(head.min),
            min_max.then_some(head.max),
        )
    }

    fn exponential(&self, histogram: &Exponential) -> ExponentialPoint {
        let count = histogram.count();
        let (sum, min, max) = self.head(&histogram.head, count);
        let buckets = |offset: i32, counts: &Counts| ExponentialBuckets {
            offset,
            counts: counts.iter(0..counts.len()).collect(),
        };
        ExponentialPoint {
            count,
            sum,
            min,
            max,
            scale: histogram.scale.into(),
            zero_count: histogram.zero_count,
            zero_threshold: 0.0,
            positive: buckets(histogram.positive.offset, &histogram.positive.counts),
            negative: buckets(histogram.negative.offset, &histogram.negative.counts),
        }
    }
}
