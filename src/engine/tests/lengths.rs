//! The limit of an attribute value's length, where it is lower than what a facade knew.

use super::*;

const LIMIT: &str = r#"{"attributeValueLengthLimit": 3}"#;

#[test]
fn values_recorded_before_the_configuration_are_cut_and_meet_in_one_series() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let mut bench = Bench::unconfigured();
        let id = bench.instrument(InstrumentKind::Counter, "c");
        let long = bench.series(id, Storage::Sum, r#""k","💥bcd""#);
        let longer = bench.series(id, Storage::Sum, r#""k","💥bcde""#);
        let list = bench.series(id, Storage::Sum, r#""k",["abcd","x"],"n",12345"#);
        bench.add(long, 1.0);
        bench.add(longer, 10.0);
        bench.add(list, 100.0);
        bench.configure(LIMIT, temporality);
        let cut = bench.series(id, Storage::Sum, r#""k","💥bc""#);
        bench.add(cut, 1000.0);
        assert_eq!(
            bench.points("c"),
            [r#"k:["abc","x"],n:12345=100"#, "k:💥bc=1011"]
        );
    }
}

#[test]
fn observations_that_are_equal_once_cut_add_up() {
    let mut bench = Bench::new(LIMIT, Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::ObservableCounter, "c");
    let one = bench.series(id, Storage::Block, r#""k","abcd""#);
    let other = bench.series(id, Storage::Block, r#""k","abce""#);
    bench.hand_over(Handover {
        observations: Some(Samples {
            slots: vec![one, other],
            values: vec![1.0, 10.0],
        }),
        ..Handover::default()
    });
    assert_eq!(bench.points("c"), ["k:abc=11"]);
}

#[test]
fn removing_one_of_two_series_that_are_equal_once_cut_keeps_the_other() {
    let mut bench = Bench::new(LIMIT, Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    let one = bench.series(id, Storage::Sum, r#""k","abcd""#);
    let other = bench.series(id, Storage::Sum, r#""k","abce""#);
    bench.add(one, 1.0);
    bench.add(other, 10.0);
    bench.engine.remove(id, read_set(r#"["k","abcd"]"#));
    bench.add(other, 100.0);
    assert_eq!(bench.points("c"), ["k:abc=111"]);
}
