//! Export: OTLP, Prometheus exposition and the console, on a small runtime of their own, so that a
//! slow collector never delays a scrape or the next collection.

mod append;
pub mod console;
mod json_writer;
pub mod otlp;
pub mod own;
#[cfg(test)]
mod own_tests;
pub mod prometheus;
pub mod push;
pub mod reader;
pub mod runtime;
#[cfg(test)]
pub(crate) mod sdk_data;
mod standard_output;
#[cfg(test)]
mod testing;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{Config, OtlpConfig, PrometheusConfig, CONSOLE_TIMEOUT};
use crate::engine::plan::Pipelines;
use crate::engine::{Collect, Engine, PipelineId};
use crate::error::{Code, Error, Result};
use crate::log::Logger;
use console::ConsoleExporter;
use futures_util::future::{join_all, FutureExt};
use otlp::OtlpExporter;
use own::OwnPushes;
use prometheus::{Exposition, IsExporters, Limits, ScrapePort};
use push::{PushHandle, PushTask};
use reader::Reader;

/// The OTLP exporters that the configuration asks for. Made before anything is configured, because
/// they alone may refuse their settings.
///
/// # Errors
/// [`Code::InvalidConfig`] when settings cannot be used (TLS files, headers),
/// [`Code::Export`] when the operating system refuses threads.
pub fn otlp_exporters(config: &Config) -> Result<Vec<OtlpExporter>> {
    if config.disabled || config.otlp.is_empty() {
        return Ok(Vec::new());
    }
    let runtime = runtime::handle()?;
    let exporters = config.otlp.iter().enumerate().map(|(at, otlp)| {
        let same = |other: &&OtlpConfig| other.protocol == otlp.protocol;
        let number = config.otlp[..at].iter().filter(same).count();
        OtlpExporter::new(otlp, &runtime).map(|exporter| exporter.numbered(number))
    });
    exporters.collect()
}

/// Everything that takes data out of a provider.
pub struct Exporters {
    pushes: Vec<PushHandle>,
    exposition: Option<Arc<Exposition>>,
    port: Option<ScrapePort>,
    own: Arc<OwnPushes>,
}

impl Exporters {
    /// Starts what the configuration asks for. A scrape endpoint that cannot be opened is logged,
    /// kept as [`Exporters::problem`] and tried again: it must not stop a backend.
    ///
    /// # Errors
    /// [`Code::Export`] when the operating system refuses threads.
    pub fn start(
        config: &Config,
        otlp_exporters: Vec<OtlpExporter>,
        pipelines: Pipelines,
        own: Arc<OwnPushes>,
        engine: &Engine,
        log: &Logger,
        is_exporters: IsExporters<'_>,
    ) -> Result<Self> {
        let runtime = runtime::handle()?;
        let source: Arc<dyn Collect> = Arc::new(engine.clone());
        let mut pushes = Vec::new();
        let otlp = config.otlp.iter().zip(otlp_exporters).zip(pipelines.otlp);
        for ((otlp, exporter), pipeline) in otlp {
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
        own.start(source.clone(), pushes.len(), log.clone())?;
        let mut exporters = Self {
            own,
            pushes,
            exposition: None,
            port: None,
        };
        if let (Some(prometheus), Some(pipeline)) = (&config.prometheus, pipelines.prometheus) {
            exporters.expose(prometheus, source, pipeline, log, is_exporters)?;
        }
        Ok(exporters)
    }

    fn expose(
        &mut self,
        config: &PrometheusConfig,
        source: Arc<dyn Collect>,
        pipeline: PipelineId,
        log: &Logger,
        is_exporters: IsExporters<'_>,
    ) -> Result<()> {
        let exposition = Arc::new(Exposition::new(source, pipeline, config, log.clone()));
        self.exposition = Some(exposition.clone());
        let Some(address) = config.listen else {
            return Ok(());
        };
        // Opening a port takes microseconds; waiting for it here makes "started" mean "listening".
        let port = runtime::handle()?.block_on(ScrapePort::open(
            address,
            config.settings.clone(),
            exposition,
            Limits::default(),
            &config.path,
            is_exporters,
        ));
        self.port = Some(port);
        Ok(())
    }

    /// Has each export as often as a configuration of the same exporters says.
    pub fn set_intervals(&self, config: &Config) {
        let console = config.console.as_ref().map(|console| console.interval);
        let intervals = config.otlp.iter().map(|otlp| otlp.interval).chain(console);
        for (push, interval) in self.pushes.iter().zip(intervals) {
            push.set_interval(interval);
        }
    }

    /// What keeps an exporter from working at all; a health signal.
    pub fn problem(&self) -> Option<Error> {
        self.port.as_ref().and_then(ScrapePort::problem)
    }

    /// Where the scrape endpoint listens.
    pub fn address(&self) -> Option<SocketAddr> {
        self.port.as_ref().and_then(ScrapePort::address)
    }

    /// The Prometheus page, for serving it elsewhere.
    pub fn exposition(&self) -> Option<&Arc<Exposition>> {
        self.exposition.as_ref()
    }

    /// Data points that were collected and are not yet sent.
    pub fn waiting_points(&self) -> u64 {
        let pushes = self.pushes.iter().map(PushHandle::waiting_points);
        let own = self.own.all();
        pushes
            .chain(own.iter().map(|push| push.waiting_points()))
            .sum()
    }

    /// Collects and sends everything through every push exporter.
    ///
    /// # Errors
    /// [`Code::Export`] naming every exporter that failed and why.
    pub async fn flush(&self) -> Result<()> {
        let own = self.own.all();
        let own = own.iter().map(|push| push.flush().boxed());
        all(self
            .pushes
            .iter()
            .map(|push| push.flush().boxed())
            .chain(own))
        .await
    }

    /// Flushes, then stops every push exporter. Further calls wait for the first one's end, and have
    /// its outcome.
    ///
    /// # Errors
    /// As [`Exporters::flush`].
    pub async fn stop_pushing(&self) -> Result<()> {
        let own = self.own.all();
        let own = own.iter().map(|push| push.shutdown().boxed());
        let pushes = self.pushes.iter().map(|push| push.shutdown().boxed());
        all(pushes.chain(own)).await
    }

    /// Closes the scrape endpoint, once the answers under way are given.
    pub async fn close(&self) {
        if let Some(port) = &self.port {
            port.stop().await;
        }
    }
}

/// Waits for all at once, so that one that hangs does not use up the time of the others; every
/// failure is told.
pub async fn all(outcomes: impl Iterator<Item = impl Future<Output = Result<()>>>) -> Result<()> {
    let failures: Vec<String> = join_all(outcomes)
        .await
        .into_iter()
        .filter_map(Result::err)
        .map(|error| error.to_string())
        .collect();
    if failures.is_empty() {
        return Ok(());
    }
    Err(Error::new(Code::Export, failures.join("; ")))
}
