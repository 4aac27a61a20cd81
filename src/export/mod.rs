//! Export: OTLP, Prometheus exposition and the console, on a small runtime of their own, so that a
//! slow collector never delays a scrape or the next collection.

pub mod console;
pub mod otlp;
pub mod prometheus;
pub mod push;
pub mod runtime;

use crate::config::Config;
use crate::engine::plan::Pipelines;
use crate::engine::Engine;
use crate::error::Result;
use crate::log::Logger;

pub struct Exporters {}

impl Exporters {
    pub fn start(
        _config: &Config,
        _pipelines: Pipelines,
        _engine: &Engine,
        _log: &Logger,
    ) -> Result<Option<Self>> {
        Ok(None)
    }

    pub async fn flush(&self) -> Result<()> {
        Ok(())
    }

    pub async fn shutdown(&self) -> Result<()> {
        Ok(())
    }
}
