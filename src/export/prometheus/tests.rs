//! Whole pages: what stands on them.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::Resource;
use prost::Message;

use super::chunks::Chunks;
use super::encode::write_text;
use super::families::Page;
use super::fixture::{counter, page, page_of, text, Fixture, STARTED};
use super::names::{Escaping, Naming};
use super::negotiate::Format::{OpenMetrics100, Protobuf, Text004};
use super::notices::Notices;
use super::protobuf::{write_protobuf, MetricFamily, MetricType};
use crate::config::TranslationStrategy::*;
use crate::config::{Config, Environment, PageContent};
use crate::engine::aggregate::{Exemplars, Numbers, Values};
use crate::engine::canonical::Canonical;
use crate::engine::clock::Timestamp;
use crate::engine::collection::{Collection, Metric, PageNaming, Source};
use crate::engine::columns::{Columns, SharedColumns, Shown};
use crate::engine::filter::SeriesFilter;
use crate::engine::points::Kind;

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
fn a_metric_that_loses_its_points_before_they_are_read_has_no_samples() {
    let shown = Shown {
        sum: true,
        min_max: true,
    };
    let values = Values::Sums(Numbers::Int(Vec::new()));
    let columns = SharedColumns::new(Columns::new(
        shown,
        false,
        values,
        Exemplars::of_size(1, false),
    ));
    let metric = Metric {
        scope: Arc::new(InstrumentationScope::builder("scope").build()),
        name: "n".into(),
        description: "Gone".into(),
        unit: "".into(),
        kind: Kind::Sum {
            temporality: Temporality::Cumulative,
            monotonic: true,
        },
        time: Timestamp::from_nanos(STARTED.as_nanos() + 1),
        naming: PageNaming::Translated,
        page_only: false,
        source: Source::Unread(columns.clone()),
        filter: SeriesFilter::All,
    };
    let resource = Arc::new(Resource::builder_empty().build());
    let collection = Collection::new(resource, vec![metric]);
    let notices = Notices::default();
    let mut out = Vec::new();
    let mut sink = |bytes: Bytes| {
        out.extend_from_slice(&bytes);
        ControlFlow::Continue(())
    };
    let mut chunks = Chunks::new(&mut sink);
    for open_metrics in [false, true] {
        columns.lock().insert(Canonical::default(), STARTED);
        let page = Page::new(
            &collection,
            Naming::default(),
            &PageContent::default(),
            &notices,
        );
        columns.lock().clear();
        assert!(write_text(page, open_metrics, &notices, &mut chunks).is_continue());
    }
    columns.lock().insert(Canonical::default(), STARTED);
    let page = Page::new(
        &collection,
        Naming::default(),
        &PageContent::default(),
        &notices,
    );
    columns.lock().clear();
    assert!(write_protobuf(page, &notices, &mut chunks).is_continue());
    assert_eq!(
        lines(std::str::from_utf8(&out).unwrap()),
        [
            "# HELP n_total Gone",
            "# TYPE n_total counter",
            "# HELP n Gone",
            "# TYPE n counter",
            "# EOF"
        ]
    );
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

/// What these options put on the page.
fn content(options: &str) -> PageContent {
    let options = format!(r#"{{"exporters": {{"prometheus": {options}}}}}"#);
    let config = Config::parse(&options, "options", &Environment::default()).unwrap();
    config.prometheus.unwrap().content
}

/// A page as text, without comments, and the warnings it gave.
fn page_with(collection: &Collection, options: &str) -> (Vec<String>, Vec<String>) {
    let (page, said) = page_of(
        collection,
        Text004,
        Default::default(),
        Default::default(),
        &content(options),
    );
    let page = String::from_utf8(page).unwrap();
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    (samples.map(str::to_owned).collect(), said)
}

#[test]
fn an_attribute_called_as_a_label_of_its_scope_is_joined_with_it() {
    let named = |key: &'static str| KeyValue::new(key, "x");
    let scope = InstrumentationScope::builder("a")
        .with_attributes([KeyValue::new("team", "core")])
        .build();
    let collection = counter("n", 1, &[named("otel_scope_name")])
        .counter("scope", "n2", 2, &[named("otel_scope_version")])
        .metric_in(scope, "", |meter| {
            let counter = meter.u64_counter("m").build();
            counter.add(1, &[named("otel.scope.team")]);
        })
        .collection();
    let (samples, said) = page_with(&collection, "{}");
    assert_eq!(
        samples,
        [
            r#"n_total{otel_scope_name="x;scope"} 1"#,
            r#"n2_total{otel_scope_version="x",otel_scope_name="scope"} 2"#,
            r#"m_total{otel_scope_name="a",otel_scope_team="x;core"} 1"#,
        ]
    );
    assert_eq!(said, [""; 0]);
    let native = families(&collection);
    let labels: Vec<&str> = native[0].metric[0]
        .label
        .iter()
        .map(|label| label.value())
        .collect();
    assert_eq!(labels, ["x;scope"]);
}

#[test]
fn series_that_an_attribute_makes_equal_are_on_the_page_once() {
    let scope = |version: Option<&'static str>| {
        let scope = InstrumentationScope::builder("s");
        match version {
            Some(version) => scope.with_version(version).build(),
            None => scope.build(),
        }
    };
    let add = |value, attributes: &'static [(&'static str, &'static str)]| {
        move |meter: &opentelemetry::metrics::Meter| {
            let attributes: Vec<KeyValue> = attributes
                .iter()
                .map(|(key, value)| KeyValue::new(*key, *value))
                .collect();
            meter.u64_counter("n").build().add(value, &attributes);
        }
    };
    let collection = Fixture::default()
        .metric_in(scope(Some("x;1")), "", add(1, &[]))
        .metric_in(scope(None), "", add(2, &[("otel_scope_version", "x;1")]))
        .metric_in(scope(Some("1")), "", add(4, &[("otel.scope.version", "x")]))
        .collection();
    let (samples, _) = page_with(&collection, "{}");
    assert_eq!(samples.len(), 1, "{samples:?}");
    assert!(samples[0].ends_with(" 7"), "{samples:?}");
}

