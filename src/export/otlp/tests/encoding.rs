//! The encoders against opentelemetry-proto: its decoder, and its own conversion of the same data.

use std::time::{Duration, Instant};

use opentelemetry::{Array, InstrumentationScope, KeyValue, SpanId, StringValue, TraceId, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value;
use opentelemetry_proto::tonic::metrics::v1::{
    self as proto, metric, number_data_point, Metric, NumberDataPoint,
};
use opentelemetry_sdk::metrics::Temporality;
use prost::Message;

use crate::config::{Config, ReaderLayer};
use crate::engine::clock::Timestamp;
use crate::engine::points::{Exemplar, Number, Span};
use crate::engine::produced::Production;
use crate::engine::{Collect, Engine};
use crate::export::otlp::encode::{requests, Cut, Request};
use crate::export::otlp::json::Json;
use crate::export::otlp::protobuf::Protobuf;
use crate::export::testing::TestSource;
use crate::log::Logger;

fn bytes(bytes: usize) -> Cut {
    Cut {
        bytes,
        ..Cut::NEVER
    }
}

fn protobuf(request: &Request) -> ExportMetricsServiceRequest {
    ExportMetricsServiceRequest::decode(request.body.as_slice()).unwrap()
}

fn json(request: &Request) -> ExportMetricsServiceRequest {
    serde_json::from_slice(&request.body).unwrap()
}

/// The resource's attributes come from a hash map, in any order.
fn sorted(mut request: ExportMetricsServiceRequest) -> ExportMetricsServiceRequest {
    for resource in &mut request.resource_metrics {
        if let Some(resource) = &mut resource.resource {
            resource.attributes.sort_by(|a, b| a.key.cmp(&b.key));
        }
    }
    request
}

fn every_kind(temporality: Temporality) -> TestSource {
    let source = TestSource::new(temporality);
    let attributes = [
        KeyValue::new("method", "GET"),
        KeyValue::new("ok", true),
        KeyValue::new("n", -7),
        KeyValue::new("big", i64::MIN),
        KeyValue::new("ratio", 0.1),
        KeyValue::new("empty", ""),
        KeyValue::new("strings", Value::Array(strings(&["a", "", "ü\"\n"]))),
        KeyValue::new("ints", Value::Array(Array::I64(vec![0, -1, i64::MAX]))),
        KeyValue::new("doubles", Value::Array(Array::F64(vec![1.5, -0.0]))),
        KeyValue::new("bools", Value::Array(Array::Bool(vec![true, false]))),
        KeyValue::new("nothing", Value::Array(Array::Bool(Vec::new()))),
        KeyValue::new("long", "x".repeat(40_000)),
    ];
    let first = source.meter();
    let counter = first
        .u64_counter("requests")
        .with_unit("{request}")
        .with_description("Requests ä")
        .build();
    counter.add(0, &[]);
    counter.add(u64::from(u32::MAX), &attributes);
    let doubles = source.meter().f64_counter("seconds").build();
    doubles.add(0.1, &[]);
    let up_down = source.meter().i64_up_down_counter("queue").build();
    up_down.add(-5, &attributes[..1]);
    let up_down = source.meter().f64_up_down_counter("level").build();
    up_down.add(-0.0, &attributes[..2]);
    source.meter().i64_gauge("gauge.i").build().record(-1, &[]);
    source.meter().u64_gauge("gauge.u").build().record(9, &[]);
    source
        .meter()
        .f64_gauge("gauge.f")
        .build()
        .record(f64::MIN_POSITIVE, &[]);

    let other = InstrumentationScope::builder("other")
        .with_version("1.2.3")
        .with_schema_url("https://example.com/schema")
        .with_attributes([KeyValue::new("plugin", "catalog")])
        .build();
    let histogram = source
        .meter_of(other.clone(), None)
        .f64_histogram("wait")
        .with_boundaries(vec![0.0, 0.5, 1.0])
        .build();
    for value in [-1.0, 0.0, 0.4, 0.5, 7.0] {
        histogram.record(value, &attributes[..3]);
        histogram.record(value, &[]);
    }
    let many = source
        .meter_of(other.clone(), None)
        .u64_histogram("sizes")
        .build();
    many.record(12_345, &[]);
    let none = source
        .meter_of(other, None)
        .f64_histogram("unbounded")
        .with_boundaries(Vec::new())
        .build();
    none.record(3.0, &[]);
    let exponential = source.exponential_meter().f64_histogram("exp").build();
    for value in [0.0, 1e-9, 0.3, 1.0, 1e9, -2.0] {
        exponential.record(value, &attributes[..1]);
    }
    let exponential = source.exponential_meter().u64_histogram("exp.int").build();
    exponential.record(1, &[]);
    source
}

fn strings(values: &[&'static str]) -> Array {
    Array::String(
        values
            .iter()
            .map(|value| StringValue::from(*value))
            .collect(),
    )
}

#[test]
fn protobuf_says_what_the_sdks_own_conversion_says() {
    for temporality in [
        Temporality::Cumulative,
        Temporality::Delta,
        Temporality::LowMemory,
    ] {
        let (collection, reference) = every_kind(temporality).collection_and_reference();
        let encoded = requests(&collection, Protobuf::default(), Cut::NEVER);
        assert_eq!(encoded.len(), 1);
        assert_eq!(encoded[0].points, 14);
        assert_eq!(encoded[0].delta, temporality != Temporality::Cumulative);
        assert_eq!(sorted(protobuf(&encoded[0])), sorted(reference));
    }
}

#[test]
fn json_says_what_protobuf_says() {
    let collection = every_kind(Temporality::Delta).collection();
    let json = requests(&collection, Json::default(), Cut::NEVER)
        .iter()
        .map(self::json)
        .next()
        .unwrap();
    let protobuf = requests(&collection, Protobuf::default(), Cut::NEVER)
        .iter()
        .map(self::protobuf)
        .next()
        .unwrap();
    assert_eq!(json, protobuf);
}

/// An exemplar of either type of number, within a span and outside of any, and what is made of them.
fn exemplars() -> (Vec<Exemplar>, Vec<proto::Exemplar>) {
    let span = Span {
        trace_id: TraceId::from_bytes(std::array::from_fn(|n| n as u8 + 0xf0)),
        span_id: SpanId::from_bytes(std::array::from_fn(|n| n as u8)),
    };
    let ours = vec![
        Exemplar {
            value: Number::Double(-0.5),
            time: Timestamp::from_nanos(7),
            span: Some(span),
            attributes: [KeyValue::new("user", "a"), KeyValue::new("n", 1)].into(),
        },
        Exemplar {
            value: Number::Int(i64::MIN),
            time: Timestamp::from_nanos(u64::MAX),
            span: None,
            attributes: Box::default(),
        },
    ];
    let theirs = vec![
        proto::Exemplar {
            filtered_attributes: ours[0].attributes.iter().map(Into::into).collect(),
            time_unix_nano: 7,
            span_id: span.span_id.to_bytes().into(),
            trace_id: span.trace_id.to_bytes().into(),
            value: Some(proto::exemplar::Value::AsDouble(-0.5)),
        },
        proto::Exemplar {
            filtered_attributes: Vec::new(),
            time_unix_nano: u64::MAX,
            span_id: Vec::new(),
            trace_id: Vec::new(),
            value: Some(proto::exemplar::Value::AsInt(i64::MIN)),
        },
    ];
    (ours, theirs)
}

#[test]
fn exemplars_are_with_their_points() {
    let (ours, theirs) = exemplars();
    let source = every_kind(Temporality::Cumulative).with_exemplars(ours);
    let (collection, mut reference) = source.collection_and_reference();
    let scopes = &mut reference.resource_metrics[0].scope_metrics;
    for metric in scopes.iter_mut().flat_map(|scope| &mut scope.metrics) {
        let first = match metric.data.as_mut().unwrap() {
            metric::Data::Gauge(gauge) => &mut gauge.data_points[0].exemplars,
            metric::Data::Sum(sum) => &mut sum.data_points[0].exemplars,
            metric::Data::Histogram(data) => &mut data.data_points[0].exemplars,
            metric::Data::ExponentialHistogram(data) => &mut data.data_points[0].exemplars,
            metric::Data::Summary(_) => unreachable!(),
        };
        assert!(first.is_empty());
        *first = theirs.clone();
    }
    let reference = sorted(reference);
    let binary = requests(&collection, Protobuf::default(), Cut::NEVER);
    assert_eq!(sorted(protobuf(&binary[0])), reference);
    let text = requests(&collection, Json::default(), Cut::NEVER);
    assert_eq!(sorted(json(&text[0])), reference);
}

#[test]
fn json_follows_the_otlp_mapping_to_the_letter() {
    let source = TestSource::new(Temporality::Cumulative);
    let scope = InstrumentationScope::builder("s").with_version("1").build();
    source
        .meter_of(scope.clone(), None)
        .u64_counter("c")
        .with_unit("By")
        .build()
        .add(
            9_007_199_254_740_993,
            &[KeyValue::new("n", 5), KeyValue::new("d", 2.5)],
        );
    source
        .meter_of(scope.clone(), None)
        .f64_histogram("h")
        .with_boundaries(vec![1.0])
        .build()
        .record(0.5, &[]);
    let collection = source.collection();
    let encoded = requests(&collection, Json::default(), Cut::NEVER);
    let text = String::from_utf8(encoded[0].body.clone()).unwrap();
    let tree: serde_json::Value = serde_json::from_str(&text).unwrap();
    let scope = &tree["resourceMetrics"][0]["scopeMetrics"][0];
    assert_eq!(
        scope["scope"],
        serde_json::json!({"name": "s", "version": "1", "attributes": []})
    );
    let sum = &scope["metrics"][0]["sum"];
    assert_eq!(sum["aggregationTemporality"], 2);
    assert_eq!(sum["isMonotonic"], true);
    let point = &sum["dataPoints"][0];
    assert_eq!(point["asInt"], "9007199254740993");
    assert!(
        point["timeUnixNano"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .unwrap()
            > 1 << 60
    );
    let attributes = point["attributes"].as_array().unwrap();
    for expected in [
        serde_json::json!({"key": "d", "value": {"doubleValue": 2.5}}),
        serde_json::json!({"key": "n", "value": {"intValue": "5"}}),
    ] {
        assert!(attributes.contains(&expected), "{attributes:?}");
    }
    let histogram = &scope["metrics"][1]["histogram"]["dataPoints"][0];
    assert_eq!(histogram["count"], "1");
    assert_eq!(histogram["bucketCounts"], serde_json::json!(["1", "0"]));
    assert_eq!(histogram["explicitBounds"], serde_json::json!([1.0]));
    assert_eq!(histogram["sum"], 0.5);
}

#[test]
fn values_that_json_has_no_number_for_are_spelled_out() {
    let source = TestSource::new(Temporality::Cumulative);
    for (name, value) in [("up", f64::MAX), ("down", f64::MIN)] {
        let sum = source.meter().f64_up_down_counter(name).build();
        sum.add(value, &[]);
        sum.add(value, &[]);
    }
    let encoded = requests(&source.collection(), Json::default(), Cut::NEVER);
    let tree: serde_json::Value = serde_json::from_slice(&encoded[0].body).unwrap();
    let metrics = &tree["resourceMetrics"][0]["scopeMetrics"][0]["metrics"];
    for (index, spelled) in ["Infinity", "-Infinity"].into_iter().enumerate() {
        let point = &metrics[index]["sum"]["dataPoints"][0];
        assert_eq!(point["asDouble"], spelled);
    }
}

#[test]
fn a_collection_without_points_makes_no_request() {
    let source = TestSource::new(Temporality::Delta);
    let _unused = source.meter().u64_counter("unused").build();
    let collection = source.collection();
    assert!(requests(&collection, Protobuf::default(), bytes(1)).is_empty());
    assert!(requests(&collection, Json::default(), bytes(1)).is_empty());
}

#[test]
fn what_comes_from_prometheus_carries_its_type_there() {
    let engine = Engine::start(Logger::default());
    let reader = ReaderLayer::preferring(Temporality::Delta);
    let pipeline = engine.add_reader(reader).unwrap();
    engine
        .configure(&Config::without_exporters("{}").unwrap())
        .unwrap();
    let texts = [
        "# TYPE jobs counter\njobs 1",
        "# TYPE build info\nbuild_info{version=\"1\"} 1",
        "# TYPE wild untyped\nwild 1",
        "# TYPE took summary\ntook_count 1\ntook_sum 2",
    ];
    engine.produce(
        0,
        Production {
            producer: 0,
            scope: InstrumentationScope::builder("prom-client").build().into(),
            start: Timestamp::default(),
            texts: texts.map(str::to_owned).into(),
        },
    );
    let answer = engine.collect(pipeline, Duration::from_secs(5));
    let collection = answer.blocking_recv().unwrap().unwrap();
    type Decode = fn(&Request) -> ExportMetricsServiceRequest;
    let encodings: [(Vec<Request>, Decode); 2] = [
        (
            requests(&collection, Protobuf::default(), Cut::NEVER),
            protobuf,
        ),
        (requests(&collection, Json::default(), Cut::NEVER), json),
    ];
    for (encoded, decode) in encodings {
        let scopes = decode(&encoded[0]).resource_metrics.remove(0).scope_metrics;
        let metrics = scopes.into_iter().flat_map(|scope| scope.metrics);
        let mut found: Vec<(String, String, bool)> = metrics
            .filter(|metric| !metric.metadata.is_empty())
            .map(|metric| {
                let [metadata] = &metric.metadata[..] else {
                    panic!("{:?}", metric.metadata);
                };
                assert_eq!(metadata.key, "prometheus.type");
                let value = metadata
                    .value
                    .as_ref()
                    .and_then(|value| value.value.clone());
                let Some(any_value::Value::StringValue(name)) = value else {
                    panic!("{value:?}");
                };
                let down =
                    matches!(&metric.data, Some(metric::Data::Sum(sum)) if !sum.is_monotonic);
                (metric.name, name, down)
            })
            .collect();
        found.sort();
        let expected = [
            ("build_info", "info", true),
            ("jobs", "counter", false),
            ("took", "summary", false),
            ("wild", "unknown", false),
        ];
        let expected = expected.map(|(name, kind, down)| (name.to_owned(), kind.to_owned(), down));
        assert_eq!(found, expected);
    }
    engine.shutdown();
}

#[test]
fn metrics_without_points_are_left_out() {
    let (collection, among_empty) = every_kind(Temporality::Delta).collection_and_among_empty();
    for limit in [1, 50_000, usize::MAX] {
        let bodies = |collection| {
            let binary = requests(collection, Protobuf::default(), bytes(limit));
            let text = requests(collection, Json::default(), bytes(limit));
            let binary = binary.iter().map(protobuf);
            let text = text.iter().map(json);
            binary.chain(text).map(sorted).collect::<Vec<_>>()
        };
        assert_eq!(bodies(&among_empty), bodies(&collection));
    }
}

#[test]
fn a_request_has_no_more_points_than_a_batch_may_and_they_stay_in_order() {
    let source = TestSource::new(Temporality::Delta);
    for (name, series) in [("a", 5), ("b", 1), ("c", 4)] {
        let counter = source.meter().u64_counter(name).build();
        for n in 0..series {
            counter.add(1, &[KeyValue::new("n", n)]);
        }
    }
    let collection = source.collection();
    let whole = requests(&collection, Protobuf::default(), Cut::NEVER);
    let points = |request: ExportMetricsServiceRequest| -> Vec<(String, NumberDataPoint)> {
        let scopes = request
            .resource_metrics
            .into_iter()
            .flat_map(|r| r.scope_metrics);
        let metrics = scopes.flat_map(|scope| scope.metrics);
        metrics
            .flat_map(|metric| {
                let Some(metric::Data::Sum(sum)) = metric.data else {
                    panic!("{} is no sum", metric.name);
                };
                sum.data_points
                    .into_iter()
                    .map(move |point| (metric.name.clone(), point))
            })
            .collect()
    };
    let all = points(protobuf(&whole[0]));
    assert_eq!(all.len(), 10);
    for (most, expected) in [
        (1, vec![1; 10]),
        (3, vec![3, 3, 3, 1]),
        (5, vec![5, 5]),
        (10, vec![10]),
        (11, vec![10]),
    ] {
        let cut = Cut {
            points: most,
            ..Cut::NEVER
        };
        type Decode = fn(&Request) -> ExportMetricsServiceRequest;
        let encodings: [(Vec<Request>, Decode); 2] = [
            (requests(&collection, Protobuf::default(), cut), protobuf),
            (requests(&collection, Json::default(), cut), json),
        ];
        for (encoded, decode) in encodings {
            let sizes: Vec<u64> = encoded.iter().map(|request| request.points).collect();
            assert_eq!(sizes, expected);
            assert!(encoded.iter().all(|request| request.delta));
            let found: Vec<_> = encoded.iter().map(decode).flat_map(points).collect();
            assert_eq!(found, all);
        }
    }
}

/// Each request on its own must be whole, and together they must hold every point once.
#[test]
fn a_large_collection_is_cut_into_requests_that_add_up() {
    let source = TestSource::new(Temporality::Delta);
    for name in ["a", "b"] {
        let counter = source.meter().u64_counter(name).with_unit("1").build();
        for n in 0..500 {
            counter.add(1, &[KeyValue::new("n", n)]);
        }
    }
    let scope = InstrumentationScope::builder("last").build();
    source
        .meter_of(scope, None)
        .u64_counter("c")
        .build()
        .add(1, &[]);
    let collection = source.collection();

    let limit = 4096;
    type Decode = fn(&Request) -> ExportMetricsServiceRequest;
    let decoders: [(Vec<Request>, Decode); 2] = [
        (
            requests(&collection, Protobuf::default(), bytes(limit)),
            protobuf,
        ),
        (requests(&collection, Json::default(), bytes(limit)), json),
    ];
    for (encoded, decode) in decoders {
        assert!(encoded.len() > 5);
        let mut seen = Vec::new();
        for request in &encoded {
            assert!(request.delta);
            assert!(request.body.len() < limit + 64);
            let message = decode(request);
            let resource = &message.resource_metrics[0];
            assert_eq!(resource.resource.as_ref().unwrap().attributes.len(), 2);
            let mut points = 0;
            for scope in &resource.scope_metrics {
                for metric in &scope.metrics {
                    let data = sum_points(metric);
                    assert!(!data.is_empty());
                    points += data.len() as u64;
                    let scope = &scope.scope.as_ref().unwrap().name;
                    seen.extend(
                        data.iter()
                            .map(|point| (scope.clone(), metric.name.clone(), n_of(point))),
                    );
                }
            }
            assert_eq!(points, request.points);
        }
        let total = seen.len();
        seen.sort();
        seen.dedup();
        assert_eq!((total, seen.len()), (1001, 1001));
    }
}

#[test]
fn what_is_too_long_for_a_request_has_one_of_its_own() {
    let source = TestSource::new(Temporality::Delta);
    let scope = |name| InstrumentationScope::builder(name).build();
    let add = |meter: opentelemetry::metrics::Meter, name, description: String| {
        let counter = meter.u64_counter(name).with_description(description);
        let counter = counter.build();
        for n in 0..20 {
            counter.add(1, &[KeyValue::new("n", n)]);
        }
        counter
    };
    let long = || "x".repeat(10_000);
    add(source.meter(), "before", String::new());
    let among = add(source.meter(), "among", String::new());
    let wide = [
        KeyValue::new("n", 20),
        KeyValue::new("wide", "y".repeat(20_000)),
    ];
    among.add(1, &wide);
    add(source.meter(), "described", long());
    add(source.meter_of(scope("next"), None), "next", long());
    let attributed = InstrumentationScope::builder("last")
        .with_attributes([KeyValue::new("scope", long())])
        .build();
    add(source.meter_of(attributed, None), "last", String::new());
    add(source.meter_of(scope("end"), None), "end", String::new());
    let collection = source.collection();

    type Decode = fn(&Request) -> ExportMetricsServiceRequest;
    for limit in [1, 700, 4096] {
        let decoders: [(Vec<Request>, Decode); 2] = [
            (
                requests(&collection, Protobuf::default(), bytes(limit)),
                protobuf,
            ),
            (requests(&collection, Json::default(), bytes(limit)), json),
        ];
        for (encoded, decode) in decoders {
            let mut seen = Vec::new();
            for request in &encoded {
                let message = decode(request);
                let mut names = Vec::new();
                for scope in &message.resource_metrics[0].scope_metrics {
                    assert!(!scope.metrics.is_empty());
                    for metric in &scope.metrics {
                        let points = sum_points(metric);
                        assert!(!points.is_empty());
                        names.extend(points.iter().map(|point| {
                            assert_eq!(point.attributes.len() == 2, n_of(point) == 20);
                            (metric.name.clone(), n_of(point))
                        }));
                    }
                }
                assert_eq!(names.len() as u64, request.points);
                assert!(request.delta);
                let around = message.resource_metrics[0].scope_metrics[0].metrics[0]
                    .description
                    .len()
                    .max(if names[0].0 == "last" { 10_000 } else { 0 });
                let most = limit.max(2 * around + 1000) + 64;
                assert!(
                    request.points == 1 || request.body.len() <= most,
                    "{limit}: {} bytes, {names:?}",
                    request.body.len()
                );
                seen.append(&mut names);
            }
            let total = seen.len();
            seen.sort();
            seen.dedup();
            assert_eq!((total, seen.len()), (121, 121), "{limit}");
            // Sixty points among 10 kB each do not take sixty times that.
            let bytes: usize = encoded.iter().map(|request| request.body.len()).sum();
            assert!(
                bytes < 120_000 + 20_000 * encoded.len().min(6),
                "{limit}: {bytes}"
            );
        }
    }
}

fn sum_points(metric: &Metric) -> &[NumberDataPoint] {
    match metric.data.as_ref().unwrap() {
        metric::Data::Sum(sum) => {
            assert!(sum.is_monotonic);
            assert_eq!(sum.aggregation_temporality, 1);
            &sum.data_points
        }
        other => panic!("{other:?}"),
    }
}

fn n_of(point: &NumberDataPoint) -> i64 {
    assert_eq!(point.value, Some(number_data_point::Value::AsInt(1)));
    let Some(attribute) = point.attributes.first() else {
        return -1;
    };
    match attribute.value.as_ref().unwrap().value.as_ref().unwrap() {
        any_value::Value::IntValue(n) => *n,
        other => panic!("{other:?}"),
    }
}

/// The reason this encoder exists. A ratio of one run, so that the machine does not matter; ignored
/// because it only means something in an optimised build:
/// `cargo test --release --lib twice_as_fast -- --ignored --nocapture`.
#[test]
#[ignore = "measures; needs an optimised build"]
fn encoding_is_at_least_twice_as_fast_as_through_messages() {
    const SERIES: usize = 20_000;
    let source = TestSource::new(Temporality::Cumulative);
    for instrument in 0..SERIES / 1000 {
        let counter = source.meter().f64_counter(format!("c{instrument}")).build();
        for n in 0..1000 {
            counter.add(
                1.5,
                &[
                    KeyValue::new("http.request.method", "GET"),
                    KeyValue::new("http.route", format!("/api/catalog/entities/{n}")),
                    KeyValue::new("http.response.status_code", 200),
                ],
            );
        }
    }
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..15 {
        let (collection, data) = source.collection_and_data();
        let start = Instant::now();
        let encoded = requests(&collection, Protobuf::default(), bytes(3 << 20));
        ours.push(start.elapsed());
        assert_eq!(encoded.iter().map(|r| r.points).sum::<u64>(), SERIES as u64);

        let start = Instant::now();
        let bytes: usize = data
            .iter()
            .map(|data| {
                ExportMetricsServiceRequest::from(data)
                    .encode_to_vec()
                    .len()
            })
            .sum();
        theirs.push(start.elapsed());
        assert!(bytes > SERIES * 50);
    }
    ours.sort();
    theirs.sort();
    let (ours, theirs) = (ours[7], theirs[7]);
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    println!("{SERIES} points: {ours:?} here, {theirs:?} through messages, {ratio:.1}x");
    assert!(ratio >= 2.0, "only {ratio:.2} times as fast");
}
