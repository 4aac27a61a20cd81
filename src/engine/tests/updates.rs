//! Streams that change while their instruments are in use.

use super::*;
use crate::config::StreamUpdate;

impl Bench {
    /// Changes the configuration, from that of `options`.
    pub(super) fn update(&self, options: &str, changes: &str) {
        let config = Config::without_exporters(options).unwrap();
        let (_, update) = StreamUpdate::parse(changes, "options").unwrap();
        let streams = update.apply("options", &config.streams).unwrap();
        self.engine.update(streams, Vec::new()).unwrap();
    }

    fn metrics(&self, name: &str) -> Vec<(Vec<String>, Vec<Timestamp>)> {
        let collection = self.collect();
        let named = collection.metrics().filter(|metric| &*metric.name == name);
        named
            .map(|metric| (describe(metric), starts(metric)))
            .collect()
    }

    /// The values of every stream of this name, in their order.
    fn values(&self, name: &str) -> Vec<Vec<String>> {
        let metrics = self.metrics(name).into_iter();
        metrics.map(|(values, _)| values).collect()
    }
}

const BOTH: [Temporality; 2] = [Temporality::Cumulative, Temporality::Delta];

/// A view that keeps no attributes of an instrument.
const WITHOUT_ATTRIBUTES: &str = r#"{"views": [
    {"selector": {"instrument_name": "c"}, "stream": {"attribute_keys": {"included": []}}}
]}"#;

