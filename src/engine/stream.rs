//! One metric stream in the SDK, in segments: providers with a single instrument and a single reader.
//!
//! The SDK allocates room for a stream's whole cardinality limit at once (measured: 390 KiB resident
//! for each instrument) and can neither forget a cumulative series nor remove an instrument. Segments
//! grow from 12 series; one whose series are all gone is dropped, and its memory with it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_sdk::metrics::{InstrumentKind, Temporality};

use super::canonical::{cut, is_overflow, overflow_attributes, Canonical};
use super::collection::{CollectedMetric, CollectedPart, PageNaming, Parts, Unread};
use super::instrument::InstrumentSpec;
use super::plan::StreamPlan;
use super::reported::Reported;
use super::sdk::{Handle, SdkInstrument};
use super::segment::{Segment, Segments};

/// Attribute sets in a stream's first segments, and in every one after those: the unit in which
/// memory is given back. The SDK makes a hash table for two more at once, and with these the tables
/// of 16, 64, 256 and 512 buckets are full. One set more would double them.
const SEGMENTS: [usize; 4] = [12, 54, 222, LARGEST_SEGMENT];
const LARGEST_SEGMENT: usize = 446;

pub struct Stream {
    plan: StreamPlan,
    spec: Arc<InstrumentSpec>,
    created: SystemTime,
    segments: Segments,
    next_segment: u32,
    /// Cumulative: when the latest series began. Once a series was removed, each of those that
    /// follow has a start of its own: it may have been that one, and counts from zero again (Metrics
    /// data model, "Resets and gaps").
    last_start: Option<i64>,
    /// Live series, for the limit.
    live: usize,
    /// Where the stream does not keep whole sets: its live series by what it keeps of them.
    shared: HashMap<Canonical, Shared>,
    /// Delta series released since the last collection: one that comes back must add to what was not
    /// exported yet, not stand beside it.
    lingering: HashMap<Canonical, Binding>,
    /// Observable counters under delta temporality: what was observed before.
    reported: Option<Reported>,
}

/// A series that several of the instrument's may lead to: a filter can make them equal.
struct Shared {
    binding: Binding,
    bindings: u32,
}

/// A series' place in a stream.
#[derive(Clone)]
pub struct Binding {
    handle: Handle,
    /// Where it takes a place of its own: the overflow series does not.
    segment: Option<u32>,
}

impl Binding {
    pub fn record(&self, value: f64) {
        self.handle.record(value);
    }
}

impl Stream {
    pub fn new(spec: Arc<InstrumentSpec>, plan: StreamPlan, created: SystemTime) -> Self {
        Self {
            reported: Reported::wanted(&spec, &plan).then(Reported::default),
            plan,
            spec,
            created,
            segments: Segments::default(),
            next_segment: 0,
            last_start: None,
            live: 0,
            shared: HashMap::new(),
            lingering: HashMap::new(),
        }
    }

    pub fn plan(&self) -> &StreamPlan {
        &self.plan
    }

    /// Moves the stream to other pipelines (a bit set).
    pub fn assign(&mut self, pipelines: u32) {
        self.plan.pipelines = pipelines;
    }

