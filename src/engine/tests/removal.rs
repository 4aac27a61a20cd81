//! Series that go, by the program's wish or because nothing comes for them, and come back.

use super::*;

#[test]
fn a_removed_series_is_gone_until_its_next_value_and_then_starts_anew() {
    for kind in [InstrumentKind::Counter, InstrumentKind::Histogram] {
        let mut bench = Bench::new("{}", Temporality::Cumulative);
        let id = bench.instrument(kind, "x");
        let slot = bench.series(id, Storage::Block, r#""a",1"#);
        let other = bench.series(id, Storage::Block, r#""a",2"#);
        for round in 0..3 {
            bench.sample(slot, 1.0);
            bench.sample(other, 1.0);
            assert_eq!(
                bench.points("x"),
                ["a:1=1".to_owned(), format!("a:2={}", round + 1)]
            );
            bench.engine.remove(id, read_set(r#"["a",1]"#));
            assert_eq!(bench.points("x"), [format!("a:2={}", round + 1)]);
        }
    }
}

#[test]
fn a_series_that_goes_and_comes_back_before_a_collection_is_read_is_read_once() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slots: Vec<u32> = (0..20)
        .map(|n| bench.series(id, Storage::Sum, &format!(r#""a",{n}"#)))
        .collect();
    slots.iter().for_each(|slot| bench.add(*slot, 1.0));
    let collection = bench.collect();
    let is_c = |metric: &&Metric| &*metric.name == "c";
    let unread = collection.metrics().find(is_c).unwrap();

    bench.engine.remove(id, read_set(r#"["a",0]"#));
    bench.add(slots[0], 5.0);
    assert_eq!(bench.points("c").len(), 20);

    // It began after this collection, whose points end before.
    let read = describe(unread);
    assert_eq!(read.len(), 19);
    assert!(!read.contains(&"a:0=5".to_owned()), "{read:?}");
}

#[test]
fn removing_gives_the_place_in_the_limit_back() {
    let mut bench = Bench::new(r#"{"cardinalityLimit": 3}"#, Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    for series in 0..50 {
        let slot = bench.series(id, Storage::Sum, &format!(r#""n",{series}"#));
        bench.add(slot, 1.0);
        assert_eq!(bench.points("c"), [format!("n:{series}=1")]);
        bench
            .engine
            .remove(id, read_set(&format!(r#"["n",{series}]"#)));
    }
}

#[test]
fn clearing_removes_every_series_but_loses_no_unexported_delta() {
    for (temporality, after) in [
        (Temporality::Cumulative, vec![]),
        (Temporality::Delta, vec!["=1".to_owned()]),
    ] {
        let mut bench = Bench::new("{}", temporality);
        let id = bench.instrument(InstrumentKind::Counter, "c");
        let slot = bench.series(id, Storage::Sum, "");
        bench.add(slot, 1.0);
        bench.engine.clear(id);
        assert_eq!(bench.points("c"), after);
        bench.add(slot, 5.0);
        assert_eq!(bench.points("c"), ["=5"]);
    }
}

/// Records which slots it was told to release.
struct Listening(Arc<Mutex<Vec<u32>>>);

impl Facade for Listening {
    fn ask(&self, _: RunId, _: Duration) -> bool {
        false
    }

    fn has_begun(&self, _: RunId) -> bool {
        false
    }

    fn release(&self, slots: &[Idle]) {
        self.0
            .lock()
            .unwrap()
            .extend(slots.iter().map(|idle| idle.slot));
    }
}

#[test]
fn idle_delta_series_are_released_and_the_facade_is_told() {
    let mut bench = Bench::new(r#"{"cardinalityLimit": 1}"#, Temporality::Delta);
    let released = Arc::new(Mutex::new(Vec::new()));
    bench.facade = bench.engine.attach(Box::new(Listening(released.clone())));
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, r#""n",0"#);
    bench.add(slot, 1.0);
    for _ in 0..=plan::STALE_AFTER {
        bench.collect();
    }
    assert_eq!(*released.lock().unwrap(), [slot]);
    // Its place is free, and the old slot still counts until the facade gives it back.
    let second = bench.series(id, Storage::Sum, r#""n",1"#);
    bench.add(second, 2.0);
    assert_eq!(bench.points("c"), ["n:1=2"]);
}

#[test]
fn a_delta_series_removed_and_recorded_again_within_an_interval_is_one_point() {
    let mut bench = Bench::new("{}", Temporality::Delta);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, r#""a",1"#);
    for _ in 0..3 {
        bench.add(slot, 1.0);
        bench.engine.remove(id, read_set(r#"["a",1]"#));
    }
    bench.add(slot, 1.0);
    assert_eq!(bench.points("c"), ["a:1=4"]);
    assert!(bench.points("c").is_empty());
}

#[test]
fn streams_of_many_series_keep_each_of_them_through_churn() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let mut bench = Bench::new(r#"{"cardinalityLimit": 1500}"#, temporality);
        let id = bench.instrument(InstrumentKind::Counter, "c");
        for round in 0..6 {
            let slots: Vec<u32> = (0..1000)
                .map(|n| bench.series(id, Storage::Sum, &format!(r#""round",{round},"n",{n}"#)))
                .collect();
            for &slot in &slots {
                bench.add(slot, 1.0);
            }
            let points = bench.points("c");
            assert_eq!(points.len(), 1000, "round {round}, {temporality:?}");
            assert!(points.iter().all(|point| point.ends_with("=1")));
            for n in 0..1000 {
                bench
                    .engine
                    .remove(id, read_set(&format!(r#"["round",{round},"n",{n}]"#)));
            }
        }
    }
}

/// Sets that only their bits make equal, as JSON: NaN equals nothing.
const NAN: [&str; 2] = [
    r#""a",{"double":"NaN"}"#,
    r#""a",[1,{"double":"NaN"}],"b",1"#,
];

#[test]
fn a_series_with_nan_is_found_again() {
    for set in NAN {
        for temporality in [Temporality::Cumulative, Temporality::Delta] {
            let mut bench = Bench::new("{}", temporality);
            let id = bench.instrument(InstrumentKind::Counter, "c");
            let slots = [(); 2].map(|()| bench.series(id, Storage::Sum, set));
            for slot in slots {
                bench.add(slot, 1.0);
            }
            let points = bench.points("c");
            assert!(points.len() == 1 && points[0].ends_with("=2"), "{points:?}");

            bench.engine.remove(id, read_set(&format!("[{set}]")));
            assert!(bench.points("c").is_empty());

            bench.add(slots[0], 3.0);
            let points = bench.points("c");
            assert!(points.len() == 1 && points[0].ends_with("=3"), "{points:?}");
        }
    }
}

#[test]
fn a_delta_series_with_nan_that_comes_back_within_an_interval_is_one_point() {
    for set in NAN {
        let mut bench = Bench::new("{}", Temporality::Delta);
        let id = bench.instrument(InstrumentKind::Counter, "c");
        let slot = bench.series(id, Storage::Sum, set);
        for _ in 0..3 {
            bench.add(slot, 1.0);
            bench.engine.remove(id, read_set(&format!("[{set}]")));
        }
        bench.add(slot, 1.0);
        let points = bench.points("c");
        assert!(points.len() == 1 && points[0].ends_with("=4"), "{points:?}");
        assert!(bench.points("c").is_empty());
    }
}

/// Keeps everything but the attribute "other".
const WITHOUT_OTHER: &str = r#"{"views": [
    {"selector": {"instrument_name": "*"}, "stream": {"attribute_keys": {"excluded": ["other"]}}}
]}"#;

/// Two series that [`WITHOUT_OTHER`] makes equal.
fn equal_series(bench: &mut Bench, id: InstrumentId, storage: Storage, set: &str) -> Vec<u32> {
    [1, 2]
        .map(|other| bench.series(id, storage, &format!(r#"{set},"other",{other}"#)))
        .to_vec()
}

#[test]
fn a_view_makes_series_with_nan_equal() {
    for set in NAN {
        for temporality in [Temporality::Cumulative, Temporality::Delta] {
            let mut bench = Bench::new(WITHOUT_OTHER, temporality);
            let id = bench.instrument(InstrumentKind::Counter, "c");
            for slot in equal_series(&mut bench, id, Storage::Sum, set) {
                bench.add(slot, 1.0);
            }
            let points = bench.points("c");
            assert!(points.len() == 1 && points[0].ends_with("=2"), "{points:?}");
        }
    }
}

#[test]
fn observations_with_nan_add_up_and_make_deltas() {
    for set in NAN {
        for (temporality, totals) in [
            (Temporality::Cumulative, [10, 20, 30]),
            (Temporality::Delta, [10, 10, 10]),
        ] {
            let mut bench = Bench::new(WITHOUT_OTHER, temporality);
            let id = bench.instrument(InstrumentKind::ObservableCounter, "o");
            let slots = equal_series(&mut bench, id, Storage::Block, set);
            for (round, total) in (1..).zip(totals) {
                bench.hand_over(Handover {
                    observations: Some(Samples {
                        slots: slots.clone(),
                        values: vec![5.0 * f64::from(round); 2],
                    }),
                    ..Handover::default()
                });
                let points = bench.points("o");
                let expected = format!("={total}");
                assert!(
                    points.len() == 1 && points[0].ends_with(&expected),
                    "{points:?}"
                );
            }
        }
    }
}

#[test]
fn a_series_that_comes_back_starts_when_it_does() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slots = [0, 1].map(|n| bench.series(id, Storage::Sum, &format!(r#""a",{n}"#)));
    slots.iter().for_each(|slot| bench.add(*slot, 5.0));
    let starts = |bench: &Bench| {
        let collection = bench.collect();
        let metric = collection.metrics().find(|metric| &*metric.name == "c");
        starts(metric.unwrap())
    };
    let first = starts(&bench);
    assert_eq!(first[0], first[1]);

    let mut before = first[1];
    for _ in 0..3 {
        bench.engine.remove(id, read_set(r#"["a",1]"#));
        let removed = clock::now();
        bench.add(slots[1], 7.0);
        let again = starts(&bench);
        assert_eq!(again[0], first[0]);
        assert!(again[1] > before && again[1] >= removed);
        before = again[1];
        assert_eq!(bench.points("c"), ["a:0=5", "a:1=7"]);
    }
}
