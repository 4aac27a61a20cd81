//! The runs of the observable callbacks of one JavaScript environment. Each collection has its own:
//! those that overlap share neither observations nor time.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use super::actor::Facade;
use super::instrument::InstrumentId;
use super::known::Observed;
use super::PipelineId;

/// Runs for one reader that are under way at once. Who comes then waits until one of them ends, and
/// shares the next.
const AT_ONCE: usize = 8;

/// One run of an environment's callbacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunId {
    /// Whose collection it is for.
    pub reader: PipelineId,
    /// Counts up within the environment.
    pub number: u32,
}

/// What a run observed up to now.
pub struct Observations {
    /// Without instruments of which nothing was observed.
    pub values: HashMap<InstrumentId, Observed>,
    /// Instruments of which more may come.
    pub unfinished: HashSet<InstrumentId>,
    /// Of the first callback that failed.
    pub error_type: Option<Box<str>>,
}

pub struct Run {
    id: RunId,
    /// The time that its callbacks get.
    timeout: Duration,
    /// When the environment was asked for it; not yet, where others have to end first.
    asked: Option<Instant>,
    /// There is something from it, so the event loop turns.
    begun: bool,
    answered: bool,
    pub observations: Option<Observations>,
}

impl Run {
    /// Whether a request of now may still share it.
    fn is_ahead(&self, facade: &dyn Facade) -> bool {
        self.asked.is_none() || !(self.begun || facade.has_begun(self.id))
    }

    /// Since when the event loop has left it unanswered, if nothing at all has come.
    pub fn silent_since(&self) -> Option<Instant> {
        self.asked.filter(|_| !self.begun)
    }
}

/// The runs that collections wait for.
#[derive(Default)]
pub struct Runs {
    runs: Vec<Run>,
    next: u32,
}

impl Runs {
    /// A run that begins from now on, for one collection more. `None` when the environment is gone.
    pub fn request(
        &mut self,
        facade: &dyn Facade,
        reader: PipelineId,
        timeout: Duration,
    ) -> Option<u32> {
        let shared = self.runs.iter_mut().find(|run| {
            let has_time = run.asked.is_none() || run.timeout >= timeout;
            run.id.reader == reader && has_time && run.is_ahead(facade)
        });
        if let Some(run) = shared {
            run.timeout = run.timeout.max(timeout);
            return Some(run.id.number);
        }
        let id = RunId {
            reader,
            number: self.next,
        };
        let may_begin = self.under_way(reader) < AT_ONCE;
        if may_begin && !facade.ask(id, timeout) {
            return None;
        }
        self.next += 1;
        self.runs.push(Run {
            id,
            timeout,
            asked: may_begin.then(Instant::now),
            begun: false,
            answered: false,
            observations: None,
        });
        Some(id.number)
    }

    fn under_way(&self, reader: PipelineId) -> usize {
        let of_reader = self.runs.iter().filter(|run| run.id.reader == reader);
        of_reader
            .filter(|run| run.asked.is_some() && !run.answered)
            .count()
    }

    /// Asks for the runs that had to wait and have to no longer.
    pub fn ask(&mut self, facade: &dyn Facade) {
        for at in 0..self.runs.len() {
            let Run {
                id, timeout, asked, ..
            } = self.runs[at];
            if asked.is_some() || self.under_way(id.reader) >= AT_ONCE {
                continue;
            }
            let run = &mut self.runs[at];
            run.asked = Some(Instant::now());
            run.answered = !facade.ask(id, timeout);
        }
    }

    pub fn get(&self, number: u32) -> Option<&Run> {
        self.runs.iter().find(|run| run.id.number == number)
    }

    /// The run, unless nobody waits for it any more.
    pub fn under_way_mut(&mut self, id: RunId) -> Option<&mut Run> {
        self.runs
            .iter_mut()
            .find(|run| run.id == id && !run.answered)
    }

    /// Takes note that there was something from a run; `answers` when it was the last.
    pub fn note(&mut self, id: RunId, answers: bool) {
        if let Some(run) = self.under_way_mut(id) {
            run.begun = true;
            run.answered = answers;
        }
    }

    /// Whether there is no more to wait for.
    pub fn is_done(&self, number: u32) -> bool {
        self.get(number).is_none_or(|run| run.answered)
    }

    pub fn is_any_silent(&self) -> bool {
        self.runs.iter().any(|run| run.silent_since().is_some())
    }

    /// Lets go of the runs that no collection waits for.
    pub fn retain(&mut self, is_wanted: impl Fn(u32) -> bool) {
        self.runs.retain(|run| is_wanted(run.id.number));
    }

    /// Nothing comes any more.
    pub fn clear(&mut self) {
        self.runs.clear();
    }
}