    pub fn is_cumulative(&self) -> bool {
        self.plan.temporality != Temporality::Delta
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

    /// Binds a series and records its first value; past the cardinality limit both go to the overflow
    /// series. No reader finds it without the value.
    pub fn bind(&mut self, attributes: &Canonical, value: f64) -> Binding {
        let attributes = self.project(attributes);
        let segments = self.segments.clone();
        let mut segments = segments.lock();
        let binding = self.find_or_bind(&mut segments, attributes);
        binding.record(value);
        binding
    }

    fn find_or_bind(&mut self, segments: &mut Vec<Segment>, attributes: Canonical) -> Binding {
        if let Some(shared) = self.shared.get_mut(&attributes) {
            shared.bindings += 1;
            return shared.binding.clone();
        }
        if self.live >= self.plan.cardinality_limit || is_overflow(&attributes) {
            // The first segment: it has room for one more than its capacity.
            if segments.is_empty() {
                self.grow(segments);
            }
            return Binding {
                handle: segments[0].bind(&overflow_attributes(), None),
                segment: None,
            };
        }
        let binding = match self.lingering.remove(&attributes) {
            Some(binding) => {
                let mut newest = segments.iter_mut().rev();
                // Segments are dropped, and `lingering` is emptied, only by a collection.
                let segment = newest.find(|segment| Some(segment.id) == binding.segment);
                let segment = segment.expect("the segment of a series released just now");
                segment.released[0] -= 1;
                segment.live += 1;
                binding
            }
            None => self.bind_new(segments, &attributes),
        };
        self.live += 1;
        if !self.plan.keeps_sets() {
            let shared = Shared {
                binding: binding.clone(),
                bindings: 1,
            };
            self.shared.insert(attributes, shared);
        }
        binding
    }

    fn bind_new(&mut self, segments: &mut Vec<Segment>, attributes: &Canonical) -> Binding {
        let start = self.next_start();
        let has_room = |segment: &Segment| segment.used < segment.capacity;
        let at = segments.iter().rposition(has_room).unwrap_or_else(|| {
            self.grow(segments);
            segments.len() - 1
        });
        let segment = &mut segments[at];
        segment.used += 1;
        segment.live += 1;
        Binding {
            handle: segment.bind(attributes, start),
            segment: Some(segment.id),
        }
    }

    /// When the next series begins, if not with the stream, and not when another did: so it is a new
    /// one to the SDK as well, which cannot forget its predecessor.
    fn next_start(&mut self) -> Option<i64> {
        let last = self.last_start?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let start = i64::try_from(now.as_nanos()).ok()?.max(last + 1);
        self.last_start = Some(start);
        Some(start)
    }

    fn grow(&mut self, segments: &mut Vec<Segment>) {
        let last = segments.last().map_or(0, |last| last.capacity);
        let larger = SEGMENTS.into_iter().find(|&capacity| capacity > last);
        let capacity = larger.unwrap_or(LARGEST_SEGMENT);
        let segment = Segment::new(self.next_segment, &self.spec, &self.plan, capacity);
        self.next_segment += 1;
        segments.push(segment);
    }

    /// Takes a series out. `forget` says that the program removed it: a cumulative stream then hides
    /// what the SDK still holds.
    ///
    /// Returns whether the stream hides so much that it should be rebuilt.
    pub fn release(&mut self, attributes: &Canonical, binding: Binding, forget: bool) -> bool {
        let Some(id) = binding.segment else {
            return false;
        };
        let attributes = self.project(attributes);
        if let Some(shared) = self.shared.get_mut(&attributes) {
            shared.bindings -= 1;
            if shared.bindings > 0 {
                return false;
            }
            self.shared.remove(&attributes);
        }
        self.live -= 1;
        let cumulative = self.is_cumulative();
        let mut segments = self.segments.lock();
        if let Some(segment) = segments.iter_mut().find(|segment| segment.id == id) {
            segment.live -= 1;
            if !cumulative {
                segment.released[0] += 1;
                self.lingering.insert(attributes, binding);
            } else if forget {
                segment.hide(&attributes);
                self.last_start.get_or_insert(0);
            }
        }
        if !forget || !cumulative {
            // What a delta stream has not exported yet is: empty segments go after a collection.
            return false;
        }
        drop_hidden(&mut segments);
        let hidden: usize = segments.iter().map(|segment| segment.hidden.len()).sum();
        hidden >= self.plan.cardinality_limit.max(LARGEST_SEGMENT)
    }

    /// Sets what an observable instrument reports until the next call: one value per attribute
    /// set, sums added up over the sets that the stream's filter makes equal, gauges the last.
    pub fn observe(&mut self, values: &[(&Canonical, f64)]) {
        let is_gauge = self.spec.kind == InstrumentKind::ObservableGauge;
        let adds_up = !is_gauge;
        let mut merged: Vec<(Canonical, f64)> = Vec::with_capacity(values.len());
        let mut index: HashMap<Canonical, usize> = HashMap::with_capacity(values.len());
        for (attributes, value) in values {
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
        let limit = self.plan.cardinality_limit;
        if let Some(reported) = &mut self.reported {
            reported.make_deltas(&mut merged, limit);
        }
        // The SDK lets a gauge's and a counter's series go one collection after it was observed.
        let capacity = match is_gauge || self.reported.is_some() {
            true => 2 * limit + 1,
            false => limit,
        };
        limit_sets(&mut merged, limit, adds_up);
        let mut segments = self.segments.lock();
        if segments.is_empty() {
            // One segment for all: the SDK empties it.
            let segment = Segment::new(self.next_segment, &self.spec, &self.plan, capacity);
            segments.push(segment);
        }
        match segments.first().map(|segment| &segment.instrument) {
            Some(SdkInstrument::Observable(observations)) => {
                *observations.lock().unwrap_or_else(PoisonError::into_inner) = merged;
            }
            Some(SdkInstrument::CounterDouble(sdk)) => {
                for (attributes, value) in &merged {
                    sdk.add(*value, attributes);
                }
            }
            Some(SdkInstrument::CounterInt(sdk)) => {
                for (attributes, value) in &merged {
                    sdk.add(*value as u64, attributes);
                }
            }
            _ => {}
        }
    }

    /// Reads the stream, which under delta temporality starts the next interval. A cumulative one of
    /// what is recorded is read by its exporter, and may have nothing to show; observations are
    /// reported once a collection.
    pub fn collect(&mut self, description: &Arc<str>) -> Option<CollectedMetric> {
        let parts = match self.is_cumulative() && !self.spec.is_observable() {
            true => Parts::Unread(Box::new(self.segments.clone()), OnceLock::new()),
            false => Parts::Read(self.collect_now()),
        };
        let nothing = matches!(&parts, Parts::Read(parts) if parts.is_empty());
        (!nothing).then(|| CollectedMetric {
            scope: self.spec.scope.clone(),
            description: match &self.plan.description {
                Some(description) => Arc::from(description.as_str()),
                None => description.clone(),
            },
            created: self.created,
            sums: matches!(
                self.spec.kind,
                InstrumentKind::Counter
                    | InstrumentKind::ObservableCounter
                    | InstrumentKind::Histogram
            ),
            naming: match self.plan.legacy {
                true => PageNaming::Legacy,
                false => PageNaming::Translated,
            },
            page_only: false,
            parts,
        })
    }

    fn collect_now(&mut self) -> Vec<CollectedPart> {
        let parts = self.segments.read();
        if !self.spec.is_observable() {
            self.lingering.clear();
            let mut segments = self.segments.lock();
            for segment in segments.iter_mut() {
                segment.used -= segment.released[1];
                segment.released = [0, segment.released[0]];
            }
            // Everything was just exported. The first stays: overflow lives there.
            let first = segments.first().map(|segment| segment.id);
            segments.retain(|segment| segment.live > 0 || Some(segment.id) == first);
        }
        parts
    }
}

/// Drops cumulative segments in which every series was removed. The first stays: overflow lives there.
fn drop_hidden(segments: &mut Vec<Segment>) {
    let first = segments.first().map(|segment| segment.id);
    segments.retain(|segment| {
        Some(segment.id) == first || segment.live > 0 || segment.hidden.len() < segment.used
    });
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
