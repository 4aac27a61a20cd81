use std::ops::ControlFlow;
use std::sync::mpsc;
use std::sync::Mutex;
use std::time::Instant;

use opentelemetry_sdk::metrics::{InstrumentKind, Temporality};

use super::cells::Cells;
use super::clock::Timestamp;
use super::collection::Metric;
use super::instrument::{kind_name, ValueType};
use super::points::{Attributes, Identity, Kind, Point};
use super::*;
use crate::config::{Config, Environment, ReaderLayer};

mod asking;
mod blocks;
mod exemplars;
mod lengths;
mod model;
mod oracle;
mod overlapping;
mod produced;
mod readers;
mod reading;
mod removal;
mod slots;
mod updates;
mod waiting;

const WAIT: Duration = Duration::from_secs(5);

/// The set that the facade sends as this.
fn read_set(json: &str) -> Canonical {
    attributes::read(json).unwrap()
}

/// As the facade says that a slot stands for these attributes.
fn new_slot(storage: Storage, slot: u32, id: InstrumentId, attributes: &str) -> SlotChanges {
    let code = storage.code();
    SlotChanges::from_json(format!("[[{code},{slot},{id},[{attributes}]]]"))
}

/// An engine with one in-memory pipeline and a facade that is never asked.
struct Bench {
    engine: Engine,
    facade: FacadeId,
    pipeline: Option<PipelineId>,
    next_slot: u32,
}

impl Bench {
    fn unconfigured() -> Self {
        let engine = Engine::start(Logger::default());
        let facade = engine.attach(Box::new(Mute));
        Self {
            engine,
            facade,
            pipeline: None,
            next_slot: 0,
        }
    }

    fn new(options: &str, temporality: Temporality) -> Self {
        let mut bench = Self::unconfigured();
        bench.configure(options, temporality);
        bench
    }

    fn configure(&mut self, options: &str, temporality: Temporality) {
        let reader = ReaderLayer::preferring(temporality);
        self.pipeline = Some(self.engine.add_reader(reader).unwrap());
        let config = Config::without_exporters(options).unwrap();
        self.engine.configure(&config).unwrap();
    }

    fn instrument(&self, kind: InstrumentKind, name: &str) -> InstrumentId {
        self.engine.register(spec(kind, name)).0
    }

    /// Registers a series and returns its slot.
    fn series(&mut self, id: InstrumentId, storage: Storage, attributes: &str) -> u32 {
        let slot = self.next_slot;
        self.next_slot += 1;
        self.hand_over(Handover {
            slots: new_slot(storage, slot, id, attributes),
            ..Handover::default()
        });
        slot
    }

    fn hand_over(&self, handover: Handover) {
        self.engine.hand_over(self.facade, handover);
    }

    fn add(&self, slot: u32, value: f64) {
        self.hand_over(Handover {
            sums: vec![cell(slot, value)],
            ..Handover::default()
        });
    }

    fn sample(&self, slot: u32, value: f64) {
        self.hand_over(Handover {
            samples: Samples {
                slots: vec![slot],
                values: vec![value],
            },
            ..Handover::default()
        });
    }

    fn collect(&self) -> Arc<Collection> {
        self.engine
            .collect(self.pipeline.unwrap(), WAIT)
            .blocking_recv()
            .unwrap()
            .unwrap()
    }

    /// `attributes=value` of every point of a sum or gauge, sorted; counts for histograms.
    fn points(&self, name: &str) -> Vec<String> {
        let collection = self.collect();
        let points = collection
            .metrics()
            .find(|metric| &*metric.name == name)
            .map(describe)
            .unwrap_or_default();
        points
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.engine.shutdown();
    }
}

/// Cannot be asked: collections do not wait for it.
struct Mute;

impl Facade for Mute {
    fn ask(&self, _: RunId, _: Duration) -> bool {
        false
    }

    fn has_begun(&self, _: RunId) -> bool {
        false
    }

    fn release(&self, _: &[Idle]) {}
}

fn cell(slot: u32, value: f64) -> Cells {
    Cells {
        first: slot,
        values: vec![value],
    }
}

