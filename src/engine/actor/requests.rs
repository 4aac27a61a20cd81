//! Collections: who is asked for one, when it is due, and what is in it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::filters::function_of;
use super::{Actor, Idle, Missed, Request, Wanted, TIDY_INTERVAL};
use crate::allocator;
use crate::engine::canonical::Canonical;
use crate::engine::clock;
use crate::engine::collection::{Collection, Metric};
use crate::engine::command::CollectReply;
use crate::engine::instrument::InstrumentId;
use crate::engine::places::Place;
use crate::engine::plan::Storage;
use crate::engine::runs::Observations;
use crate::engine::self_metrics::SelfMetric;
use crate::engine::series::{Instrument, SeriesId};
use crate::engine::{FacadeId, PipelineId};

impl Actor {
    pub(super) fn hurry(&mut self, patience: Duration) {
        self.patience = patience;
        let latest = Instant::now() + patience;
        for request in &mut self.requests {
            request.deadline = request.deadline.min(latest);
        }
    }

    pub(super) fn request(&mut self, pipeline: PipelineId, timeout: Duration, reply: CollectReply) {
        let at_once = timeout.is_zero();
        let timeout = timeout.min(self.patience);
        let mut runs = Wanted::new();
        for (&id, state) in self.facades.iter_mut().filter(|_| !at_once) {
            if let Some(facade) = &state.facade {
                let run = state.runs.request(facade.as_ref(), pipeline, timeout);
                runs.extend(run.map(|number| (id, number)));
            }
        }
        self.requests.push(Request {
            pipeline,
            runs,
            deadline: Instant::now() + timeout,
            at_once,
            filtered: false,
            reply,
        });
    }

    /// Answers the requests whose time is up or whose runs have ended.
    pub(super) fn advance(&mut self) {
        if self.requests.is_empty() {
            return;
        }
        let now = Instant::now();
        let (facades, filters, settings) = (&self.facades, &self.filters, &self.settings);
        let is_answered = |request: &Request| {
            let filter = function_of(settings.as_deref(), request.pipeline);
            filter
                .and_then(|filter| filters.get(&filter))
                .is_none_or(|decisions| decisions.unanswered() == 0)
        };
        let is_done = |(id, number): &(FacadeId, u32)| {
            facades
                .get(id)
                .is_none_or(|state| state.runs.is_done(*number))
        };
        let is_due = |request: &mut Request| {
            request.deadline <= now
                || (request.runs.iter().all(is_done) && (!request.filtered || is_answered(request)))
        };
        let mut requests: Vec<Request> = self.requests.extract_if(.., is_due).collect();
        let waiting = requests.extract_if(.., |request| self.question(request, now));
        let waiting: Vec<Request> = waiting.collect();
        self.requests.extend(waiting);
        if requests.is_empty() {
            return;
        }
        let aged = requests.iter().any(|request| !request.at_once);
        let mut done: Vec<(PipelineId, Wanted, Arc<Collection>)> = Vec::new();
        for request in requests {
            let same = |(pipeline, runs, _): &&(PipelineId, Wanted, _)| {
                *pipeline == request.pipeline && *runs == request.runs
            };
            let collection = match done.iter().find(same) {
                Some((.., collection)) => collection.clone(),
                None => {
                    let collection = Arc::new(self.collect_for(&request));
                    done.push((request.pipeline, request.runs, collection.clone()));
                    collection
                }
            };
            let _ = request.reply.send(Ok(collection));
        }
        let collections = done
            .iter()
            .map(|(.., collection)| Arc::downgrade(collection));
        self.collected.extend(collections);
        // Not put off by collections that come more often.
        self.tidy_at
            .get_or_insert_with(|| Instant::now() + TIDY_INTERVAL);
        let wanted: HashSet<(FacadeId, u32)> = self
            .requests
            .iter()
            .flat_map(|request| request.runs.iter().copied())
            .collect();
        for (&id, state) in &mut self.facades {
            state.runs.retain(|number| wanted.contains(&(id, number)));
            if let Some(facade) = &state.facade {
                state.runs.ask(facade.as_ref());
            }
        }
        // Once, however many pipelines were served.
        if aged {
            self.release_stale();
        }
    }

    pub(super) fn collect_for(&mut self, request: &Request) -> Collection {
        let late = self.is_late(&request.runs, request.at_once);
        if late && !request.at_once {
            // Before the collection, which shows it.
            self.report_late(&request.runs);
        }
        let mut collection = self.collect(request.pipeline, &request.runs);
        collection.late = late;
        collection
    }

    /// Gives memory back once the collections are encoded and gone.
    pub(super) fn tidy(&mut self) {
        let now = Instant::now();
        if self.tidy_at.is_none_or(|at| now < at) {
            return;
        }
        let held = self.collected.len();
        self.collected
            .retain(|collection| collection.strong_count() > 0);
        if self.collected.len() < held {
            allocator::give_back();
        }
        self.tidy_at = (!self.collected.is_empty()).then(|| now + TIDY_INTERVAL);
    }

