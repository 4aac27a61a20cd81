//! The scoped metrics service: names, checks and registers the metrics of one plugin.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;

use super::naming::{MetricScope, Naming, Repair};
use crate::error::Result;

/// Builds the full names of one scope's metrics. The instruments themselves belong to the provider;
/// the binding joins the two.
#[derive(Clone)]
pub struct PluginMetricsService {
    naming: Naming,
    owner: MetricScope,
    scope: Arc<InstrumentationScope>,
}

impl PluginMetricsService {
    pub(super) fn new(
        naming: Naming,
        owner: MetricScope,
        scope: Arc<InstrumentationScope>,
    ) -> Self {
        Self {
            naming,
            owner,
            scope,
        }
    }

    /// The instrumentation scope of everything this service makes.
    pub fn scope(&self) -> &Arc<InstrumentationScope> {
        &self.scope
    }

    /// The full name for `{category}.{metric_name}`.
    ///
    /// # Errors
    /// [`Code::InvalidName`](crate::error::Code::InvalidName), see [`Naming::strict`].
    pub fn name(&self, name: &str) -> Result<String> {
        self.naming.strict(&self.owner, name)
    }

    /// The full name for a name whose author could not know the rules.
    ///
    /// # Errors
    /// [`Code::InvalidName`](crate::error::Code::InvalidName), see [`Naming::repaired`].
    pub fn repaired_name(&self, name: &str) -> Result<Repair> {
        self.naming.repaired(&self.owner, name)
    }
}