fn spec(kind: InstrumentKind, name: &str) -> InstrumentSpec {
    InstrumentSpec {
        scope: Arc::new(InstrumentationScope::builder("test").build()),
        kind,
        name: name.to_owned(),
        unit: String::new(),
        description: Arc::from(""),
        value_type: ValueType::Double,
        boundaries: None,
        attributes: None,
        created: clock::now(),
        site: "here".to_owned(),
        legacy: None,
    }
}

fn text(attributes: Attributes<'_>) -> String {
    let pairs = attributes
        .iter()
        .map(|kv| format!("{}:{}", kv.key, kv.value));
    pairs.collect::<Vec<_>>().join(",")
}

/// `attributes=value` of every point of a sum or gauge, sorted; counts of others.
fn describe(metric: &Metric) -> Vec<String> {
    let mut described = Vec::new();
    let _ = metric.read().for_each(&mut |identity, point| {
        let value = match point {
            Point::Number(value) => value.as_f64(),
            Point::Explicit(point) => point.count as f64,
            Point::Exponential(point) => point.count as f64,
            Point::Summary(point) => point.count as f64,
        };
        described.push(format!("{}={value}", text(identity.attributes)));
        ControlFlow::Continue(())
    });
    described.sort();
    described
}

/// When each series of a metric began, by its attributes.
fn starts(metric: &Metric) -> Vec<Timestamp> {
    let mut starts = Vec::new();
    let _ = metric.read().for_each(&mut |Identity {
                                             attributes, start, ..
                                         },
                                         _| {
        starts.push((text(*attributes), *start));
        ControlFlow::Continue(())
    });
    starts.sort();
    starts.into_iter().map(|(_, start)| start).collect()
}

#[test]
fn attributes_in_any_order_are_one_series_and_numbers_are_not_strings() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let ab = bench.series(id, Storage::Sum, r#""a",1,"b",2"#);
    let ba = bench.series(id, Storage::Sum, r#""b",2,"a",1"#);
    let text = bench.series(id, Storage::Sum, r#""a","1","b",2"#);
    bench.add(ab, 1.0);
    bench.add(ba, 2.0);
    bench.add(text, 4.0);
    assert_eq!(bench.points("c"), ["a:1,b:2=3", "a:1,b:2=4"]);
}

#[test]
fn a_series_that_was_only_registered_is_not_exported() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    bench.series(id, Storage::Sum, "");
    assert!(bench.points("c").is_empty());
}

#[test]
fn what_is_recorded_before_configuration_is_delivered() {
    let mut bench = Bench::unconfigured();
    let counter = bench.instrument(InstrumentKind::Counter, "c");
    let gauge = bench.instrument(InstrumentKind::Gauge, "g");
    let histogram = bench.instrument(InstrumentKind::Histogram, "h");
    let sum = bench.series(counter, Storage::Sum, "");
    let last = bench.series(gauge, Storage::Gauge, "");
    let samples = bench.series(histogram, Storage::Block, "");
    for value in [1.0, 2.0] {
        bench.add(sum, value);
        bench.hand_over(Handover {
            gauges: vec![cell(last, value)],
            ..Handover::default()
        });
        bench.sample(samples, value);
    }
    bench.configure("{}", Temporality::Cumulative);
    assert_eq!(bench.points("c"), ["=3"]);
    assert_eq!(bench.points("g"), ["=2"]);
    assert_eq!(bench.points("h"), ["=2"]);
}

#[test]
fn early_samples_beyond_the_bound_are_aggregated_not_lost() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let mut bench = Bench::unconfigured();
        let id = bench.instrument(InstrumentKind::Histogram, "h");
        let slot = bench.series(id, Storage::Block, "");
        let blocks = 200;
        for _ in 0..blocks {
            bench.hand_over(Handover {
                samples: Samples {
                    slots: vec![slot; 8192],
                    values: vec![1.0; 8192],
                },
                ..Handover::default()
            });
        }
        bench.configure("{}", temporality);
        bench.sample(slot, 1.0);
        assert_eq!(bench.points("h"), [format!("={}", blocks * 8192 + 1)]);
    }
}

