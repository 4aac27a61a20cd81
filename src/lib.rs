pub mod config;
pub mod engine;
pub mod error;
pub mod export;
pub mod log;
pub mod services;
