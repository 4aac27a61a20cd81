//! What the engine's thread is told, in the order in which it is told.

use std::sync::{mpsc, Arc};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use tokio::sync::oneshot;

use super::actor::Facade;
use super::canonical::Canonical;
use super::collection::Collection;
use super::filter::Answer;
use super::handover::Handover;
use super::instrument::{InstrumentId, InstrumentSpec};
use super::plan::Settings;
use super::produced::Production;
use super::self_metrics::SelfMetric;
use super::{FacadeId, PipelineId};
use crate::config::FunctionFilter;
use crate::error::Result;

pub type CollectReply = oneshot::Sender<Result<Arc<Collection>>>;

pub enum Command {
    Attach(FacadeId, Box<dyn Facade>),
    Detach(FacadeId),
    /// The environment has handed over for the last time.
    Leave(FacadeId),
    /// Environments get no longer than this to answer.
    Hurry(Duration),
    Instrument(InstrumentId, Arc<InstrumentSpec>),
    Describe(InstrumentId, Arc<str>),
    Configure(Arc<Settings>),
    Update(Arc<Settings>),
    Resource(Arc<Resource>),
    Handover(FacadeId, Box<Handover>),
    Produce(FacadeId, Production),
    Decide(FunctionFilter, Vec<Answer>),
    /// Everything that the functions of an environment have not decided about.
    Undecided(FacadeId, mpsc::Sender<String>),
    Remove(InstrumentId, Canonical),
    Clear(InstrumentId),
    Collect(PipelineId, Duration, CollectReply),
    Record(SelfMetric, f64, Canonical),
    Shutdown,
}

impl Command {
    /// About how many bytes it takes while it waits.
    pub fn size(&self) -> usize {
        let own = match self {
            Command::Handover(_, handover) => handover.size(),
            Command::Produce(_, production) => production.texts.iter().map(String::len).sum(),
            Command::Remove(_, attributes) | Command::Record(_, _, attributes) => {
                size_of_val(&attributes[..])
            }
            Command::Instrument(_, spec) => spec.name.len() + spec.description.len(),
            _ => 0,
        };
        size_of::<Self>() + own
    }
}
