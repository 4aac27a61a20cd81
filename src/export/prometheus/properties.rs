//! Nothing that is recorded makes a page invalid: by our own rules for random collections, by other
//! projects' parsers for the known hard cases.

use std::collections::{HashMap, HashSet};

use opentelemetry::{InstrumentationScope, KeyValue, Value};
use proptest::prelude::*;
use prost::Message;

use super::fixture::{counter, page, Fixture};
use super::names::Escaping;
use super::negotiate::Format::{self, OpenMetrics100, Protobuf, Text004};
use super::protobuf::MetricFamily;
use crate::config::TranslationStrategy::{self, *};
use crate::engine::collection::Collection;

/// Everything on a text page that must be unique, and that names, types and samples agree.
fn check(page: &str, open_metrics: bool) {
    let mut types: HashMap<String, String> = HashMap::new();
    let mut metadata = HashSet::new();
    let mut series = HashSet::new();
    let mut family = (String::new(), String::new());
    for line in page.lines() {
        if line == "# EOF" {
            continue;
        }
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (keyword, name) = (words.next().unwrap(), words.next().unwrap());
            assert!(
                metadata.insert(format!("{keyword} {name}")),
                "repeated: {line}"
            );
            if keyword == "TYPE" {
                let kind = words.next().unwrap().to_owned();
                family = (name.to_owned(), kind.clone());
                assert!(types.insert(name.to_owned(), kind).is_none());
            }
            continue;
        }
        let (identity, value) = line.rsplit_once(' ').unwrap();
        value.parse::<f64>().unwrap();
        assert!(series.insert(identity.to_owned()), "repeated: {identity}");
        let name = identity.split('{').next().unwrap();
        let suffixes: &[&str] = match (family.1.as_str(), open_metrics) {
            ("counter", true) => &["_total", "_created"],
            ("info", true) => &["_info"],
            ("histogram", true) => &["_bucket", "_sum", "_count", "_created"],
            ("histogram", false) => &["_bucket", "_sum", "_count"],
            _ => &[""],
        };
        let own = suffixes
            .iter()
            .any(|suffix| name == format!("{}{suffix}", family.0));
        assert!(own, "{name} in {family:?}");
        let elsewhere = types.get(name).is_some_and(|_| name != family.0);
        assert!(!elsewhere, "{name} is also a family");
    }
    assert_eq!(page.ends_with("# EOF\n"), open_metrics);
}

#[derive(Clone, Debug)]
struct Recorded {
    kind: u8,
    name: String,
    unit: &'static str,
    scope: &'static str,
    attributes: Vec<KeyValue>,
    value: f64,
}

/// Attributes of which many become the same labels.
pub fn attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = prop_oneof![
        Just("a.b"),
        Just("a_b"),
        Just("1"),
        Just("le"),
        Just("otel.scope.name"),
        Just("ü"),
        Just("__name__"),
        Just(""),
    ];
    let value = prop_oneof![
        Just(opentelemetry::Value::from(1i64)),
        Just(opentelemetry::Value::from("1")),
        Just(opentelemetry::Value::from("")),
        Just(opentelemetry::Value::from("a\"\\\n{}=, ")),
    ];
    prop::collection::vec((key, value), 0..3).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(k, v)| KeyValue::new(k, v))
            .collect()
    })
}

fn recorded() -> impl Strategy<Value = Recorded> {
    let name = prop_oneof![
        4 => "x([._](count|sum|bucket|total|created|info|s|seconds)){0,2}",
        1 => Just("target.info".to_owned()),
        1 => Just("target".to_owned()),
        1 => "[a-c][._-][a-c]",
    ];
    (
        0u8..6,
        name,
        prop_oneof![Just(""), Just("s"), Just("1"), Just("{x}")],
        prop_oneof![Just("a"), Just("b")],
        attributes(),
        prop_oneof![Just(0.0), Just(1.5), Just(-3.0), Just(f64::MAX)],
    )
        .prop_map(|(kind, name, unit, scope, attributes, value)| Recorded {
            kind,
            name,
            unit,
            scope,
            attributes,
            value,
        })
}

fn collect(recorded: Vec<Recorded>) -> Collection {
    let fixture = Fixture::default().resource([KeyValue::new("service.name", "test")]);
    recorded
        .into_iter()
        .fold(fixture, |fixture, r| {
            fixture
                .exponential(r.kind == 5)
                .metric(r.scope, "Help", |meter| {
                    let (name, unit) = (r.name, r.unit);
                    match r.kind {
                        0 => meter
                            .f64_counter(name)
                            .with_unit(unit)
                            .build()
                            .add(r.value.abs(), &r.attributes),
                        1 => meter
                            .f64_gauge(name)
                            .with_unit(unit)
                            .build()
                            .record(r.value, &r.attributes),
                        2 => meter
                            .f64_up_down_counter(name)
                            .with_unit(unit)
                            .build()
                            .add(r.value, &r.attributes),
                        3 => {
                            let boundaries = vec![-1.0, 0.0, 1.0];
                            let builder = meter.f64_histogram(name).with_unit(unit);
                            builder
                                .with_boundaries(boundaries)
                                .build()
                                .record(r.value, &r.attributes)
                        }
                        _ => meter
                            .f64_histogram(name)
                            .with_unit(unit)
                            .build()
                            .record(r.value, &r.attributes),
                    }
                })
        })
        .collection()
}

pub fn strategies() -> impl Strategy<Value = TranslationStrategy> {
    prop_oneof![
        Just(UnderscoreEscapingWithSuffixes),
        Just(UnderscoreEscapingWithoutSuffixes),
        Just(NoUTF8EscapingWithSuffixes),
        Just(NoTranslation),
    ]
}

