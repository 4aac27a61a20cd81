//! Metric filters that are functions of the program (Metrics SDK specification, "MetricFilter", in
//! development): what they decided, and what they are still to be asked. Each is asked once for a
//! metric and, if that is accepted in part, once for each of its series.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use serde_json::{json, Value as Json};

use super::attributes;
use super::canonical::Canonical;
use super::collection::Metric;
use super::points::{Attributes, Kind};
use crate::config::AttributeRule;

/// Decisions about series that are gone, which may be kept for when they come back.
const SPARE: usize = 1024;

/// What a filter knows a metric by.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MetricKey {
    pub scope: Arc<InstrumentationScope>,
    pub name: Arc<str>,
    pub kind: &'static str,
    pub unit: Arc<str>,
}

impl MetricKey {
    pub fn new(
        scope: &Arc<InstrumentationScope>,
        name: &Arc<str>,
        kind: Kind,
        unit: &Arc<str>,
    ) -> Self {
        Self {
            scope: scope.clone(),
            name: name.clone(),
            kind: kind.name(),
            unit: unit.clone(),
        }
    }

    pub fn of(metric: &Metric) -> Self {
        Self::new(&metric.scope, &metric.name, metric.kind, &metric.unit)
    }
}

/// What a function says of a metric, or of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Drop,
    Accept,
    /// Of a metric: its series are to be asked for.
    AcceptPartial,
}

/// Visits the series of a metric.
pub type EachSeries<'a> = dyn Fn(&mut dyn FnMut(&Canonical)) + 'a;

/// An answer to a question, by its number.
pub type Answer = (u32, Verdict);

/// Whether a series is kept; `None` while that is not known.
type SeriesDecisions = HashMap<Canonical, Option<bool>>;

enum Decision {
    Asked,
    Drop,
    Accept,
    /// Shared with collections, which must not change.
    Partial(Arc<SeriesDecisions>),
}

struct Question {
    metric: MetricKey,
    /// `None` where it is about the whole metric.
    series: Option<Canonical>,
}

/// What one function decided.
#[derive(Default)]
pub struct Decisions {
    metrics: HashMap<MetricKey, Decision>,
    unanswered: HashMap<u32, Question>,
    next: u32,
}

impl Decisions {
    /// How many questions there are that were asked and not answered.
    pub fn unanswered(&self) -> usize {
        self.unanswered.len()
    }

    /// Looks at a metric and, where it was accepted in part, at all its series, which `each_series`
    /// visits. Returns the numbers of the questions that are new.
    pub fn look(&mut self, metric: &MetricKey, each_series: &EachSeries<'_>) -> Vec<u32> {
        let new: Vec<Option<Canonical>> = match self.metrics.get_mut(metric) {
            Some(Decision::Asked | Decision::Drop | Decision::Accept) => return Vec::new(),
            Some(Decision::Partial(known)) => {
                let mut new = HashSet::new();
                let mut live = 0;
                each_series(&mut |series| {
                    live += 1;
                    if !known.contains_key(series) {
                        new.insert(series.clone());
                    }
                });
                if known.len() > 2 * live + SPARE {
                    let mut kept = HashSet::new();
                    each_series(&mut |series| {
                        kept.insert(series.clone());
                    });
                    Arc::make_mut(known)
                        .retain(|series, decision| decision.is_none() || kept.contains(series));
                }
                if !new.is_empty() {
                    let undecided = new.iter().map(|series| (series.clone(), None));
                    Arc::make_mut(known).extend(undecided);
                }
                new.into_iter().map(Some).collect()
            }
            None => {
                self.metrics.insert(metric.clone(), Decision::Asked);
                vec![None]
            }
        };
        new.into_iter()
            .map(|series| {
                let number = self.next;
                self.next = self.next.wrapping_add(1);
                let metric = metric.clone();
                self.unanswered.insert(number, Question { metric, series });
                number
            })
            .collect()
    }

