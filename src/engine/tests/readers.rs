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

/// A bench that a page reads, and a reader of the program's own with this temporality.
fn with_own(temporality: Temporality, early: bool) -> (Bench, PipelineId, Pipelines) {
    let (engine, pipelines);
    let own = ReaderLayer::preferring(temporality);
    let config = Config::parse("{}", "options", &Environment::default()).unwrap();
    let bench = Bench::unconfigured();
    engine = bench.engine.clone();
    let own = match early {
        true => {
            let own = engine.add_reader(own).unwrap();
            pipelines = engine.configure(&config).unwrap();
            own
        }
        false => {
            pipelines = engine.configure(&config).unwrap();
            engine.add_reader(own).unwrap()
        }
    };
    (bench, own, pipelines)
}

#[test]
fn a_reader_of_ones_own_reads_whether_it_comes_before_the_configuration_or_after() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        for early in [true, false] {
            let (mut bench, own, pipelines) = with_own(temporality, early);
            let id = bench.instrument(InstrumentKind::Counter, "c");
            let slot = bench.series(id, Storage::Sum, "");
            for (added, sum) in [(1.0, 1.0), (2.0, 3.0)] {
                bench.add(slot, added);
                let page = collect(&mut bench, pipelines.prometheus);
                assert_eq!(values(&page, "c"), [sum]);
                let read = match temporality {
                    Temporality::Delta => added,
                    _ => sum,
                };
                assert_eq!(values(&collect(&mut bench, Some(own)), "c"), [read]);
            }
        }
    }
}

#[test]
fn a_reader_that_comes_late_has_the_whole_of_what_is_cumulative_and_the_rest_of_what_is_delta() {
    for (temporality, read) in [(Temporality::Cumulative, 3.0), (Temporality::Delta, 2.0)] {
        let (mut bench, _, pipelines) = with_own(Temporality::Cumulative, true);
        let id = bench.instrument(InstrumentKind::Counter, "c");
        let slot = bench.series(id, Storage::Sum, "");
        bench.add(slot, 1.0);
        let before = collect(&mut bench, pipelines.prometheus);
        let late = ReaderLayer::preferring(temporality);
        let late = bench.engine.add_reader(late).unwrap();
        bench.add(slot, 2.0);
        assert_eq!(values(&collect(&mut bench, Some(late)), "c"), [read]);
        // The others notice nothing.
        let after = collect(&mut bench, pipelines.prometheus);
        assert_eq!(values(&after, "c"), [3.0]);
        let starts_of = |read: &Collection| {
            let metric = read.metrics().find(|metric| &*metric.name == "c");
            starts(metric.unwrap())
        };
        assert_eq!(starts_of(&before), starts_of(&after));
    }
}

#[test]
fn a_reader_that_goes_takes_its_streams_with_it_and_leaves_those_of_others() {
    let (mut bench, own, pipelines) = with_own(Temporality::Delta, true);
    let other = ReaderLayer::preferring(Temporality::Cumulative);
    let other = bench.engine.add_reader(other).unwrap();
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, "");
    bench.add(slot, 1.0);
    let page = collect(&mut bench, pipelines.prometheus);
    assert_eq!(values(&page, "c"), [1.0]);
    bench.engine.remove_reader(own);
    bench.engine.remove_reader(other);
    assert_eq!(collect(&mut bench, Some(own)).metrics().count(), 0);
    assert_eq!(collect(&mut bench, Some(other)).metrics().count(), 0);
    bench.add(slot, 2.0);
    let after = collect(&mut bench, pipelines.prometheus);
    assert_eq!(values(&after, "c"), [3.0]);
    // Its place is another's, who has nothing of what it had.
    let next = ReaderLayer::preferring(Temporality::Delta);
    let next = bench.engine.add_reader(next).unwrap();
    assert_eq!(next, own);
    bench.add(slot, 4.0);
    assert_eq!(values(&collect(&mut bench, Some(next)), "c"), [4.0]);
    assert_eq!(bench.engine.log().drain(), []);
}

#[test]
fn there_is_a_limit_to_the_readers_of_ones_own_and_those_that_go_make_room() {
    for configured in [false, true] {
        let bench = Bench::unconfigured();
        if configured {
            let config = Config::without_exporters("{}").unwrap();
            bench.engine.configure(&config).unwrap();
        }
        let own = || {
            let own = ReaderLayer::preferring(Temporality::Delta);
            bench.engine.add_reader(own)
        };
        let all: Vec<PipelineId> = (0..MOST_OWN_READERS).map(|_| own().unwrap()).collect();
        let refused = own().unwrap_err();
        assert_eq!(refused.code(), Code::InvalidConfig);
        assert!(refused.message().contains("there are 8"), "{refused}");
        bench.engine.remove_reader(all[3]);
        assert_eq!(own().unwrap(), all[3]);
        assert!(own().is_err());
    }
}

#[test]
fn what_a_reader_never_collects_is_bounded_and_its_loss_is_told_once() {
    let (mut bench, own, pipelines) = with_own(Temporality::Delta, true);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, "");
    let view = |name: usize| {
        let view = format!(
            r#"{{"views": [
                {{"selector": {{"instrument_name": "c"}}, "stream": {{"name": "c{name}"}}}}
            ]}}"#
        );
        bench.update("{}", &view);
        bench.add(slot, 1.0);
    };
    (0..100).for_each(view);
    collect(&mut bench, pipelines.prometheus);
    let said = bench.engine.log().drain();
    let [(_, said)] = &said[..] else {
        panic!("{said:?}");
    };
    assert!(said.contains("\"c\" changed again and again"), "{said}");
    let left = collect(&mut bench, Some(own));
    assert_eq!(
        left.metrics().filter(|m| m.name.starts_with('c')).count(),
        65
    );
}

#[test]
fn nothing_is_kept_for_readers_of_a_disabled_sdk() {
    let disabled = Environment::new([("OTEL_SDK_DISABLED".to_owned(), "true".to_owned())]);
    let config = Config::parse("{}", "options", &disabled).unwrap();
    let mut bench = Bench::unconfigured();
    let early = ReaderLayer::preferring(Temporality::Cumulative);
    let early = bench.engine.add_reader(early).unwrap();
    bench.engine.configure(&config).unwrap();
    let late = ReaderLayer::preferring(Temporality::Cumulative);
    let late = bench.engine.add_reader(late).unwrap();
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::None, "");
    bench.add(slot, 1.0);
    for reader in [early, late] {
        assert_eq!(collect(&mut bench, Some(reader)).metrics().count(), 0);
    }
}
