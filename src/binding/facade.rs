//! The engine's way to a JavaScript thread: one callback per environment that takes JSON messages.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::{FnArgs, Function, JsObjectValue, JsValue, Object};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
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

/// What JavaScript is called with: a JSON text.
pub type OnMessage<'env> = Function<'env, FnArgs<(String,)>, ()>;

impl Messenger {
    /// Calls `on_message` as long as something in JavaScript holds it. Held from here, it would keep
    /// its whole realm: under jest, which gives every test file a realm, 1.2 MiB for each.
    ///
    /// So what is held is a `WeakRef`, and the function that looks into it; both belong to Node's own
    /// realm, which lives as long as the thread.
    ///
    /// # Errors
    /// When Node cannot make the callback.
    pub fn new(env: &Env, on_message: &OnMessage<'_>) -> Result<Self> {
        let weak = env
            .get_global()?
            .get_named_property::<Function<'_, FnArgs<(Object<'_>,)>, Object<'_>>>("WeakRef")?
            .new_instance(FnArgs::from((object(env, on_message),)))?;
        let weak = weak.coerce_to_object()?.create_ref::<false>()?;
        let deliver = env.create_function_from_closure::<FnArgs<(String,)>, (), _>(
            "deliver",
            move |context| {
                let weak = weak.get_value(context.env)?;
                let deref: Function<'_, (), Option<OnMessage<'_>>> =
                    weak.get_named_property("deref")?;
                match deref.apply(weak, ())? {
                    Some(on_message) => on_message.call(FnArgs::from((context.get(0)?,))),
                    None => Ok(()),
                }
            },
        )?;
        let asking = Arc::new(AtomicBool::new(false));
        let arrived = asking.clone();
        let callback = deliver
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

/// Runs `end` when the function is garbage, at the latest when the thread ends.
pub fn on_end(env: &Env, function: &OnMessage<'_>, end: impl FnOnce() + 'static) -> Result<()> {
    object(env, function).add_finalizer((), (), move |_| end())
}

fn object<'env>(env: &'env Env, function: &OnMessage<'env>) -> Object<'env> {
    Object::from_raw(env.raw(), function.raw())
}