#[test]
fn a_stream_that_changes_begins_anew_and_what_it_had_not_exported_is_exported() {
    for temporality in BOTH {
        let mut bench = Bench::new("{}", temporality);
        let id = bench.instrument(InstrumentKind::Counter, "c");
        let slot = bench.series(id, Storage::Sum, r#""a",1"#);
        bench.add(slot, 5.0);
        let began = clock::now();
        bench.update("{}", WITHOUT_ATTRIBUTES);
        bench.add(slot, 2.0);

        let metrics = bench.metrics("c");
        let [(ended, _), (new, starts)] = &metrics[..] else {
            panic!("{temporality:?}: {metrics:?}")
        };
        assert_eq!(ended, &["a:1=5"]);
        assert_eq!(new, &["=2"]);
        assert!(starts[0] >= began);

        bench.add(slot, 2.0);
        let expected = match temporality {
            Temporality::Delta => "=2",
            _ => "=4",
        };
        assert_eq!(bench.values("c"), [[expected]]);
    }
}

#[test]
fn streams_that_a_change_does_not_concern_go_on() {
    for temporality in BOTH {
        let mut bench = Bench::new("{}", temporality);
        let id = bench.instrument(InstrumentKind::Counter, "other");
        let slot = bench.series(id, Storage::Sum, "");
        bench.add(slot, 5.0);
        bench.update("{}", WITHOUT_ATTRIBUTES);
        bench.add(slot, 2.0);
        assert_eq!(bench.values("other"), [["=7"]]);
    }
}

#[test]
fn a_limit_that_rises_makes_room_and_costs_no_series_its_count() {
    let low = r#"{"cardinalityLimit": 1}"#;
    let mut bench = Bench::new(low, Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slots: Vec<u32> = (0..3)
        .map(|n| bench.series(id, Storage::Sum, &format!(r#""a",{n}"#)))
        .collect();
    bench.add(slots[0], 1.0);
    bench.add(slots[1], 1.0);
    let overflow = "otel.metric.overflow:true";
    assert_eq!(
        bench.points("c"),
        ["a:0=1".to_owned(), format!("{overflow}=1")]
    );
    bench.update(low, r#"{"cardinalityLimit": 3}"#);
    bench.add(slots[0], 1.0);
    bench.add(slots[2], 1.0);
    assert_eq!(
        bench.points("c"),
        [
            "a:0=2".to_owned(),
            "a:2=1".to_owned(),
            format!("{overflow}=1")
        ]
    );
    let raised = r#"{"cardinalityLimit": 3}"#;
    bench.update(raised, r#"{"cardinalityLimit": null}"#);
    let (_, shape) = bench.engine.register(spec(InstrumentKind::Counter, "c"));
    assert_eq!(shape.sets, 2000);
}

#[test]
fn a_meter_that_is_disabled_and_enabled_again_counts_what_is_recorded_since_then() {
    let off =
        r#"{"meterConfigurator": {"meters": [{"name": "te?t", "config": {"enabled": false}}]}}"#;
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, "");
    bench.add(slot, 5.0);
    bench.update("{}", off);
    let (_, shape) = bench.engine.register(spec(InstrumentKind::Counter, "c"));
    assert_eq!(shape.storage, Storage::None);
    bench.add(slot, 7.0);
    assert_eq!(bench.values("c"), [["=5"]], "what was counted before");
    assert!(bench.values("c").is_empty());
    bench.update(off, r#"{"meterConfigurator": null}"#);
    bench.add(slot, 1.0);
    assert_eq!(bench.values("c"), [["=1"]]);
}

/// Observes a total for the set `"a":1`.
fn observe(bench: &Bench, slot: u32, total: f64) {
    bench.hand_over(Handover {
        observations: Some(Samples {
            slots: vec![slot],
            values: vec![total],
        }),
        answers: true,
        ..Handover::default()
    });
}

#[test]
fn an_observed_total_is_reported_on_and_never_twice() {
    let change = WITHOUT_ATTRIBUTES.replace("included\": []", "included\": [\"a\"]");
    for (change, after) in [(WITHOUT_ATTRIBUTES, ""), (&change, "a:1")] {
        for temporality in BOTH {
            let mut bench = Bench::new("{}", temporality);
            let id = bench.instrument(InstrumentKind::ObservableCounter, "c");
            let slot = bench.series(id, Storage::Block, r#""a",1"#);
            observe(&bench, slot, 100.0);
            assert_eq!(bench.values("c"), [["a:1=100"]]);
            bench.update("{}", change);
            observe(&bench, slot, 103.0);
            let reported = match temporality {
                Temporality::Delta => "3",
                _ => "103",
            };
            assert_eq!(bench.values("c"), [[format!("{after}={reported}")]]);
        }
    }
}

#[test]
fn what_is_observed_while_a_meter_is_disabled_is_not_reported_afterwards() {
    let off = r#"{"meterConfigurator": {"default_config": {"enabled": false}}}"#;
    let mut bench = Bench::new("{}", Temporality::Delta);
    let id = bench.instrument(InstrumentKind::ObservableCounter, "c");
    let slot = bench.series(id, Storage::Block, r#""a",1"#);
    observe(&bench, slot, 100.0);
    assert_eq!(bench.values("c"), [["a:1=100"]]);
    bench.update("{}", off);
    assert!(bench.values("c").is_empty());
    bench.update(off, r#"{"meterConfigurator": {}}"#);
    observe(&bench, slot, 150.0);
    assert!(bench.values("c").is_empty(), "where it begins");
    observe(&bench, slot, 153.0);
    assert_eq!(bench.values("c"), [["a:1=3"]]);
}

#[test]
fn what_is_wrong_with_views_is_not_said_again_when_others_change() {
    let views = |more: &str| {
        let misfit = view(
            r#""instrument_name": "c""#,
            r#""aggregation": {"last_value": {}}"#,
        );
        let [first, second] = [r#""name": "e""#, r#""name": "e", "description": "other""#]
            .map(|stream| view(r#""instrument_name": "d""#, stream));
        format!(r#"{{"views": [{misfit}, {first}, {second}{more}]}}"#)
    };
    let mut bench = Bench::new(&views(""), Temporality::Cumulative);
    bench.instrument(InstrumentKind::Counter, "c");
    let id = bench.instrument(InstrumentKind::Counter, "d");
    let slot = bench.series(id, Storage::Sum, "");
    bench.add(slot, 1.0);
    bench.collect();
    assert_eq!(bench.engine.log().drain().len(), 2);
    let more = view(r#""instrument_name": "d""#, r#""name": "f""#);
    bench.update("{}", &views(&format!(", {more}")));
    bench.collect();
    assert_eq!(bench.engine.log().drain(), []);
}

#[test]
fn an_update_needs_a_configuration() {
    let bench = Bench::unconfigured();
    let streams = Config::without_exporters("{}").unwrap().streams;
    let refused = bench.engine.update(streams, Vec::new()).unwrap_err();
    assert_eq!(refused.code(), Code::InvalidConfig);
}

/// The streams of an instrument by name: their points.
fn composed(views: &[String], name: &str) -> (Vec<String>, Vec<String>) {
    let views = views.join(", ");
    let options = format!(r#"{{"viewMatchingMode": "composable", "views": [{views}]}}"#);
    let mut bench = Bench::new(&options, Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Histogram, "h");
    let slot = bench.series(id, Storage::Block, r#""a",1,"b",2,"c",3"#);
    bench.sample(slot, 7.0);
    bench.sample(slot, 8.0);
    let values = bench.values(name).into_iter().flatten().collect();
    let said = bench.engine.log().drain().into_iter();
    (values, said.map(|(_, message)| message).collect())
}

#[test]
fn composable_views_make_one_stream_for_each_name_that_they_give() {
    let all = r#""instrument_name": "*""#;
    let h = r#""instrument_name": "h""#;
    let keys = |list: &str, keys: &str| format!(r#""attribute_keys": {{"{list}": [{keys}]}}"#);
    let views = [
        view(all, &keys("excluded", r#""c""#)),
        view(
            h,
            &format!(r#""name": "first", {}"#, keys("included", r#""a", "c""#)),
        ),
        view(h, r#""name": "second", "aggregation": {"sum": {}}"#),
    ];
    for (name, expected) in [
        ("first", vec!["a:1=2"]),
        ("second", vec!["a:1,b:2=15"]),
        ("h", vec![]),
    ] {
        let (values, said) = composed(&views, name);
        assert_eq!(values, expected, "{name}");
        assert_eq!(said, [""; 0]);
    }
    // Without a name there is one stream, and what comes last counts.
    let views = [
        view(h, r#""aggregation": {"drop": {}}"#),
        view(all, r#""aggregation": {"sum": {}}"#),
        view(all, r#""description": "d""#),
    ];
    assert_eq!(composed(&views, "h").0, ["a:1,b:2,c:3=15"]);
    let views = [
        view(h, r#""aggregation": {"sum": {}}"#),
        view(all, r#""aggregation": {"default": {}}"#),
    ];
    assert_eq!(composed(&views, "h").0, ["a:1,b:2,c:3=2"]);
}

#[test]
fn what_does_not_fit_leaves_what_an_earlier_view_said() {
    let h = r#""instrument_name": "h""#;
    let views = [
        view(h, r#""aggregation": {"sum": {}}"#),
        view(
            h,
            r#""aggregation": {"last_value": {}}, "attribute_keys": {"included": ["a"]}"#,
        ),
    ];
    let (values, said) = composed(&views, "h");
    assert_eq!(values, ["a:1=15"]);
    let [said] = &said[..] else {
        panic!("{said:?}")
    };
    assert!(said.contains("last_value"), "{said}");
}

/// Gives one reader another preference, and no other anything else.
fn prefer(bench: &Bench, pipeline: PipelineId, temporality: Temporality) {
    let streams = Config::without_exporters("{}").unwrap().streams;
    let readers = vec![(pipeline, crate::config::ReaderConfig::new(temporality))];
    bench.engine.update(streams, readers).unwrap();
}

/// The temporality and the values of every stream of this name that a reader gets.
fn read(bench: &Bench, pipeline: PipelineId, name: &str) -> Vec<(Temporality, Vec<String>)> {
    let collection = bench.engine.collect(pipeline, WAIT).blocking_recv();
    let collection = collection.unwrap().unwrap();
    let named = collection.metrics().filter(|metric| &*metric.name == name);
    named
        .filter(|metric| metric.has_points())
        .map(|metric| (metric.kind.temporality().unwrap(), describe(metric)))
        .collect()
}

#[test]
fn a_reader_that_changes_its_temporality_loses_nothing_and_takes_nothing_from_others() {
    use Temporality::{Cumulative, Delta};
    for (before, after) in [(Cumulative, Delta), (Delta, Cumulative)] {
        let mut bench = Bench::unconfigured();
        let layer = || ReaderLayer::preferring(before);
        let changing = bench.engine.add_reader(layer()).unwrap();
        let staying = bench.engine.add_reader(layer()).unwrap();
        let config = Config::without_exporters("{}").unwrap();
        bench.engine.configure(&config).unwrap();
        let id = bench.instrument(InstrumentKind::Counter, "c");
        let slot = bench.series(id, Storage::Sum, "");
        bench.add(slot, 1.0);
        for reader in [changing, staying] {
            assert_eq!(read(&bench, reader, "c"), [(before, vec!["=1".to_owned()])]);
        }
        bench.add(slot, 2.0);
        prefer(&bench, changing, after);
        bench.add(slot, 4.0);

        // What was not exported goes out as it was counted, and another interval begins.
        let rest = if before == Cumulative { "=3" } else { "=2" };
        let expected = [
            (before, vec![rest.to_owned()]),
            (after, vec!["=4".to_owned()]),
        ];
        assert_eq!(read(&bench, changing, "c"), expected);
        let other = if before == Cumulative { "=7" } else { "=6" };
        assert_eq!(
            read(&bench, staying, "c"),
            [(before, vec![other.to_owned()])]
        );

        bench.add(slot, 8.0);
        let next = if after == Cumulative { "=12" } else { "=8" };
        assert_eq!(
            read(&bench, changing, "c"),
            [(after, vec![next.to_owned()])]
        );
        let other = if before == Cumulative { "=15" } else { "=8" };
        assert_eq!(
            read(&bench, staying, "c"),
            [(before, vec![other.to_owned()])]
        );
    }
}

#[test]
fn a_reader_that_leaves_a_stream_has_a_start_of_its_own() {
    let mut bench = Bench::unconfigured();
    let layer = || ReaderLayer::preferring(Temporality::Cumulative);
    let changing = bench.engine.add_reader(layer()).unwrap();
    let staying = bench.engine.add_reader(layer()).unwrap();
    bench.pipeline = Some(changing);
    let config = Config::without_exporters("{}").unwrap();
    bench.engine.configure(&config).unwrap();
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, "");
    bench.add(slot, 1.0);
    bench.collect();
    let changed = clock::now();
    prefer(&bench, changing, Temporality::Delta);
    bench.add(slot, 2.0);
    let [(_, rest), (_, new)] = &bench.metrics("c")[..] else {
        panic!("the rest and a new stream");
    };
    assert!(rest[0] < changed && new[0] >= changed);
    bench.pipeline = Some(staying);
    let [(values, starts)] = &bench.metrics("c")[..] else {
        panic!("one stream that goes on");
    };
    assert_eq!(values, &["=3"]);
    assert!(starts[0] < changed);
}

#[test]
fn a_reader_that_comes_to_anothers_stream_leaves_that_as_it_is() {
    use Temporality::{Cumulative, Delta};
    let mut bench = Bench::unconfigured();
    let reader = |preference| {
        let layer = ReaderLayer::preferring(preference);
        bench.engine.add_reader(layer).unwrap()
    };
    let (staying, changing) = (reader(Cumulative), reader(Delta));
    let config = Config::without_exporters("{}").unwrap();
    bench.engine.configure(&config).unwrap();
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, "");
    let cumulative = |value: &str| (Cumulative, vec![value.to_owned()]);
    bench.add(slot, 1.0);
    prefer(&bench, changing, Cumulative);
    bench.add(slot, 2.0);
    assert_eq!(read(&bench, staying, "c"), [cumulative("=3")]);
    let rest = (Delta, vec!["=1".to_owned()]);
    assert_eq!(read(&bench, changing, "c"), [rest, cumulative("=2")]);
    // Both go on, whatever else changes, and who is new joins the one that has all.
    bench.update("{}", r#"{"cardinalityLimit": 10}"#);
    let layer = ReaderLayer::preferring(Cumulative);
    let new = bench.engine.add_reader(layer).unwrap();
    bench.add(slot, 4.0);
    assert_eq!(read(&bench, staying, "c"), [cumulative("=7")]);
    assert_eq!(read(&bench, changing, "c"), [cumulative("=6")]);
    assert_eq!(read(&bench, new, "c"), [cumulative("=7")]);
}
