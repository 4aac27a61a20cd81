//! Export: OTLP, Prometheus exposition and the console, on a small runtime of their own, so that a
//! slow collector never delays a scrape or the next collection.

pub mod console;
mod json_writer;
pub mod otlp;
pub mod prometheus;
pub mod push;
pub mod reader;
pub mod runtime;
mod standard_output;
#[cfg(test)]
mod testing;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::config::{Config, PrometheusConfig};
use crate::engine::plan::Pipelines;
use crate::engine::{Collect, Engine, PipelineId};
use crate::error::{Code, Error, Result};
use crate::log::Logger;
use console::ConsoleExporter;
use otlp::OtlpExporter;
use prometheus::{Exposition, Limits, Server};
use push::{PushHandle, PushTask};
use reader::Reader;

/// How long console collections wait for the event loops; they have no time-out of their own.
const CONSOLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The OTLP exporter that the configuration asks for. Made before anything is configured, because
/// it alone may refuse its settings.
///
/// # Errors
/// [`Code::InvalidConfig`] when settings cannot be used (TLS files, headers),
/// [`Code::Export`] when the operating system refuses threads.
pub fn otlp_exporter(config: &Config) -> Result<Option<OtlpExporter>> {
    match &config.otlp {
        Some(otlp) if !config.disabled => OtlpExporter::new(otlp, &runtime::handle()?).map(Some),
        _ => Ok(None),
    }
}

/// Everything that takes data out of a provider.
pub struct Exporters {
    pushes: Vec<PushHandle>,
    exposition: Option<Arc<Exposition>>,
    server: Mutex<Option<Server>>,
    /// Why the scrape endpoint could not be opened.
    problem: Option<Error>,
}

impl Exporters {
    /// Starts what the configuration asks for. A scrape endpoint that cannot be opened is logged
    /// and kept as [`Exporters::problem`]: it must not stop a backend.
    ///
    /// # Errors
    /// [`Code::Export`] when the operating system refuses threads.
    pub fn start(
        config: &Config,
        otlp_exporter: Option<OtlpExporter>,
        pipelines: Pipelines,
        engine: &Engine,
        log: &Logger,
    ) -> Result<Self> {
        let runtime = runtime::handle()?;
        let source: Arc<dyn Collect> = Arc::new(engine.clone());
        let mut pushes = Vec::new();
        if let (Some(otlp), Some(exporter), Some(pipeline)) =
            (&config.otlp, otlp_exporter, pipelines.otlp)
        {
            for warning in exporter.warnings() {
                log.warn(warning.clone());
            }
            pushes.push(PushTask::spawn(
                &runtime,
                exporter,
                Reader::periodic(source.clone(), pipeline, pushes.len()),
                otlp.interval,
                otlp.timeout,
                log.clone(),
            ));
        }
        if let (Some(console), Some(pipeline)) = (&config.console, pipelines.console) {
            pushes.push(PushTask::spawn(
                &runtime,
                ConsoleExporter::stdout(),
                Reader::periodic(source.clone(), pipeline, pushes.len()),
                console.interval,
                CONSOLE_TIMEOUT,
                log.clone(),
            ));
        }
        let mut exporters = Self {
            pushes,
            exposition: None,
            server: Mutex::default(),
            problem: None,
        };
        if let (Some(prometheus), Some(pipeline)) = (&config.prometheus, pipelines.prometheus) {
            exporters.expose(prometheus, source, pipeline, log)?;
        }
        Ok(exporters)
    }

    fn expose(
        &mut self,
        config: &PrometheusConfig,
        source: Arc<dyn Collect>,
        pipeline: PipelineId,
        log: &Logger,
    ) -> Result<()> {
        let exposition = Arc::new(Exposition::new(source, pipeline, config, log.clone()));
        self.exposition = Some(exposition.clone());
        let Some(address) = config.listen else {
            return Ok(());
        };
        // Opening a port takes microseconds; waiting for it here makes "started" mean "listening".
        match runtime::handle()?.block_on(Server::start(address, exposition, Limits::default())) {
            Ok(server) => {
                log.info(format!(
                    "Prometheus page at http://{}{}",
                    server.address, config.path
                ));
                self.server = Mutex::new(Some(server));
            }
            Err(error) => {
                log.error(format!("{error}; metrics are not exposed there"));
                self.problem = Some(error);
            }
        }
        Ok(())
    }

    /// What keeps an exporter from working at all; a health signal.
    pub fn problem(&self) -> Option<&Error> {
        self.problem.as_ref()
    }

    /// Where the scrape endpoint listens.
    pub fn address(&self) -> Option<SocketAddr> {
        let server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        server.as_ref().map(|server| server.address)
    }

    /// The Prometheus page, for serving it elsewhere.
    pub fn exposition(&self) -> Option<&Arc<Exposition>> {
        self.exposition.as_ref()
    }

    /// Data points that were collected and are not yet sent.
    pub fn waiting_points(&self) -> u64 {
        self.pushes.iter().map(PushHandle::waiting_points).sum()
    }

    /// Collects and sends everything through every push exporter.
    ///
    /// # Errors
    /// [`Code::Export`] naming every exporter that failed and why.
    pub async fn flush(&self) -> Result<()> {
        all(self.pushes.iter().map(PushHandle::flush)).await
    }

    /// Flushes, then stops every exporter and the scrape endpoint.
    ///
    /// # Errors
    /// As [`Exporters::flush`].
    pub async fn shutdown(&self) -> Result<()> {
        let outcome = all(self.pushes.iter().map(PushHandle::shutdown)).await;
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(server) = server {
            server.stop().await;
        }
        outcome
    }
}

/// Waits for all; every failure is told.
async fn all(outcomes: impl Iterator<Item = impl Future<Output = Result<()>>>) -> Result<()> {
    let mut failures: Vec<String> = Vec::new();
    for outcome in outcomes {
        if let Err(error) = outcome.await {
            failures.push(error.to_string());
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::Export, failures.join("; ")))
}
