//! What readers want of each kind of instrument.

use super::*;
use crate::config::Config;
use crate::engine::plan::Pipelines;

/// An engine that three exporters read, as the options of these say.
fn bench(exporters: &str) -> (Bench, Pipelines) {
    let bench = Bench::unconfigured();
    let json = format!(r#"{{"cardinalityLimit": 5, "exporters": {exporters}}}"#);
    let config = Config::parse(&json, "options", &Environment::default()).unwrap();
    let pipelines = bench.engine.configure(&config).unwrap();
    (bench, pipelines)
}

fn collect(bench: &mut Bench, pipeline: Option<PipelineId>) -> Arc<Collection> {
    bench.pipeline = pipeline;
    bench.collect()
}

fn kind_of(collection: &Collection, name: &str) -> Option<Kind> {
    let metric = collection.metrics().find(|metric| &*metric.name == name);
    metric.map(|metric| metric.kind)
}

/// The values of a sum's points.
fn values(collection: &Collection, name: &str) -> Vec<f64> {
    let metric = collection.metrics().find(|metric| &*metric.name == name);
    let mut found = Vec::new();
    let _ = metric.unwrap().read().for_each(&mut |_, point| {
        let Point::Number(value) = point else {
            panic!("{name} is no sum");
        };
        found.push(value.as_f64());
        ControlFlow::Continue(())
    });
    found
}

/// Points of a metric that are not the overflow series'.
fn series_of(collection: &Collection, name: &str) -> usize {
    let metric = collection.metrics().find(|metric| &*metric.name == name);
    let mut found = 0;
    let _ = metric.unwrap().read().for_each(&mut |identity, _| {
        let mut keys = identity.attributes.iter().map(|kv| kv.key.as_str());
        found += usize::from(!keys.any(|key| key == "otel.metric.overflow"));
        ControlFlow::Continue(())
    });
    found
}

#[test]
fn each_exporter_has_the_temporality_that_it_wants_of_a_kind() {
    let (mut bench, pipelines) =
        bench(r#"{"otlp": {"temporality": {"counter": "delta", "up_down_counter": "delta"}}}"#);
    let kinds = [InstrumentKind::Counter, InstrumentKind::UpDownCounter];
    let names = ["requests", "sessions"];
    let mut slots = Vec::new();
    for (kind, name) in kinds.into_iter().zip(names) {
        let id = bench.instrument(kind, name);
        slots.push(bench.series(id, Storage::Sum, ""));
    }
    let histogram = bench.instrument(InstrumentKind::Histogram, "duration");
    let duration = bench.series(histogram, Storage::Block, "");
    for (sessions, expected) in [(3.0, [1.0, 3.0]), (-2.0, [1.0, -2.0])] {
        bench.add(slots[0], 1.0);
        bench.add(slots[1], sessions);
        bench.sample(duration, 1.0);
        let read = collect(&mut bench, pipelines.otlp.first().copied());
        let found = names.map(|name| values(&read, name)[0]);
        assert_eq!(found, expected);
        let kind = kind_of(&read, "duration").unwrap();
        assert_eq!(kind.temporality(), Some(Temporality::Cumulative));
    }
    let page = collect(&mut bench, pipelines.prometheus);
    assert_eq!(names.map(|name| values(&page, name)[0]), [2.0, 1.0]);
}

#[test]
fn exporters_with_delta_temporality_have_intervals_of_their_own() {
    let (mut bench, pipelines) = bench(
        r#"{"otlp": [{"temporality": "delta", "endpoint": "http://a:1"},
                     {"temporality": "delta", "endpoint": "http://b:1"}]}"#,
    );
    let id = bench.instrument(InstrumentKind::Counter, "requests");
    let slot = bench.series(id, Storage::Sum, "");
    let [first, second] = pipelines.otlp[..] else {
        panic!("{pipelines:?}");
    };
    bench.add(slot, 1.0);
    assert_eq!(values(&collect(&mut bench, Some(first)), "requests"), [1.0]);
    bench.add(slot, 2.0);
    assert_eq!(values(&collect(&mut bench, Some(first)), "requests"), [2.0]);
    assert_eq!(
        values(&collect(&mut bench, Some(second)), "requests"),
        [3.0]
    );
}

