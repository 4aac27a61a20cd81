//! The series of one stream: what they are, since when, and their numbers, in columns. A series is a
//! row; that of one which is gone is given to another.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::aggregate::{Counts, Exemplars, Exponential, Head, Misfit, Numbers, Values};
use super::canonical::Canonical;
use super::clock::Timestamp;
use super::interned::Attribute;
use super::points::{
    Attributes, Exemplar, ExponentialBuckets, ExponentialPoint, HistogramPoint, Identity, Number,
    Point, ValueKind, Visit,
};

pub type Row = u32;

/// Points whose attribute sets are looked up at a time: each lies somewhere else in memory, and the
/// processor waits for one as long as for all of them.
const BLOCK: usize = 16;

/// The most examples of attribute sets that are remembered.
const EXAMPLES: usize = 32;

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

/// Whose a row is, and since when.
#[derive(Clone)]
struct Origin {
    /// None where the row is free.
    attributes: Option<Canonical>,
    start: Timestamp,
}

impl Origin {
    /// Of a series that began before `until`.
    fn is_shown(&self, until: Timestamp) -> bool {
        self.attributes.is_some() && self.start < until
    }
}

/// The origins of all rows of a stream.
#[derive(Clone, Default)]
struct Origins {
    rows: Vec<Origin>,
    /// See [`examples`](Self::examples).
    examples: OnceLock<Option<Box<[Row]>>>,
}

impl Origins {
    fn new(rows: Vec<Origin>) -> Self {
        Self {
            rows,
            examples: OnceLock::new(),
        }
    }

    fn attributes(&self, row: Row) -> &[Attribute] {
        let attributes = &self.rows[row as usize].attributes;
        attributes.as_deref().unwrap_or_default()
    }

    /// Rows, one for every combination of keys and kinds of values that any row has; none where those
    /// are too many. Looked up once: every scrape would otherwise, of series that seldom change.
    fn examples(&self) -> Option<&[Row]> {
        let find = || {
            let mut examples: Vec<Row> = Vec::new();
            for (row, origin) in (0..).zip(&self.rows) {
                let Some(attributes) = &origin.attributes else {
                    continue;
                };
                let is_like = |other: &Row| are_alike(attributes, self.attributes(*other));
                match examples.iter().rposition(is_like) {
                    // The last one is looked at first: neighbours are often alike.
                    Some(at) => examples[at..].rotate_left(1),
                    None if examples.len() < EXAMPLES => examples.push(row),
                    None => return None,
                }
            }
            Some(examples.into())
        };
        self.examples.get_or_init(find).as_deref()
    }
}

/// Whether two sets have the same keys, with values of the same kinds.
fn are_alike(a: &[Attribute], b: &[Attribute]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a == b || (a.has_key_of(b) && ValueKind::of(&a.value) == ValueKind::of(&b.value))
        })
}

