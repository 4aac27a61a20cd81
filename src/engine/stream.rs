//! One metric stream: the series of an instrument as a view shows them, in columns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind, Temporality};

use super::aggregate::{Exemplars, Numbers, Reservoir, Shape, Values};
use super::canonical::{cut, is_overflow, overflow_attributes, Canonical};
use super::clock::{self, Timestamp};
use super::collection::{Metric, PageNaming, Source};
use super::columns::{make_room, Columns, Row, SharedColumns, Shown, Snapshot};
use super::filter::{MetricKey, SeriesFilter};
use super::instrument::{InstrumentSpec, ValueType};
use super::known::Observed;
use super::plan::StreamPlan;
use super::points::{Exemplar, Kind, Number};
use super::reported::Reported;
use super::series::{Recorded, SeriesId};

pub struct Stream {
    plan: StreamPlan,
    spec: Arc<InstrumentSpec>,
    name: Arc<str>,
    unit: Arc<str>,
    columns: SharedColumns,
    /// When the last collection ended, and the next interval began.
    collected: Timestamp,
    /// Series were removed since then.
    removed: bool,
    /// Series, for the limit.
    live: usize,
    /// Takes what exceeds the limit.
    overflow: Option<Row>,
    /// The row of each of the instrument's series, from its first value on: one that was only
    /// registered is not shown.
    rows: Vec<Row>,
    /// The series by what the stream keeps of them: where that is not whole sets, and of observable
    /// instruments.
    bound: HashMap<Canonical, Bound>,
    /// Delta series released since the last collection: one that comes back must add to what was not
    /// exported yet, not stand beside it.
    lingering: HashMap<Canonical, Row>,
    /// Observable counters under delta temporality: what was observed before.
    reported: Option<Reported>,
    /// What was observed last, by environments.
    observed: Vec<Observed>,
}

/// Of a series without one.
const NO_ROW: Row = Row::MAX;

/// A series that several of the instrument's may lead to: a filter can make them equal.
struct Bound {
    row: Row,
    bindings: u32,
}

impl Stream {
    pub fn new(spec: Arc<InstrumentSpec>, plan: StreamPlan) -> Self {
        Self {
            reported: Reported::new(&spec, &plan),
            name: Arc::from(plan.name.as_str()),
            unit: Arc::from(plan.unit.as_str()),
            columns: SharedColumns::new(columns(&spec, &plan)),
            collected: spec.created,
            removed: false,
            plan,
            spec,
            live: 0,
            overflow: None,
            rows: Vec::new(),
            bound: HashMap::new(),
            lingering: HashMap::new(),
            observed: Vec::new(),
        }
    }

    pub fn plan(&self) -> &StreamPlan {
        &self.plan
    }

    /// A stream that begins while its instrument is in use, after `before` if that was there.
    pub fn succeeding(
        spec: Arc<InstrumentSpec>,
        plan: StreamPlan,
        before: Option<&Self>,
        time: Timestamp,
    ) -> Self {
        let mut stream = Self::new(spec, plan);
        if !stream.spec.is_observable() {
            stream.collected = time;
        } else if let Some(reported) = stream.reported.take() {
            // What was reported is not reported again.
            stream.collected = before.map_or(time, |before| before.collected);
            stream.reported = Some(match before {
                Some(before) => stream.reported_after(before, reported),
                None => reported.beginning(),
            });
        }
        stream
    }

    /// What an observable counter reported through another stream, as this one would have; `nothing`
    /// is what it has reported itself.
    fn reported_after(&self, before: &Self, nothing: Reported) -> Reported {
        let same = self.plan.attributes == before.plan.attributes;
        match &before.reported {
            Some(reported) if same => reported.clone(),
            _ => {
                let mut reported = nothing;
                let mut totals = self.merge(&before.observed);
                reported.make_deltas(&mut totals, self.plan.cardinality_limit);
                reported
            }
        }
    }

    /// Goes on under a plan that [continues](StreamPlan::continues) the one before.
    pub fn go_on(&mut self, plan: StreamPlan) {
        self.plan = plan;
    }

    /// What was recorded and not exported, where that cannot be observed again.
    pub fn end(mut self, description: &Arc<str>, time: Timestamp) -> Option<Metric> {
        match self.spec.is_observable() {
            true => None,
            false => self.collect(description, time),
        }
    }

    /// What a cumulative stream has counted up to now, for readers that leave it; its columns stay. What is
    /// observed is observed again.
    pub fn so_far(&self, description: &Arc<str>, time: Timestamp) -> Option<Metric> {
        if self.spec.is_observable() || !self.is_cumulative() {
            return None;
        }
        let snapshot = self.columns.lock().copy(time);
        Some(self.metric(description, time, Source::Read(Arc::new(snapshot))))
    }

