//! The provider across the boundary.

use std::collections::HashMap;
use std::sync::Arc;

use napi::bindgen_prelude::{FnArgs, Function, Object};
use napi::Env;
use napi_derive::napi;
use opentelemetry::InstrumentationScope;

use super::deferred::{promise, promise_of};
use super::error::Result;
use super::facade::NativeFacade;
use super::instrument::{InstrumentRequest, NativeInstrument, NativeShape};
use super::messenger::{on_end, Messenger};
use super::own::{NativeExporter, NativeReader};
use super::page::ScrapeOutcome;
use super::scope::NativeScope;
use crate::config::{
    Config, ConfigFile, Environment, ExporterFilter, FunctionFilter, FunctionReservoir, LateLayer,
    MeterDecision, OwnExporterConfig, OwnReaderConfig, ResourceLayer, ViewReservoir,
};
use crate::engine::clock::Timestamp;
use crate::engine::produced::Production;
use crate::engine::Engine;
use crate::error::Code;
use crate::log::Level;
use crate::provider::Provider;
use crate::services::naming::check_instrument_name;
use crate::services::Named;

/// A meter provider: its engine and its exporters.
#[napi(js_name = "NativeProvider")]
pub struct NativeProvider {
    provider: Arc<Provider>,
}

/// A line for the operator.
#[napi(object)]
pub struct NativeLogLine {
    pub level: String,
    pub message: String,
}

/// A file of declarative configuration, with its content as JSON.
#[napi(object)]
pub struct NativeConfigFile {
    pub name: String,
    pub content: String,
}

/// What counts where options leave something open.
#[napi(object)]
pub struct NativeEnvironment {
    /// The `OTEL_*` variables.
    pub variables: HashMap<String, String>,
    /// What takes their place.
    pub file: Option<NativeConfigFile>,
    /// What `service.name` is where nothing says it.
    pub service_name: Option<String>,
}

impl From<NativeEnvironment> for Environment {
    fn from(environment: NativeEnvironment) -> Self {
        Self::new(environment.variables)
            .with_default_service_name(environment.service_name)
            .with_file(environment.file.map(ConfigFile::from))
    }
}

impl From<NativeConfigFile> for ConfigFile {
    fn from(NativeConfigFile { name, content }: NativeConfigFile) -> Self {
        Self { name, content }
    }
}

/// A function that filters for an exporter.
#[napi(object)]
pub struct NativeFilter {
    /// `prometheus`, `otlp` or `console`.
    pub exporter: String,
    /// Which one of several.
    pub index: u32,
    /// What the environment knows the function by.
    pub number: u32,
}

/// A function that makes the reservoirs of a view.
#[napi(object)]
pub struct NativeReservoir {
    /// Of the view, in the options.
    pub view: u32,
    /// What the environment knows the function by.
    pub number: u32,
}

/// What a function says of a meter.
#[napi(object)]
pub struct NativeMeterDecision {
    pub scope: NativeScope,
    pub enabled: bool,
}

/// What a configuration has of an environment.
#[napi(object)]
pub struct NativeFunctions {
    /// The environment.
    pub facade: u32,
    pub filters: Vec<NativeFilter>,
    pub reservoirs: Vec<NativeReservoir>,
    /// Where a function configures meters: what it says of those that there are.
    pub meters: Option<Vec<NativeMeterDecision>>,
}

impl NativeFunctions {
    fn filters(&mut self) -> Vec<ExporterFilter> {
        let facade = self.facade;
        let filters = std::mem::take(&mut self.filters).into_iter();
        let filters = filters.map(|filter| ExporterFilter {
            exporter: filter.exporter,
            index: filter.index as usize,
            function: FunctionFilter {
                facade,
                number: filter.number,
            },
        });
        filters.collect()
    }

    fn reservoirs(&mut self) -> Vec<ViewReservoir> {
        let facade = self.facade;
        let reservoirs = std::mem::take(&mut self.reservoirs).into_iter();
        let reservoirs = reservoirs.map(|NativeReservoir { view, number }| ViewReservoir {
            index: view as usize,
            function: FunctionReservoir { facade, number },
        });
        reservoirs.collect()
    }

    fn decisions(&mut self) -> Result<Option<Vec<MeterDecision>>> {
        self.meters.take().map(decisions).transpose()
    }
}

fn decisions(meters: Vec<NativeMeterDecision>) -> Result<Vec<MeterDecision>> {
    meters
        .into_iter()
        .map(|NativeMeterDecision { scope, enabled }| {
            Ok((InstrumentationScope::clone(&*scope.build()?), enabled))
        })
        .collect()
}

