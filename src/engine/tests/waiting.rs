//! How long collections wait for facades, each by itself.

use super::*;

/// Notes how long each request lets it run its callbacks; the test answers for it.
struct Asked(mpsc::Sender<Duration>);

impl Facade for Asked {
    fn ask(&self, timeout: Duration) -> bool {
        self.0.send(timeout).is_ok()
    }

    fn release(&self, _: &[(Storage, u32)]) {}
}

struct Setup {
    bench: Bench,
    asked: mpsc::Receiver<Duration>,
    gauge: InstrumentId,
    slot: u32,
}

fn setup() -> Setup {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let (sender, asked) = mpsc::channel();
    bench.facade = bench.engine.attach(Box::new(Asked(sender)));
    let gauge = bench.instrument(InstrumentKind::ObservableGauge, "gauge");
    let slot = bench.series(gauge, Storage::Block, "");
    Setup {
        bench,
        asked,
        gauge,
        slot,
    }
}

impl Setup {
    fn collect(&self, timeout: Duration) -> oneshot::Receiver<Result<Arc<Collection>>> {
        self.bench
            .engine
            .collect(self.bench.pipeline.unwrap(), timeout)
    }

    fn observe(&self, values: &[f64], unfinished: &[InstrumentId], answers: bool) {
        self.bench.hand_over(Handover {
            observations: Some(Samples {
                slots: values.iter().map(|_| self.slot).collect(),
                values: values.to_vec(),
            }),
            unfinished: unfinished.to_vec(),
            answers,
            ..Handover::default()
        });
    }
}

fn gauge(answer: oneshot::Receiver<Result<Arc<Collection>>>) -> (Vec<String>, bool) {
    let collection = answer.blocking_recv().unwrap().unwrap();
    let points = collection
        .metrics()
        .find(|metric| &*metric.name == "gauge")
        .map(describe)
        .unwrap_or_default();
    (points, collection.late)
}

#[test]
fn an_impatient_collection_ends_alone_and_the_patient_one_gets_what_comes_later() {
    let setup = setup();
    let patient = setup.collect(WAIT);
    for _ in 0..10 {
        let (points, late) = gauge(setup.collect(Duration::from_millis(1)));
        assert!(points.is_empty() && late, "{points:?}");
    }
    setup.observe(&[5.0], &[], true);
    assert_eq!(gauge(patient), (vec!["=5".to_owned()], false));
}

#[test]
fn what_a_facade_hands_over_after_everybody_left_is_in_the_next_collection() {
    let setup = setup();
    assert!(gauge(setup.collect(Duration::from_millis(1))).0.is_empty());
    setup.observe(&[5.0], &[], true);
    let (points, _) = gauge(setup.collect(Duration::ZERO));
    assert_eq!(points, ["=5"]);
}

#[test]
fn what_is_known_is_collected_at_once_and_nobody_is_asked_for_it() {
    let setup = setup();
    setup.observe(&[5.0], &[], false);
    let (points, late) = gauge(setup.collect(Duration::ZERO));
    assert_eq!((points, late), (vec!["=5".to_owned()], false));
    assert!(setup.asked.try_recv().is_err());
    assert!(setup.bench.engine.log().drain().is_empty());
}

#[test]
fn a_facade_has_the_time_of_the_most_patient_exporter_whoever_asks() {
    let engine = Engine::start(Logger::default());
    let options = r#"{ "exporters": {
        "prometheus": { "server": false, "collectTimeout": 3000 },
        "otlp": { "timeout": 7000 }
    } }"#;
    let config = Config::parse(options, "options", &Environment::default()).unwrap();
    let pipeline = engine.configure(&config).unwrap().prometheus.unwrap();
    let (sender, asked) = mpsc::channel();
    engine.attach(Box::new(Asked(sender)));
    let answer = engine.collect(pipeline, Duration::from_millis(1));
    answer.blocking_recv().unwrap().unwrap();
    assert_eq!(asked.recv_timeout(WAIT), Ok(Duration::from_secs(7)));
    engine.shutdown();
}

#[test]
fn an_unfinished_callback_keeps_its_last_values_and_a_finished_one_replaces_them() {
    let setup = setup();
    let points = || gauge(setup.collect(Duration::ZERO)).0;
    setup.observe(&[5.0], &[], false);
    setup.observe(&[], &[setup.gauge], false);
    assert_eq!(points(), ["=5"]);
    setup.observe(&[6.0], &[setup.gauge], false);
    assert_eq!(points(), ["=6"]);
    setup.observe(&[], &[], false);
    assert!(points().is_empty());
}

#[test]
fn an_event_loop_whose_callbacks_take_their_time_is_not_late() {
    let setup = setup();
    let answer = setup.collect(Duration::from_millis(50));
    setup.asked.recv_timeout(WAIT).unwrap();
    setup.observe(&[5.0], &[setup.gauge], false);
    assert_eq!(gauge(answer), (vec!["=5".to_owned()], false));
    assert!(setup.bench.engine.log().drain().is_empty());
}

#[test]
fn twenty_thousand_scopes_are_registered_and_collected_in_about_linear_time() {
    let took = |scopes: usize| {
        let bench = Bench::new("{}", Temporality::Cumulative);
        let begun = Instant::now();
        for number in 0..scopes {
            let scope = InstrumentationScope::builder(format!("scope-{number}")).build();
            bench.engine.register(InstrumentSpec {
                scope: Arc::new(scope),
                ..spec(InstrumentKind::Counter, "c")
            });
        }
        bench.collect();
        begun.elapsed()
    };
    took(1000);
    let (few, many) = (took(5000), took(20_000));
    // Four times as many; quadratic would be sixteen.
    assert!(many < few * 9, "{few:?} for 5 000, {many:?} for 20 000");
}
