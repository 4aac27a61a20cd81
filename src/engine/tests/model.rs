//! Random programs against a model: what is recorded, removed, cleared and collected, also before the
//! first value and with more sets than the limit.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Step {
    Record(usize, u32),
    Remove(usize),
    Clear,
    Collect,
}

/// A series as a reader should see it.
#[derive(Default)]
struct Model {
    limit: usize,
    delta: bool,
    /// Series that have their own place, by their number.
    live: BTreeMap<usize, f64>,
    /// Delta: what was removed and is not exported yet.
    lingering: BTreeMap<usize, f64>,
    overflow: Option<f64>,
    /// Which series count in the overflow series: they do until they are removed.
    overflowing: std::collections::BTreeSet<usize>,
    /// Delta: in what something was recorded since the last collection.
    touched: std::collections::BTreeSet<usize>,
}

impl Model {
    fn record(&mut self, series: usize, value: f64) {
        if !self.live.contains_key(&series) {
            if self.overflowing.contains(&series) || self.live.len() >= self.limit {
                self.overflowing.insert(series);
                *self.overflow.get_or_insert(0.0) += value;
                return;
            }
            let before = self.lingering.remove(&series).unwrap_or(0.0);
            self.live.insert(series, before);
        }
        self.touched.insert(series);
        *self.live.entry(series).or_default() += value;
    }

    fn remove(&mut self, series: usize) {
        self.overflowing.remove(&series);
        if let Some(value) = self.live.remove(&series) {
            if self.delta && self.touched.contains(&series) {
                self.lingering.insert(series, value);
            }
        }
    }

    fn clear(&mut self) {
        let all: Vec<usize> = self.live.keys().copied().collect();
        all.into_iter().for_each(|series| self.remove(series));
        self.overflowing.clear();
        if !self.delta {
            self.overflow = None;
        }
    }

    fn collect(&mut self) -> Vec<String> {
        let line = |(series, value): (&usize, &f64)| format!("n:{series}={value}");
        let overflow = self
            .overflow
            .map(|value| format!("otel.metric.overflow:true={value}"));
        let mut lines: Vec<String> = overflow.into_iter().collect();
        if self.delta {
            let touched = std::mem::take(&mut self.touched);
            let shown = self
                .live
                .iter()
                .filter(|(series, _)| touched.contains(series));
            lines.extend(shown.chain(&self.lingering).map(line));
            self.lingering.clear();
            self.live.values_mut().for_each(|value| *value = 0.0);
            self.overflow = None;
        } else {
            lines.extend(self.live.iter().map(line));
        }
        lines.sort();
        lines
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0usize..6, 0u32..9).prop_map(|(series, value)| Step::Record(series, value)),
        3 => (0usize..6).prop_map(Step::Remove),
        1 => Just(Step::Clear),
        2 => Just(Step::Collect),
    ];
    prop::collection::vec(step, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn what_is_removed_stays_away_until_it_is_recorded_again(
        limit in 1usize..7,
        delta in any::<bool>(),
        steps in steps(),
    ) {
        let temporality = if delta { Temporality::Delta } else { Temporality::Cumulative };
        let options = format!(r#"{{"cardinalityLimit": {limit}}}"#);
        let mut bench = Bench::new(&options, temporality);
        let id = bench.instrument(InstrumentKind::Counter, "c");
        let slots: Vec<u32> = (0..6)
            .map(|n| bench.series(id, Storage::Sum, &format!(r#""n",{n}"#)))
            .collect();
        let mut model = Model { limit, delta, ..Model::default() };
        for step in steps {
            match step {
                Step::Record(series, value) => {
                    bench.add(slots[series], value.into());
                    model.record(series, value.into());
                }
                Step::Remove(series) => {
                    bench.engine.remove(id, read_set(&format!(r#"["n",{series}]"#)));
                    model.remove(series);
                }
                Step::Clear => {
                    bench.engine.clear(id);
                    model.clear();
                }
                // Without a timeout, so that nothing goes stale.
                Step::Collect => {
                    let answer = bench.engine.collect(bench.pipeline.unwrap(), Duration::ZERO);
                    let collection = answer.blocking_recv().unwrap().unwrap();
                    let metric = collection.metrics().find(|metric| &*metric.name == "c");
                    prop_assert_eq!(metric.map(describe).unwrap_or_default(), model.collect());
                }
            }
        }
    }
}

#[test]
fn a_series_that_is_removed_again_is_gone() {
    let mut bench = Bench::new(r#"{"cardinalityLimit": 2}"#, Temporality::Cumulative);
    let id = bench.instrument(InstrumentKind::Counter, "c");
    bench.collect();
    let slots = ["a", "b"].map(|name| bench.series(id, Storage::Sum, &format!(r#""n","{name}""#)));
    bench.add(slots[0], 1.0);
    bench.engine.remove(id, read_set(r#"["n","a"]"#));
    bench.add(slots[1], 1.0);
    bench.add(slots[0], 1.0);
    bench.engine.remove(id, read_set(r#"["n","a"]"#));
    assert_eq!(bench.points("c"), ["n:b=1"]);
}
