//! Programs of records, removals and collections: nothing is lost, nothing comes twice, and what is
//! removed stays away, in either temporality and with more sets than the limit.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use nativestage_metrics::config::{Config, Environment};
use nativestage_metrics::engine::clock::Timestamp;
use nativestage_metrics::engine::points::{ExponentialBuckets, Point};
use nativestage_metrics::engine::{attributes, Collect, PipelineId};
use opentelemetry_sdk::metrics::InstrumentKind;

use crate::bench::{block_on, spec, Bench};

/// Sets that a program has, and how many of them have a place.
const SETS: u8 = 8;
const LIMIT: usize = 5;

#[derive(Arbitrary, Debug)]
struct Input {
    kind: Kind,
    exponential: bool,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Kind {
    Counter,
    Histogram,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    /// The bits of a double, so that there are extremes.
    Record(u8, u64),
    /// Sums of which are exact.
    Count(u8, u8),
    Remove(u8),
    Clear,
    Collect {
        delta: bool,
    },
}

pub fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary(&mut Unstructured::new(data)) else {
        return;
    };
    let histogram = match input.exponential {
        true => "exponential",
        false => "explicit",
    };
    let options = format!(
        r#"{{
            "cardinalityLimit": {LIMIT},
            "histogram": "{histogram}",
            "exporters": {{
                "prometheus": {{}},
                "otlp": {{"endpoint": "http://localhost:1", "temporality": "delta"}}
            }}
        }}"#
    );
    let config = Config::parse(&options, "options", &Environment::default()).expect("valid");
    let mut bench = Bench::new(&config);
    let pipelines = bench.pipelines.clone();
    let (cumulative, delta) = (pipelines.prometheus, pipelines.otlp.first().copied());
    let kind = match input.kind {
        Kind::Counter => InstrumentKind::Counter,
        Kind::Histogram => InstrumentKind::Histogram,
    };
    // What was recorded and not yet seen by the delta reader; and all, where nothing was removed.
    let (mut unseen, mut all) = (Total::default(), Total::default());
    let mut removed = false;
    let mut last_end = Timestamp::default();
    for step in input.steps.iter().take(64) {
        match *step {
            Step::Record(set, bits) if input.kind == Kind::Histogram => {
                let value = f64::from_bits(bits).abs();
                if value.is_finite() {
                    record(&mut bench, kind, set, value);
                    unseen.count += 1;
                    all.count += 1;
                }
            }
            Step::Record(set, bits) => {
                // Whole, and of a size that sums of 64 are exact with.
                let value = (bits % (1 << 40)) as f64;
                record(&mut bench, kind, set, value);
                unseen.add(value);
                all.add(value);
            }
            Step::Count(set, value) => {
                record(&mut bench, kind, set, value.into());
                unseen.add(value.into());
                all.add(value.into());
            }
            Step::Remove(set) => {
                removed = true;
                let (id, _) = bench.engine.register(spec(kind, "x"));
                let set = attributes::read(&format!(r#"["n",{}]"#, set % SETS));
                bench.engine.remove(id, set.expect("attributes"));
            }
            Step::Clear => {
                removed = true;
                let (id, _) = bench.engine.register(spec(kind, "x"));
                bench.engine.clear(id);
            }
            Step::Collect { delta: true } => {
                let seen = collect(&bench, delta.expect("a pipeline"), &mut last_end);
                // Removing takes nothing from who has not seen it.
                unseen.assert_is(&seen, input.kind);
                unseen = Total::default();
            }
            Step::Collect { delta: false } => {
                let seen = collect(&bench, cumulative.expect("a pipeline"), &mut last_end);
                match removed {
                    true => assert!(seen.count <= all.count),
                    false => all.assert_is(&seen, input.kind),
                }
            }
        }
    }
    bench.assert_no_errors();
}

fn record(bench: &mut Bench, kind: InstrumentKind, set: u8, value: f64) {
    let set = ["n".into(), (set % SETS).into()];
    bench.record(spec(kind, "x"), &set, &[value]);
}

/// All points of a metric together.
#[derive(Debug, Default)]
struct Total {
    /// Of a histogram's values; 0 for a sum.
    count: u64,
    /// Of a sum.
    sum: f64,
}

impl Total {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
    }

    fn assert_is(&self, seen: &Self, kind: Kind) {
        match kind {
            Kind::Counter => assert_eq!(self.sum, seen.sum),
            Kind::Histogram => assert_eq!(self.count, seen.count),
        }
    }
}

/// Adds a collection's points up, and checks what is true of every collection.
fn collect(bench: &Bench, pipeline: PipelineId, last_end: &mut Timestamp) -> Total {
    let answer = bench.engine.collect(pipeline, Duration::ZERO);
    let collection = block_on(answer).expect("an answer").expect("a collection");
    let mut total = Total::default();
    let mut ends = HashSet::new();
    for metric in collection.metrics() {
        ends.insert(metric.time.as_nanos());
        assert!(metric.time > *last_end);
        if &*metric.name != "x" {
            continue;
        }
        let mut sets = HashSet::new();
        let _ = metric.read().for_each(&mut |identity, point| {
            assert!(sets.insert(format!("{:?}", identity.attributes)), "twice");
            assert!(identity.start <= metric.time);
            match point {
                Point::Number(value) => total.sum += value.as_f64(),
                Point::Explicit(point) => {
                    total.count += point.count;
                    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);
                    assert!(point.min <= point.max);
                }
                Point::Exponential(point) => {
                    total.count += point.count;
                    let buckets = [&point.positive, &point.negative].map(counted);
                    assert_eq!(buckets.iter().sum::<u64>() + point.zero_count, point.count);
                }
                Point::Summary(_) => unreachable!("only producers have them"),
            }
            ControlFlow::Continue(())
        });
        assert!(sets.len() <= LIMIT + 1, "{} series", sets.len());
    }
    assert!(ends.len() <= 1, "one collection has one end");
    *last_end = ends
        .into_iter()
        .map(Timestamp::from_nanos)
        .fold(*last_end, Timestamp::max);
    total
}

fn counted(buckets: &ExponentialBuckets) -> u64 {
    buckets.counts.iter().sum()
}