pub struct Columns {
    shown: Shown,
    /// Histograms take the whole part of what is recorded.
    integers: bool,
    /// Shared with snapshots: whoever exports need not copy what seldom changes.
    origins: Arc<Origins>,
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
            origins: Arc::default(),
            touched: Vec::new(),
            values,
            exemplars,
            free: Vec::new(),
        }
    }

    /// A row for a series that begins, with nothing recorded in it.
    pub fn insert(&mut self, attributes: Canonical, start: Timestamp) -> Row {
        let origin = Origin {
            attributes: Some(attributes),
            start,
        };
        let free = self.free.pop();
        let origins = self.origins_mut();
        if let Some(row) = free {
            origins[row as usize] = origin;
            return row;
        }
        let row = origins.len() as Row;
        push(origins, origin);
        push(&mut self.touched, false);
        self.values.push();
        row
    }

    /// To change them: what is known of them as they were no longer holds.
    fn origins_mut(&mut self) -> &mut Vec<Origin> {
        let origins = Arc::make_mut(&mut self.origins);
        origins.examples.take();
        &mut origins.rows
    }

    /// # Errors
    /// The value does not fit: it is left out, or cut off at the last integer.
    pub fn record(&mut self, row: Row, value: f64) -> Result<(), Misfit> {
        self.touched[row as usize] = true;
        let value = if self.integers { value.trunc() } else { value };
        self.values.record(row as usize, value)
    }

    /// Records many, in their order: a value for each row.
    ///
    /// # Errors
    /// The last one that does not fit. The others are taken on.
    pub fn record_all(&mut self, rows: &[Row], values: &[f64]) -> Result<(), (Misfit, f64)> {
        for &row in rows {
            self.touched[row as usize] = true;
        }
        // Sums and last values of integers take the whole part themselves.
        if self.integers && self.values.are_histograms() {
            let whole: Vec<f64> = values.iter().map(|value| value.trunc()).collect();
            return self.values.record_all(rows, &whole);
        }
        self.values.record_all(rows, values)
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
        if self.origins.rows[row as usize].attributes.is_some() {
            self.exemplars.offer(row, exemplar);
        }
    }

    /// What a reservoir somewhere else keeps of a row's values from now on.
    pub fn give(&mut self, row: Row, exemplars: Vec<Exemplar>) {
        if self.origins.rows[row as usize].attributes.is_some() {
            self.exemplars.give(row, exemplars);
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
        if self.origins.rows[at].attributes.is_some() {
            self.origins_mut()[at].attributes = None;
            self.touched[at] = false;
            self.values.reset(at);
            self.exemplars.remove(row);
            self.free.push(row);
        }
        if self.free.len() == self.origins.rows.len() {
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

    fn rows(&self, until: Timestamp) -> impl Iterator<Item = Row> + '_ {
        let shown = (0..).zip(&self.origins.rows);
        let shown = shown.filter(move |(_, origin)| origin.is_shown(until));
        shown.map(|(row, _)| row)
    }

    /// Whether a series that `keeps` takes began before `until`.
    pub fn has_rows(&self, until: Timestamp, keeps: &dyn Fn(Attributes<'_>) -> bool) -> bool {
        self.rows(until)
            .any(|row| keeps(Attributes::Recorded(self.origins.attributes(row))))
    }

    /// Gives the attributes of every series to `visit`.
    pub fn for_each_series(&self, visit: &mut dyn FnMut(&Canonical)) {
        let origins = self.origins.rows.iter();
        origins
            .filter_map(|origin| origin.attributes.as_ref())
            .for_each(visit);
    }

    /// All series that began before `until`.
    pub fn copy(&self, until: Timestamp) -> Snapshot {
        self.copy_since(Timestamp::default(), until)
    }

    /// All series, with an interval that began then, unless they began later.
    pub fn copy_since(&self, interval: Timestamp, until: Timestamp) -> Snapshot {
        let origins = &self.origins.rows;
        let rows = match origins.iter().all(|origin| origin.is_shown(until)) {
            true => Rows::All(origins.len()),
            false => Rows::These(self.rows(until).collect()),
        };
        self.snapshot(rows, interval, until)
    }

    /// The series in which something was recorded since the last time, which start from nothing
    /// again. Their interval began with the last one, unless they began later, and ends at `until`.
    pub fn take(&mut self, interval: Timestamp, until: Timestamp) -> Snapshot {
        let is_touched = |row: &Row| {
            let at = *row as usize;
            self.touched[at] && self.origins.rows[at].attributes.is_some()
        };
        let all = 0..self.origins.rows.len() as Row;
        let rows: Vec<Row> = all.filter(is_touched).collect();
        let snapshot = self.snapshot(Rows::These(rows.clone()), interval, until);
        for &row in &rows {
            self.touched[row as usize] = false;
            self.values.reset(row as usize);
            self.exemplars.remove(row);
        }
        snapshot
    }

    fn snapshot(&self, rows: Rows, interval: Timestamp, until: Timestamp) -> Snapshot {
        let mut exemplars = Vec::new();
        if !self.exemplars.is_empty() {
            for (at, row) in rows.iter().enumerate() {
                let start = self.origins.rows[row as usize].start.max(interval);
                let own = exemplars_within(self.exemplars.of(row), start, until);
                if !own.is_empty() {
                    exemplars.push((at, own));
                }
            }
        }
        let values = match &rows {
            Rows::All(_) => self.values.clone(),
            Rows::These(rows) => self.values.copy(rows),
        };
        // Of few, so that the stream need not copy all of them when it changes.
        let (origins, rows) = match rows.len() < self.origins.rows.len() / 4 {
            true => {
                let own = rows
                    .iter()
                    .map(|row| self.origins.rows[row as usize].clone());
                (Arc::new(Origins::new(own.collect())), Rows::All(rows.len()))
            }
            false => (self.origins.clone(), rows),
        };
        Snapshot {
            shown: self.shown,
            origins,
            rows,
            values,
            interval,
            exemplars,
        }
    }
}

/// Lets a column become so long. A long column gets room for a quarter more: of as much again, half
/// would stay empty.
pub fn make_room<T>(column: &mut Vec<T>, len: usize) {
    const LONG: usize = 1024;
    let now = column.len();
    if len > column.capacity() && now >= LONG {
        column.reserve_exact((len - now).max(now / 4));
    }
}

pub fn push<T>(column: &mut Vec<T>, value: T) {
    make_room(column, column.len() + 1);
    column.push(value);
}

/// Exemplars that lie within a point's interval. Event loops tell the time in milliseconds: one may
/// seem to be older than its series.
fn exemplars_within<'e>(
    exemplars: impl Iterator<Item = &'e Exemplar>,
    start: Timestamp,
    until: Timestamp,
) -> Vec<Exemplar> {
    let exemplars = exemplars.filter(|exemplar| exemplar.time <= until);
    let within = exemplars.map(|exemplar| Exemplar {
        time: exemplar.time.max(start),
        ..exemplar.clone()
    });
    within.collect()
}

/// Where the series of each point is.
enum Rows {
    /// One after the other, so many.
    All(usize),
    These(Vec<Row>),
}

impl Rows {
    fn len(&self) -> usize {
        match self {
            Rows::All(len) => *len,
            Rows::These(rows) => rows.len(),
        }
    }

    fn get(&self, point: usize) -> Row {
        match self {
            Rows::All(_) => point as Row,
            Rows::These(rows) => rows[point],
        }
    }

    fn iter(&self) -> impl Iterator<Item = Row> + '_ {
        (0..self.len()).map(|point| self.get(point))
    }
}

