//! Exemplars: from what an environment captured to what exporters read.

use super::*;
use crate::config::ExemplarFilter;
use crate::engine::points::{Exemplar, Number, Span};

const IDS: &str = "0af7651916cd43dd8448eb211c80319cb7ad6b7169203331";

fn captured(storage: Storage, slot: u32, value: f64) -> Captured {
    Captured {
        storage,
        numbers: vec![slot.into(), value, 1.0],
        ids: IDS.to_owned(),
        attributes: None,
    }
}

impl Bench {
    /// A sample that was captured.
    fn capture(&self, slot: u32, value: f64, attributes: Option<&str>) {
        let attributes = attributes.map(|flat| format!("[[0,[{flat}]]]"));
        self.hand_over(Handover {
            samples: Samples {
                slots: vec![slot],
                values: vec![value],
            },
            exemplars: vec![Captured {
                attributes,
                ..captured(Storage::Block, slot, value)
            }],
            ..Handover::default()
        });
    }
}

/// The exemplars of all points of a metric.
fn exemplars(collection: &Collection, name: &str) -> Vec<Exemplar> {
    let mut found = Vec::new();
    let mut metrics = collection.metrics();
    let Some(metric) = metrics.find(|metric| &*metric.name == name) else {
        return found;
    };
    let _ = metric.read().for_each(&mut |identity, _| {
        for exemplar in identity.exemplars {
            assert!(identity.start <= exemplar.time && exemplar.time <= metric.time);
            assert_eq!(exemplar.span, Span::parse(&IDS[..32], &IDS[32..]));
        }
        found.extend(identity.exemplars.iter().cloned());
        ControlFlow::Continue(())
    });
    found
}

fn values(collection: &Collection, name: &str) -> Vec<f64> {
    let found = exemplars(collection, name);
    found.iter().map(|found| found.value.as_f64()).collect()
}

#[test]
fn a_histogram_keeps_the_last_of_each_bucket_and_the_others_one() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let histogram = bench.instrument(InstrumentKind::Histogram, "h");
    let slot = bench.series(histogram, Storage::Block, "");
    for value in [1.0, 2.0, 30.0, 1e9] {
        bench.capture(slot, value, None);
    }
    let counter = bench.instrument(InstrumentKind::Counter, "c");
    let sum = bench.series(counter, Storage::Sum, "");
    let int = bench.engine.register(InstrumentSpec {
        value_type: ValueType::Int,
        ..spec(InstrumentKind::Gauge, "i")
    });
    let last = bench.series(int.0, Storage::Gauge, "");
    bench.hand_over(Handover {
        sums: vec![cell(sum, 4.0)],
        gauges: vec![cell(last, 7.9)],
        exemplars: vec![
            captured(Storage::Sum, sum, 4.0),
            captured(Storage::Gauge, last, 7.9),
        ],
        ..Handover::default()
    });
    let collection = bench.collect();
    assert_eq!(values(&collection, "h"), [2.0, 30.0, 1e9]);
    assert_eq!(values(&collection, "c"), [4.0]);
    assert_eq!(exemplars(&collection, "i")[0].value, Number::Int(7));
}

#[test]
fn deltas_have_those_of_their_interval_and_cumulative_points_the_last() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let mut bench = Bench::new("{}", temporality);
        let histogram = bench.instrument(InstrumentKind::Histogram, "h");
        let slot = bench.series(histogram, Storage::Block, "");
        bench.capture(slot, 1.0, None);
        bench.capture(slot, 9.0, None);
        assert_eq!(values(&bench.collect(), "h"), [1.0, 9.0]);
        bench.sample(slot, 1.0);
        let later = values(&bench.collect(), "h");
        bench.capture(slot, 2.0, None);
        let last = values(&bench.collect(), "h");
        match temporality {
            Temporality::Delta => {
                assert!(later.is_empty());
                assert_eq!(last, [2.0]);
            }
            _ => {
                assert_eq!(later, [1.0, 9.0]);
                assert_eq!(last, [2.0, 9.0]);
            }
        }
    }
}

#[test]
fn readers_of_one_stream_take_nothing_from_each_other() {
    let mut bench = Bench::unconfigured();
    let config = Config::parse(
        r#"{"exporters": {"otlp": {"endpoint": "http://127.0.0.1:1"}}}"#,
        "options",
        &Environment::default(),
    );
    let pipelines = bench.engine.configure(&config.unwrap()).unwrap();
    let counter = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(counter, Storage::Sum, "");
    bench.hand_over(Handover {
        sums: vec![cell(slot, 1.0)],
        exemplars: vec![captured(Storage::Sum, slot, 1.0)],
        ..Handover::default()
    });
    for pipeline in [
        Some(pipelines.otlp[0]),
        pipelines.prometheus,
        Some(pipelines.otlp[0]),
    ] {
        bench.pipeline = pipeline;
        assert_eq!(values(&bench.collect(), "c"), [1.0]);
    }
}

