//! Collections that overlap: each has runs of the callbacks of its own.

use super::*;

/// An environment that begins what it is asked for at once; the test answers for it.
struct Prompt(mpsc::Sender<(RunId, Duration)>);

impl Facade for Prompt {
    fn ask(&self, run: RunId, timeout: Duration) -> bool {
        self.0.send((run, timeout)).is_ok()
    }

    fn has_begun(&self, _: RunId) -> bool {
        true
    }

    fn release(&self, _: &[Idle]) {}
}

const SHORT: Duration = Duration::from_millis(50);

struct Setup {
    engine: Engine,
    facade: FacadeId,
    scrapes: PipelineId,
    exports: PipelineId,
    asked: mpsc::Receiver<(RunId, Duration)>,
    id: InstrumentId,
    slots: [u32; 2],
}

type Answer = oneshot::Receiver<Result<Arc<Collection>>>;

/// An observable with two series, `s:0` and `s:1`.
fn setup(kind: InstrumentKind, temporality: &str, views: &str) -> Setup {
    let engine = Engine::start(Logger::default());
    let options = format!(
        r#"{{
            "exporters": {{
                "prometheus": {{ "server": false }},
                "otlp": {{ "endpoint": "http://c:1", "temporality": {temporality} }}
            }},
            "views": [{views}]
        }}"#
    );
    let config = Config::parse(&options, "options", &Environment::default()).unwrap();
    let pipelines = engine.configure(&config).unwrap();
    let (sender, asked) = mpsc::channel();
    let facade = engine.attach(Box::new(Prompt(sender)));
    let (id, _) = engine.register(spec(kind, "o"));
    let slots = [0, 1];
    for slot in slots {
        engine.hand_over(
            facade,
            Handover {
                slots: new_slot(Storage::Block, slot, id, &format!(r#""s",{slot}"#)),
                ..Handover::default()
            },
        );
    }
    Setup {
        engine,
        facade,
        scrapes: pipelines.prometheus.unwrap(),
        exports: pipelines.otlp[0],
        asked,
        id,
        slots,
    }
}

impl Setup {
    /// A collection, and its run.
    fn collect(&self, pipeline: PipelineId, timeout: Duration) -> (Answer, RunId) {
        let answer = self.engine.collect(pipeline, timeout);
        let (run, time) = self.asked.recv_timeout(WAIT).expect("it is asked");
        assert_eq!((run.reader, time), (pipeline, timeout));
        (answer, run)
    }

    /// What is known, without a run.
    fn known(&self, pipeline: PipelineId) -> Vec<String> {
        points(self.engine.collect(pipeline, Duration::ZERO))
    }

    fn hand_over(&self, run: RunId, values: &[f64], unfinished: bool, answers: bool) {
        let observations = Samples {
            slots: self.slots[..values.len()].to_vec(),
            values: values.to_vec(),
        };
        self.engine.hand_over(
            self.facade,
            Handover {
                observations: Some(observations),
                unfinished: unfinished.then_some(self.id).into_iter().collect(),
                run: Some(run),
                answers,
                ..Handover::default()
            },
        );
    }

    fn answer(&self, run: RunId, values: &[f64]) {
        self.hand_over(run, values, false, true);
    }

    /// A collection from beginning to end.
    fn round(&self, pipeline: PipelineId, values: &[f64]) -> Vec<String> {
        let (answer, run) = self.collect(pipeline, WAIT);
        self.answer(run, values);
        points(answer)
    }
}

impl Drop for Setup {
    fn drop(&mut self) {
        self.engine.shutdown();
    }
}

fn points(answer: Answer) -> Vec<String> {
    let collection = answer.blocking_recv().unwrap().unwrap();
    let mut metrics = collection.metrics();
    let metric = metrics.find(|metric| &*metric.name == "o");
    metric.map(describe).unwrap_or_default()
}

fn cumulative() -> Setup {
    setup(InstrumentKind::ObservableGauge, r#""cumulative""#, "")
}

#[test]
fn each_collection_has_what_its_own_run_observed_whoever_answers_first() {
    let setup = cumulative();
    for first in [true, false] {
        let (export, exports) = setup.collect(setup.exports, WAIT);
        let (scrape, scrapes) = setup.collect(setup.scrapes, WAIT);
        let answers = [(exports, 1.0), (scrapes, 2.0)];
        let order = if first { [0, 1] } else { [1, 0] };
        for at in order {
            setup.answer(answers[at].0, &[answers[at].1]);
        }
        assert_eq!(points(export), ["s:0=1"]);
        assert_eq!(points(scrape), ["s:0=2"]);
    }
}

#[test]
fn a_run_that_observes_less_takes_nothing_from_another() {
    let setup = cumulative();
    let (export, exports) = setup.collect(setup.exports, WAIT);
    setup.hand_over(exports, &[1.0], true, false);
    assert_eq!(setup.round(setup.scrapes, &[]), [""; 0]);
    setup.answer(exports, &[1.0, 2.0]);
    assert_eq!(points(export), ["s:0=1", "s:1=2"]);
    assert_eq!(setup.known(setup.scrapes), [""; 0]);
    assert_eq!(setup.known(setup.exports), ["s:0=1", "s:1=2"]);
}

#[test]
fn a_scrape_whose_time_is_up_cuts_no_export_short_and_has_what_is_known() {
    let setup = cumulative();
    assert_eq!(setup.round(setup.scrapes, &[1.0]), ["s:0=1"]);
    let (export, exports) = setup.collect(setup.exports, WAIT);
    let (scrape, scrapes) = setup.collect(setup.scrapes, SHORT);
    setup.hand_over(exports, &[], true, false);
    setup.hand_over(scrapes, &[], true, false);
    assert_eq!(points(scrape), ["s:0=1"]);
    setup.hand_over(scrapes, &[], true, true);
    setup.answer(exports, &[5.0]);
    assert_eq!(points(export), ["s:0=5"]);
    // What comes late is known to its reader from then on.
    assert_eq!(setup.known(setup.scrapes), ["s:0=1"]);
    setup.hand_over(scrapes, &[6.0], false, false);
    assert_eq!(setup.known(setup.scrapes), ["s:0=6"]);
    assert_eq!(setup.known(setup.exports), ["s:0=5"]);
}

#[test]
fn an_export_whose_time_is_up_cuts_no_scrape_short() {
    let setup = cumulative();
    let (scrape, scrapes) = setup.collect(setup.scrapes, WAIT);
    let (export, exports) = setup.collect(setup.exports, SHORT);
    setup.hand_over(exports, &[], true, false);
    assert_eq!(points(export), [""; 0]);
    setup.hand_over(exports, &[], true, true);
    setup.answer(scrapes, &[5.0]);
    assert_eq!(points(scrape), ["s:0=5"]);
}

#[test]
fn an_earlier_run_that_ends_late_replaces_nothing_of_a_later_one() {
    let setup = cumulative();
    let (late, first) = setup.collect(setup.scrapes, SHORT);
    points(late);
    assert_eq!(setup.round(setup.scrapes, &[2.0]), ["s:0=2"]);
    setup.answer(first, &[1.0]);
    assert_eq!(setup.known(setup.scrapes), ["s:0=2"]);
}

#[test]
fn a_reader_without_a_run_of_its_own_knows_what_another_observed() {
    let setup = cumulative();
    setup.round(setup.scrapes, &[1.0]);
    assert_eq!(setup.known(setup.exports), ["s:0=1"]);
    setup.round(setup.exports, &[2.0]);
    assert_eq!(setup.known(setup.exports), ["s:0=2"]);
    assert_eq!(setup.known(setup.scrapes), ["s:0=1"]);
}

#[test]
fn deltas_of_an_observable_counter_are_those_between_its_readers_own_collections() {
    let setup = setup(InstrumentKind::ObservableCounter, r#""delta""#, "");
    assert_eq!(setup.round(setup.exports, &[10.0]), ["s:0=10"]);
    let (export, exports) = setup.collect(setup.exports, WAIT);
    // Higher than what the export observes, which would look like a counter that started over.
    assert_eq!(setup.round(setup.scrapes, &[17.0]), ["s:0=17"]);
    setup.answer(exports, &[15.0]);
    assert_eq!(points(export), ["s:0=5"]);
    assert_eq!(setup.round(setup.scrapes, &[18.0]), ["s:0=18"]);
    assert_eq!(setup.known(setup.exports), [""; 0]);
    assert_eq!(setup.round(setup.exports, &[20.0]), ["s:0=5"]);
}

#[test]
fn deltas_of_an_observable_up_down_counter_may_be_negative() {
    let delta = r#"{"observable_up_down_counter": "delta"}"#;
    let setup = setup(InstrumentKind::ObservableUpDownCounter, delta, "");
    assert_eq!(setup.round(setup.exports, &[10.0]), ["s:0=10"]);
    assert_eq!(setup.round(setup.exports, &[4.0]), ["s:0=-6"]);
    assert_eq!(setup.round(setup.scrapes, &[-1.0]), ["s:0=-1"]);
    assert_eq!(setup.round(setup.exports, &[-2.0]), ["s:0=-6"]);
}

#[test]
fn collections_of_one_reader_that_overlap_have_runs_of_their_own_too() {
    let setup = cumulative();
    let (first, one) = setup.collect(setup.scrapes, WAIT);
    let (second, two) = setup.collect(setup.scrapes, WAIT);
    setup.answer(two, &[2.0]);
    setup.answer(one, &[1.0]);
    assert_eq!(points(first), ["s:0=1"]);
    assert_eq!(points(second), ["s:0=2"]);
}

#[test]
fn a_flood_of_one_reader_has_few_runs_at_once_and_holds_up_no_other() {
    let setup = cumulative();
    let flood: Vec<Answer> = (0..100)
        .map(|_| setup.engine.collect(setup.scrapes, WAIT))
        .collect();
    // Behind all of them.
    setup.known(setup.scrapes);
    let under_way: Vec<RunId> = setup.asked.try_iter().map(|(run, _)| run).collect();
    assert!(under_way.len() < 10, "{}", under_way.len());
    assert_eq!(setup.round(setup.exports, &[1.0]), ["s:0=1"]);
    for run in &under_way {
        setup.answer(*run, &[2.0]);
    }
    let (next, _) = setup.asked.recv_timeout(WAIT).unwrap();
    setup.answer(next, &[3.0]);
    for (number, answer) in flood.into_iter().enumerate() {
        let expected = if number < under_way.len() { 2 } else { 3 };
        assert_eq!(points(answer), [format!("s:0={expected}")]);
    }
    assert!(setup.asked.try_recv().is_err());
}

#[test]
fn a_collection_that_waits_for_its_turn_goes_on_when_its_time_is_up() {
    let setup = cumulative();
    let held: Vec<(Answer, RunId)> = (0..8).map(|_| setup.collect(setup.scrapes, WAIT)).collect();
    let waiting = setup.engine.collect(setup.scrapes, SHORT);
    assert_eq!(points(waiting), [""; 0]);
    drop(held);
}

#[test]
fn a_facade_that_ends_holds_up_nobody() {
    let setup = cumulative();
    let (answer, run) = setup.collect(setup.scrapes, WAIT);
    setup.hand_over(run, &[1.0], true, false);
    setup.engine.detach(setup.facade);
    assert_eq!(points(answer), [""; 0]);
}

#[test]
fn what_a_facade_observes_at_its_end_is_for_the_collections_under_way_too() {
    let setup = cumulative();
    let (answer, run) = setup.collect(setup.scrapes, WAIT);
    setup.hand_over(run, &[1.0], true, false);
    let observations = Samples {
        slots: setup.slots.to_vec(),
        values: vec![7.0, 8.0],
    };
    setup.engine.hand_over(
        setup.facade,
        Handover {
            observations: Some(observations),
            ..Handover::default()
        },
    );
    setup.engine.leave(setup.facade);
    assert_eq!(points(answer), ["s:0=7", "s:1=8"]);
}

#[test]
fn a_collection_tells_the_failure_of_a_callback_in_its_own_run_and_of_no_other() {
    let setup = setup(InstrumentKind::ObservableGauge, r#""cumulative""#, "");
    for error_type in [Some("TypeError"), None] {
        let (answer, run) = setup.collect(setup.scrapes, WAIT);
        setup.engine.hand_over(
            setup.facade,
            Handover {
                observations: Some(Samples::default()),
                error_type: error_type.map(Box::from),
                run: Some(run),
                answers: true,
                ..Handover::default()
            },
        );
        let collection = answer.blocking_recv().unwrap().unwrap();
        assert_eq!(collection.error_type.as_deref(), error_type);
    }
}
