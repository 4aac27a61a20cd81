//! The engine's way to a JavaScript thread: one callback per environment that takes JSON messages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{FnArgs, Function};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::Status;
use serde_json::json;

use crate::engine::plan::Storage;
use crate::engine::Facade;
use crate::log::Wake;

/// Weak: waiting for messages keeps no process alive.
type Callback = ThreadsafeFunction<Message, (), FnArgs<(String,)>, Status, false, true>;

struct Message {
    json: String,
    asks: bool,
}

/// One environment's callback, shared by the engine and the log.
#[derive(Clone)]
pub struct Messenger {
    callback: Arc<Callback>,
    /// A request to collect is on its way: an event loop that is blocked finds one, however many
    /// collections went on without it.
    asking: Arc<AtomicBool>,
}

impl Messenger {
    /// # Errors
    /// When Node cannot make the callback.
    pub fn new(on_message: &Function<'_, FnArgs<(String,)>, ()>) -> napi::Result<Self> {
        let asking = Arc::new(AtomicBool::new(false));
        let arrived = asking.clone();
        let callback = on_message
            .build_threadsafe_function::<Message>()
            .weak::<true>()
            .build_callback(move |context| {
                let Message { json, asks } = context.value;
                if asks {
                    arrived.store(false, Ordering::Relaxed);
                }
                Ok(FnArgs::from((json,)))
            })?;
        Ok(Self {
            callback: Arc::new(callback),
            asking,
        })
    }

    fn send(&self, message: serde_json::Value) -> bool {
        self.call(message, false)
    }

    fn call(&self, message: serde_json::Value, asks: bool) -> bool {
        let message = Message {
            json: message.to_string(),
            asks,
        };
        self.callback
            .call(message, ThreadsafeFunctionCallMode::NonBlocking)
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
        if self.asking.swap(true, Ordering::Relaxed) {
            return true;
        }
        let message = json!({ "type": "collect", "timeout": timeout.as_millis() as u64 });
        let sent = self.call(message, true);
        if !sent {
            self.asking.store(false, Ordering::Relaxed);
        }
        sent
    }

    fn release(&self, slots: &[(Storage, u32)]) {
        let slots: Vec<_> = slots
            .iter()
            .map(|(storage, slot)| (storage.code(), *slot))
            .collect();
        self.send(json!({ "type": "release", "slots": slots }));
    }
}
