//! Native metrics for Backstage backends. The map of the house:
//!
//! - [`config`]: what may be configured, checked; the typed truth.
//! - [`engine`]: one thread per provider that owns `opentelemetry_sdk`'s instruments.
//! - [`export`]: OTLP, Prometheus exposition, console, on their own small runtime.
//! - [`services`]: the metrics services and the naming rules.
//! - [`provider`]: an engine and its exporters, what the binding exposes.
//! - `allocator`: where memory comes from, and when it goes back.
//! - `binding`: the only files that name `napi`.

mod allocator;
mod binding;
pub mod config;
pub mod engine;
pub mod error;
pub mod export;
pub mod log;
pub mod provider;
pub mod services;
