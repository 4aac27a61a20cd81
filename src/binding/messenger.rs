//! The engine's way to a JavaScript thread: one callback per environment that takes JSON messages.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use napi::bindgen_prelude::{FnArgs, Function, JsObjectValue, JsValue, Object};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Result, Status};
use serde_json::json;

use crate::engine::{attributes, Facade, Idle, RunId};
use crate::log::Wake;

/// Weak: waiting for messages keeps no process alive.
type Callback = ThreadsafeFunction<Message, (), FnArgs<(String,)>, Status, false, true>;

enum Message {
    Json(String),
    /// That there are requests to collect.
    Asked,
}

/// A request to collect.
struct Ask {
    run: RunId,
    timeout: Duration,
    /// Until when somebody waits for the answer.
    until: Instant,
}

/// The requests that are on their way. There is a message as long as there are any: an event loop
/// that is blocked finds one, and of the requests whose time is up the last, so that it answers.
#[derive(Default)]
struct Asks(Mutex<Vec<Ask>>);

impl Asks {
    fn lock(&self) -> MutexGuard<'_, Vec<Ask>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes those that somebody waits for, or else the last.
    fn take(&self) -> Vec<Ask> {
        let mut asks = std::mem::take(&mut *self.lock());
        let last = asks.pop();
        let now = Instant::now();
        asks.retain(|ask| ask.until > now);
        let nobody = asks.is_empty();
        asks.extend(last.filter(|last| nobody || last.until > now));
        asks
    }

    fn json(&self) -> String {
        let runs: Vec<_> = self
            .take()
            .iter()
            .map(|Ask { run, timeout, .. }| {
                json!({
                    "reader": run.reader.code(),
                    "number": run.number,
                    "timeout": timeout.as_millis() as u64,
                })
            })
            .collect();
        json!({ "type": "collect", "runs": runs }).to_string()
    }
}

/// The callback, or what waits for it: nothing would arrive before the stack is empty anyway.
#[derive(Default)]
struct Line {
    callback: OnceLock<Callback>,
    waiting: Mutex<Vec<Message>>,
}

impl Line {
    fn connect(&self, callback: Callback) {
        let mut waiting = self.lock();
        let callback = self.callback.get_or_init(|| callback);
        for message in waiting.drain(..) {
            deliver(callback, message);
        }
    }

    fn send(&self, message: Message) -> bool {
        if let Some(callback) = self.callback.get() {
            return deliver(callback, message);
        }
        let mut waiting = self.lock();
        match self.callback.get() {
            Some(callback) => deliver(callback, message),
            None => {
                waiting.push(message);
                true
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Message>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn deliver(callback: &Callback, message: Message) -> bool {
    callback.call(message, ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok
}

/// One environment's callback, shared by the engine and the log. What is sent waits until `listen`.
#[derive(Clone, Default)]
pub struct Messenger {
    line: Arc<Line>,
    asks: Arc<Asks>,
}

/// The callback takes one JSON text.
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
    pub fn listen(&self, env: &Env, on_message: &OnMessage<'_>) -> Result<()> {
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
        let arrived = self.asks.clone();
        let callback = deliver
            .build_threadsafe_function::<Message>()
            .weak::<true>()
            .build_callback(move |context| {
                let json = match context.value {
                    Message::Json(json) => json,
                    Message::Asked => arrived.json(),
                };
                Ok(FnArgs::from((json,)))
            })?;
        self.line.connect(callback);
        Ok(())
    }

    pub(super) fn send(&self, message: serde_json::Value) -> bool {
        self.call(Message::Json(message.to_string()))
    }

    fn call(&self, message: Message) -> bool {
        self.line.send(message)
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
    fn ask(&self, run: RunId, timeout: Duration) -> bool {
        let now = Instant::now();
        let mut asks = self.asks.lock();
        let on_its_way = !asks.is_empty();
        asks.retain(|ask| ask.until > now);
        asks.push(Ask {
            run,
            timeout,
            until: now + timeout,
        });
        drop(asks);
        if on_its_way || self.call(Message::Asked) {
            return true;
        }
        self.asks.lock().clear();
        false
    }

    fn has_begun(&self, run: RunId) -> bool {
        !self.asks.lock().iter().any(|ask| ask.run == run)
    }

    fn meters(&self) -> bool {
        self.send(json!({ "type": "meters" }))
    }

    fn question(&self, filter: u32, questions: serde_json::Value) -> bool {
        self.send(json!({ "type": "filter", "filter": filter, "questions": questions }))
    }

    fn release(&self, slots: &[Idle]) {
        let slots: Vec<_> = slots
            .iter()
            .map(|idle| {
                let set = attributes::write(&idle.attributes);
                (idle.instrument, idle.storage.code(), idle.slot, set)
            })
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
