//! How long collections wait for facades, each by itself.

use super::*;

/// Notes how long each request lets it run its callbacks; the test answers for it.
struct Asked(mpsc::Sender<(RunId, Duration)>);

impl Facade for Asked {
    fn ask(&self, run: RunId, timeout: Duration) -> bool {
        self.0.send((run, timeout)).is_ok()
    }

    fn has_begun(&self, _: RunId) -> bool {
        false
    }

    fn release(&self, _: &[Idle]) {}
}

struct Setup {
    bench: Bench,
    asked: mpsc::Receiver<(RunId, Duration)>,
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

    /// The next run that the facade is asked for.
    fn next(&self) -> RunId {
        self.asked.recv_timeout(WAIT).expect("it is asked").0
    }

    /// Nobody asked for it.
    fn observe(&self, values: &[f64], unfinished: &[InstrumentId]) {
        self.hand_over(values, unfinished, None, false);
    }

    fn hand_over(
        &self,
        values: &[f64],
        unfinished: &[InstrumentId],
        run: Option<RunId>,
        answers: bool,
    ) {
        self.bench.hand_over(Handover {
            observations: Some(Samples {
                slots: values.iter().map(|_| self.slot).collect(),
                values: values.to_vec(),
            }),
            unfinished: unfinished.to_vec(),
            run,
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
    setup.hand_over(&[5.0], &[], Some(setup.next()), true);
    assert_eq!(gauge(patient), (vec!["=5".to_owned()], false));
}

#[test]
fn what_a_facade_hands_over_after_everybody_left_is_in_the_next_collection() {
    let setup = setup();
    assert!(gauge(setup.collect(Duration::from_millis(1))).0.is_empty());
    setup.hand_over(&[5.0], &[], Some(setup.next()), true);
    let (points, _) = gauge(setup.collect(Duration::ZERO));
    assert_eq!(points, ["=5"]);
}

#[test]
fn what_is_known_is_collected_at_once_and_nobody_is_asked_for_it() {
    let setup = setup();
    setup.observe(&[5.0], &[]);
    let (points, late) = gauge(setup.collect(Duration::ZERO));
    assert_eq!((points, late), (vec!["=5".to_owned()], false));
    assert!(setup.asked.try_recv().is_err());
    assert!(setup.bench.engine.log().drain().is_empty());
}

#[test]
fn callbacks_have_the_time_of_the_collection_that_they_run_for() {
    let setup = setup();
    for timeout in [1, 7, 3].map(Duration::from_millis) {
        gauge(setup.collect(timeout));
        assert_eq!(setup.asked.recv_timeout(WAIT).unwrap().1, timeout);
    }
}

#[test]
fn an_unfinished_callback_keeps_its_last_values_and_a_finished_one_replaces_them() {
    let setup = setup();
    let points = || gauge(setup.collect(Duration::ZERO)).0;
    setup.observe(&[5.0], &[]);
    setup.observe(&[], &[setup.gauge]);
    assert_eq!(points(), ["=5"]);
    setup.observe(&[6.0], &[setup.gauge]);
    assert_eq!(points(), ["=6"]);
    setup.observe(&[], &[]);
    assert!(points().is_empty());
}

#[test]
fn an_event_loop_whose_callbacks_take_their_time_is_not_late() {
    let setup = setup();
    let answer = setup.collect(Duration::from_millis(50));
    setup.hand_over(&[5.0], &[setup.gauge], Some(setup.next()), false);
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