    /// Has observable instruments show what a collection is to show of them. The `error.type` of the
    /// first callback that failed.
    pub(super) fn prepare(&mut self, pipeline: PipelineId, runs: &Wanted) -> Option<Box<str>> {
        let observations: HashMap<FacadeId, &Observations> = runs
            .iter()
            .filter_map(|&(id, number)| {
                let run = self.facades.get(&id)?.runs.get(number)?;
                Some((id, run.observations.as_ref()?))
            })
            .collect();
        for (id, instrument) in (0..).zip(&mut self.instruments) {
            if instrument.spec.is_observable() {
                let prepared = instrument.prepare(id, pipeline, &observations);
                self.misfits.report(id, instrument, prepared);
            }
        }
        let failed = observations.values();
        failed.filter_map(|run| run.error_type.clone()).next()
    }

    pub(super) fn collect(&mut self, pipeline: PipelineId, runs: &Wanted) -> Collection {
        let mut metrics: Vec<Metric> = Vec::new();
        let error_type = self.prepare(pipeline, runs);
        // One end for all points, after everything that they count.
        let time = clock::now();
        for instruments in &self.scopes {
            for &id in instruments {
                let instrument = &mut self.instruments[id as usize];
                let description = instrument.description.clone();
                metrics.extend(instrument.take_ended(pipeline));
                metrics.extend(
                    instrument
                        .streams_of(pipeline.0)
                        .filter_map(|stream| stream.collect(&description, time)),
                );
            }
        }
        if !self.produced.is_empty() {
            // Behind everything else: where two want one name on the page, the first has it.
            let overlaps = self.settings.as_ref().is_some_and(|s| s.legacy_names);
            let twins = twins(&self.instruments);
            metrics.extend(self.produced.collect(&twins, overlaps, &self.log));
        }
        let filter = self.settings.as_deref().and_then(|s| s.filter(pipeline));
        let metrics = match filter {
            Some(filter) => self.filtered(metrics, filter),
            None => metrics,
        };
        let mut collection = Collection::new(self.resource.clone(), metrics);
        collection.error_type = error_type;
        collection
    }

    pub(super) fn release_stale(&mut self) {
        let mut stale: HashSet<(InstrumentId, SeriesId)> = HashSet::new();
        for (id, instrument) in (0..).zip(&mut self.instruments) {
            stale.extend(instrument.age().into_iter().map(|series| (id, series)));
        }
        if stale.is_empty() {
            return;
        }
        for state in self.facades.values() {
            let tables = [
                (Storage::Sum, &state.sums),
                (Storage::Gauge, &state.gauges),
                (Storage::Block, &state.blocks),
            ];
            let mut slots = Vec::new();
            for (storage, places) in tables {
                for (slot, Place { instrument, series }) in places.iter() {
                    if stale.contains(&(instrument, series)) {
                        let attributes = self.instruments[instrument as usize].attributes(series);
                        slots.extend(attributes.map(|attributes| Idle {
                            instrument,
                            storage,
                            slot,
                            attributes: attributes.clone(),
                        }));
                    }
                }
            }
            if let (Some(facade), false) = (&state.facade, slots.is_empty()) {
                facade.release(&slots);
            }
        }
    }

    /// Whether an event loop has not answered: one that a collection asked, or any, where it asks
    /// nobody.
    pub(super) fn is_late(&self, runs: &Wanted, at_once: bool) -> bool {
        if at_once {
            let mut facades = self.facades.values();
            return facades.any(|state| state.runs.is_any_silent());
        }
        runs.iter()
            .any(|&(id, number)| self.silent_since(id, number).is_some())
    }

    pub(super) fn silent_since(&self, id: FacadeId, number: u32) -> Option<Instant> {
        self.facades.get(&id)?.runs.get(number)?.silent_since()
    }

    pub(super) fn report_late(&mut self, runs: &Wanted) {
        self.record(SelfMetric::LateCollections, 1.0, Canonical::default());
        for &(id, number) in runs {
            let Some(asked) = self.silent_since(id, number) else {
                continue;
            };
            let Some(state) = self.facades.get_mut(&id) else {
                continue;
            };
            if state.missed.is_none() {
                self.log.warn(
                    "an event loop did not answer in time; metrics are exported with what it handed \
                     over last (counted in nativestage.metrics.collections.late)",
                );
            }
            let missed = state.missed.get_or_insert(Missed {
                asked,
                collections: 0,
            });
            missed.collections += 1;
        }
    }
}

/// The metrics that their plugins also keep in prom-client's registry, by their name there, and what
/// to use instead.
fn twins(instruments: &[Instrument]) -> HashMap<&'static str, &str> {
    instruments
        .iter()
        .filter_map(|instrument| instrument.spec.legacy.as_ref())
        .filter_map(|legacy| Some((legacy.twin?, legacy.successor.as_str())))
        .collect()
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::engine::Gate;
    use crate::log::Logger;

    #[test]
    fn collections_that_come_in_quick_succession_are_let_go() {
        let (_commands, receiver) = crossbeam_channel::unbounded();
        let mut actor = Actor::new(receiver, Arc::new(Gate::new(1)), Logger::default());
        let mut rounds = 0;
        let end = Instant::now() + 3 * TIDY_INTERVAL;
        while Instant::now() < end {
            let (reply, _) = oneshot::channel();
            actor.request(PipelineId(0), Duration::ZERO, reply);
            actor.advance();
            actor.tidy();
            rounds += 1;
            std::thread::sleep(TIDY_INTERVAL / 50);
        }
        assert!(rounds > 10, "{rounds}");
        assert!(
            actor.collected.len() <= rounds / 2,
            "{} of {rounds} collections are still looked after",
            actor.collected.len()
        );
    }
}
