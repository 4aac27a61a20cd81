//! The SDK as an oracle: the same calls leave the same points, in both temporalities at once and
//! however collections interleave. Named differences are with the cases.

use std::collections::BTreeMap;
use std::fmt::Write;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{data::ResourceMetrics, Aggregation, Instrument, Stream};
use opentelemetry_sdk::metrics::{InstrumentKind as Kind, SdkMeterProvider};
use proptest::prelude::*;

use super::*;
use crate::export::sdk_data::{metric_of, SharedReader};

/// What a program does, in its order.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Into one of a few series.
    Record(usize, f64),
    Collect(Temporality),
}

const SETS: [&[(&str, i64)]; 6] = [
    &[],
    &[("a", 1)],
    &[("a", 2)],
    &[("a", 1), ("b", 1)],
    &[("a", 1), ("b", 2)],
    &[("a", 2), ("b", 2)],
];

#[derive(Clone, Copy, Debug)]
enum View {
    None,
    Explicit,
    Exponential,
    /// Keeps the attribute `a`.
    Filter,
    /// Of so many series.
    Limit(usize),
}

impl View {
    fn options(self) -> String {
        let stream = match self {
            View::None => return "{}".to_owned(),
            View::Explicit => {
                r#"{"aggregation": {"explicit_bucket_histogram": {"boundaries": [0, 2.5, 100]}}}"#
                    .to_owned()
            }
            View::Exponential => {
                r#"{"aggregation": {"base2_exponential_bucket_histogram": {"max_size": 40}}}"#
                    .to_owned()
            }
            View::Filter => r#"{"attribute_keys": {"included": ["a"]}}"#.to_owned(),
            View::Limit(limit) => format!(r#"{{"aggregation_cardinality_limit": {limit}}}"#),
        };
        format!(r#", "views": [{{"selector": {{"instrument_name": "x"}}, "stream": {stream}}}]"#)
    }

    fn stream(self) -> Option<Stream> {
        let stream = Stream::builder();
        match self {
            View::None => return None,
            View::Explicit => stream.with_aggregation(Aggregation::ExplicitBucketHistogram {
                boundaries: vec![0.0, 2.5, 100.0],
                record_min_max: true,
            }),
            View::Exponential => stream.with_aggregation(Aggregation::Base2ExponentialHistogram {
                max_size: 40,
                max_scale: 20,
                record_min_max: true,
            }),
            View::Filter => stream.with_allowed_attribute_keys([opentelemetry::Key::new("a")]),
            View::Limit(limit) => stream.with_cardinality_limit(limit),
        }
        .build()
        .ok()
    }
}

type Record = dyn Fn(f64, &[KeyValue]);

/// A function that records into an instrument of the SDK.
fn recorder(meter: &Meter, kind: Kind) -> Box<Record> {
    match kind {
        Kind::Counter => {
            let counter = meter.f64_counter("x").build();
            Box::new(move |value, set| counter.add(value, set))
        }
        Kind::UpDownCounter => {
            let counter = meter.f64_up_down_counter("x").build();
            Box::new(move |value, set| counter.add(value, set))
        }
        Kind::Gauge => {
            let gauge = meter.f64_gauge("x").build();
            Box::new(move |value, set| gauge.record(value, set))
        }
        _ => {
            let histogram = meter.f64_histogram("x").build();
            Box::new(move |value, set| histogram.record(value, set))
        }
    }
}

/// Every point of a metric by its attributes, in all that it says but its times.
fn points(metric: Option<&Metric>, sums: bool) -> BTreeMap<String, String> {
    let mut points = BTreeMap::new();
    let Some(metric) = metric else {
        return points;
    };
    let _ = metric.read().for_each(&mut |identity, point| {
        let mut said = format!("{:?}", metric.kind);
        let _ = match point {
            Point::Number(value) => write!(said, " {value:?}"),
            Point::Explicit(p) => {
                let sum = p.sum.filter(|_| sums);
                let (min, max, counts) = (p.min, p.max, &p.bucket_counts);
                write!(said, " {} {sum:?} {min:?} {max:?} {counts:?}", p.count)
            }
            Point::Exponential(p) => {
                let sum = p.sum.filter(|_| sums);
                let (scale, zeros) = (p.scale, p.zero_count);
                let buckets = [&p.positive, &p.negative].map(|buckets| {
                    let filled = (buckets.offset..).zip(&buckets.counts);
                    filled.filter(|(_, count)| **count > 0).collect::<Vec<_>>()
                });
                write!(said, " {} {sum:?} {scale} {zeros} {buckets:?}", p.count)
            }
            Point::Summary(_) => unreachable!(),
        };
        points.insert(text(identity.attributes), said);
        ControlFlow::Continue(())
    });
    points
}

fn steps(kind: Kind) -> impl Strategy<Value = Vec<Step>> {
    let lowest = match kind {
        Kind::Counter | Kind::Histogram => 0.0,
        _ => -200.0,
    };
    let value = prop_oneof![lowest..200.0, Just(0.0), Just(2.5), Just(1e15)];
    let step = prop_oneof![
        8 => (0..SETS.len(), value).prop_map(|(set, value)| Step::Record(set, value)),
        1 => Just(Step::Collect(Temporality::Cumulative)),
        1 => Just(Step::Collect(Temporality::Delta)),
    ];
    prop::collection::vec(step, 1..80)
}

fn cases() -> impl Strategy<Value = (Kind, View, Vec<Step>)> {
    let kinds = prop::sample::select(vec![
        Kind::Counter,
        Kind::UpDownCounter,
        Kind::Gauge,
        Kind::Histogram,
    ]);
    let views = prop_oneof![
        Just(View::None),
        Just(View::Explicit),
        Just(View::Exponential),
        Just(View::Filter),
        (1usize..5).prop_map(View::Limit),
    ];
    (kinds, views).prop_flat_map(|(kind, view)| (Just(kind), Just(view), steps(kind)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_calls_leave_the_same_points((kind, view, steps) in cases()) {
        let mut bench = Bench::unconfigured();
        let options = format!(
            r#"{{"exporters": {{
                "prometheus": {{"port": 0}},
                "otlp": {{"endpoint": "http://localhost:1", "temporality": "delta"}}
            }}{}}}"#,
            match view { View::None => String::new(), view => view.options() },
        );
        let config = Config::parse(&options, "options", &Environment::default()).unwrap();
        let pipelines = bench.engine.configure(&config).unwrap();
        let id = bench.instrument(kind, "x");
        let slots: Vec<u32> = SETS
            .iter()
            .map(|set| {
                let pairs: Vec<String> =
                    set.iter().map(|(key, value)| format!("\"{key}\",{value}")).collect();
                bench.series(id, Storage::Block, &pairs.join(","))
            })
            .collect();
        let sdk = [Temporality::Cumulative, Temporality::Delta].map(|temporality| {
            let reader = SharedReader::new(temporality);
            let provider = SdkMeterProvider::builder()
                .with_reader(reader.clone())
                .with_view(move |_: &Instrument| view.stream())
                .build();
            let record = recorder(&provider.meter("test"), kind);
            (temporality, reader, provider, record)
        });
        let limited = matches!(view, View::Limit(_));
        for step in steps {
            match step {
                // The SDK does not count the series without attributes.
                Step::Record(0, _) if limited => {}
                // It gives places anew in every interval; here series keep theirs while they are in use.
                Step::Collect(Temporality::Delta) if limited => {}
                Step::Record(at, value) => {
                    bench.sample(slots[at], value);
                    let set: Vec<KeyValue> =
                        SETS[at].iter().map(|(key, value)| KeyValue::new(*key, *value)).collect();
                    sdk.iter().for_each(|(.., record)| record(value, &set));
                }
                Step::Collect(temporality) => {
                    // Up-down counters are cumulative whatever is preferred.
                    let pipeline = match temporality {
                        Temporality::Delta => pipelines.otlp.first().copied(),
                        _ => pipelines.prometheus,
                    };
                    let answer = bench.engine.collect(pipeline.unwrap(), WAIT);
                    let collection = answer.blocking_recv().unwrap().unwrap();
                    let ours = collection.metrics().find(|metric| &*metric.name == "x");
                    let mut data = ResourceMetrics::default();
                    let (_, reader, ..) =
                        sdk.iter().find(|(of, ..)| *of == temporality).unwrap();
                    reader.collect(&mut data).unwrap();
                    let scope = Arc::new(InstrumentationScope::builder("test").build());
                    let theirs = metric_of(scope, &data);
                    let sums = matches!(kind, Kind::Counter | Kind::Histogram);
                    prop_assert_eq!(points(ours, sums), points(theirs.as_ref(), sums));
                }
            }
        }
    }
}
