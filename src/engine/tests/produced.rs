//! What metric producers hand over.

use super::*;
use crate::engine::instrument::Legacy;
use crate::engine::points::Kind;
use crate::engine::produced::Production;

const START: Timestamp = Timestamp::from_nanos(1_700_000_000_000_000_000);

impl Bench {
    fn produce(&self, producer: u32, texts: &[&str]) {
        let scope = InstrumentationScope::builder("prom-client").build();
        self.engine.produce(
            self.facade,
            Production {
                producer,
                scope: Arc::new(scope),
                start: START,
                texts: texts.iter().map(|text| (*text).to_owned()).collect(),
            },
        );
    }

    /// Names and descriptions of the streams, those for the page alone in brackets.
    fn streams(&self) -> Vec<String> {
        let collection = self.collect();
        let streams = collection.page_metrics().iter();
        streams
            .filter(|metric| metric.has_points())
            .map(|metric| {
                let line = format!("{} {}", metric.name, metric.description);
                match metric.page_only {
                    true => format!("[{line}]"),
                    false => line,
                }
            })
            .collect()
    }
}

fn jobs(value: u32) -> String {
    format!("# HELP jobs Jobs\n# TYPE jobs counter\njobs{{kind=\"a\"}} {value}")
}

/// An instrument that was renamed, and that its plugin keeps in prom-client's registry too.
fn renamed() -> InstrumentSpec {
    InstrumentSpec {
        legacy: Some(Arc::new(Legacy {
            successor: "shop.jobs.done".to_owned(),
            name: "shop.job.count".to_owned(),
            unit: String::new(),
            description: Arc::from("Jobs"),
            boundaries: None,
            twin: Some("jobs"),
        })),
        ..spec(InstrumentKind::Counter, "shop.jobs.done")
    }
}

#[test]
fn what_producers_find_is_collected_as_cumulative_whatever_was_asked_for() {
    for temporality in [Temporality::Cumulative, Temporality::Delta] {
        let bench = Bench::new("{}", temporality);
        bench.produce(0, &[&jobs(3)]);
        for _ in 0..2 {
            assert_eq!(bench.points("jobs"), ["kind:a=3"]);
        }
        let collection = bench.collect();
        let metric = collection
            .metrics()
            .find(|metric| &*metric.name == "jobs")
            .unwrap();
        let kind = Kind::Sum {
            temporality: Temporality::Cumulative,
            monotonic: true,
        };
        assert_eq!(metric.kind, kind);
        assert_eq!(starts(metric), [START]);
    }
}

#[test]
fn a_producer_replaces_what_it_found_before_and_ends_with_its_thread() {
    let bench = Bench::new("{}", Temporality::Cumulative);
    bench.produce(0, &[&jobs(3), "# HELP t T\n# TYPE t gauge\nt 1"]);
    bench.produce(1, &["# HELP u U\n# TYPE u gauge\nu 1"]);
    assert_eq!(bench.streams(), ["jobs Jobs", "t T", "u U"]);
    bench.produce(0, &[&jobs(4)]);
    assert_eq!(bench.streams(), ["jobs Jobs", "u U"]);
    assert_eq!(bench.points("jobs"), ["kind:a=4"]);
    bench.engine.detach(bench.facade);
    assert!(bench.streams().is_empty());
}

#[test]
fn metrics_without_series_and_those_that_cannot_be_read_cost_no_others() {
    let bench = Bench::new("{}", Temporality::Cumulative);
    let broken = "# HELP b B\n# TYPE b gauge\nb one";
    bench.produce(0, &["# HELP e E\n# TYPE e gauge\n", broken, &jobs(1)]);
    bench.produce(0, &["# HELP e E\n# TYPE e gauge\n", broken, &jobs(1)]);
    assert_eq!(bench.streams(), ["jobs Jobs"]);
    let said = "a metric of prom-client is left out: \"b one\" cannot be read";
    let lines = bench.engine.log().drain();
    let lines: Vec<&str> = lines.iter().map(|(_, line)| line.as_str()).collect();
    assert_eq!(lines, [said], "once");
}

#[test]
fn of_two_registries_with_one_name_the_first_counts() {
    let bench = Bench::new("{}", Temporality::Cumulative);
    bench.produce(0, &[&jobs(1)]);
    bench.produce(1, &[&jobs(2)]);
    assert_eq!(bench.points("jobs"), ["kind:a=1"]);
    assert_eq!(bench.streams(), ["jobs Jobs"]);
}

#[test]
fn the_twin_of_a_renamed_metric_is_for_the_page_alone() {
    let mut bench = Bench::new("{}", Temporality::Cumulative);
    bench.produce(0, &[&jobs(1)]);
    assert_eq!(bench.streams(), ["jobs Jobs"], "nobody else says it yet");
    let (id, _) = bench.engine.register(renamed());
    let slot = bench.series(id, Storage::Sum, "");
    bench.add(slot, 1.0);
    assert_eq!(
        bench.streams(),
        [
            "shop.jobs.done ",
            "shop.job.count Deprecated, use shop.jobs.done. Jobs",
            "[jobs Deprecated, use shop.jobs.done. Jobs]"
        ]
    );
    let collection = bench.collect();
    assert!(collection.metrics().all(|metric| &*metric.name != "jobs"));
}

#[test]
fn the_twin_of_a_renamed_metric_goes_with_the_old_names() {
    let off = r#"{"naming": {"legacyNames": false}}"#;
    let mut bench = Bench::new(off, Temporality::Cumulative);
    let (id, _) = bench.engine.register(renamed());
    let slot = bench.series(id, Storage::Sum, "");
    bench.add(slot, 1.0);
    bench.produce(0, &[&jobs(1), "# HELP t T\n# TYPE t gauge\nt 1"]);
    assert_eq!(bench.streams(), ["shop.jobs.done ", "t T"]);
}