#[test]
fn what_a_view_drops_stays_on_the_exemplar() {
    let views = r#"{"views": [
        {"selector": {"instrument_name": "h"}, "stream": {"attribute_keys": {"included": ["a"]}}},
        {"selector": {"instrument_name": "h"}, "stream": {
            "name": "all", "attribute_keys": {"excluded": ["user"]}
        }}
    ]}"#;
    let mut bench = Bench::new(views, Temporality::Cumulative);
    let histogram = bench.instrument(InstrumentKind::Histogram, "h");
    let slot = bench.series(histogram, Storage::Block, r#""a",1,"b",2"#);
    bench.capture(slot, 3.0, Some(r#""user","x""#));
    let collection = bench.collect();
    let dropped = |name| {
        let found = exemplars(&collection, name);
        assert_eq!(found.len(), 1);
        text(Attributes::Produced(&found[0].attributes))
    };
    assert_eq!(dropped("h"), "b:2,user:x");
    assert_eq!(dropped("all"), "user:x");
}

#[test]
fn a_view_chooses_the_reservoir() {
    let views = r#"{"histogram": "exponential", "views": [
        {"selector": {"instrument_name": "c"}, "stream": {
            "exemplar_reservoir": {"simple_fixed_size": {"size": 3}}
        }},
        {"selector": {"instrument_name": "h"}, "stream": {
            "aggregation": {"explicit_bucket_histogram": {}},
            "exemplar_reservoir": {"simple_fixed_size": {}}
        }},
        {"selector": {"instrument_name": "odd"}, "stream": {
            "exemplar_reservoir": {"aligned_histogram_bucket": null}
        }},
        {"selector": {"instrument_name": "unbounded"}, "stream": {
            "aggregation": {"explicit_bucket_histogram": {"boundaries": []}}
        }}
    ]}"#;
    let mut bench = Bench::new(views, Temporality::Cumulative);
    for (kind, name, most) in [
        (InstrumentKind::Counter, "c", 3),
        (InstrumentKind::Histogram, "h", 1),
        (InstrumentKind::Counter, "odd", 1),
        (InstrumentKind::Histogram, "unbounded", 1),
        (InstrumentKind::Histogram, "exponential", 20),
    ] {
        let id = bench.instrument(kind, name);
        let slot = bench.series(id, Storage::Block, "");
        for value in 0..50 {
            bench.capture(slot, f64::from(value) * 10.0, None);
        }
        let found = values(&bench.collect(), name);
        assert_eq!(found.len(), most, "{name}");
        if kind == InstrumentKind::Histogram {
            assert!(found.contains(&490.0), "{name}: {found:?}");
        }
    }
    let warned = bench.engine.log().drain();
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert!(warned[0]
        .1
        .contains("exemplars aligned to the buckets of \"odd\""));
}

#[test]
fn removed_series_and_cleared_instruments_have_none() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Histogram, "h");
    let slot = bench.series(id, Storage::Block, "");
    for end in [Engine::remove_all, Engine::clear] {
        bench.capture(slot, 3.0, None);
        assert_eq!(values(&bench.collect(), "h"), [3.0]);
        end(&bench.engine, id);
        bench.sample(slot, 3.0);
        let collection = bench.collect();
        assert_eq!(bench.points("h"), ["=1"]);
        assert!(values(&collection, "h").is_empty());
    }
}

impl Engine {
    /// Removes the series without attributes.
    fn remove_all(&self, id: InstrumentId) {
        self.remove(id, Canonical::default());
    }
}

#[test]
fn what_was_captured_for_a_slot_that_nobody_has_is_passed_over() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let unused = bench.series(id, Storage::Sum, r#""a",1"#);
    let slot = bench.series(id, Storage::Sum, "");
    bench.hand_over(Handover {
        sums: vec![cell(slot, 1.0)],
        exemplars: [unused, slot + 1, u32::MAX]
            .map(|slot| captured(Storage::Sum, slot, 1.0))
            .into(),
        ..Handover::default()
    });
    let collection = bench.collect();
    assert_eq!(bench.points("c"), ["=1"]);
    assert!(exemplars(&collection, "c").is_empty());
}

#[test]
fn environments_learn_the_filter_when_it_is_known_and_only_where_somebody_reads() {
    let bench = Bench::unconfigured();
    assert_eq!(bench.engine.exemplars(), None);
    let none = r#"{"exemplars": "always_on", "exporters": {"prometheus": false, "console": true}}"#;
    for (options, filter) in [
        ("{}", ExemplarFilter::TraceBased),
        (r#"{"exemplars": "always_on"}"#, ExemplarFilter::AlwaysOn),
        (none, ExemplarFilter::AlwaysOff),
    ] {
        let bench = Bench::unconfigured();
        let config = Config::parse(options, "options", &Environment::default()).unwrap();
        bench.engine.configure(&config).unwrap();
        assert_eq!(bench.engine.exemplars(), Some(filter), "{options}");
    }
}
