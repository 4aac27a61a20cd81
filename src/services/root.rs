//! The root metrics service: the global meter of the app, and the maker of scoped services.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;

use super::naming::{check_owner, MetricScope, Naming};
use super::plugin::PluginMetricsService;
use crate::config::NamingMode;
use crate::error::{Code, Error, Result};

/// Names metrics `{serviceName}.{category}.{metric_name}` under the service's own scope, and makes
/// the services of plugins and core services.
#[derive(Clone)]
pub struct RootMetricsService {
    naming: Naming,
    version: Option<String>,
}

impl RootMetricsService {
    /// # Errors
    /// [`Code::InvalidConfig`] when `service_name` cannot begin a metric name.
    pub fn new(service_name: &str, version: Option<String>, mode: NamingMode) -> Result<Self> {
        Ok(Self {
            naming: Naming::new(service_name, mode)?,
            version,
        })
    }

    /// The service for the app's own metrics.
    pub fn own(&self) -> PluginMetricsService {
        let scope = scope(self.naming.service_name(), self.version.as_deref(), None);
        PluginMetricsService::new(self.naming.clone(), MetricScope::Root, scope)
    }

    /// The service of a plugin. `meter` overrides the instrumentation scope, by default
    /// `backstage-plugin-{id}`.
    ///
    /// # Errors
    /// [`Code::InvalidName`] when the id cannot be a segment of a metric name.
    pub fn for_plugin(&self, id: &str, meter: MeterIdentity) -> Result<PluginMetricsService> {
        check_owner("plugin id", id)?;
        let name = meter
            .name
            .unwrap_or_else(|| format!("backstage-plugin-{id}"));
        let scope = scope(&name, meter.version.as_deref(), meter.schema_url.as_deref());
        Ok(PluginMetricsService::new(
            self.naming.clone(),
            MetricScope::Plugin(id.to_owned()),
            scope,
        ))
    }

    /// The service of a core service (`scope` `core`) or, for completeness, a plugin (`plugin`).
    ///
    /// # Errors
    /// [`Code::InvalidName`] for another scope or a name that cannot be a segment.
    pub fn for_service(&self, name: &str, scope_name: &str) -> Result<PluginMetricsService> {
        match scope_name {
            "plugin" => self.for_plugin(name, MeterIdentity::default()),
            "core" => {
                check_owner("core service name", name)?;
                let scope = scope(
                    &format!("backstage-core-{name}"),
                    self.version.as_deref(),
                    None,
                );
                Ok(PluginMetricsService::new(
                    self.naming.clone(),
                    MetricScope::Core(name.to_owned()),
                    scope,
                ))
            }
            other => Err(Error::new(
                Code::InvalidName,
                format!("invalid metric scope {other:?}: expected \"plugin\" or \"core\""),
            )),
        }
    }
}

/// How a plugin's meter is called, where it differs from the default.
#[derive(Clone, Debug, Default)]
pub struct MeterIdentity {
    pub name: Option<String>,
    pub version: Option<String>,
    pub schema_url: Option<String>,
}

fn scope(name: &str, version: Option<&str>, schema_url: Option<&str>) -> Arc<InstrumentationScope> {
    let mut builder = InstrumentationScope::builder(name.to_owned());
    if let Some(version) = version {
        builder = builder.with_version(version.to_owned());
    }
    if let Some(schema_url) = schema_url {
        builder = builder.with_schema_url(schema_url.to_owned());
    }
    Arc::new(builder.build())
}
