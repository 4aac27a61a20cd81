//! Request headers: whatever a client sends, it gets the page, in a format and encoding that it
//! named or that everybody reads.

use std::cell::OnceCell;

use http::header::{HeaderMap, HeaderName, HeaderValue, CONTENT_ENCODING, CONTENT_TYPE};
use nativestage_metrics::config::{Config, Environment};
use nativestage_metrics::export::prometheus::Exposition;
use opentelemetry_sdk::metrics::InstrumentKind;

use crate::bench::{render, spec, Bench};
use crate::page;

/// Lines of `name: value`.
pub fn run(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let mut halves = line.splitn(2, |byte| *byte == b':');
        let name = halves.next().map(HeaderName::from_bytes);
        let value = halves
            .next()
            .map(|value| HeaderValue::from_bytes(value.trim_ascii()));
        if let (Some(Ok(name)), Some(Ok(value))) = (name, value) {
            headers.append(name, value);
        }
    }
    thread_local! {
        static SERVED: OnceCell<(Bench, Exposition)> = const { OnceCell::new() };
    }
    let answer = SERVED.with(|served| {
        let (bench, exposition) = served.get_or_init(serve);
        let answer = render(exposition, &headers);
        bench.assert_no_errors();
        answer
    });
    let page = page::read(&answer);
    assert_eq!(page.points.len(), 4, "{page:?}");
    let asked = |what: &str, wanted: &[&str]| {
        let values = headers.get_all(what).into_iter();
        let text: String = values
            .filter_map(|value| value.to_str().ok())
            .map(str::to_ascii_lowercase)
            .collect();
        wanted.iter().any(|wanted| text.contains(wanted))
    };
    let content_type = answer.headers()[CONTENT_TYPE].to_str().unwrap();
    for (format, name) in [
        ("application/openmetrics-text", "openmetrics-text"),
        ("application/vnd.google.protobuf", "protobuf"),
        ("version=1.0.0; charset", "1.0.0"),
        ("escaping=allow-utf-8", "allow-utf"),
        ("escaping=dots", "dots"),
        ("escaping=values", "values"),
    ] {
        // OpenMetrics 1.0.0 is also what a client gets that names no version.
        if content_type.contains(format) && !(name == "1.0.0" && asked("accept", &["openmetrics"]))
        {
            assert!(asked("accept", &[name]), "{content_type}");
        }
    }
    if answer.headers().contains_key(CONTENT_ENCODING) {
        assert!(asked("accept-encoding", &["gzip", "*"]));
    }
}

fn serve() -> (Bench, Exposition) {
    let config = Config::parse(
        r#"{"exporters": {"prometheus": {"translationStrategy": "NoTranslation"}}}"#,
        "options",
        &Environment::default(),
    );
    let config = config.expect("a configuration");
    let strategy = config.prometheus.as_ref().unwrap().translation_strategy;
    let mut bench = Bench::new(&config);
    for (kind, name) in [
        (InstrumentKind::Counter, "requests.count"),
        (InstrumentKind::Gauge, "temperature"),
        (InstrumentKind::Histogram, "request.duration"),
    ] {
        bench.record(spec(kind, name), &["a.b".into(), "x".into()], &[0.5]);
    }
    let exposition = bench.exposition(strategy);
    (bench, exposition)
}
