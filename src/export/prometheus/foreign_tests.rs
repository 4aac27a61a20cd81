//! What another project's parser, the crate `prometheus-parse`, reads on a page is what was recorded.
//!
//! Where it departs from the format, each difference has a function of its own, named after what the
//! crate does.

use std::collections::{BTreeMap, HashMap};

use opentelemetry::KeyValue;
use prometheus_parse::{HistogramCount, Sample, Scrape, Value};
use proptest::prelude::*;

use super::fixture::{text, Fixture};
use super::negotiate::Format::{self, OpenMetrics100, Text004};

const BOUNDARIES: [f64; 3] = [0.0, 0.5, 1e6];

type Labels = BTreeMap<String, String>;
type Record = Box<dyn Fn(f64, &[KeyValue])>;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Counter,
    Gauge,
    UpDownCounter,
    Histogram,
}

#[derive(Clone, Debug)]
struct Family {
    kind: Kind,
    help: String,
    /// By attribute sets, of which no two are equal.
    series: BTreeMap<BTreeMap<&'static str, String>, Vec<f64>>,
}

/// The crate splits labels at every comma, equals sign and closing brace, inside of quotes as well, and
/// takes all quotes off the ends of a value: no value has one of these.
fn labels_are_split_at_their_punctuation() -> impl Strategy<Value = String> {
    "[a-z0-9 .:;/{#\\\\\n\té🍕-]{1,12}"
}

/// The crate leaves escapes in values and help as they stand on the page.
fn escapes_stay(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\n', "\\n")
}

/// The crate knows the samples of a family by the family's name alone: everything with a suffix of its
/// own has no type. Those are the sums and counts of histograms, and in OpenMetrics all counters.
fn suffixes_have_no_type(value: f64) -> Value {
    Value::Untyped(value)
}

/// The crate takes white space off the ends of a help text.
fn help_is_trimmed() -> impl Strategy<Value = String> {
    "[A-Z][a-z \"\\\\\n{},=]{0,10}[.]"
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(f64::MAX),
        Just(f64::MIN),
        Just(f64::MIN_POSITIVE),
        Just(5e-324),
        -1e9..1e9,
        any::<i32>().prop_map(f64::from),
    ]
}

fn family() -> impl Strategy<Value = Family> {
    let kind = prop_oneof![
        Just(Kind::Counter),
        Just(Kind::Gauge),
        Just(Kind::UpDownCounter),
        Just(Kind::Histogram)
    ];
    let key = prop_oneof![Just("a"), Just("b"), Just("key_1"), Just("Z")];
    let set = prop::collection::btree_map(key, labels_are_split_at_their_punctuation(), 0..3);
    let series = prop::collection::btree_map(set, prop::collection::vec(value(), 1..4), 1..4);
    (kind, help_is_trimmed(), series).prop_map(|(kind, help, series)| Family { kind, help, series })
}

/// The values of a series as its instrument takes them.
fn taken(kind: Kind, values: &[f64]) -> Vec<f64> {
    match kind {
        Kind::Counter => values.iter().map(|value| value.abs()).collect(),
        _ => values.to_vec(),
    }
}

fn fixture(families: &[Family]) -> Fixture {
    let mut fixture = Fixture::default().resource([KeyValue::new("service.name", "test")]);
    for (number, family) in families.iter().enumerate() {
        fixture = fixture.metric("scope", &family.help, |meter| {
            let name = format!("metric_{number}");
            let record: Record = match family.kind {
                Kind::Counter => {
                    let counter = meter.f64_counter(name).build();
                    Box::new(move |value, set| counter.add(value, set))
                }
                Kind::Gauge => {
                    let gauge = meter.f64_gauge(name).build();
                    Box::new(move |value, set| gauge.record(value, set))
                }
                Kind::UpDownCounter => {
                    let counter = meter.f64_up_down_counter(name).build();
                    Box::new(move |value, set| counter.add(value, set))
                }
                Kind::Histogram => {
                    let histogram = meter
                        .f64_histogram(name)
                        .with_boundaries(BOUNDARIES.to_vec())
                        .build();
                    Box::new(move |value, set| histogram.record(value, set))
                }
            };
            for (set, values) in &family.series {
                let attributes: Vec<KeyValue> = set
                    .iter()
                    .map(|(key, value)| KeyValue::new(*key, value.clone()))
                    .collect();
                for value in taken(family.kind, values) {
                    record(value, &attributes);
                }
            }
        });
    }
    fixture
}

