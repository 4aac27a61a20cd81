//! Whole pages: what stands on them, and that nothing makes them invalid.

use std::collections::{HashMap, HashSet};

use opentelemetry::{InstrumentationScope, KeyValue};
use proptest::prelude::*;
use prost::Message;

use super::fixture::{page, text, Fixture};
use super::names::Escaping;
use super::negotiate::Format::{self, OpenMetrics100, Protobuf, Text004};
use super::protobuf::{MetricFamily, MetricType};
use crate::config::TranslationStrategy::{self, *};
use crate::engine::collection::Collection;

fn counter(name: &'static str, value: u64, attributes: &[KeyValue]) -> Fixture {
    Fixture::default().counter("scope", name, value, attributes)
}

impl Fixture {
    fn counter(self, scope: &str, name: &'static str, value: u64, attributes: &[KeyValue]) -> Self {
        self.metric(scope, "", |meter| {
            meter.u64_counter(name).build().add(value, attributes);
        })
    }

    fn gauge(self, name: &'static str, value: f64) -> Self {
        self.metric("scope", "", |meter| {
            meter.f64_gauge(name).build().record(value, &[]);
        })
    }

    /// The SDK drops what is not finite when it is recorded, but adds up beyond what is.
    fn infinite(self, name: &'static str) -> Self {
        let value = if name == "inf" { f64::MAX } else { f64::MIN };
        self.metric("scope", "", |meter| {
            let sum = meter.f64_up_down_counter(name).build();
            sum.add(value, &[]);
            sum.add(value, &[]);
        })
    }