/// What came of a configuration.
#[napi(object)]
pub struct NativeConfigured {
    /// What was ignored, and why.
    pub warnings: Vec<String>,
    /// What is as it should be, and may surprise.
    pub notes: Vec<String>,
    /// The least level to log: `debug`, `info`, `warn`, `error` or `none`.
    pub log_level: Option<String>,
    /// The resource detectors to run.
    pub detectors: Vec<String>,
}

#[napi]
impl NativeProvider {
    /// The provider that all threads of the process share.
    #[napi(factory, catch_unwind)]
    pub fn global() -> Self {
        Self {
            provider: Provider::global(),
        }
    }

    /// A provider of its own.
    #[napi(factory, catch_unwind)]
    pub fn isolated() -> Self {
        Self {
            provider: Provider::isolated(),
        }
    }

    /// Attaches this JavaScript environment; `onMessage` gets JSON once the facade listens to it. The
    /// environment is detached when `onMessage` is collected as garbage, or with its thread.
    #[napi(catch_unwind)]
    pub fn attach(
        &self,
        env: Env,
        on_message: Function<'_, FnArgs<(String,)>, ()>,
    ) -> Result<NativeFacade> {
        let messenger = Messenger::default();
        let facade = self.engine().attach(Box::new(messenger.clone()));
        let on_configured = messenger.clone();
        self.provider.attach(
            facade,
            Box::new(move || {
                on_configured.configured();
            }),
        );
        let listener = messenger.clone().log_listener();
        self.provider.log().attach(facade, listener);
        let provider = self.provider.clone();
        on_end(&env, &on_message, move || provider.detach(facade)).map_err(internal)?;
        Ok(NativeFacade::new(self.provider.clone(), facade, messenger))
    }

    /// Registers an instrument of a plain OpenTelemetry meter.
    #[napi(catch_unwind)]
    pub fn register(&self, scope: NativeScope, request: String) -> Result<NativeInstrument> {
        let request = InstrumentRequest::parse(&request)?;
        check_instrument_name(&request.name)?;
        let named = Named {
            name: request.name.clone(),
            notice: None,
            rename: None,
        };
        Ok(request.register(self.provider.engine(), scope.build()?, named))
    }

    /// Whether any stream of the instrument keeps this attribute key.
    #[napi(catch_unwind)]
    pub fn keeps(&self, instrument: u32, key: String) -> bool {
        self.provider.engine().keeps(instrument, &key)
    }

    /// Whether the stream that a function makes reservoirs for keeps this attribute key.
    #[napi(catch_unwind)]
    pub fn reservation_keeps(&self, instrument: u32, stream: u32, key: String) -> bool {
        let engine = self.provider.engine();
        engine.reservation_keeps(instrument, stream, &key)
    }

    /// The shapes of all instruments under the configuration of now.
    #[napi(catch_unwind)]
    pub fn shapes(&self) -> Vec<NativeShape> {
        self.provider
            .engine()
            .shapes()
            .iter()
            .map(|(id, shape)| NativeShape::new(*id, shape))
            .collect()
    }

    /// Applies a configuration. `path` is where it stands, for messages; `functions` are what options
    /// have that is no data. `is_exporters` tells whether a `PrometheusExporter` of this process has a
    /// port: the page's.
    #[napi(catch_unwind)]
    pub fn configure(
        &self,
        mut functions: NativeFunctions,
        options: String,
        path: String,
        environment: NativeEnvironment,
        is_exporters: Function<'_, FnArgs<(u32,)>, bool>,
    ) -> Result<NativeConfigured> {
        let environment = Environment::from(environment);
        let mut config = Config::parse(&options, &path, &environment)?;
        let facade = functions.facade;
        if let Some(decisions) = functions.decisions()? {
            let meters = std::mem::take(&mut config.streams.meters);
            config.streams.meters = meters.by_function(facade, decisions);
        }
        config.filter_by(&functions.filters());
        config.streams.reserve_by(&functions.reservoirs());
        self.provider.configure(&config, &|port| {
            is_exporters
                .call(FnArgs::from((u32::from(port),)))
                .unwrap_or(false)
        })?;
        let detectors = match config.disabled {
            true => Vec::new(),
            false => config.resource.detectors,
        };
        Ok(NativeConfigured {
            warnings: config.warnings,
            notes: config.notes,
            log_level: config.log_level.map(|level| level.as_str().to_owned()),
            detectors: detectors
                .into_iter()
                .filter_map(|detector| Some(detector.as_str()?.to_owned()))
                .collect(),
        })
    }

