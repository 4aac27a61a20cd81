//! Messages for the operator. They are collected here from every thread and leave through whatever
//! the facade attached: `diag`, later Backstage's root logger.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Messages kept while nobody listens; the oldest go first.
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

/// Takes a message on; `false` when it no longer can (its thread ended), so that another may.
pub type Sink = Box<dyn Fn(Level, &str) -> bool + Send>;

#[derive(Clone, Default)]
pub struct Logger(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sinks: Vec<Sink>,
    backlog: VecDeque<(Level, String)>,
}

impl Logger {
    pub fn attach(&self, sink: Sink) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (level, message) in std::mem::take(&mut state.backlog) {
            sink(level, &message);
        }
        state.sinks.push(sink);
    }

    /// Takes what nobody has heard, for a caller that can print it itself (at exit).
    pub fn drain(&self) -> Vec<(Level, String)> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.backlog.drain(..).collect()
    }

    /// From here on messages wait for [`Logger::drain`]: the event loop no longer turns.
    pub fn detach_all(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.sinks.clear();
    }

    pub fn log(&self, level: Level, message: impl Into<String>) {
        let message = message.into();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(sink) = state.sinks.first() {
            if sink(level, &message) {
                return;
            }
            drop(state.sinks.remove(0));
        }
        if state.backlog.len() == BACKLOG {
            state.backlog.pop_front();
        }
        state.backlog.push_back((level, message));
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