#[test]
fn without_labels_of_scopes_their_series_are_added_up_where_that_can_be() {
    let off = r#"{"scopeInfoEnabled": false}"#;
    let gauge = |value| {
        move |meter: &opentelemetry::metrics::Meter| {
            meter.f64_gauge("g").build().record(value, &[]);
        }
    };
    let collection = Fixture::default()
        .counter("a", "n", 1, &[])
        .counter("b", "n", 2, &[])
        .counter("b", "n", 4, &[KeyValue::new("otel_scope_name", "mine")])
        .metric("a", "", gauge(1.0))
        .metric("b", "", gauge(2.0))
        .collection();
    let (samples, said) = page_with(&collection, off);
    assert_eq!(
        samples,
        ["n_total 3", r#"n_total{otel_scope_name="mine"} 4"#, "g 1"]
    );
    let [said] = &said[..] else {
        panic!("{said:?}")
    };
    assert!(said.contains("g has series with the same labels"), "{said}");
}

#[test]
fn attributes_of_the_resource_are_labels_of_every_series_where_they_are_asked_for() {
    let collection = counter("n", 1, &[KeyValue::new("service.name", "theirs")])
        .resource([
            KeyValue::new("service.name", "shop"),
            KeyValue::new("service.version", "1"),
            KeyValue::new("host.name", "h"),
        ])
        .collection();
    let some =
        r#"{"resourceConstantLabels": {"included": ["service.*"], "excluded": ["*version"]}}"#;
    let target = r#"target_info{host_name="h",service_name="shop",service_version="1"} 1"#;
    for (options, labels) in [
        ("{}", r#"service_name="theirs",otel_scope_name="scope""#),
        (
            some,
            r#"otel_scope_name="scope",service_name="theirs;shop""#,
        ),
    ] {
        let (samples, _) = page_with(&collection, options);
        assert_eq!(
            samples,
            [target.to_owned(), format!("n_total{{{labels}}} 1")]
        );
    }
    let all = r#"{"resourceConstantLabels": {}, "targetInfoEnabled": false, "scopeInfoEnabled": "false"}"#;
    let (samples, _) = page_with(&collection, all);
    assert_eq!(
        samples,
        [r#"n_total{host_name="h",service_name="theirs;shop",service_version="1"} 1"#]
    );
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
fn what_several_series_are_added_up_to_began_with_the_first_of_them() {
    let later = Timestamp::from_nanos(STARTED.as_nanos() + 1_000_000_000);
    for starts in [[STARTED, later], [later, STARTED]] {
        let collection = starts
            .into_iter()
            .zip(["x.y", "x_y"])
            .fold(Fixture::default(), |fixture, (start, name)| {
                fixture.since(start).counter("scope", name, 1, &[])
            })
            .collection();
        assert_eq!(
            lines(&text(&collection, OpenMetrics100))[1..],
            [
                r#"x_y_total{otel_scope_name="scope"} 2"#,
                r#"x_y_created{otel_scope_name="scope"} 1500000000.250"#,
                "# EOF"
            ]
        );
        let families = families(&collection);
        let counter = families[0].metric[0].counter.as_ref().unwrap();
        let created = counter.created_timestamp.as_ref().unwrap();
        assert_eq!(
            (created.seconds, created.nanos),
            (1_500_000_000, 250_000_000)
        );
    }
}

#[test]
fn only_what_counts_from_a_known_start_says_when_it_began() {
    let started = |start| {
        Fixture::default()
            .resource([KeyValue::new("service.name", "backstage")])
            .since(start)
            .counter("scope", "counter", 1, &[])
            .histogram("histogram", &[1.0])
            .gauge("gauge", 1.0)
            .infinite("inf")
            .collection()
    };
    let names = |collection: &Collection| -> Vec<String> {
        let page = text(collection, OpenMetrics100);
        let samples = page.lines().filter_map(|line| line.split_once('{'));
        let created = samples.filter_map(|(name, _)| name.strip_suffix("_created"));
        created.map(str::to_owned).collect()
    };
    assert_eq!(names(&started(STARTED)), ["counter", "histogram"]);
    let unknown = started(Timestamp::default());
    assert!(names(&unknown).is_empty());
    for metric in families(&unknown).iter().flat_map(|family| &family.metric) {
        let counter = metric
            .counter
            .as_ref()
            .and_then(|c| c.created_timestamp.as_ref());
        let histogram = metric
            .histogram
            .as_ref()
            .and_then(|h| h.created_timestamp.as_ref());
        assert_eq!(counter.or(histogram), None);
    }
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