/// Some series of a stream, as they were at one moment.
pub struct Snapshot {
    shown: Shown,
    /// Those of the stream, where it has not changed since.
    origins: Arc<Origins>,
    rows: Rows,
    /// Began then, unless the series began later.
    interval: Timestamp,
    /// One for each point.
    values: Values,
    /// By point, in ascending order.
    exemplars: Vec<(usize, Vec<Exemplar>)>,
}

impl Snapshot {
    /// The only one of it.
    #[cfg(test)]
    pub fn unshared(self: Arc<Self>) -> Self {
        match Arc::try_unwrap(self) {
            Ok(snapshot) => snapshot,
            Err(_) => panic!("somebody else has it"),
        }
    }

    #[cfg(test)]
    pub fn from_parts(
        shown: Shown,
        sets: Vec<Canonical>,
        starts: Vec<Timestamp>,
        values: Values,
    ) -> Self {
        let origins: Vec<Origin> = sets
            .into_iter()
            .zip(starts)
            .map(|(attributes, start)| Origin {
                attributes: Some(attributes),
                start,
            })
            .collect();
        Self {
            shown,
            rows: Rows::All(origins.len()),
            origins: Arc::new(Origins::new(origins)),
            interval: Timestamp::default(),
            values,
            exemplars: Vec::new(),
        }
    }

    /// As if a point had these exemplars; points come in ascending order.
    #[cfg(test)]
    pub fn with_exemplars(mut self, point: usize, exemplars: Vec<Exemplar>) -> Self {
        self.exemplars.push((point, exemplars));
        self
    }

    /// As if all series had begun then.
    #[cfg(test)]
    pub fn started(mut self, start: Timestamp) -> Self {
        for origin in &mut Arc::make_mut(&mut self.origins).rows {
            origin.start = start;
        }
        self.interval = start;
        self
    }

    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// Gives attributes to `visit`, until it breaks: for every point some with its keys and kinds of
    /// values, perhaps those of another series, perhaps of one without a point.
    pub fn for_each_kind<'r>(
        &'r self,
        visit: &mut dyn FnMut(Attributes<'r>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut visit = |row| visit(Attributes::Recorded(self.origins.attributes(row)));
        match self.origins.examples() {
            Some(examples) => examples.iter().copied().try_for_each(&mut visit),
            None => self.rows.iter().try_for_each(&mut visit),
        }
    }