/// What a parser that departs from the format only by the differences above must find.
fn expected(families: &[Family], format: Format) -> Vec<(String, Labels, Value)> {
    let mut samples = Vec::new();
    for (number, family) in families.iter().enumerate() {
        let name = format!("metric_{number}");
        for (set, values) in &family.series {
            let mut labels: Labels = set
                .iter()
                .map(|(key, value)| (key.to_string(), escapes_stay(value)))
                .collect();
            labels.insert("otel_scope_name".into(), "scope".into());
            let values = taken(family.kind, values);
            let sum: f64 = values.iter().sum();
            let mut push = |suffix: &str, value| {
                samples.push((format!("{name}{suffix}"), labels.clone(), value));
            };
            match (family.kind, format) {
                (Kind::Counter, Text004) => push("_total", Value::Counter(sum)),
                (Kind::Counter, _) => push("_total", suffixes_have_no_type(sum)),
                (Kind::Gauge, _) => push("", Value::Gauge(*values.last().unwrap())),
                (Kind::UpDownCounter, _) => push("", Value::Gauge(sum)),
                (Kind::Histogram, _) => {
                    let below =
                        |bound: f64| values.iter().filter(|value| **value <= bound).count() as f64;
                    let buckets = BOUNDARIES.into_iter().chain([f64::INFINITY]);
                    let buckets = buckets.map(|less_than| HistogramCount {
                        less_than,
                        count: below(less_than),
                    });
                    push("", Value::Histogram(buckets.collect()));
                    // No sum of what may go down again, and in OpenMetrics no count without a sum.
                    let only_grows = values.iter().all(|value| *value >= 0.0);
                    if only_grows {
                        push("_sum", suffixes_have_no_type(sum));
                    }
                    if only_grows || format == Text004 {
                        push("_count", suffixes_have_no_type(values.len() as f64));
                    }
                }
            }
        }
    }
    samples
}

fn parse(page: &str) -> Scrape {
    Scrape::parse(page.lines().map(|line| Ok(line.to_owned()))).unwrap()
}

fn found(samples: Vec<Sample>) -> Vec<(String, Labels, Value)> {
    samples
        .into_iter()
        .filter(|sample| !sample.metric.ends_with("_created"))
        .filter(|sample| sample.metric != "target_info")
        .map(|sample| {
            let labels = sample.labels.iter();
            let labels = labels.map(|(key, value)| (key.clone(), value.clone()));
            (sample.metric, labels.collect(), sample.value)
        })
        .collect()
}

fn sorted(mut samples: Vec<(String, Labels, Value)>) -> Vec<(String, Labels, Value)> {
    samples.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    samples
}

proptest! {
    #[test]
    fn another_projects_parser_finds_every_family_label_and_value(
        families in prop::collection::vec(family(), 0..5),
    ) {
        let collection = fixture(&families).collection();
        for format in [Text004, OpenMetrics100] {
            let page = text(&collection, format);
            let scrape = parse(&page);
            for (number, family) in families.iter().enumerate() {
                let suffix = match (family.kind, format) {
                    (Kind::Counter, Text004) => "_total",
                    _ => "",
                };
                let help = scrape.docs.get(&format!("metric_{number}{suffix}"));
                let written = match format {
                    // Classic text has quotes in help as they are.
                    Text004 => escapes_stay(&family.help),
                    _ => escapes_stay(&family.help).replace('"', "\\\""),
                };
                prop_assert_eq!(help, Some(&written), "{}", page);
            }
            prop_assert_eq!(
                sorted(found(scrape.samples)),
                sorted(expected(&families, format)),
                "{}", page
            );
        }
    }
}

#[test]
fn another_projects_parser_reads_infinities_and_exponential_histograms() {
    let collection = Fixture::default()
        .infinite("inf")
        .infinite("minus_inf")
        .exponential(true)
        .histogram("exponential", &[0.0, 1e-9, 0.3, 5.0, 1e300])
        .collection();
    let scrape = parse(&text(&collection, Text004));
    let values: HashMap<String, Value> = scrape
        .samples
        .into_iter()
        .map(|sample| (sample.metric, sample.value))
        .collect();
    assert_eq!(values["inf"], Value::Gauge(f64::INFINITY));
    assert_eq!(values["minus_inf"], Value::Gauge(f64::NEG_INFINITY));
    assert_eq!(values["exponential_count"], suffixes_have_no_type(5.0));
    let Value::Histogram(buckets) = &values["exponential"] else {
        panic!("{values:?}");
    };
    let counts: Vec<f64> = buckets.iter().map(|bucket| bucket.count).collect();
    assert!(counts.is_sorted(), "{counts:?}");
    assert_eq!(counts.last(), Some(&5.0));
    // Each value is at or below a bound of its own bucket, and above the bound before.
    for value in [1e-9, 0.3, 5.0, 1e300_f64] {
        let below = [0.0, 1e-9, 0.3, 5.0, 1e300]
            .iter()
            .filter(|other| **other <= value)
            .count();
        let bucket = buckets.iter().find(|bucket| bucket.less_than >= value);
        assert_eq!(bucket.unwrap().count, below as f64, "{buckets:?}");
    }
}
