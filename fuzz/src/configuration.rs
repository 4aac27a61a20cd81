//! Options and environment: every text is refused with the place that is wrong, or makes a
//! configuration under which an engine collects.

use std::ops::ControlFlow;
use std::time::Duration;

use nativestage_metrics::config::{Config, ConfigFile, Environment};
use nativestage_metrics::engine::points::{Kind, Point};
use nativestage_metrics::engine::Collect;
use nativestage_metrics::error::Code;
use opentelemetry_sdk::metrics::InstrumentKind;

use crate::bench::{block_on, spec, Bench};

const PATH: &str = "backend.metrics";
const FILE: &str = "otel.yaml";

/// Options as JSON; after a line `---`, variables as lines of `NAME=value`; after another, a file of
/// declarative configuration as JSON.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (json, rest) = text.split_once("\n---\n").unwrap_or((text, ""));
    let (variables, file) = match rest.split_once("\n---\n") {
        Some((variables, content)) => (variables, Some(content)),
        None => (rest, None),
    };
    let environment = Environment::new(
        variables
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    )
    .with_file(file.map(|content| ConfigFile {
        name: FILE.to_owned(),
        content: content.to_owned(),
    }));
    let secrets = secrets(text, json);
    match Config::parse(json, PATH, &environment) {
        Ok(config) => {
            check(&config);
            hidden(&secrets, &format!("{config:?}"));
            collect(&config);
        }
        Err(error) => {
            assert_eq!(error.code(), Code::InvalidConfig);
            let message = error.message();
            assert!(
                [PATH, FILE, "OTEL_"]
                    .iter()
                    .any(|place| message.starts_with(place)),
                "{message}"
            );
            assert!(message.contains(": "), "{message}");
            hidden(&secrets, message);
        }
    }
}

const KINDS: [InstrumentKind; 3] = [
    InstrumentKind::Counter,
    InstrumentKind::Gauge,
    InstrumentKind::Histogram,
];

fn check(config: &Config) {
    if let Some(prometheus) = &config.prometheus {
        assert!(prometheus.path.starts_with('/'));
        assert!(!prometheus.collect_timeout.is_zero());
    }
    for otlp in &config.otlp {
        assert!(!otlp.interval.is_zero() && !otlp.timeout.is_zero());
        let endpoint: http::Uri = otlp.endpoint.parse().expect("a URL");
        assert!(endpoint.host().is_some_and(|host| !host.is_empty()));
        assert!(matches!(endpoint.scheme_str(), Some("http" | "https")));
        for (name, value) in &otlp.headers {
            http::HeaderName::try_from(name.as_str()).expect("a header's name");
            http::HeaderValue::try_from(value.expose()).expect("a header's value");
        }
    }
    let readers = [
        config.prometheus.as_ref().map(|page| &page.reader),
        config.console.as_ref().map(|console| &console.reader),
    ];
    let otlp = config.otlp.iter().map(|otlp| &otlp.reader);
    for reader in readers.into_iter().flatten().chain(otlp) {
        for kind in KINDS {
            let own = reader.cardinality_limit.get(kind);
            assert!(own.is_none_or(|limit| (1..=1_000_000).contains(&limit)));
        }
    }
    assert!((1..=1_000_000).contains(&config.streams.cardinality_limit));
    assert!((1..=1_000_000).contains(&config.value_length));
    assert!(!config.exit_timeout.is_zero());
}

/// Views reach the engine here.
fn collect(config: &Config) {
    let mut bench = Bench::new(config);
    for kind in KINDS {
        let attributes = ["a".into(), 1.into(), "b".into(), "x".into()];
        bench.record(spec(kind, format!("{kind:?}")), &attributes, &[0.5, 2.0]);
    }
    let pipelines = bench.pipelines.clone();
    let others = [pipelines.prometheus, pipelines.console];
    for pipeline in others.into_iter().flatten().chain(pipelines.otlp) {
        let answer = bench.engine.collect(pipeline, Duration::from_secs(1));
        let collection = block_on(answer).expect("an answer").expect("a collection");
        let recorded = collection.metrics().filter(|metric| metric.has_points());
        assert!(recorded.count() <= 3 * (1 + config.streams.views.len()));
        for metric in collection.metrics() {
            let _ = metric.read().for_each(&mut |_, point| {
                check_point(metric.kind, point);
                ControlFlow::Continue(())
            });
        }
    }
    bench.assert_no_errors();
}

/// A point is what its metric is made of, and counts both values.
fn check_point(kind: Kind, point: Point<'_, '_>) {
    match (kind, point) {
        (Kind::Gauge, Point::Number(last)) => assert_eq!(last.as_f64(), 2.0),
        (Kind::Sum { .. }, Point::Number(sum)) => assert_eq!(sum.as_f64(), 2.5),
        (Kind::Histogram { .. }, Point::Explicit(point)) => {
            assert_eq!(point.count, 2);
            if !point.bounds.is_empty() {
                assert_eq!(point.bucket_counts.iter().sum::<u64>(), 2);
            }
        }
        (Kind::Exponential { .. }, Point::Exponential(point)) => {
            assert_eq!(point.count, 2);
            assert_eq!(point.positive.counts.iter().sum::<u64>(), 2);
        }
        _ => panic!("a point of another kind than {kind:?}"),
    }
}

/// The token and the headers' values, where they can be told from the rest of the input.
fn secrets(text: &str, json: &str) -> Vec<String> {
    let Ok(options) = serde_json::from_str::<serde_json::Value>(json) else {
        return Vec::new();
    };
    let exporters = &options["exporters"];
    let headers = exporters["otlp"]["headers"].as_object();
    headers
        .into_iter()
        .flat_map(|headers| headers.values())
        .chain([&exporters["prometheus"]["token"]])
        .filter_map(|value| value.as_str())
        .filter(|value| value.len() >= 8 && text.matches(value).count() == 1)
        .map(str::to_owned)
        .collect()
}

fn hidden(secrets: &[String], text: &str) {
    for secret in secrets {
        assert!(!text.contains(secret.as_str()), "a secret is shown: {text}");
    }
}
