//! The services across the boundary.

use napi_derive::napi;

use super::error::Result;
use super::instrument::{InstrumentRequest, NativeInstrument};
use super::provider::NativeProvider;
use crate::config::NamingMode;
use crate::error::{Code, Error};
use crate::services::{MeterIdentity, PluginMetricsService, RootMetricsService};

/// Names metrics of the app and makes scoped services.
#[napi(js_name = "NativeRootMetricsService")]
pub struct NativeRootMetricsService {
    service: RootMetricsService,
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
    /// `mode` is `enforce` or `passthrough`.
    #[napi(constructor)]
    pub fn new(
        service_name: String,
        service_version: Option<String>,
        mode: String,
    ) -> Result<Self> {
        let mode = match mode.as_str() {
            "enforce" => NamingMode::Enforce,
            "passthrough" => NamingMode::Passthrough,
            other => {
                return Err(Error::new(
                    Code::InvalidConfig,
                    format!("naming.mode: found {other:?}, expected enforce or passthrough"),
                )
                .into())
            }
        };
        Ok(Self {
            service: RootMetricsService::new(&service_name, service_version, mode)?,
        })
    }

    /// The service for the app's own metrics.
    #[napi]
    pub fn own(&self) -> NativeMetricsService {
        NativeMetricsService {
            service: self.service.own(),
        }
    }

    /// The service of a plugin; `meter` overrides its instrumentation scope.
    #[napi]
    pub fn for_plugin(
        &self,
        plugin_id: String,
        meter_name: Option<String>,
        meter_version: Option<String>,
        meter_schema_url: Option<String>,
    ) -> Result<NativeMetricsService> {
        let meter = MeterIdentity {
            name: meter_name,
            version: meter_version,
            schema_url: meter_schema_url,
        };
        Ok(NativeMetricsService {
            service: self.service.for_plugin(&plugin_id, meter)?,
        })
    }

    /// The service of a core service (`scope` `core`) or plugin (`plugin`).
    #[napi]
    pub fn for_service(&self, name: String, scope: String) -> Result<NativeMetricsService> {
        Ok(NativeMetricsService {
            service: self.service.for_service(&name, &scope)?,
        })
    }
}

#[napi]
impl NativeMetricsService {
    /// The instrumentation scope, for `getMeter()`.
    #[napi(getter)]
    pub fn scope(&self) -> NativeScope {
        let scope = self.service.scope();
        NativeScope {
            name: scope.name().to_owned(),
            version: scope.version().map(str::to_owned),
            schema_url: scope.schema_url().map(str::to_owned),
        }
    }

    /// Names, checks and registers. With `repair`, names that can be mended are.
    #[napi]
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