    fn histogram(self, name: &'static str, values: &[f64]) -> Self {
        self.metric("scope", "", |meter| {
            let boundaries = vec![0.5, 1.0, 1e6];
            let histogram = meter
                .f64_histogram(name)
                .with_boundaries(boundaries)
                .build();
            values
                .iter()
                .for_each(|value| histogram.record(*value, &[]));
        })
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

fn families(collection: &Collection) -> Vec<MetricFamily> {
    let (bytes, _) = page(collection, Protobuf, Default::default(), Default::default());
    let mut rest = &bytes[..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        found.push(MetricFamily::decode_length_delimited(&mut rest).unwrap());
    }
    found
}

#[test]
fn an_empty_collection_is_a_valid_page() {
    let collection = Fixture::default().collection();
    assert_eq!(text(&collection, Text004), "");
    assert_eq!(text(&collection, OpenMetrics100), "# EOF\n");
    assert!(families(&collection).is_empty());
}

#[test]
fn a_counter_is_called_total_and_says_when_it_began() {
    let collection = Fixture::default()
        .metric("scope", "How \"many\"\\\n", |meter| {
            let counter = meter.u64_counter("io.read").with_unit("By").build();
            counter.add(7, &[KeyValue::new("disk", "a\"b\\c\nd")]);
        })
        .collection();
    assert_eq!(
        lines(&text(&collection, Text004)),
        [
            r#"# HELP io_read_bytes_total How "many"\\\n"#,
            "# TYPE io_read_bytes_total counter",
            r#"io_read_bytes_total{disk="a\"b\\c\nd",otel_scope_name="scope"} 7"#,
        ]
    );
    assert_eq!(
        lines(&text(&collection, OpenMetrics100)),
        [
            r#"# HELP io_read_bytes How \"many\"\\\n"#,
            "# TYPE io_read_bytes counter",
            "# UNIT io_read_bytes bytes",
            r#"io_read_bytes_total{disk="a\"b\\c\nd",otel_scope_name="scope"} 7"#,
            r#"io_read_bytes_created{disk="a\"b\\c\nd",otel_scope_name="scope"} 1500000000.250"#,
            "# EOF",
        ]
    );
    let family = &families(&collection)[0];
    assert_eq!(family.name(), "io_read_bytes_total");
    assert_eq!(family.r#type(), MetricType::Counter);
    assert_eq!(family.unit(), "bytes");
    assert_eq!(family.metric[0].label[0].value(), "a\"b\\c\nd");
    let counter = family.metric[0].counter.as_ref().unwrap();
    assert_eq!(counter.value(), 7.0);
    assert_eq!(
        counter.created_timestamp.as_ref().unwrap().seconds,
        1_500_000_000
    );
}

#[test]
fn a_histogram_has_cumulative_buckets_in_order() {
    let collection = Fixture::default()
        .histogram("h", &[0.25, 0.75, 2.0, 3.0])
        .collection();
    assert_eq!(
        lines(&text(&collection, Text004)),
        [
            "# TYPE h histogram",
            r#"h_bucket{otel_scope_name="scope",le="0.5"} 1"#,
            r#"h_bucket{otel_scope_name="scope",le="1"} 2"#,
            r#"h_bucket{otel_scope_name="scope",le="1e+06"} 4"#,
            r#"h_bucket{otel_scope_name="scope",le="+Inf"} 4"#,
            r#"h_sum{otel_scope_name="scope"} 6"#,
            r#"h_count{otel_scope_name="scope"} 4"#,
        ]
    );
    let open = text(&collection, OpenMetrics100);
    assert!(
        open.contains(r#"h_bucket{otel_scope_name="scope",le="1.0"} 2"#),
        "{open}"
    );
    assert!(open.ends_with("h_created{otel_scope_name=\"scope\"} 1500000000.250\n# EOF\n"));
}

#[test]
fn sums_of_negative_observations_are_not_shown_as_if_they_only_grew() {
    let collection = Fixture::default().histogram("h", &[-5.0, 1.0]).collection();
    let classic = text(&collection, Text004);
    assert!(!classic.contains("h_sum") && classic.contains("h_count"));
    let open = text(&collection, OpenMetrics100);
    assert!(!open.contains("h_sum") && !open.contains("h_count"));
}

#[test]
fn an_exponential_histogram_is_classic_in_text_and_native_in_protobuf() {
    let collection = Fixture::default()
        .exponential(true)
        .histogram("h", &[0.0, 1.0, 2.0, 4.0])
        .collection();
    let classic = text(&collection, Text004);
    for line in [
        r#"h_bucket{otel_scope_name="scope",le="0"} 1"#,
        r#"h_bucket{otel_scope_name="scope",le="1"} 2"#,
        r#"h_bucket{otel_scope_name="scope",le="2"} 3"#,
        r#"h_bucket{otel_scope_name="scope",le="4"} 4"#,
        r#"h_bucket{otel_scope_name="scope",le="+Inf"} 4"#,
        r#"h_count{otel_scope_name="scope"} 4"#,
        r#"h_sum{otel_scope_name="scope"} 7"#,
    ] {
        assert!(classic.contains(line), "{line} in\n{classic}");
    }
    let family = &families(&collection)[0];
    let native = family.metric[0].histogram.as_ref().unwrap();
    assert!(native.bucket.is_empty());
    assert!((-4..=8).contains(&native.schema()));
    assert_eq!((native.sample_count(), native.sample_sum()), (4, 7.0));
    assert_eq!((native.zero_count(), native.zero_threshold()), (1, 1e-128));
    // 1 is the upper bound of bucket 0 at any schema.
    assert_eq!(native.positive_span[0].offset(), 0);
    let step = 1 << native.schema();
    let mut count = 0;
    let mut counts = Vec::new();
    let mut index = 0;
    let mut deltas = native.positive_delta.iter();
    for span in &native.positive_span {
        index += span.offset();
        for _ in 0..span.length() {
            count += deltas.next().unwrap();
            if count > 0 {
                counts.push((index, count));
            }
            index += 1;
        }
    }
    assert_eq!(counts, [(0, 1), (step, 1), (2 * step, 1)]);
}

#[test]
fn scopes_that_share_a_name_share_a_family() {
    let scope = InstrumentationScope::builder("b").with_version("2").build();
    let collection = Fixture::default()
        .metric("a", "First", |meter| {
            meter.u64_counter("n").build().add(1, &[])
        })
        .counter("c", "other", 1, &[])
        .metric_in(scope, "Second", |meter| {
            meter.u64_counter("n").build().add(2, &[])
        })
        .collection();
    let (bytes, warnings) = page(&collection, Text004, Default::default(), Default::default());
    assert_eq!(
        lines(std::str::from_utf8(&bytes).unwrap()),
        [
            "# HELP n_total First",
            "# TYPE n_total counter",
            r#"n_total{otel_scope_name="a"} 1"#,
            r#"n_total{otel_scope_name="b",otel_scope_version="2"} 2"#,
            "# TYPE other_total counter",
            r#"other_total{otel_scope_name="c"} 1"#,
        ]
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn series_that_end_up_with_the_same_labels_are_added_up() {
    let one = [KeyValue::new("a", 1)];
    let collection = counter("x.y", 1, &one)
        .counter("scope", "x_y", 2, &[KeyValue::new("a", "1")])
        .counter("scope", "x-y", 4, &[])
        .counter("scope", "x-y", 8, &[KeyValue::new("empty", "")])
        .collection();
    assert_eq!(
        lines(&text(&collection, Text004)),
        [
            "# TYPE x_y_total counter",
            r#"x_y_total{a="1",otel_scope_name="scope"} 3"#,
            r#"x_y_total{otel_scope_name="scope"} 12"#,
        ]
    );
    let histograms = Fixture::default()
        .histogram("h.h", &[0.1, 3.0])
        .histogram("h_h", &[3.0])
        .collection();
    let found = text(&histograms, Text004);
    assert!(
        found.contains(r#"h_h_count{otel_scope_name="scope"} 3"#),
        "{found}"
    );
    assert_eq!(found.matches("le=\"0.5\"").count(), 1);
}

#[test]
fn gauges_with_the_same_labels_are_not_added_but_said() {
    let collection = Fixture::default()
        .gauge("g.g", 1.0)
        .gauge("g_g", 2.0)
        .collection();
    let (bytes, warnings) = page(&collection, Text004, Default::default(), Default::default());
    let found = String::from_utf8(bytes).unwrap();
    assert_eq!(
        lines(&found),
        ["# TYPE g_g gauge", r#"g_g{otel_scope_name="scope"} 1"#]
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn what_cannot_share_a_name_is_left_out_with_a_warning() {
    for later in ["h", "h.count", "h_sum", "h_bucket", "h_created"] {
        let collection = Fixture::default()
            .histogram("h", &[1.0])
            .gauge(later, 5.0)
            .collection();
        for format in [Text004, OpenMetrics100, Protobuf] {
            let (bytes, warnings) =
                page(&collection, format, Default::default(), Default::default());
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].contains("histogram h already"), "{warnings:?}");
            if format != Protobuf {
                assert!(!String::from_utf8(bytes).unwrap().contains("gauge"));
            }
        }
    }
    let reversed = Fixture::default()
        .gauge("h_count", 5.0)
        .histogram("h", &[1.0])
        .collection();
    assert!(!text(&reversed, Text004).contains("histogram"));
}

#[test]
fn names_that_clash_in_open_metrics_only_keep_their_samples() {
    for other in ["x", "x_created"] {
        let collection = counter("x", 3, &[]).gauge(other, 5.0).collection();
        let found = text(&collection, OpenMetrics100);
        assert!(found.contains("# TYPE x_total unknown\n"), "{found}");
        assert!(
            found.contains("x_total{otel_scope_name=\"scope\"} 3\n"),
            "{found}"
        );
        assert!(
            !found.contains("x_created{otel_scope_name=\"scope\"} 15"),
            "{found}"
        );
        assert!(text(&collection, Text004).contains("# TYPE x_total counter\n"));
    }
    let target = Fixture::default()
        .resource([KeyValue::new("service.name", "backstage")])
        .gauge("target", 1.0)
        .collection();
    let found = text(&target, OpenMetrics100);
    assert!(found.contains("# TYPE target_info gauge\ntarget_info{service_name=\"backstage\"} 1\n"));
}

#[test]
fn the_resource_is_target_info() {
    let collection = Fixture::default()
        .resource([
            KeyValue::new("service.name", "backstage"),
            KeyValue::new("1st", true),
        ])
        .collection();
    assert_eq!(
        lines(&text(&collection, Text004))[1..],
        [
            "# TYPE target_info gauge",
            r#"target_info{_1st="true",service_name="backstage"} 1"#
        ]
    );
    assert_eq!(
        lines(&text(&collection, OpenMetrics100)),
        [
            "# HELP target Target metadata",
            "# TYPE target info",
            r#"target_info{_1st="true",service_name="backstage"} 1"#,
            "# EOF"
        ]
    );
}

#[test]
fn values_may_be_infinite() {
    for (name, shown) in [("inf", "} +Inf\n"), ("minus_inf", "} -Inf\n")] {
        let collection = Fixture::default().infinite(name).collection();
        let found = text(&collection, Text004);
        assert!(found.contains(shown), "{found}");
    }
}

#[test]
fn delta_data_and_negative_counters_are_left_out_with_a_warning() {
    let collection = Fixture::default()
        .metric("scope", "", |meter| {
            let observe = |observer: &dyn opentelemetry::metrics::AsyncInstrument<f64>| {
                observer.observe(-1.0, &[]);
                observer.observe(2.0, &[KeyValue::new("a", "b")]);
            };
            meter
                .f64_observable_counter("c")
                .with_callback(observe)
                .build();
        })
        .delta()
        .counter("scope", "delta", 1, &[])
        .collection();
    let (bytes, warnings) = page(&collection, Text004, Default::default(), Default::default());
    assert_eq!(
        lines(std::str::from_utf8(&bytes).unwrap()),
        [
            "# TYPE c_total counter",
            r#"c_total{a="b",otel_scope_name="scope"} 2"#
        ]
    );
    assert_eq!(warnings.len(), 2, "{warnings:?}");
}

#[test]
fn names_beyond_ascii_are_quoted_when_allowed_and_escaped_otherwise() {
    let collection = counter("http.requests", 1, &[KeyValue::new("http.method", "GET")])
        .histogram("my.h", &[1.0])
        .collection();
    let shown = |strategy, escaping, format| {
        String::from_utf8(page(&collection, format, strategy, escaping).0).unwrap()
    };
    let found = shown(
        NoUTF8EscapingWithSuffixes,
        Escaping::AllowUtf8,
        OpenMetrics100,
    );
    for line in [
        "# TYPE \"http.requests\" counter\n",
        "{\"http.requests_total\",\"http.method\"=\"GET\",otel_scope_name=\"scope\"} 1\n",
        "{\"http.requests_created\",\"http.method\"=\"GET\",otel_scope_name=\"scope\"} 15",
        "# TYPE \"my.h\" histogram\n",
        "{\"my.h_bucket\",otel_scope_name=\"scope\",le=\"1.0\"} 1\n",
    ] {
        assert!(found.contains(line), "{line} in\n{found}");
    }
    let found = shown(NoTranslation, Escaping::AllowUtf8, OpenMetrics100);
    assert!(
        found.contains("# TYPE \"http.requests\" unknown\n{\"http.requests\","),
        "{found}"
    );
    let found = shown(NoTranslation, Escaping::Underscores, Text004);
    assert!(
        found.contains("http_requests{http_method=\"GET\""),
        "{found}"
    );
    let found = shown(NoTranslation, Escaping::Values, Text004);
    assert!(
        found.contains("U__http_2e_requests{U__http_2e_method=\"GET\""),
        "{found}"
    );
}

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

fn recorded() -> impl Strategy<Value = Recorded> {
    let name = prop_oneof![
        4 => "x([._](count|sum|bucket|total|created|info|s|seconds)){0,2}",
        1 => Just("target.info".to_owned()),
        1 => Just("target".to_owned()),
        1 => "[a-c][._-][a-c]",
    ];
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
    let attributes = prop::collection::vec((key, value), 0..3).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(k, v)| KeyValue::new(k, v))
            .collect()
    });
    (
        0u8..6,
        name,
        prop_oneof![Just(""), Just("s"), Just("1"), Just("{x}")],
        prop_oneof![Just("a"), Just("b")],
        attributes,
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

fn strategies() -> impl Strategy<Value = TranslationStrategy> {
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