    /// Adds to the resource what became known after the configuration, as JSON: what detectors found,
    /// or else what a program's resource had to wait for.
    #[napi(catch_unwind)]
    pub fn complete_resource(&self, layer: String, is_detected: bool) -> Result<()> {
        let (kind, path) = match is_detected {
            true => (LateLayer::Detected, "what the resource detectors found"),
            false => (LateLayer::Given, "options.resource"),
        };
        let layer = ResourceLayer::parse(&layer, path)?;
        self.provider.complete_resource(kind, layer);
        Ok(())
    }

    /// Changes which streams instruments have; `options` are what changes, `path` is where they stand.
    #[napi(catch_unwind)]
    pub fn update(
        &self,
        mut functions: NativeFunctions,
        options: String,
        path: String,
    ) -> Result<()> {
        let meters = functions.decisions()?;
        let meters = meters.map(|decisions| (functions.facade, decisions));
        let (filters, reservoirs) = (functions.filters(), functions.reservoirs());
        self.provider
            .update(&options, &path, meters, &filters, &reservoirs)?;
        Ok(())
    }

    /// Every meter that has an instrument, of any thread.
    #[napi(catch_unwind)]
    pub fn meters(&self) -> Vec<NativeScope> {
        let meters = self.engine().meters();
        meters.iter().map(|scope| (&**scope).into()).collect()
    }

    /// Those that a function is to be asked about.
    #[napi(catch_unwind)]
    pub fn undecided_meters(&self) -> Vec<NativeScope> {
        let meters = self.engine().undecided_meters();
        meters.iter().map(|scope| (&**scope).into()).collect()
    }

    /// Takes what the function says.
    #[napi(catch_unwind)]
    pub fn decide_meters(&self, meters: Vec<NativeMeterDecision>) -> Result<()> {
        self.provider.decide_meters(decisions(meters)?);
        Ok(())
    }

    /// Reads a configuration as `configure` does, and applies nothing.
    #[napi(catch_unwind)]
    pub fn check(
        options: String,
        path: String,
        environment: HashMap<String, String>,
        file: Option<NativeConfigFile>,
    ) -> Result<Vec<String>> {
        let environment = Environment::new(environment).with_file(file.map(ConfigFile::from));
        Ok(Config::parse(&options, &path, &environment)?.warnings)
    }

    /// The path of the Prometheus page, as a request may spell it; `None` when there is none.
    #[napi(catch_unwind)]
    pub fn page_path(&self) -> Option<String> {
        let exporters = self.provider.exporters()?;
        Some(exporters.exposition()?.path().to_owned())
    }

    /// Applies a configuration without exporters and without the environment, for tests.
    #[napi(catch_unwind)]
    pub fn configure_without_exporters(&self, options: String) -> Result<()> {
        self.provider
            .configure(&Config::without_exporters(&options)?, &|_| false)?;
        Ok(())
    }

    /// Adds a reader that collects when it is asked to; `path` is where its options stand, `filter` a
    /// function of the environment `facade`.
    #[napi(catch_unwind)]
    pub fn add_reader(
        &self,
        facade: u32,
        options: String,
        path: String,
        filter: Option<u32>,
    ) -> Result<NativeReader> {
        let OwnReaderConfig {
            mut layer,
            encoding,
        } = OwnReaderConfig::parse(&options, &path)?;
        layer.filter_by(filter.map(|number| FunctionFilter { facade, number }));
        let pipeline = self.provider.add_reader(layer)?;
        let provider = self.provider.clone();
        Ok(NativeReader::new(provider, facade, pipeline, encoding))
    }

    /// Adds an exporter that this environment runs: `onMessage` gets what it is asked for as JSON, as
    /// long as JavaScript holds it. `filter` is one of its functions.
    #[napi(catch_unwind)]
    pub fn add_exporter(
        &self,
        env: Env,
        facade: u32,
        options: String,
        path: String,
        filter: Option<u32>,
        on_message: Function<'_, FnArgs<(String,)>, ()>,
    ) -> Result<NativeExporter> {
        let mut config = OwnExporterConfig::parse(&options, &path)?;
        let filter = filter.map(|number| FunctionFilter { facade, number });
        config.reader.layer.filter_by(filter);
        let encoding = config.reader.encoding;
        let messenger = Messenger::default();
        messenger.listen(&env, &on_message).map_err(internal)?;
        let push = self
            .provider
            .add_exporter(config, facade, Box::new(messenger))?;
        let provider = self.provider.clone();
        Ok(NativeExporter::new(provider, facade, push, encoding))
    }