#[test]
fn beyond_the_cardinality_limit_values_go_to_the_overflow_series() {
    let mut bench = Bench::new(r#"{"cardinalityLimit": 2}"#, Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    for series in 0..5 {
        let slot = bench.series(id, Storage::Sum, &format!(r#""n",{series}"#));
        bench.add(slot, 1.0);
    }
    assert_eq!(
        bench.points("c"),
        ["n:0=1", "n:1=1", "otel.metric.overflow:true=3"]
    );
}

/// Notes what it is asked for; the test answers for it.
struct Slow {
    asked: mpsc::Sender<RunId>,
}

impl Facade for Slow {
    fn ask(&self, run: RunId, _: Duration) -> bool {
        self.asked.send(run).is_ok()
    }

    fn has_begun(&self, _: RunId) -> bool {
        false
    }

    fn release(&self, _: &[Idle]) {}
}

#[test]
fn a_collection_waits_for_a_facade_until_its_deadline_and_then_goes_on() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let (asked, requests) = mpsc::channel();
    bench.facade = bench.engine.attach(Box::new(Slow { asked }));
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, "");
    let pipeline = bench.pipeline.unwrap();

    let answer = bench.engine.collect(pipeline, WAIT);
    let run = requests.recv_timeout(WAIT).unwrap();
    bench.hand_over(Handover {
        sums: vec![cell(slot, 1.0)],
        run: Some(run),
        answers: true,
        ..Handover::default()
    });
    let collection = answer.blocking_recv().unwrap().unwrap();
    assert!(collection.metrics().any(|metric| &*metric.name == "c"));
    assert!(!collection.late);

    let started = Instant::now();
    let short = Duration::from_millis(20);
    let late = bench.engine.collect(pipeline, short).blocking_recv();
    assert!(started.elapsed() >= short);
    let late = late.unwrap().unwrap();
    assert!(late.late);
    let counted = late
        .metrics()
        .find(|metric| &*metric.name == "nativestage.metrics.collections.late")
        .map(describe);
    assert_eq!(counted.unwrap(), ["=1"]);

    bench
        .engine
        .collect(pipeline, short)
        .blocking_recv()
        .unwrap()
        .unwrap();
    let answer = || {
        bench.hand_over(Handover {
            run: Some(requests.recv_timeout(WAIT).unwrap()),
            answers: true,
            ..Handover::default()
        })
    };
    answer();
    answer();
    let again = bench.engine.collect(pipeline, WAIT);
    answer();
    again.blocking_recv().unwrap().unwrap();
    let said = bench.engine.log().drain();
    let said: Vec<_> = said.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].contains("did not answer in time"), "{}", said[0]);
    assert!(said[1].contains("answers again"), "{}", said[1]);
    assert!(said[1].contains("2 collections"), "{}", said[1]);
}

/// An exporter's metrics, as it and its reader record them.
fn record_exports(engine: &Engine) {
    let exporter = Component::new("otlp_http_metric_exporter", 0);
    let record = |metric, value, error| engine.record(metric, value, exporter.attributes(error));
    record(SelfMetric::ExportedPoints, 7.0, None);
    record(SelfMetric::ExportedPoints, 2.0, Some("refused"));
    record(SelfMetric::ExportedPoints, 3.0, None);
    record(SelfMetric::InflightPoints, 5.0, None);
    record(SelfMetric::InflightPoints, -4.0, None);
    record(SelfMetric::ExportDuration, 0.02, None);
    record(SelfMetric::ExportDuration, 10.0, Some("timeout"));
}

#[test]
fn what_exporters_delivered_and_what_not_is_counted() {
    let bench = Bench::new("{}", Temporality::Cumulative);
    record_exports(&bench.engine);
    let of = "otel.component.name:otlp_http_metric_exporter/0,\
              otel.component.type:otlp_http_metric_exporter";
    assert_eq!(
        bench.points("otel.sdk.exporter.metric_data_point.exported"),
        [format!("error.type:refused,{of}=2"), format!("{of}=10")]
    );
    assert_eq!(
        bench.points("otel.sdk.exporter.metric_data_point.inflight"),
        [format!("{of}=1")]
    );
    assert_eq!(
        bench.points("otel.sdk.exporter.operation.duration"),
        [format!("error.type:timeout,{of}=1"), format!("{of}=1")]
    );
}

