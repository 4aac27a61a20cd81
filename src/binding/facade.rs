//! The engine's way to a JavaScript thread: one callback per environment that takes JSON messages.

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
pub type Callback = ThreadsafeFunction<String, (), FnArgs<(String,)>, Status, false, true>;

/// One environment's callback, shared by the engine and the log.
#[derive(Clone)]
pub struct Messenger(Arc<Callback>);

/// What JavaScript is called with: a JSON text.
pub type OnMessage<'env> = Function<'env, FnArgs<(String,)>, ()>;

impl Messenger {
    /// Calls `on_message` as long as something in JavaScript holds it. Held from here, it would keep
    /// its whole realm: under jest, which gives every test file a realm, 1.2 MiB for each.
    ///
    /// So what is held is a `WeakRef`, and the function that looks into it; both belong to Node's own
    /// realm, which lives as long as the thread.
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
        let callback = deliver
            .build_threadsafe_function::<String>()
            .weak::<true>()
            .build_callback(|context| Ok(FnArgs::from((context.value,))))?;
        Ok(Self(Arc::new(callback)))
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

/// Runs `end` when the function is garbage, at the latest when the thread ends.
pub fn on_end(env: &Env, function: &OnMessage<'_>, end: impl FnOnce() + 'static) -> Result<()> {
    object(env, function).add_finalizer((), (), move |_| end())
}

fn object<'env>(env: &'env Env, function: &OnMessage<'env>) -> Object<'env> {
    Object::from_raw(env.raw(), function.raw())
}
