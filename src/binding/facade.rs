//! The engine's way to a JavaScript thread: one callback per environment that takes JSON messages.

use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::FnArgs;
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::Status;
use serde_json::json;

use crate::engine::plan::Storage;
use crate::engine::Facade;
use crate::log::Wake;

/// Weak: waiting for messages keeps no process alive.
pub type Callback = ThreadsafeFunction<String, (), FnArgs<(String,)>, Status, false, true>;

/// One environment's callback, shared by the engine and the log.
#[derive(Clone)]
pub struct Messenger(Arc<Callback>);

impl Messenger {
    pub fn new(callback: Callback) -> Self {
        Self(Arc::new(callback))
    }

    fn send(&self, message: serde_json::Value) -> bool {
        self.0
            .call(message.to_string(), ThreadsafeFunctionCallMode::NonBlocking)
            == Status::Ok
    }

    pub fn log_listener(self) -> Wake {
        Box::new(move || self.send(json!({ "type": "log" })))
    }

    /// Tells the environment that instruments have their final shape.
    pub fn configured(&self) -> bool {
        self.send(json!({ "type": "configured" }))
    }
}

impl Facade for Messenger {
    fn ask(&self, timeout: Duration) -> bool {
        self.send(json!({ "type": "collect", "timeout": timeout.as_millis() as u64 }))
    }

    fn release(&self, slots: &[(Storage, u32)]) {
        let slots: Vec<_> = slots
            .iter()
            .map(|(storage, slot)| (storage.code(), *slot))
            .collect();
        self.send(json!({ "type": "release", "slots": slots }));
    }
}