#[test]
fn views_and_limits_apply_to_the_engines_own_metrics() {
    let views = format!(
        r#"{{
            "cardinalityLimit": 1,
            "views": [{{
                "selector": {{"meter_name": "{OWN_SCOPE}", "instrument_type": "histogram"}},
                "stream": {{"aggregation": {{"drop": {{}}}}}}
            }}]
        }}"#
    );
    let bench = Bench::new(&views, Temporality::Cumulative);
    record_exports(&bench.engine);
    let exported = bench.points("otel.sdk.exporter.metric_data_point.exported");
    assert_eq!(exported[1], "otel.metric.overflow:true=2");
    assert_eq!(
        bench.points("otel.sdk.exporter.operation.duration"),
        [""; 0]
    );
}

#[test]
fn observations_replace_those_before_and_add_up_over_threads() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::ObservableCounter, "o");
    let first = bench.facade;
    let slot = bench.series(id, Storage::Block, r#""a",1"#);
    let observe = |bench: &Bench, values: Vec<f64>| {
        bench.hand_over(Handover {
            observations: Some(Samples {
                slots: vec![slot; values.len()],
                values,
            }),
            ..Handover::default()
        });
    };
    observe(&bench, vec![3.0, 4.0]);
    assert_eq!(bench.points("o"), ["a:1=4"]);

    bench.facade = bench.engine.attach(Box::new(Mute));
    bench.next_slot = slot;
    bench.series(id, Storage::Block, r#""a",1"#);
    observe(&bench, vec![10.0]);
    assert_eq!(bench.points("o"), ["a:1=14"]);

    bench.engine.detach(first);
    assert_eq!(bench.points("o"), ["a:1=10"]);
    observe(&bench, vec![]);
    assert!(bench.points("o").is_empty());
}

#[test]
fn a_view_that_drops_attributes_adds_up_what_it_makes_equal() {
    let view = r#"{"views": [
        {"selector": {"instrument_name": "c"}, "stream": {"attribute_keys": {"included": ["kept"]}}},
        {"selector": {"instrument_name": "c"}, "stream": {"name": "all"}}
    ]}"#;
    let mut bench = Bench::new(view, Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    assert!(bench.engine.keeps(id, "other"));
    for other in 0..3 {
        let slot = bench.series(id, Storage::Sum, &format!(r#""kept",1,"other",{other}"#));
        bench.add(slot, 1.0);
    }
    assert_eq!(bench.points("c"), ["kept:1=3"]);
    assert_eq!(bench.points("all").len(), 3);
    // Removing one of them leaves the sum of the others, and of what it had added.
    bench.engine.remove(id, read_set(r#"["kept",1,"other",0]"#));
    assert_eq!(bench.points("c"), ["kept:1=3"]);
    assert_eq!(bench.points("all").len(), 2);
}

#[test]
fn a_view_whose_aggregation_does_not_fit_is_reported_and_as_if_it_were_not_there() {
    let misfits = [
        (InstrumentKind::Counter, "last_value"),
        (InstrumentKind::Histogram, "last_value"),
        (InstrumentKind::ObservableCounter, "last_value"),
        (
            InstrumentKind::ObservableCounter,
            "explicit_bucket_histogram",
        ),
        (InstrumentKind::ObservableGauge, "explicit_bucket_histogram"),
        (
            InstrumentKind::ObservableUpDownCounter,
            "base2_exponential_bucket_histogram",
        ),
    ];
    for (kind, aggregation) in misfits {
        let view = format!(
            r#"{{"views": [{{"selector": {{"instrument_name": "it"}}, "stream": {{
                "name": "other", "attribute_keys": {{"included": []}},
                "aggregation": {{"{aggregation}": {{}}}}}}}}]}}"#
        );
        let bench = Bench::new(&view, Temporality::Cumulative);
        let (id, shape) = bench.engine.register(spec(kind, "it"));
        assert_eq!(shape, Shape::provisional(&spec(kind, "it")), "{kind:?}");
        assert!(bench.engine.keeps(id, "any"));
        bench.collect();
        let said = bench.engine.log().drain();
        let [(_, said)] = &said[..] else {
            panic!("{kind:?}: {said:?}")
        };
        for part in ["\"it\"", aggregation, kind_name(kind), "does not apply"] {
            assert!(said.contains(part), "{said}");
        }
    }
}

