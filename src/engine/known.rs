//! What observable callbacks observed last: it stands for what a run has not observed in time.

use std::collections::HashSet;
use std::sync::Arc;

use super::canonical::Canonical;
use super::runs::RunId;
use super::PipelineId;

/// What the callbacks of one environment observed for one instrument, one value per attribute set.
pub type Observed = Arc<Vec<(Canonical, f64)>>;

/// What is known of one instrument from one environment, whose runs end in any order.
///
/// Each reader goes by its own runs: what another's observed may be older than what it has
/// exported, and would look like a counter that started over.
#[derive(Default)]
pub struct Known {
    /// Whoever asked for it, for readers that have none of their own.
    newest: Observed,
    readers: Vec<(RunId, Observed)>,
}

impl Known {
    pub fn of(&self, reader: PipelineId) -> &Observed {
        let own = self.readers.iter().find(|(run, _)| run.reader == reader);
        own.map_or(&self.newest, |(_, observed)| observed)
    }

    /// Takes on all that a run observed, unless a later one of the same reader was here before.
    /// Without a run it is for every reader.
    pub fn replace(&mut self, run: Option<RunId>, values: Observed) {
        match run {
            None => self.readers.clear(),
            Some(run) => {
                let same = |(known, _): &&mut (RunId, Observed)| known.reader == run.reader;
                match self.readers.iter_mut().find(same) {
                    Some((known, _)) if known.number > run.number => return,
                    Some(known) => *known = (run, values.clone()),
                    None => self.readers.push((run, values.clone())),
                }
            }
        }
        self.newest = values;
    }

    /// Takes on what a run observed that has not observed all: the rest stays as it was.
    pub fn add(&mut self, run: Option<RunId>, values: &Observed) {
        if let Some(run) = run {
            self.replace(Some(run), merge(values, self.of(run.reader)));
            return;
        }
        for (_, observed) in &mut self.readers {
            *observed = merge(values, observed);
        }
        self.newest = merge(values, &self.newest);
    }
}

/// `values`, and what is known of other sets.
pub fn merge(values: &Observed, known: &Observed) -> Observed {
    if values.is_empty() {
        return known.clone();
    }
    let again: HashSet<&Canonical> = values.iter().map(|(set, _)| set).collect();
    let others = known.iter().filter(|(set, _)| !again.contains(set));
    Arc::new(values.iter().chain(others).cloned().collect())
}
