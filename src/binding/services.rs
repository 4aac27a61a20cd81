//! The services across the boundary.

use std::collections::BTreeMap;

use napi_derive::napi;

use super::error::Result;
use super::instrument::{InstrumentRequest, NativeInstrument};
use super::provider::NativeProvider;
use super::scope::NativeScope;
use crate::config::{Options, PluginOptions, DEFAULT_SERVICE_NAME};
use crate::engine::instrument::kind_name;
use crate::error::Error;
use crate::services::renames::{Source, RENAMES};
use crate::services::{MeterIdentity, Named, PluginMetricsService, RootMetricsService};

/// Names metrics of the app and makes scoped services.
#[napi(js_name = "NativeRootMetricsService")]
pub struct NativeRootMetricsService {
    service: RootMetricsService,
    plugins: BTreeMap<String, PluginOptions>,
}

/// Names and registers metrics of one scope.
#[napi(js_name = "NativeMetricsService")]
pub struct NativeMetricsService {
    service: PluginMetricsService,
}

/// A metric of Backstage's own under both of its names.
#[napi(object)]
pub struct NativeRename {
    /// The plugin that it belongs to; `{id}` where any may ask for it.
    pub plugin: String,
    /// The plain meter that is asked for it instead.
    pub meter: Option<String>,
    pub kind: String,
    pub old: String,
    /// As the package also keeps it in prom-client's default registry.
    pub twin: Option<String>,
    /// The full name.
    pub new: String,
    pub unit: String,
    pub description: String,
    /// Upper bounds of its buckets; empty where the plugin brings its own.
    pub boundaries: Vec<f64>,
}

/// An instrument, and what was mended in its name.
#[napi(object)]
pub struct NativeRegistration {
    pub instrument: NativeInstrument,
    pub notice: Option<String>,
}

#[napi]
impl NativeRootMetricsService {
    /// `options` as for `configure`, checked as a whole; `path` is where they stand, for messages.
    #[napi(constructor, catch_unwind)]
    pub fn new(options: String, path: String) -> Result<Self> {
        let options = Options::parse(&options, &path)?;
        let service_name = options
            .service_name
            .as_deref()
            .unwrap_or(DEFAULT_SERVICE_NAME);
        let service =
            RootMetricsService::new(service_name, options.service_version, options.naming.mode)
                .map_err(|error| Error::new(error.code(), format!("{path}.{error}")))?;
        Ok(Self {
            service,
            plugins: options.plugin,
        })
    }

    /// Every metric of Backstage's own that gets another name, in the order of the table.
    #[napi(catch_unwind)]
    pub fn renames(service_name: String) -> Vec<NativeRename> {
        let renames = RENAMES.iter().map(|rename| {
            let plugin = rename.plugin().unwrap_or("{id}");
            NativeRename {
                plugin: plugin.to_owned(),
                meter: match rename.source {
                    Source::Meter(meter, _) => Some(meter.to_owned()),
                    _ => None,
                },
                kind: kind_name(rename.kind).to_owned(),
                old: rename.old.to_owned(),
                twin: rename.twin.map(str::to_owned),
                new: format!("{service_name}.plugin.{plugin}.{}", rename.new),
                unit: rename.unit.to_owned(),
                description: rename.description.to_owned(),
                boundaries: rename.boundaries.to_vec(),
            }
        });
        renames.collect()
    }

    /// The service for the app's own metrics.
    #[napi(catch_unwind)]
    pub fn own(&self) -> NativeMetricsService {
        NativeMetricsService {
            service: self.service.own(),
        }
    }

    /// The service of a plugin, under the instrumentation scope that `plugin.<id>.meter` asks for.
    /// With `repair`, an id that cannot stand in a name is mended.
    #[napi(catch_unwind)]
    pub fn for_plugin(&self, plugin_id: String, repair: bool) -> Result<NativeMetricsService> {
        let meter = self
            .plugins
            .get(&plugin_id)
            .map(|plugin| MeterIdentity {
                name: plugin.meter.name.clone(),
                version: plugin.meter.version.clone(),
                schema_url: plugin.meter.schema_url.clone(),
                attributes: plugin.meter.attributes(),
            })
            .unwrap_or_default();
        let service = match repair {
            true => self.service.for_foreign_plugin(&plugin_id, meter),
            false => self.service.for_plugin(&plugin_id, meter)?,
        };
        Ok(NativeMetricsService { service })
    }

    /// The service of a core service (`scope` `core`) or plugin (`plugin`).
    #[napi(catch_unwind)]
    pub fn for_service(&self, name: String, scope: String) -> Result<NativeMetricsService> {
        Ok(NativeMetricsService {
            service: self.service.for_service(&name, &scope)?,
        })
    }
}

#[napi]
impl NativeMetricsService {
    /// The instrumentation scope, for `getMeter()`.
    #[napi(getter, catch_unwind)]
    pub fn scope(&self) -> NativeScope {
        NativeScope::from(&**self.service.scope())
    }

    /// What is to be said of whom the service is for, the first time that it is made.
    #[napi(getter, catch_unwind)]
    pub fn notice(&self) -> Option<String> {
        self.service.notice().map(str::to_owned)
    }

    /// Names, checks and registers. With `repair`, names that can be mended are.
    #[napi(catch_unwind)]
    pub fn register(
        &self,
        provider: &NativeProvider,
        request: String,
        repair: bool,
    ) -> Result<NativeRegistration> {
        let request = InstrumentRequest::parse(&request)?;
        let named = if repair {
            self.service.foreign_name(request.kind(), &request.name)?
        } else {
            Named {
                name: self.service.name(&request.name)?,
                notice: None,
                rename: None,
            }
        };
        let notice = named.notice.clone();
        let scope = self.service.scope().clone();
        Ok(NativeRegistration {
            instrument: request.register(provider.engine(), scope, named),
            notice,
        })
    }
}