#[test]
fn a_sum_of_a_gauge_adds_up_what_is_recorded_and_goes_up_and_down() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let view = r#"{"views": [{"selector": {"instrument_name": "g"}, "stream": {"aggregation": {"sum": {}}}}]}"#;
        let mut bench = Bench::new(view, temporality);
        let (id, shape) = bench.engine.register(spec(InstrumentKind::Gauge, "g"));
        assert_eq!(shape.storage, Storage::Block);
        let slot = bench.series(id, Storage::Block, "");
        for value in [5.0, -7.0, 1.5] {
            bench.sample(slot, value);
        }
        assert_eq!(bench.points("g"), ["=-0.5"]);
        bench.sample(slot, 1.0);
        let collection = bench.collect();
        let metric = collection.metrics().find(|metric| &*metric.name == "g");
        let sum = Kind::Sum {
            temporality: Temporality::Cumulative,
            monotonic: false,
        };
        assert_eq!(metric.unwrap().kind, sum);
        assert_eq!(bench.engine.log().drain(), []);
    }
}

#[test]
fn a_sum_of_a_histogram_only_ever_goes_up() {
    let view = r#"{"views": [{"selector": {"instrument_name": "h"}, "stream": {"aggregation": {"sum": {}}}}]}"#;
    let mut bench = Bench::new(view, Temporality::Delta);
    let id = bench.instrument(InstrumentKind::Histogram, "h");
    let slot = bench.series(id, Storage::Block, "");
    bench.sample(slot, 2.0);
    bench.sample(slot, 3.0);
    let collection = bench.collect();
    let metric = collection.metrics().find(|metric| &*metric.name == "h");
    let sum = Kind::Sum {
        temporality: Temporality::Delta,
        monotonic: true,
    };
    assert_eq!(metric.unwrap().kind, sum);
    bench.sample(slot, 4.0);
    assert_eq!(bench.points("h"), ["=4"]);
}

/// The warnings for these registrations, the same before the configuration and after it.
fn said_of(specs: &[InstrumentSpec], options: &str) -> Vec<String> {
    let mut orders = [true, false].map(|configured| {
        let mut bench = Bench::unconfigured();
        if configured {
            bench.configure(options, Temporality::Cumulative);
        }
        for spec in specs {
            bench.engine.register(spec.clone());
        }
        if !configured {
            bench.configure(options, Temporality::Cumulative);
        }
        bench.collect();
        let said = bench.engine.log().drain().into_iter();
        said.map(|(_, message)| message).collect::<Vec<_>>()
    });
    orders[0].sort();
    orders[1].sort();
    assert_eq!(orders[0], orders[1], "the same before and after");
    orders[0].clone()
}