    /// Moves the stream to other pipelines (a bit set).
    pub fn assign(&mut self, pipelines: u32) {
        self.plan.pipelines = pipelines;
    }

    pub fn is_cumulative(&self) -> bool {
        self.plan.temporality != Temporality::Delta
    }

    pub fn columns(&self) -> &SharedColumns {
        &self.columns
    }

    /// What the stream keeps of a series' attributes.
    fn project(&self, attributes: &Canonical) -> Canonical {
        // A filter is for what programs record: the overflow series stays what it is.
        if self.plan.keeps_sets() || is_overflow(attributes) {
            attributes.clone()
        } else {
            attributes
                .iter()
                .filter(|kv| self.plan.attributes.keeps(kv.key.as_str()))
                .map(|kv| cut(kv, self.plan.value_length))
                .collect()
        }
    }

    /// The row of one of the instrument's series, if it has one.
    pub fn row(&self, series: SeriesId) -> Option<Row> {
        let row = self.rows.get(series as usize).copied();
        row.filter(|row| *row != NO_ROW)
    }

    /// The row of one of the instrument's series, as [`bind`](Self::bind) has it.
    pub fn bind_series(
        &mut self,
        columns: &mut Columns,
        series: SeriesId,
        attributes: &Canonical,
    ) -> Row {
        if let Some(row) = self.row(series) {
            return row;
        }
        let row = self.bind(columns, attributes);
        let at = series as usize;
        if self.rows.len() <= at {
            make_room(&mut self.rows, at + 1);
            self.rows.resize(at + 1, NO_ROW);
        }
        self.rows[at] = row;
        row
    }

    /// The row of a set; past the cardinality limit that of the overflow series. `columns` are the
    /// stream's own: no reader finds the row without the value that follows.
    pub fn bind(&mut self, columns: &mut Columns, attributes: &Canonical) -> Row {
        let attributes = self.project(attributes);
        if let Some(known) = self.bound.get_mut(&attributes) {
            known.bindings += 1;
            return known.row;
        }
        if self.live >= self.plan.cardinality_limit || is_overflow(&attributes) {
            return self.overflow(columns);
        }
        let row = match self.lingering.remove(&attributes) {
            Some(row) => row,
            None => columns.insert(attributes.clone(), self.start()),
        };
        self.live += 1;
        if !self.plan.keeps_sets() || self.spec.is_observable() {
            self.bound.insert(attributes, Bound { row, bindings: 1 });
        }
        row
    }

    fn overflow(&mut self, columns: &mut Columns) -> Row {
        let start = self.start();
        *self
            .overflow
            .get_or_insert_with(|| columns.insert(overflow_attributes(), start))
    }

    /// The first moment at which what a new series counts can have been recorded: after the last
    /// collection (Metrics SDK specification, "Start timestamps"). One that was removed since then
    /// begins when it is here again.
    fn start(&self) -> Timestamp {
        match self.removed {
            true => clock::now(),
            false => self.collected,
        }
    }

    /// Offers a value as an exemplar of a row, with what the stream does not keep of its series'
    /// attributes. Those of `exemplar` are what no stream keeps.
    pub fn offer(&self, row: Row, attributes: &Canonical, exemplar: &Exemplar) {
        if self.plan.function_reservoir().is_some() {
            return;
        }
        let filter = &self.plan.attributes;
        let dropped = attributes
            .iter()
            .filter(|kv| !filter.keeps(kv.key.as_str()) && !is_overflow(attributes))
            .map(|kv| &**kv);
        let exemplar = Exemplar {
            value: self.number(exemplar.value),
            attributes: dropped.chain(&exemplar.attributes).cloned().collect(),
            ..*exemplar
        };
        self.columns.lock().offer(row, exemplar);
    }

    /// A number of the instrument's type.
    fn number(&self, value: Number) -> Number {
        match self.spec.value_type {
            ValueType::Double => Number::Double(value.as_f64()),
            ValueType::Int => Number::Int(value.as_f64() as i64),
        }
    }

    /// Takes what a reservoir of the program's keeps of a series, with attributes that the series does not
    /// have. `series` is the instrument's, where the stream keeps whole sets.
    pub fn give(&mut self, attributes: &Canonical, series: Option<SeriesId>, given: &[Exemplar]) {
        let is_beyond = is_overflow(attributes) || self.live >= self.plan.cardinality_limit;
        let known = self.bound.get(attributes).map(|known| known.row);
        let row = known
            .or_else(|| self.lingering.get(attributes).copied())
            .or_else(|| self.row(series?))
            .or(self.overflow.filter(|_| is_beyond));
        let Some(row) = row else {
            return;
        };
        let exemplars = given.iter().map(|exemplar| Exemplar {
            value: self.number(exemplar.value),
            ..exemplar.clone()
        });
        let exemplars = exemplars.collect();
        self.columns.lock().give(row, exemplars);
    }