#[test]
fn a_reader_aggregates_kinds_as_it_wants_unless_a_view_says_otherwise() {
    let (mut bench, pipelines) = bench(
        r#"{"prometheus": {"defaultAggregation": {
                "histogram": {"base2_exponential_bucket_histogram": {}}, "counter": {"drop": {}}}},
            "otlp": {"defaultAggregation": {
                "histogram": {"explicit_bucket_histogram": {"boundaries": [7]}},
                "counter": {"explicit_bucket_histogram": {}}}}}"#,
    );
    let id = bench.instrument(InstrumentKind::Histogram, "duration");
    let slot = bench.series(id, Storage::Block, "");
    bench.sample(slot, 5.0);
    let (id, shape) = bench
        .engine
        .register(spec(InstrumentKind::Counter, "requests"));
    assert_eq!(
        shape.storage,
        Storage::Block,
        "a histogram counts each value"
    );
    let slot = bench.series(id, Storage::Block, "");
    bench.sample(slot, 5.0);

    let page = collect(&mut bench, pipelines.prometheus);
    assert!(matches!(
        kind_of(&page, "duration"),
        Some(Kind::Exponential { .. })
    ));
    assert_eq!(kind_of(&page, "requests"), None);

    let pushed = collect(&mut bench, pipelines.otlp.first().copied());
    for (name, boundaries) in [("duration", 1), ("requests", 15)] {
        let metric = pushed
            .metrics()
            .find(|metric| &*metric.name == name)
            .unwrap();
        let _ = metric.read().for_each(&mut |_, point| {
            let Point::Explicit(point) = point else {
                panic!("{name} has no explicit buckets");
            };
            assert_eq!(point.bounds.len(), boundaries, "{name}");
            ControlFlow::Continue(())
        });
    }
}

#[test]
fn advice_on_buckets_goes_before_those_of_a_reader() {
    let (bench, _) = bench(
        r#"{"prometheus": {"defaultAggregation": {
            "histogram": {"explicit_bucket_histogram": {"boundaries": [7]}}}}}"#,
    );
    let advised = InstrumentSpec {
        boundaries: Some(vec![1.0, 2.0]),
        ..spec(InstrumentKind::Histogram, "duration")
    };
    let registry = bench.engine.registry();
    let (plans, _) = registry.settings().unwrap().streams(&advised);
    let opentelemetry_sdk::metrics::Aggregation::ExplicitBucketHistogram { boundaries, .. } =
        &plans[0].aggregation
    else {
        panic!("{plans:?}");
    };
    assert_eq!(boundaries, &[1.0, 2.0]);
}

#[test]
fn each_reader_stops_at_its_own_limit_of_a_kind() {
    let (mut bench, pipelines) = bench(
        r#"{"prometheus": {"cardinalityLimits": {"default": 4, "counter": 2}},
            "otlp": {"cardinalityLimits": {"counter": 3}}, "console": true}"#,
    );
    for (kind, name) in [
        (InstrumentKind::Counter, "requests"),
        (InstrumentKind::UpDownCounter, "sessions"),
    ] {
        let id = bench.instrument(kind, name);
        for n in 0..9 {
            let slot = bench.series(id, Storage::Sum, &format!(r#""n",{n}"#));
            bench.add(slot, 1.0);
        }
    }
    for (pipeline, requests, sessions) in [
        (pipelines.prometheus, 2, 4),
        (pipelines.otlp.first().copied(), 3, 5),
        (pipelines.console, 5, 5),
    ] {
        let read = collect(&mut bench, pipeline);
        let found = ["requests", "sessions"].map(|name| series_of(&read, name));
        assert_eq!(found, [requests, sessions]);
        let total: f64 = values(&read, "requests").iter().sum();
        assert_eq!(total, 9.0, "the others are in the overflow series");
    }
}