fn view(selector: &str, stream: &str) -> String {
    format!(r#"{{"selector": {{{selector}}}, "stream": {{{stream}}}}}"#)
}

#[test]
fn one_name_for_two_instruments_is_reported_with_the_view_that_tells_them_apart() {
    let two = [
        spec(InstrumentKind::Counter, "it"),
        spec(InstrumentKind::Histogram, "It"),
    ];
    let said = said_of(&two, "{}");
    assert_eq!(said.len(), 1, "{said:?}");
    let recipe = r#"{selector: {instrument_name: "it", instrument_type: histogram, meter_name: "test"}, stream: {name: another.name}}"#;
    assert!(said[0].contains(recipe), "{said:?}");
    // The recipe works.
    let renaming = view(
        r#""instrument_name": "it", "instrument_type": "histogram", "meter_name": "test""#,
        r#""name": "another.name""#,
    );
    assert_eq!(
        said_of(&two, &format!(r#"{{"views": [{renaming}]}}"#)),
        Vec::<String>::new()
    );
    // Of two units too; two types of numbers no selector tells apart.
    let seconds = InstrumentSpec {
        unit: "s".to_owned(),
        ..spec(InstrumentKind::Counter, "it")
    };
    let said = said_of(&[spec(InstrumentKind::Counter, "it"), seconds], "{}");
    assert!(said[0].contains(r#"unit: "s""#), "{said:?}");
    let int = InstrumentSpec {
        value_type: ValueType::Int,
        ..spec(InstrumentKind::Counter, "it")
    };
    let said = said_of(&[spec(InstrumentKind::Counter, "it"), int], "{}");
    assert!(said.len() == 1 && !said[0].contains("selector"), "{said:?}");
}

#[test]
fn views_that_give_two_streams_one_name_are_reported() {
    let both = view(r#""instrument_name": "a""#, r#""description": "one""#);
    let other = view(
        r#""instrument_name": "a""#,
        r#""attribute_keys": {"included": []}"#,
    );
    let counter = [spec(InstrumentKind::Counter, "a")];
    let said = said_of(&counter, &format!(r#"{{"views": [{both}, {other}]}}"#));
    assert!(
        said.len() == 1 && said[0].contains("several views"),
        "{said:?}"
    );
    // The same twice is one stream.
    assert_eq!(
        said_of(&counter, &format!(r#"{{"views": [{both}, {both}]}}"#)).len(),
        0
    );

    let taking = view(r#""instrument_name": "a""#, r#""name": "B""#);
    for order in [["a", "b"], ["b", "a"]] {
        let two = order.map(|name| spec(InstrumentKind::Counter, name));
        let said = said_of(&two, &format!(r#"{{"views": [{taking}]}}"#));
        assert!(
            said.len() == 1 && said[0].contains("a view gives this name"),
            "{said:?}"
        );
    }
    // A dropped instrument has no name.
    let drop = view(
        r#""instrument_name": "b""#,
        r#""aggregation": {"drop": {}}"#,
    );
    let two = ["a", "b"].map(|name| spec(InstrumentKind::Counter, name));
    let said = said_of(&two, &format!(r#"{{"views": [{taking}, {drop}]}}"#));
    assert_eq!(said.len(), 0, "{said:?}");
}

#[test]
fn a_view_says_which_of_two_descriptions_is_meant() {
    let two = ["one", "another"].map(|text| InstrumentSpec {
        description: Arc::from(text),
        ..spec(InstrumentKind::Counter, "it")
    });
    let said = said_of(&two, "{}");
    assert!(
        said.len() == 1 && said[0].contains("stream: {description"),
        "{said:?}"
    );
    let saying = view(r#""instrument_name": "it""#, r#""description": "this""#);
    assert_eq!(
        said_of(&two, &format!(r#"{{"views": [{saying}]}}"#)).len(),
        0
    );
}

#[test]
fn the_first_spelling_of_a_name_is_kept_whatever_else_differs() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    bench.instrument(InstrumentKind::Counter, "First.Spelling");
    let id = bench.instrument(InstrumentKind::Gauge, "first.spelling");
    let slot = bench.series(id, Storage::Gauge, "");
    bench.hand_over(Handover {
        gauges: vec![cell(slot, 3.0)],
        ..Handover::default()
    });
    let collection = bench.collect();
    let names: Vec<&str> = collection.metrics().map(|metric| &*metric.name).collect();
    assert_eq!(
        names
            .iter()
            .filter(|name| **name == "First.Spelling")
            .count(),
        2
    );
    assert!(!names.contains(&"first.spelling"), "{names:?}");
}

#[test]
fn a_dropped_instrument_needs_no_storage() {
    let bench = Bench::new(
        r#"{"views": [{"selector": {"instrument_name": "c"}, "stream": {"aggregation": {"drop": {}}}}]}"#,
        Temporality::Cumulative,
    );
    let (_, shape) = bench.engine.register(spec(InstrumentKind::Counter, "c"));
    assert_eq!(shape.storage, Storage::None);
}

#[test]
fn a_conflict_is_reported_once_with_both_places_and_a_longer_description_wins() {
    let bench = Bench::new("{}", Temporality::Cumulative);
    let described = |description: &str| InstrumentSpec {
        description: Arc::from(description),
        ..spec(InstrumentKind::Counter, "c")
    };
    let (first, _) = bench.engine.register(described("short"));
    let (second, _) = bench.engine.register(described("much longer"));
    assert_eq!(first, second);
    let other = InstrumentSpec {
        site: "there".to_owned(),
        ..spec(InstrumentKind::Gauge, "C")
    };
    assert_ne!(bench.engine.register(other).0, first);
    let said: Vec<String> = bench
        .engine
        .log()
        .drain()
        .into_iter()
        .map(|(_, message)| message)
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(
        said[1].contains("here") && said[1].contains("there"),
        "{said:?}"
    );
    assert!(said[1].contains("kind counter and gauge"), "{said:?}");
}

#[test]
fn configuring_twice_is_refused() {
    let bench = Bench::new("{}", Temporality::Cumulative);
    let config = Config::parse("{}", "options", &Environment::default()).unwrap();
    let error = bench.engine.configure(&config).unwrap_err();
    assert_eq!(error.code(), Code::AlreadyConfigured);
}

#[test]
fn after_shutdown_a_collection_is_refused_and_recording_does_no_harm() {
    let bench = Bench::new("{}", Temporality::Cumulative);
    bench.engine.shutdown();
    let outcome = bench
        .engine
        .collect(bench.pipeline.unwrap(), WAIT)
        .blocking_recv();
    let refused = outcome.map_or(true, |outcome| outcome.is_err());
    assert!(refused);
    for _ in 0..2 * QUEUED_BYTES / size_of::<Command>() {
        bench.sample(0, 1.0);
    }
}

#[test]
fn cumulative_data_starts_when_the_instrument_was_created() {
    let mut bench = Bench::unconfigured();
    let created = clock::now();
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, "");
    std::thread::sleep(Duration::from_millis(5));
    let configured = clock::now();
    bench.configure("{}", Temporality::Cumulative);
    bench.add(slot, 1.0);
    let collection = bench.collect();
    let metric = collection.metrics().find(|metric| &*metric.name == "c");
    let [start] = starts(metric.unwrap())[..] else {
        panic!("not one point")
    };
    assert!(start >= created && start < configured);
}

#[test]
fn integers_are_exact_up_to_64_bits_and_then_stay_at_the_last_of_them() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let (id, _) = bench.engine.register(InstrumentSpec {
        value_type: ValueType::Int,
        ..spec(InstrumentKind::UpDownCounter, "i")
    });
    let slot = bench.series(id, Storage::Sum, "");
    let number = |bench: &Bench| {
        let collection = bench.collect();
        let metric = collection.metrics().find(|metric| &*metric.name == "i");
        let mut number = None;
        let _ = metric.unwrap().read().for_each(&mut |_, point| {
            if let Point::Number(points::Number::Int(value)) = point {
                number = Some(value);
            }
            ControlFlow::Continue(())
        });
        number.unwrap()
    };
    bench.add(slot, 2f64.powi(60));
    bench.add(slot, 1.0);
    assert_eq!(number(&bench), (1 << 60) + 1);
    assert_eq!(bench.engine.log().drain(), []);
    for (amount, expected) in [
        (1e19, i64::MAX),
        (1.0, i64::MAX),
        (-2.0, i64::MAX - 2),
        (-2e19, -3),
        (-1e19, i64::MIN),
    ] {
        bench.add(slot, amount);
        assert_eq!(number(&bench), expected, "after {amount}");
    }
    let said = bench.engine.log().drain();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].1.contains("64 bits"), "{said:?}");
}

#[test]
fn sums_of_doubles_reach_infinity_and_what_leaves_no_number_is_reported_once() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::UpDownCounter, "d");
    let slot = bench.series(id, Storage::Sum, "");
    for amount in [1.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 2.0] {
        bench.add(slot, amount);
    }
    assert_eq!(bench.points("d"), ["=inf"]);
    let said = bench.engine.log().drain();
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].1.contains("left out"), "{said:?}");
}

#[test]
fn of_two_advices_the_first_is_taken_and_the_second_said_once() {
    let advised = |boundaries: &[f64], keys: &[&str], site: &str| InstrumentSpec {
        boundaries: Some(boundaries.to_vec()),
        attributes: Some(keys.iter().copied().map(str::to_owned).collect()),
        site: site.to_owned(),
        ..spec(InstrumentKind::Histogram, "h")
    };
    let first = advised(&[1.0], &["kept"], "here");
    let said = said_of(
        &[
            first.clone(),
            advised(&[2.0], &["kept"], "there"),
            advised(&[2.0], &["kept"], "elsewhere"),
            advised(&[1.0], &["other"], "over there"),
            InstrumentSpec {
                boundaries: None,
                ..first.clone()
            },
            first,
        ],
        "{}",
    );
    let [attributes, boundaries, none] = &said[..] else {
        panic!("{said:?}")
    };
    assert!(
        boundaries.contains("explicitBucketBoundaries [1.0] and [2.0]"),
        "{boundaries}"
    );
    assert!(boundaries.contains("here") && boundaries.contains("there"));
    assert!(none.contains("[1.0] and none"), "{none}");
    assert!(
        attributes.contains(r#"advice.attributes ["kept"] and ["other"]"#),
        "{attributes}"
    );
}

#[test]
fn advised_attributes_are_kept_where_no_view_names_any() {
    let advised = InstrumentSpec {
        attributes: Some(["kept", "a*"].map(str::to_owned).into()),
        ..spec(InstrumentKind::Counter, "c")
    };
    let recorded = |options: &str| {
        let mut bench = Bench::new(options, Temporality::Cumulative);
        let (id, shape) = bench.engine.register(advised.clone());
        assert!(shape.filtered);
        for (at, set) in [
            r#""kept",1,"other",1"#,
            r#""kept",1,"other",2"#,
            r#""ab",1,"kept",1"#,
        ]
        .iter()
        .enumerate()
        {
            let slot = bench.series(id, Storage::Sum, set);
            assert_eq!(slot as usize, at);
            bench.add(slot, 1.0);
        }
        bench.points("c")
    };
    // They are keys, not patterns.
    assert_eq!(recorded("{}"), ["kept:1=3"]);
    let described = view(r#""instrument_name": "c""#, r#""description": "it""#);
    assert_eq!(
        recorded(&format!(r#"{{"views": [{described}]}}"#)),
        ["kept:1=3"]
    );
    let filtered = view(
        r#""instrument_name": "c""#,
        r#""attribute_keys": {"included": ["other"]}"#,
    );
    let points = recorded(&format!(r#"{{"views": [{filtered}]}}"#));
    assert_eq!(points, ["=1", "other:1=1", "other:2=1"]);
}

#[test]
fn an_advice_on_buckets_is_for_the_default_aggregation() {
    let bounds = |stream: &str| {
        let options = format!(
            r#"{{"views": [{}]}}"#,
            view(r#""instrument_name": "h""#, stream)
        );
        let mut bench = Bench::new(&options, Temporality::Cumulative);
        let (id, _) = bench.engine.register(InstrumentSpec {
            boundaries: Some(vec![1.0, 2.0]),
            ..spec(InstrumentKind::Histogram, "h")
        });
        let slot = bench.series(id, Storage::Block, "");
        bench.sample(slot, 1.0);
        let collection = bench.collect();
        let metric = collection.metrics().find(|metric| &*metric.name == "h");
        let mut bounds = 0;
        let _ = metric.unwrap().read().for_each(&mut |_, point| {
            if let Point::Explicit(point) = point {
                bounds = point.bounds.len();
            }
            ControlFlow::Continue(())
        });
        bounds
    };
    assert_eq!(bounds(r#""description": "it""#), 2);
    assert_eq!(bounds(r#""aggregation": {"default": {}}"#), 2);
    assert_eq!(
        bounds(r#""aggregation": {"explicit_bucket_histogram": {}}"#),
        15
    );
}
