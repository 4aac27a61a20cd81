//! Messages for the operator. They are collected here from every thread and leave through whatever
//! the facade attached: `diag`, later Backstage's root logger. They wait here and not in an event
//! loop's queue, so that a process which ends before its loop turns again can still print them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Messages kept while nobody takes them; those for debugging go first, then the oldest.
const BACKLOG: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

/// Has a thread [`drain`](Logger::drain) soon; `false` when it no longer can (it ended), so that
/// another may.
pub type Wake = Box<dyn Fn() -> bool + Send>;

#[derive(Clone, Default)]
pub struct Logger(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// By the number of whoever attached them.
    listeners: Vec<(u32, Wake)>,
    backlog: VecDeque<(Level, String)>,
}

impl State {
    /// Wakes the first listener that still can be.
    fn wake(&mut self) {
        while let Some((_, listener)) = self.listeners.first() {
            if listener() {
                return;
            }
            drop(self.listeners.remove(0));
        }
    }
}

impl Logger {
    pub fn attach(&self, id: u32, listener: Wake) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.backlog.is_empty() {
            listener();
        }
        state.listeners.push((id, listener));
    }

    /// A listener ends. What it was woken for and has not taken is for the next one.
    pub fn detach(&self, id: u32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = state.listeners.len();
        state.listeners.retain(|(of, _)| *of != id);
        if state.listeners.len() < before && !state.backlog.is_empty() {
            state.wake();
        }
    }

    /// Takes what nobody has heard.
    pub fn drain(&self) -> Vec<(Level, String)> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.backlog.drain(..).collect()
    }

    /// Takes what there is nobody left to hear.
    pub fn unheard(&self) -> Vec<(Level, String)> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.listeners.is_empty() {
            true => state.backlog.drain(..).collect(),
            false => Vec::new(),
        }
    }

    /// From here on messages wait for [`Logger::drain`]: the event loop no longer turns.
    pub fn detach_all(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.listeners.clear();
    }

    pub fn log(&self, level: Level, message: impl Into<String>) {
        let message = message.into();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.backlog.len() == BACKLOG {
            let mut levels = state.backlog.iter().map(|(level, _)| *level);
            let least = levels.position(|level| level == Level::Debug).unwrap_or(0);
            state.backlog.remove(least);
        }
        state.backlog.push_back((level, message));
        state.wake();
    }

    pub fn debug(&self, message: impl Into<String>) {
        self.log(Level::Debug, message);
    }

    pub fn info(&self, message: impl Into<String>) {
        self.log(Level::Info, message);
    }

    pub fn warn(&self, message: impl Into<String>) {
        self.log(Level::Warn, message);
    }

    pub fn error(&self, message: impl Into<String>) {
        self.log(Level::Error, message);
    }
}
