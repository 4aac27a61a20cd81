//! The services across the boundary.

use std::collections::BTreeMap;

use napi_derive::napi;

use super::error::Result;
use super::instrument::{InstrumentRequest, NativeInstrument};
use super::provider::NativeProvider;
use crate::config::{Options, PluginOptions};
use crate::error::Error;
use crate::services::{MeterIdentity, PluginMetricsService, RootMetricsService};

/// The root namespace of metric names.
const DEFAULT_SERVICE_NAME: &str = "backstage";

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

/// An instrumentation scope.
#[napi(object)]
pub struct NativeScope {
    pub name: String,
    pub version: Option<String>,
    pub schema_url: Option<String>,
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

    /// Whether `plugin.<id>.disabled` is set.
    #[napi(catch_unwind)]
    pub fn is_disabled(&self, plugin_id: String) -> bool {
        self.plugins
            .get(&plugin_id)
            .is_some_and(|plugin| plugin.disabled.0)
    }

    /// The service for the app's own metrics.
    #[napi(catch_unwind)]
    pub fn own(&self) -> NativeMetricsService {
        NativeMetricsService {
            service: self.service.own(),
        }
    }

    /// The service of a plugin, under the instrumentation scope that `plugin.<id>.meter` asks for.
    #[napi(catch_unwind)]
    pub fn for_plugin(&self, plugin_id: String) -> Result<NativeMetricsService> {
        let meter = self
            .plugins
            .get(&plugin_id)
            .map(|plugin| MeterIdentity {
                name: plugin.meter.name.clone(),
                version: plugin.meter.version.clone(),
                schema_url: plugin.meter.schema_url.clone(),
            })
            .unwrap_or_default();
        Ok(NativeMetricsService {
            service: self.service.for_plugin(&plugin_id, meter)?,
        })
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
        let scope = self.service.scope();
        NativeScope {
            name: scope.name().to_owned(),
            version: scope.version().map(str::to_owned),
            schema_url: scope.schema_url().map(str::to_owned),
        }
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
        let (name, notice) = if repair {
            let repaired = self.service.repaired_name(&request.name)?;
            (repaired.name, repaired.notice)
        } else {
            (self.service.name(&request.name)?, None)
        };
        let scope = self.service.scope().clone();
        Ok(NativeRegistration {
            instrument: request.register(provider.engine(), scope, name),
            notice,
        })
    }
}