    /// Takes one of the instrument's series out. `forget` says that the program removed it, and does
    /// not want to see what it counted so far.
    pub fn release(&mut self, series: SeriesId, attributes: &Canonical, forget: bool) {
        let Some(row) = self.row(series) else {
            return;
        };
        self.rows[series as usize] = NO_ROW;
        if self.overflow == Some(row) {
            return;
        }
        let attributes = self.project(attributes);
        if let Some(known) = self.bound.get_mut(&attributes) {
            known.bindings -= 1;
            if known.bindings > 0 {
                return;
            }
            self.bound.remove(&attributes);
        }
        self.live -= 1;
        if self.is_cumulative() {
            if forget {
                self.columns.lock().remove(row);
                self.removed = true;
            }
        } else {
            self.lingering.insert(attributes, row);
        }
    }

    /// Takes everything out of a cumulative stream.
    pub fn clear(&mut self) {
        self.columns.lock().clear();
        self.rows = Vec::new();
        self.live = 0;
        self.overflow = None;
        self.bound.clear();
        self.removed = true;
    }

    /// Takes on what an observable instrument reports until the next call: one value per attribute
    /// set, sums added up over the sets that the stream's filter makes equal, gauges the last.
    pub fn observe(&mut self, parts: &[Observed]) -> Recorded {
        let same = |(known, new): (&Observed, &Observed)| Arc::ptr_eq(known, new);
        let unchanged =
            self.observed.len() == parts.len() && self.observed.iter().zip(parts).all(same);
        if unchanged {
            return Ok(());
        }
        self.observed = parts.to_vec();
        let mut merged = self.merge(parts);
        let adds_up = self.adds_up();
        let limit = self.plan.cardinality_limit;
        let grows = self.reported.is_some();
        if let Some(reported) = &mut self.reported {
            reported.make_deltas(&mut merged, limit);
        }
        if !grows {
            limit_sets(&mut merged, limit, adds_up);
            self.forget_others(&merged);
        }
        let shared = self.columns.clone();
        let mut columns = shared.lock();
        let mut outcome = Ok(());
        for (attributes, value) in &merged {
            let row = match self.bound.get(attributes) {
                Some(known) => known.row,
                None => self.bind(&mut columns, attributes),
            };
            let recorded = match grows {
                true => columns.record(row, *value),
                false => columns.set(row, *value),
            };
            if let Err(misfit) = recorded {
                outcome = Err((misfit, *value));
            }
        }
        outcome
    }

    fn adds_up(&self) -> bool {
        self.plan.aggregation == Aggregation::Sum
    }

    /// One value for each set that the stream keeps.
    fn merge(&self, parts: &[Observed]) -> Vec<(Canonical, f64)> {
        let values = || parts.iter().flat_map(|part| part.iter());
        let adds_up = self.adds_up();
        let mut merged: Vec<(Canonical, f64)> = Vec::with_capacity(values().count());
        let mut index: HashMap<Canonical, usize> = HashMap::with_capacity(merged.capacity());
        for (attributes, value) in values() {
            let attributes = self.project(attributes);
            match index.get(&attributes) {
                Some(&at) if adds_up => merged[at].1 += value,
                Some(&at) => merged[at].1 = *value,
                None => {
                    index.insert(attributes.clone(), merged.len());
                    merged.push((attributes, *value));
                }
            }
        }
        merged
    }

    /// Lets the series go that were not observed again.
    fn forget_others(&mut self, observed: &[(Canonical, f64)]) {
        let overflows = observed.iter().any(|(set, _)| is_overflow(set));
        let mut columns = self.columns.lock();
        if !overflows {
            if let Some(row) = self.overflow.take() {
                columns.remove(row);
            }
        }
        if self.bound.len() + usize::from(overflows) == observed.len()
            && observed
                .iter()
                .all(|(set, _)| is_overflow(set) || self.bound.contains_key(set))
        {
            return;
        }
        let kept: HashSet<&Canonical> = observed.iter().map(|(set, _)| set).collect();
        let live = &mut self.live;
        self.bound.retain(|set, known| {
            let keep = kept.contains(set);
            if !keep {
                columns.remove(known.row);
                *live -= 1;
            }
            keep
        });
    }

    /// One collection that ends at `time`; under delta temporality the next interval starts with it.
    /// A cumulative stream of what is recorded is copied by who exports it, and may have nothing to
    /// show; observations are those of this collection.
    pub fn collect(&mut self, description: &Arc<str>, time: Timestamp) -> Option<Metric> {
        let source = match self.is_cumulative() {
            true if self.spec.is_observable() => {
                Source::Read(Arc::new(self.columns.lock().copy(time)))
            }
            true => Source::Unread(self.columns.clone()),
            false => Source::Read(Arc::new(self.take(time))),
        };
        if self.is_cumulative() {
            self.columns.lock().begin_interval();
        }
        self.collected = time;
        self.removed = false;
        let nothing = matches!(&source, Source::Read(snapshot) if snapshot.is_empty());
        (!nothing).then(|| self.metric(description, time, source))
    }

