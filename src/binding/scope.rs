//! Instrumentation scopes across the boundary.

use std::sync::Arc;

use napi_derive::napi;
use opentelemetry::InstrumentationScope;

use crate::engine::attributes;
use crate::engine::canonical::Canonical;
use crate::error::{Code, Error, Result};

/// An instrumentation scope.
#[napi(object)]
pub struct NativeScope {
    pub name: String,
    pub version: Option<String>,
    pub schema_url: Option<String>,
    /// `[key, value, …]` as JSON.
    pub attributes: Option<String>,
}

impl NativeScope {
    pub fn build(self) -> Result<Arc<InstrumentationScope>> {
        let mut scope = InstrumentationScope::builder(self.name);
        if let Some(version) = self.version {
            scope = scope.with_version(version);
        }
        if let Some(schema_url) = self.schema_url {
            scope = scope.with_schema_url(schema_url);
        }
        if let Some(json) = self.attributes {
            let read = attributes::read(&json).map_err(|error| {
                let reason = format!("internal error: attributes could not be read: {error}");
                Error::new(Code::InvalidInstrument, reason)
            })?;
            scope = scope.with_attributes(read.iter().map(|attribute| (**attribute).clone()));
        }
        Ok(Arc::new(scope.build()))
    }
}

impl From<&InstrumentationScope> for NativeScope {
    fn from(scope: &InstrumentationScope) -> Self {
        let mut sorted: Vec<_> = scope.attributes().cloned().collect();
        sorted.sort_by(|a, b| a.key.cmp(&b.key));
        let set = Canonical::from_iter(sorted);
        Self {
            name: scope.name().to_owned(),
            version: scope.version().map(str::to_owned),
            schema_url: scope.schema_url().map(str::to_owned),
            attributes: (!set.is_empty()).then(|| attributes::write(&set).to_string()),
        }
    }
}
