//! What was said, so that it is said once.

use std::collections::HashSet;

use crate::log::Logger;

/// Texts that were said. There are as many as mistakes in instruments and views.
#[derive(Default)]
pub struct Said(HashSet<String>);

impl Said {
    /// Those that are new.
    pub fn new_ones(&mut self, texts: Vec<String>) -> Vec<String> {
        let is_new = |text: &String| self.0.insert(text.clone());
        texts.into_iter().filter(is_new).collect()
    }

    /// Logs those that are new.
    pub fn warn(&mut self, texts: Vec<String>, log: &Logger) {
        for text in self.new_ones(texts) {
            log.warn(text);
        }
    }
}
