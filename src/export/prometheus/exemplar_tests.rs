//! Exemplars on the page: where they stand, and that they stand nowhere else.

use opentelemetry::KeyValue;
use prost::Message;

use super::fixture::{counter, page, text, Fixture};
use super::negotiate::Format::{OpenMetrics100, Protobuf, Text004};
use super::protobuf::{self, MetricFamily};
use crate::engine::clock::Timestamp;
use crate::engine::collection::Collection;
use crate::engine::points::{Exemplar, Number, Span};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// One that was recorded so many milliseconds after an even second.
fn exemplar(value: f64, millis: u64, attributes: &[KeyValue]) -> Exemplar {
    Exemplar {
        value: Number::Double(value),
        time: Timestamp::from_nanos((1_600_000_000_000 + millis) * 1_000_000),
        span: Span::parse(TRACE, SPAN),
        attributes: attributes.into(),
    }
}

/// The samples that have one, with it.
fn lines(collection: &Collection) -> Vec<String> {
    assert!(!text(collection, Text004).contains(" # "));
    let page = text(collection, OpenMetrics100);
    let lines = page.lines().filter(|line| line.contains(" # {"));
    lines.map(str::to_owned).collect()
}

fn metric(collection: &Collection) -> protobuf::Metric {
    let (bytes, _) = page(collection, Protobuf, Default::default(), Default::default());
    let family = MetricFamily::decode_length_delimited(&bytes[..]).unwrap();
    family.metric.into_iter().next().unwrap()
}

fn labels(exemplar: &protobuf::Exemplar) -> Vec<(&str, &str)> {
    let pairs = exemplar.label.iter();
    pairs
        .map(|pair| {
            (
                pair.name.as_deref().unwrap(),
                pair.value.as_deref().unwrap(),
            )
        })
        .collect()
}

#[test]
fn a_bucket_has_the_latest_of_its_values() {
    let collection = Fixture::default()
        .histogram("h", &[0.2, 0.5, 0.7, 9.0, 2e6])
        .exemplars(vec![
            exemplar(0.5, 1, &[]),
            exemplar(0.2, 0, &[]),
            exemplar(9.0, 20, &[]),
            exemplar(2e6, 300, &[]),
        ])
        .collection();
    let ids = format!("{{span_id=\"{SPAN}\",trace_id=\"{TRACE}\"}}");
    let scope = "otel_scope_name=\"scope\"";
    assert_eq!(
        lines(&collection),
        [
            format!("h_bucket{{{scope},le=\"0.5\"}} 2 # {ids} 0.5 1600000000.001"),
            format!("h_bucket{{{scope},le=\"1e+06\"}} 4 # {ids} 9 1600000000.020"),
            format!("h_bucket{{{scope},le=\"+Inf\"}} 5 # {ids} 2000000 1600000000.300"),
        ]
    );
    let histogram = metric(&collection).histogram.unwrap();
    let found: Vec<_> = histogram
        .bucket
        .iter()
        .map(|bucket| bucket.exemplar.as_ref().map(|found| found.value.unwrap()))
        .collect();
    assert_eq!(found, [Some(0.5), None, Some(9.0), Some(2e6)]);
    assert!(histogram.exemplars.is_empty());
}

#[test]
fn a_native_histogram_has_all_of_them() {
    let collection = Fixture::default()
        .exponential(true)
        .histogram("h", &[0.75, 3.0])
        .exemplars(vec![exemplar(0.75, 1, &[]), exemplar(3.0, 2, &[])])
        .collection();
    let histogram = metric(&collection).histogram.unwrap();
    assert!(histogram.bucket.is_empty());
    let values: Vec<_> = histogram.exemplars.iter().map(|e| e.value).collect();
    assert_eq!(values, [Some(0.75), Some(3.0)]);
    let time = histogram.exemplars[1].timestamp.clone().unwrap();
    assert_eq!((time.seconds, time.nanos), (1_600_000_000, 2_000_000));
    // As text it has classic buckets.
    let lines = lines(&collection);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("} 0.75 1600000000.001"), "{lines:?}");
}

#[test]
fn counters_have_one_and_gauges_none() {
    let user = [
        KeyValue::new("user.name", "a\"b"),
        KeyValue::new("trace.id", "x"),
    ];
    let both = vec![exemplar(1.0, 2, &user), exemplar(1.0, 1, &[])];
    let collection = counter("c", 3, &[]).exemplars(both.clone()).collection();
    let expected = format!(
        "c_total{{otel_scope_name=\"scope\"}} 3 # \
         {{span_id=\"{SPAN}\",trace_id=\"{TRACE}\",user_name=\"a\\\"b\"}} 1 1600000000.002"
    );
    assert_eq!(lines(&collection), [expected]);
    let found = metric(&collection).counter.unwrap().exemplar.unwrap();
    assert_eq!(
        labels(&found),
        [
            ("span_id", SPAN),
            ("trace_id", TRACE),
            ("user_name", "a\"b")
        ]
    );

    let gauge = Fixture::default().gauge("g", 1.0).exemplars(both);
    assert!(lines(&gauge.collection()).is_empty());
}

#[test]
fn attributes_are_left_out_where_the_labels_would_be_too_long() {
    // The ids and their names take 63 characters.
    for (length, fits) in [(128 - 63 - 1, true), (128 - 63, false)] {
        let long = [KeyValue::new("u", "ü".repeat(length))];
        let of = |exemplar| {
            let collection = counter("c", 3, &[]).exemplars(vec![exemplar]).collection();
            let line = lines(&collection).remove(0);
            let found = metric(&collection).counter.unwrap().exemplar.unwrap();
            assert_eq!(found.label.iter().any(|pair| pair.name() == "u"), fits);
            line
        };
        let line = of(exemplar(1.0, 0, &long));
        assert_eq!(line.contains("u=\"ü"), fits, "{line}");
        assert!(line.contains("trace_id"));
    }
    let outside = Exemplar {
        span: None,
        ..exemplar(1.0, 0, &[KeyValue::new("u", "x".repeat(128))])
    };
    let collection = counter("c", 3, &[]).exemplars(vec![outside]).collection();
    let line = lines(&collection).remove(0);
    assert!(line.ends_with(" 3 # {} 1 1600000000.000"), "{line}");
}

#[test]
fn series_that_are_added_up_have_an_exemplar_of_either() {
    let collection = counter("c", 3, &[KeyValue::new("a.b", "1")])
        .counter("scope", "c", 4, &[KeyValue::new("a_b", "1")])
        .exemplars(vec![exemplar(1.0, 0, &[])])
        .collection();
    let lines = lines(&collection);
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].contains("a_b=\"1\"") && lines[0].contains(" 7 # {"),
        "{lines:?}"
    );
}