    fn metric(&self, description: &Arc<str>, time: Timestamp, source: Source) -> Metric {
        Metric {
            scope: self.spec.scope.clone(),
            name: self.name.clone(),
            description: match &self.plan.description {
                Some(description) => Arc::from(description.as_str()),
                None => description.clone(),
            },
            unit: self.unit.clone(),
            kind: self.kind(),
            time,
            naming: match self.plan.legacy {
                true => PageNaming::Legacy,
                false => PageNaming::Translated,
            },
            page_only: false,
            source,
            filter: SeriesFilter::All,
        }
    }

    /// What a reader's filter knows the stream by.
    pub fn key(&self) -> MetricKey {
        MetricKey::new(&self.spec.scope, &self.name, self.kind(), &self.unit)
    }

    /// What was recorded since the last collection.
    fn take(&mut self, time: Timestamp) -> Snapshot {
        let mut columns = self.columns.lock();
        if self.spec.is_observable() && self.reported.is_none() {
            // Without a new observation the last one still holds.
            return columns.copy_since(self.collected, time);
        }
        let taken = columns.take(self.collected, time);
        for (_, row) in self.lingering.drain() {
            columns.remove(row);
        }
        if self.spec.is_observable() {
            columns.clear();
            self.bound.clear();
            self.overflow = None;
            self.live = 0;
        }
        taken
    }

    fn kind(&self) -> Kind {
        let temporality = self.plan.temporality;
        match self.plan.aggregation {
            Aggregation::LastValue => Kind::Gauge,
            Aggregation::ExplicitBucketHistogram { .. } => Kind::Histogram { temporality },
            Aggregation::Base2ExponentialHistogram { .. } => Kind::Exponential { temporality },
            _ => Kind::Sum {
                temporality,
                // Metrics SDK specification, "Sum aggregation".
                monotonic: self.spec.is_monotonic() || self.spec.kind == InstrumentKind::Histogram,
            },
        }
    }
}

/// Columns for what a stream aggregates.
fn columns(spec: &InstrumentSpec, plan: &StreamPlan) -> Columns {
    let numbers = match spec.value_type {
        ValueType::Double => Numbers::Double(Vec::new()),
        ValueType::Int => Numbers::Int(Vec::new()),
    };
    let (values, min_max) = match &plan.aggregation {
        Aggregation::ExplicitBucketHistogram {
            boundaries,
            record_min_max,
        } => (Values::explicit(boundaries.clone()), *record_min_max),
        Aggregation::Base2ExponentialHistogram {
            max_size,
            max_scale,
            record_min_max,
        } => {
            let shape = Shape {
                max_size: *max_size,
                max_scale: *max_scale,
            };
            (Values::Exponential(shape, Vec::new()), *record_min_max)
        }
        Aggregation::LastValue => (Values::Latest(numbers), false),
        _ => (Values::Sums(numbers), false),
    };
    let shown = Shown {
        sum: spec.is_monotonic() || spec.kind == InstrumentKind::Histogram,
        min_max,
    };
    let histogram = matches!(values, Values::Explicit(_) | Values::Exponential(..));
    let exemplars = match (plan.exemplars, &values) {
        (Reservoir::AlignedHistogramBucket, Values::Explicit(histograms)) => {
            Exemplars::of_buckets(histograms.bounds().into())
        }
        (Reservoir::AlignedHistogramBucket, _) => Exemplars::of_size(1, histogram),
        (Reservoir::SimpleFixedSize(size), _) => Exemplars::of_size(size, histogram),
        (Reservoir::Function(_), _) => Exemplars::given(),
    };
    Columns::new(shown, spec.value_type == ValueType::Int, values, exemplars)
}

/// Puts what exceeds the cardinality limit into the overflow series.
fn limit_sets(values: &mut Vec<(Canonical, f64)>, limit: usize, adds_up: bool) {
    let sets = values.len() - usize::from(values.iter().any(|(set, _)| is_overflow(set)));
    if sets <= limit {
        return;
    }
    let mut room = limit;
    let mut rest: Option<f64> = None;
    values.retain(|value| {
        if !is_overflow(&value.0) && room > 0 {
            room -= 1;
            return true;
        }
        rest = Some(match rest {
            Some(sum) if adds_up => sum + value.1,
            _ => value.1,
        });
        false
    });
    values.extend(rest.map(|value| (overflow_attributes(), value)));
}