    pub fn for_each<'r>(&'r self, visit: &mut Visit<'_, 'r>) -> ControlFlow<()> {
        let mut exemplars = self.exemplars.iter().peekable();
        (0..self.rows.len()).step_by(BLOCK).try_for_each(|first| {
            let points = first..self.rows.len().min(first + BLOCK);
            let mut sets: [&[Attribute]; BLOCK] = [&[]; BLOCK];
            for (set, at) in sets.iter_mut().zip(points.clone()) {
                *set = self.origins.attributes(self.rows.get(at));
            }
            points.zip(sets).try_for_each(|(at, attributes)| {
                let own = exemplars.next_if(|(of, _)| *of == at);
                let start = self.origins.rows[self.rows.get(at) as usize].start;
                let identity = Identity {
                    attributes: Attributes::Recorded(attributes),
                    start: start.max(self.interval),
                    exemplars: own.map(|(_, own)| &own[..]).unwrap_or_default(),
                };
                self.visit_point(at, &identity, visit)
            })
        })
    }

    fn visit_point<'r>(
        &'r self,
        at: usize,
        identity: &Identity<'r>,
        visit: &mut Visit<'_, 'r>,
    ) -> ControlFlow<()> {
        match &self.values {
            Values::Sums(numbers) | Values::Latest(numbers) => {
                let number = match numbers {
                    Numbers::Double(values) => Number::Double(values[at]),
                    Numbers::Int(values) => Number::Int(values[at]),
                };
                visit(identity, Point::Number(number))
            }
            Values::Explicit(histograms) => {
                let mut bucket_counts = histograms.counts(at);
                let count = bucket_counts.iter().sum();
                if histograms.bounds().is_empty() {
                    bucket_counts.clear();
                }
                let (sum, min, max) = self.head(&histograms.head(at), count);
                let point = HistogramPoint {
                    count,
                    sum,
                    min,
                    max,
                    bounds: histograms.bounds(),
                    bucket_counts,
                };
                visit(identity, Point::Explicit(&point))
            }
            Values::Exponential(shape, histograms) => {
                let point = match &histograms[at] {
                    Some(histogram) => self.exponential(histogram),
                    None => self.exponential(&Exponential::new(*shape)),
                };
                visit(identity, Point::Exponential(&point))
            }
        }
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

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;

    use super::*;

    fn set(number: i64) -> Canonical {
        Canonical::from_iter([KeyValue::new("number", number)])
    }

    fn columns(series: i64) -> Columns {
        let shown = Shown {
            sum: true,
            min_max: true,
        };
        let values = Values::Sums(Numbers::Int(Vec::new()));
        let mut columns = Columns::new(shown, true, values, Exemplars::of_size(1, false));
        for number in 0..series {
            let row = columns.insert(set(number), Timestamp::default());
            columns.record(row, number as f64).unwrap();
        }
        columns
    }

    /// Attribute and value of every point.
    fn points(snapshot: &Snapshot) -> Vec<(String, f64)> {
        let mut points = Vec::new();
        let _ = snapshot.for_each(&mut |identity, point| {
            if let Point::Number(value) = point {
                let attribute = identity.attributes.get(0);
                points.push((attribute.value.to_string(), value.as_f64()));
            }
            ControlFlow::Continue(())
        });
        points
    }

    fn expected(numbers: impl IntoIterator<Item = i64>) -> Vec<(String, f64)> {
        let point = |number: i64| (number.to_string(), number as f64);
        numbers.into_iter().map(point).collect()
    }

    #[test]
    fn a_snapshot_stays_as_it_was_while_series_come_and_go() {
        let mut columns = columns(8);
        let snapshot = columns.copy(crate::engine::clock::now());
        columns.remove(3);
        let row = columns.insert(set(100), Timestamp::default());
        columns.record(row, 7.0).unwrap();
        columns.record(0, 7.0).unwrap();
        assert_eq!(points(&snapshot), expected(0..8));
        columns.clear();
        assert_eq!(points(&snapshot), expected(0..8));
    }

    #[test]
    fn the_touched_series_are_taken_be_they_all_most_or_few() {
        let mut columns = columns(40);
        let now = crate::engine::clock::now();
        let all = columns.take(Timestamp::default(), now);
        assert_eq!(points(&all), expected(0..40));
        for touched in [vec![5, 21], (3..40).collect()] {
            for &number in &touched {
                columns.record(number as Row, number as f64).unwrap();
            }
            let taken = columns.take(Timestamp::default(), now);
            assert_eq!(points(&taken), expected(touched));
        }
        assert!(columns.take(Timestamp::default(), now).is_empty());
    }
}
