//! What becomes of a facade that does not answer.

use super::*;

#[test]
fn a_facade_whose_answer_was_lost_is_asked_again_and_its_values_are_not_frozen() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let (asked, requests) = mpsc::channel();
    bench.facade = bench.engine.attach(Box::new(Slow { asked }));
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let slot = bench.series(id, Storage::Sum, "");
    let pipeline = bench.pipeline.unwrap();

    for _ in 0..3 {
        let short = Duration::from_millis(10);
        let lost = bench.engine.collect(pipeline, short).blocking_recv();
        assert!(lost.unwrap().unwrap().late);
        requests.recv_timeout(WAIT).expect("it is asked every time");
    }
    let answer = bench.engine.collect(pipeline, WAIT);
    let run = requests.recv_timeout(WAIT).expect("it is asked again");
    bench.hand_over(Handover {
        sums: vec![cell(slot, 5.0)],
        run: Some(run),
        answers: true,
        ..Handover::default()
    });
    assert!(!answer.blocking_recv().unwrap().unwrap().late);
    let said = bench.engine.log().drain();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[1].1.contains("3 collections"), "{}", said[1].1);
}

#[test]
fn a_facade_is_asked_once_for_collections_of_one_reader_that_come_before_it_begins() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    let (asked, requests) = mpsc::channel();
    bench.facade = bench.engine.attach(Box::new(Slow { asked }));
    let pipeline = bench.pipeline.unwrap();
    let first = bench.engine.collect(pipeline, WAIT);
    let second = bench.engine.collect(pipeline, WAIT);
    let run = requests.recv_timeout(WAIT).unwrap();
    bench.hand_over(Handover {
        run: Some(run),
        answers: true,
        ..Handover::default()
    });
    first.blocking_recv().unwrap().unwrap();
    second.blocking_recv().unwrap().unwrap();
    assert!(requests.try_recv().is_err(), "one request for both");
}
