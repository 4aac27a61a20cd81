//! Data: what is recorded comes out of the page as it went in, in every format; and whatever its
//! names, no page is invalid.

use std::collections::BTreeMap;
use std::sync::Arc;

use arbitrary::{Arbitrary, Unstructured};
use http::header::{HeaderMap, HeaderValue, ACCEPT};
use nativestage_metrics::config::{Config, Environment, TranslationStrategy};
use nativestage_metrics::engine::instrument::{InstrumentSpec, ValueType};
use nativestage_metrics::services::naming::check_instrument_name;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::metrics::InstrumentKind;
use serde_json::Value as Json;

use crate::bench::{render, spec, Bench};
use crate::page::{self, Page, Point};
use crate::text::Labels;

#[derive(Arbitrary, Debug)]
struct Input {
    exponential: bool,
    /// Names are made so that none needs to be translated, and the pages are held against a model.
    tame: bool,
    strategy: u8,
    representation: u8,
    metrics: Vec<Metric>,
}

#[derive(Arbitrary, Debug)]
struct Metric {
    kind: Kind,
    name: String,
    unit: String,
    description: String,
    scope: String,
    version: Option<String>,
    whole: bool,
    boundaries: Vec<i16>,
    series: Vec<Series>,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Kind {
    Counter,
    UpDownCounter,
    Gauge,
    Histogram,
}

#[derive(Arbitrary, Debug)]
struct Series {
    attributes: Vec<(String, Attribute)>,
    gauge: f64,
    /// Eighths: their sums are exact in any order.
    values: Vec<i32>,
}

#[derive(Arbitrary, Debug)]
enum Attribute {
    Text(String),
    Integer(i32),
    Flag(bool),
    Texts(Vec<String>),
}

const STRATEGIES: [TranslationStrategy; 4] = [
    TranslationStrategy::NoTranslation,
    TranslationStrategy::UnderscoreEscapingWithSuffixes,
    TranslationStrategy::UnderscoreEscapingWithoutSuffixes,
    TranslationStrategy::NoUTF8EscapingWithSuffixes,
];

const TEXT: &str = "text/plain;version=1.0.0";
const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";
const PROTOBUF: &str =
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
const FORMATS: [&str; 3] = [TEXT, OPEN_METRICS, PROTOBUF];
const ESCAPINGS: [&str; 4] = ["underscores", "allow-utf-8", "dots", "values"];

/// Keeps a run short: what is beyond tells nothing new.
const MOST: usize = 6;

pub fn run(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else {
        return;
    };
    let histogram = if input.exponential {
        "exponential"
    } else {
        "explicit"
    };
    let config = Config::parse(
        &format!(r#"{{"serviceName": "s", "histogram": "{histogram}"}}"#),
        "options",
        &Environment::default(),
    );
    let mut bench = Bench::new(&config.expect("a configuration"));
    let mut model = Model::default();
    for (index, metric) in input.metrics.iter().take(MOST).enumerate() {
        record(&mut bench, &mut model, metric, index, &input);
    }
    let chosen = usize::from(input.representation);
    let strategy = STRATEGIES[usize::from(input.strategy) % 4];
    read(
        &bench,
        strategy,
        FORMATS[chosen % 3],
        ESCAPINGS[chosen / 3 % 4],
    );
    if input.tame {
        for format in FORMATS {
            let page = read(&bench, STRATEGIES[0], format, "allow-utf-8");
            model.check(&page, format == PROTOBUF);
        }
    }
    bench.assert_no_errors();
}

fn read(bench: &Bench, strategy: TranslationStrategy, format: &str, escaping: &str) -> Page {
    let accept = format!("{format};escaping={escaping}");
    let accept = HeaderValue::try_from(accept).expect("ASCII");
    let headers = HeaderMap::from_iter([(ACCEPT, accept)]);
    page::read(&render(&bench.exposition(strategy), &headers))
}

fn record(bench: &mut Bench, model: &mut Model, metric: &Metric, index: usize, input: &Input) {
    let name = match input.tame {
        true => format!("m{index}"),
        false => metric.name.clone(),
    };
    if check_instrument_name(&name).is_err() {
        return;
    }
    let kind = match metric.kind {
        Kind::Counter => InstrumentKind::Counter,
        Kind::UpDownCounter => InstrumentKind::UpDownCounter,
        Kind::Gauge => InstrumentKind::Gauge,
        Kind::Histogram => InstrumentKind::Histogram,
    };
    let mut boundaries: Vec<f64> = metric
        .boundaries
        .iter()
        .map(|eighths| eighth(*eighths))
        .collect();
    boundaries.sort_by(f64::total_cmp);
    boundaries.dedup();
    let mut scope = InstrumentationScope::builder(metric.scope.clone());
    if let Some(version) = &metric.version {
        scope = scope.with_version(version.clone());
    }
    let spec = InstrumentSpec {
        scope: Arc::new(scope.build()),
        // The binding leaves other units out.
        unit: metric
            .unit
            .chars()
            .filter(char::is_ascii)
            .take(63)
            .collect(),
        description: Arc::from(metric.description.as_str()),
        value_type: if metric.whole {
            ValueType::Int
        } else {
            ValueType::Double
        },
        boundaries: (metric.kind == Kind::Histogram).then(|| boundaries.clone()),
        ..spec(kind, name.clone())
    };
    for series in metric.series.iter().take(MOST) {
        let values = values(metric, series);
        if values.is_empty() {
            continue;
        }
        let mut attributes: BTreeMap<String, &Attribute> = BTreeMap::new();
        for (key, attribute) in series.attributes.iter().take(MOST) {
            let prefix = if input.tame { "k" } else { "" };
            attributes.insert(format!("{prefix}{key}"), attribute);
        }
        let flat: Vec<Json> = attributes
            .iter()
            .flat_map(|(key, value)| [Json::from(key.as_str()), value.json()])
            .collect();
        bench.record(spec.clone(), &flat, &values);
        let mut labels: Labels = attributes
            .into_iter()
            .map(|(key, value)| (key, value.text()))
            .collect();
        labels.insert("otel_scope_name".to_owned(), metric.scope.clone());
        let version = metric.version.clone().unwrap_or_default();
        labels.insert("otel_scope_version".to_owned(), version);
        labels.retain(|_, value| !value.is_empty());
        let boundaries = (!input.exponential).then_some(&boundaries[..]);
        model.add(metric.kind, name.clone(), labels, &values, boundaries);
    }
    if input.tame {
        model.help.insert(name, metric.description.clone());
    }
}

fn eighth(eighths: impl Into<f64>) -> f64 {
    eighths.into() / 8.0
}

fn values(metric: &Metric, series: &Series) -> Vec<f64> {
    if metric.kind == Kind::Gauge && !metric.whole {
        let finite = series.gauge.is_finite();
        return vec![if finite { series.gauge } else { 0.0 }];
    }
    let values = series.values.iter().take(2 * MOST).map(|value| {
        let value = if metric.whole {
            f64::from(*value)
        } else {
            eighth(*value)
        };
        match metric.kind {
            // The facade hands no others over.
            Kind::Counter | Kind::Histogram => value.abs(),
            Kind::UpDownCounter | Kind::Gauge => value,
        }
    });
    values.collect()
}

impl Attribute {
    fn json(&self) -> Json {
        match self {
            Attribute::Text(text) => Json::from(text.as_str()),
            Attribute::Integer(integer) => Json::from(*integer),
            Attribute::Flag(flag) => Json::from(*flag),
            Attribute::Texts(texts) => Json::from(texts.clone()),
        }
    }

    fn text(&self) -> String {
        match self {
            Attribute::Text(text) => text.clone(),
            other => other.json().to_string(),
        }
    }
}

/// What the page should say.
#[derive(Default)]
struct Model {
    series: BTreeMap<(String, Labels), Expected>,
    help: BTreeMap<String, String>,
}

enum Expected {
    Sum(f64),
    /// Any of these: sets that differ only in empty texts are one series to Prometheus.
    Last(Vec<f64>),
    Values(Vec<f64>, Option<Vec<f64>>),
}

impl Model {
    fn add(
        &mut self,
        kind: Kind,
        name: String,
        labels: Labels,
        values: &[f64],
        boundaries: Option<&[f64]>,
    ) {
        let expected = self.series.entry((name, labels));
        let expected = expected.or_insert_with(|| match kind {
            Kind::Counter | Kind::UpDownCounter => Expected::Sum(0.0),
            Kind::Gauge => Expected::Last(Vec::new()),
            Kind::Histogram => Expected::Values(Vec::new(), boundaries.map(<[f64]>::to_vec)),
        });
        match expected {
            Expected::Sum(sum) => *sum += values.iter().sum::<f64>(),
            Expected::Last(all) => all.extend(values.last()),
            Expected::Values(all, _) => all.extend(values),
        }
    }

    fn check(&self, page: &Page, protobuf: bool) {
        let own = page.points.keys().filter(|(name, _)| name != "target_info");
        assert_eq!(
            own.collect::<Vec<_>>(),
            self.series.keys().collect::<Vec<_>>()
        );
        for (key, expected) in &self.series {
            let found = &page.points[key];
            let agree = match (expected, found) {
                (Expected::Sum(sum), Point::Number(value)) => value == sum,
                (Expected::Last(all), Point::Number(value)) => all.contains(value),
                (
                    Expected::Values(values, bounds),
                    Point::Histogram {
                        count,
                        sum,
                        buckets,
                    },
                ) => {
                    assert_eq!(*count, values.len() as u64);
                    let total: f64 = values.iter().sum();
                    // The text formats show no sum where a bound is negative.
                    let negative = bounds
                        .as_ref()
                        .is_some_and(|b| b.first().is_some_and(|b| *b < 0.0));
                    assert!(sum.is_none_or(|sum| sum == total), "{sum:?} is not {total}");
                    assert!(sum.is_some() || (negative && !protobuf));
                    bounds.is_none() || *buckets == bounds.as_ref().map(|b| counted(values, b))
                }
                _ => false,
            };
            assert!(agree, "{key:?}: {found:?}");
        }
        for (name, help) in &self.help {
            if let Some(found) = page.help.get(name) {
                assert_eq!(found, help);
            }
        }
    }
}

/// Cumulative buckets: bounds are inclusive.
fn counted(values: &[f64], bounds: &[f64]) -> Vec<(f64, u64)> {
    let bounds = bounds.iter().copied().chain([f64::INFINITY]);
    let count = |bound| values.iter().filter(|value| **value <= bound).count() as u64;
    bounds.map(|bound| (bound, count(bound))).collect()
}
