//! The boundary: the only files that name `napi`.
//!
//! They turn JavaScript calls into calls of [`Provider`](crate::provider::Provider) and of the
//! services, and nothing else. What is called often takes typed arrays; everything else is JSON.
//! Nothing here is public API: `ts/` dresses it.

mod cells;
mod deferred;
mod error;
mod facade;
mod instrument;
mod provider;
mod services;