    /// Questions as JavaScript gets them: `[{scope, name, kind, unit, number?, series?}, …]`, where
    /// `series` is `[[number, [key, value, …]], …]`.
    pub fn to_json(&self, numbers: &[u32]) -> Json {
        let mut metrics: Vec<(&MetricKey, Option<u32>, Vec<Json>)> = Vec::new();
        for number in numbers {
            let Some(Question { metric, series }) = self.unanswered.get(number) else {
                continue;
            };
            // Those of one metric come one after the other.
            if metrics.last().is_none_or(|(last, ..)| *last != metric) {
                metrics.push((metric, None, Vec::new()));
            }
            if let Some((_, of_metric, of_series)) = metrics.last_mut() {
                match series {
                    Some(set) => of_series.push(json!([number, attributes::write(set)])),
                    None => *of_metric = Some(*number),
                }
            }
        }
        metrics
            .into_iter()
            .map(|(metric, number, series)| {
                let mut of_scope: Vec<_> = metric.scope.attributes().cloned().collect();
                of_scope.sort_by(|a, b| a.key.cmp(&b.key));
                json!({
                    "scope": {
                        "name": metric.scope.name(),
                        "version": metric.scope.version(),
                        "schemaUrl": metric.scope.schema_url(),
                        "attributes": attributes::write(&of_scope.into_iter().collect()),
                    },
                    "name": *metric.name,
                    "kind": metric.kind,
                    "unit": *metric.unit,
                    "number": number,
                    "series": series,
                })
            })
            .collect()
    }

    /// All questions without an answer, as [`to_json`](Self::to_json) has them.
    pub fn all_to_json(&self) -> Json {
        let mut numbers: Vec<u32> = self.unanswered.keys().copied().collect();
        numbers.sort_unstable();
        self.to_json(&numbers)
    }

    pub fn take(&mut self, answers: &[Answer]) {
        for (number, verdict) in answers {
            let Some(Question { metric, series }) = self.unanswered.remove(number) else {
                // Two may have asked.
                continue;
            };
            match (series, self.metrics.get_mut(&metric)) {
                (None, Some(decision)) => {
                    *decision = match verdict {
                        Verdict::Drop => Decision::Drop,
                        Verdict::Accept => Decision::Accept,
                        Verdict::AcceptPartial => Decision::Partial(Arc::default()),
                    }
                }
                (Some(series), Some(Decision::Partial(known))) => {
                    let keeps = *verdict != Verdict::Drop;
                    Arc::make_mut(known).insert(series, Some(keeps));
                }
                _ => {}
            }
        }
    }

    /// What is kept of a metric; `None` where that is nothing, as long as nothing is decided.
    pub fn series_of(&self, metric: &MetricKey) -> Option<SeriesFilter> {
        match self.metrics.get(metric)? {
            Decision::Asked | Decision::Drop => None,
            Decision::Accept => Some(SeriesFilter::All),
            Decision::Partial(known) => Some(SeriesFilter::Decided(known.clone())),
        }
    }
}

/// Which series of a metric a reader gets.
#[derive(Clone, Default)]
pub enum SeriesFilter {
    #[default]
    All,
    Rules(Arc<[Arc<AttributeRule>]>),
    Decided(Arc<SeriesDecisions>),
}

impl SeriesFilter {
    pub fn keeps_all(&self) -> bool {
        matches!(self, Self::All)
    }

    pub fn keeps(&self, attributes: Attributes<'_>) -> bool {
        match self {
            Self::All => true,
            Self::Rules(rules) => rules.iter().all(|rule| rule.keeps(attributes.iter())),
            Self::Decided(known) => {
                let decision = match attributes {
                    Attributes::Recorded(attributes) => known.get(attributes),
                    Attributes::Produced(_) => known.get(&canonical(attributes)),
                };
                decision.copied().flatten().unwrap_or(false)
            }
        }
    }
}

/// The set that a series is known by here.
pub fn canonical(attributes: Attributes<'_>) -> Canonical {
    attributes.iter().cloned().collect()
}