    /// Which values may become exemplars: `trace_based`, `always_on` or `always_off`; `None` until
    /// there is a configuration.
    #[napi(catch_unwind)]
    pub fn exemplars(&self) -> Option<String> {
        let filter = self.provider.engine().exemplars()?;
        Some(filter.as_str().to_owned())
    }

    #[napi(catch_unwind)]
    pub fn is_configured(&self) -> bool {
        self.provider.engine().is_configured()
    }

    /// Whether the program made an instrument, on any thread.
    #[napi(catch_unwind)]
    pub fn is_used(&self) -> bool {
        self.provider.engine().is_used()
    }

    /// Whether a metric of a Prometheus client, by its name there, is exported to anybody.
    #[napi(catch_unwind)]
    pub fn produces(&self, name: String, is_counter: bool) -> bool {
        self.provider.engine().produces(&name, is_counter)
    }

    /// Takes what the default registry of a Prometheus client holds, the text of one metric each;
    /// `producer` tells registries apart, `startMs` is when their counters began, since the epoch.
    #[napi(catch_unwind)]
    pub fn produce(
        &self,
        facade: u32,
        producer: u32,
        name: String,
        version: Option<String>,
        start_ms: f64,
        texts: Vec<String>,
    ) {
        let mut scope = InstrumentationScope::builder(name);
        if let Some(version) = version {
            scope = scope.with_version(version);
        }
        let production = Production {
            producer,
            scope: Arc::new(scope.build()),
            start: Timestamp::from_nanos((start_ms.max(0.0) * 1e6) as u64),
            texts,
        };
        self.provider.engine().produce(facade, production);
    }

    /// Answers one scrape, for the page on the backend's own port: `headers` are name and value in
    /// turn.
    #[napi(ts_return_type = "Promise<ScrapeOutcome>", catch_unwind)]
    pub fn scrape<'env>(
        &self,
        env: &'env Env,
        method: String,
        headers: Vec<String>,
    ) -> Result<Object<'env>> {
        let provider = self.provider.clone();
        let answer = async move { provider.scrape(&method, &headers).await };
        promise_of(env, answer, ScrapeOutcome::from)
    }

    /// Where the scrape endpoint listens, or `undefined` when it does not.
    #[napi(catch_unwind)]
    pub fn address(&self) -> Option<String> {
        let exporters = self.provider.exporters()?;
        exporters.address().map(|address| address.to_string())
    }

    /// What keeps an exporter from working at all.
    #[napi(catch_unwind)]
    pub fn problem(&self) -> Option<String> {
        let exporters = self.provider.exporters()?;
        exporters.problem().map(|error| error.to_string())
    }

    #[napi(ts_return_type = "Promise<Outcome>", catch_unwind)]
    pub fn flush<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let provider = self.provider.clone();
        promise(env, async move {
            provider.flush().await.map(|()| String::new())
        })
    }

    #[napi(ts_return_type = "Promise<Outcome>", catch_unwind)]
    pub fn shutdown<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let provider = self.provider.clone();
        promise(env, async move {
            provider.shutdown().await.map(|()| String::new())
        })
    }

    /// The environment has handed over for the last time. Every one of the thread says so before the
    /// first `beginExit`.
    #[napi(catch_unwind)]
    pub fn leave(&self, facade: u32) {
        self.provider.leave(facade);
    }

    /// Begins the last export of the environment, and of the provider if `isFinal`.
    #[napi(catch_unwind)]
    pub fn begin_exit(&self, facade: u32, is_final: bool) {
        self.provider.begin_exit(facade, is_final);
    }

    /// Waits for the last export, bounded by `exitTimeout`; returns what can no longer be said through
    /// the event loop.
    #[napi(catch_unwind)]
    pub fn finish_exit(&self) -> Vec<NativeLogLine> {
        to_lines(self.provider.finish_exit())
    }

    /// The process ends: makes the last exports of the providers of other threads.
    #[napi(catch_unwind)]
    pub fn exit_others() -> Vec<NativeLogLine> {
        to_lines(Provider::exit_others())
    }

    /// Takes what is to be said since the last time.
    #[napi(catch_unwind)]
    pub fn take_log(&self) -> Vec<NativeLogLine> {
        to_lines(self.provider.log().drain())
    }
}

fn to_lines(messages: Vec<(Level, String)>) -> Vec<NativeLogLine> {
    messages
        .into_iter()
        .map(|(level, message)| NativeLogLine {
            level: level.as_str().to_owned(),
            message,
        })
        .collect()
}

impl NativeProvider {
    pub(super) fn engine(&self) -> &Engine {
        self.provider.engine()
    }
}

pub(super) fn internal(error: napi::Error) -> napi::Error<Code> {
    napi::Error::new(Code::Export, error.reason.to_string())
}