proptest! {
    #[test]
    fn no_collection_gives_a_page_with_a_family_or_a_series_twice(
        recorded in prop::collection::vec(recorded(), 0..8), strategy in strategies(),
    ) {
        let collection = collect(recorded);
        for escaping in [Escaping::Underscores, Escaping::Values] {
            for format in [Text004, OpenMetrics100] {
                let (bytes, _) = page(&collection, format, strategy, escaping);
                check(std::str::from_utf8(&bytes).unwrap(), format == OpenMetrics100);
            }
            let (bytes, _) = page(&collection, Protobuf, strategy, escaping);
            let mut rest = &bytes[..];
            let mut names = HashSet::new();
            while !rest.is_empty() {
                let family = MetricFamily::decode_length_delimited(&mut rest).unwrap();
                prop_assert!(names.insert(family.name().to_owned()));
                let mut labels = HashSet::new();
                for metric in family.metric {
                    let new = labels.insert(format!("{:?}", metric.label));
                    prop_assert!(new);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn every_point_of_a_metric_is_on_the_page_and_no_series_twice(
        points in prop::collection::vec((attributes(), 0..3usize), 1..30), strategy in strategies(),
    ) {
        // The second and the third differ until they are text.
        let scopes = [("a", Value::from("1")), ("b", "1".into()), ("b", 1i64.into())];
        let mut fixture = Fixture::default();
        for (number, (name, value)) in scopes.into_iter().enumerate() {
            let scope = InstrumentationScope::builder(name)
                .with_attributes([KeyValue::new("a.b", value)])
                .build();
            fixture = fixture.metric_in(scope, "", |meter| {
                let counter = meter.u64_counter("x").build();
                for (attributes, _) in points.iter().filter(|(_, scope)| *scope == number) {
                    counter.add(1, attributes);
                }
            });
        }
        let collection = fixture.collection();
        for escaping in [Escaping::Underscores, Escaping::Values, Escaping::AllowUtf8] {
            let (bytes, _) = page(&collection, Text004, strategy, escaping);
            let text = std::str::from_utf8(&bytes).unwrap();
            check(text, false);
            let samples = text.lines().filter(|line| !line.starts_with('#'));
            let counted: usize = samples
                .map(|line| line.rsplit_once(' ').unwrap().1.parse::<usize>().unwrap())
                .sum();
            prop_assert_eq!(counted, points.len());
        }
    }
}

/// Pages for parsers that are not ours: with `EXPOSITION_PAGES` set to a folder they are written
/// there, one file a case and format.
#[test]
fn pages_for_foreign_parsers_can_be_written() {
    let nasty = "a\"b\\c\nd\0e\r\u{2028}{},=# ";
    let cases = [
        ("empty", Fixture::default()),
        (
            "scopes",
            counter("n", 1, &[])
                .counter("other", "n", 2, &[])
                .counter("third", "m", 2, &[]),
        ),
        (
            "escaping",
            counter("a.b", 1, &[KeyValue::new("1st", "x")])
                .counter(
                    "scope",
                    "a_b",
                    2,
                    &[KeyValue::new("a.b", "x"), KeyValue::new("a_b", "y")],
                )
                .metric("scope", nasty, |meter| {
                    let gauge = meter.f64_gauge("nasty").with_unit("s").build();
                    gauge.record(1.0, &[KeyValue::new("key", nasty)]);
                }),
        ),
        (
            "suffixes",
            Fixture::default()
                .resource([KeyValue::new("service.name", nasty)])
                .histogram("h", &[0.1, 5.0, 1e9])
                .gauge("h_count", 1.0)
                .gauge("h_created", 1.0)
                .counter("scope", "x", 1, &[])
                .gauge("x", 1.0)
                .gauge("y_created", 1.0)
                .counter("scope", "y", 1, &[])
                .gauge("target", 1.0)
                .gauge("target_info", 1.0)
                .histogram("negative", &[-4.0]),
        ),
        (
            "numbers",
            Fixture::default()
                .infinite("inf")
                .infinite("minus_inf")
                .gauge("large", f64::MAX)
                .gauge("small", f64::MIN_POSITIVE)
                .exponential(true)
                .histogram("exponential", &[0.0, 1e-9, 0.3, 5.0, 1e300])
                .histogram("exponential_negative", &[-2.5, 0.0, 3.0]),
        ),
    ];
    let folder = std::env::var_os("EXPOSITION_PAGES").map(std::path::PathBuf::from);
    for (name, fixture) in cases {
        let collection = fixture.collection();
        for (ending, format, strategy, escaping) in [
            ("prom", Text004, Default::default(), Escaping::Underscores),
            (
                "om",
                OpenMetrics100,
                Default::default(),
                Escaping::Underscores,
            ),
            ("pb", Protobuf, Default::default(), Escaping::Underscores),
            (
                "utf8.prom",
                Format::Text100,
                NoUTF8EscapingWithSuffixes,
                Escaping::AllowUtf8,
            ),
            (
                "utf8.om",
                OpenMetrics100,
                NoUTF8EscapingWithSuffixes,
                Escaping::AllowUtf8,
            ),
            ("raw.om", OpenMetrics100, NoTranslation, Escaping::AllowUtf8),
            ("values.om", OpenMetrics100, NoTranslation, Escaping::Values),
            ("dots.om", OpenMetrics100, NoTranslation, Escaping::Dots),
        ] {
            let (bytes, _) = page(&collection, format, strategy, escaping);
            if let Some(folder) = &folder {
                std::fs::write(folder.join(format!("{name}.{ending}")), bytes).unwrap();
            }
        }
    }
}
