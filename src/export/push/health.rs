//! What the operator hears of an exporter: one line when it starts to fail, one when it works
//! again. A collector that is down for a night must not fill the log; repeats are for debugging.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::backlog::Amount;
use crate::log::{Level, Logger};

pub(super) struct Health {
    name: String,
    log: Logger,
    failing: Option<Episode>,
    /// Something was delivered since the last balance.
    delivered: bool,
    /// The last partial success; the same one again is no news.
    partial: Option<String>,
}

/// A time of failures.
struct Episode {
    since: Instant,
    late: Amount,
    lost: Amount,
    superseded: u64,
    reported: bool,
    reported_overflow: bool,
}

impl Health {
    pub fn new(name: &str, log: Logger) -> Self {
        Self {
            name: name.to_owned(),
            log,
            failing: None,
            delivered: false,
            partial: None,
        }
    }

    pub fn delivered(&mut self, points: u64, late: bool) {
        self.delivered = true;
        if late {
            self.episode().late.add(1, points);
        }
    }

    /// The receiver took a batch but not all of it, or has something to remark.
    pub fn partial(&mut self, rejected: u64, message: &str) {
        let quoted = if message.is_empty() {
            String::new()
        } else {
            format!(": {message}")
        };
        let text = if rejected == 0 {
            format!("{}: the collector warns{quoted}", self.name)
        } else {
            format!(
                "{}: the collector rejected {} of an export{quoted}",
                self.name,
                count(rejected, "data point")
            )
        };
        let news = self.partial.as_deref() != Some(message);
        self.partial = Some(message.to_owned());
        self.log
            .log(if news { Level::Warn } else { Level::Debug }, text);
    }

    /// A batch is gone for good.
    pub fn lost(&mut self, batches: u64, points: u64) {
        self.episode().lost.add(batches, points);
    }

    /// The backlog dropped its oldest.
    pub fn overflowed(&mut self, dropped: Amount, limit: usize) {
        if dropped.batches == 0 {
            return;
        }
        self.lost(dropped.batches, dropped.points);
        let known = std::mem::replace(&mut self.episode().reported_overflow, true);
        let level = if known { Level::Debug } else { Level::Error };
        self.log.log(
            level,
            format!(
                "{}: more than {} MiB wait to be sent; the oldest are lost: {}",
                self.name,
                limit / (1024 * 1024),
                amount(dropped)
            ),
        );
    }

    /// An export ended with batches that may still be taken later.
    pub fn stuck(&mut self, reason: &str, superseded: u64, waiting: Amount) {
        let consequence = if waiting.batches > 0 {
            format!("{} kept to be sent again", amount(waiting))
        } else {
            "the next export carries the current values".to_owned()
        };
        self.episode().superseded += u64::from(superseded > 0);
        self.failed(Level::Warn, format!("{reason}; {consequence}"));
    }

    /// An export ended with a batch that was refused.
    pub fn refused(&mut self, reason: &str, points: u64) {
        let text = format!("{reason}; dropped {}", count(points, "data point"));
        self.failed(Level::Error, text);
    }

    /// An export ended with nothing left to send.
    pub fn settled(&mut self) {
        if !std::mem::take(&mut self.delivered) {
            return;
        }
        let Some(episode) = self.failing.take() else {
            return;
        };
        let mut text = format!(
            "{} works again after {}",
            self.name,
            readable(episode.since.elapsed())
        );
        let mut separator = ": ";
        let mut add = |part: String| {
            let _ = write!(text, "{separator}{part}");
            separator = ", ";
        };
        if episode.late.batches > 0 {
            add(format!("{} delivered late", amount(episode.late)));
        }
        if episode.superseded > 0 {
            add(format!(
                "{} superseded by newer values",
                count(episode.superseded, "export")
            ));
        }
        if episode.lost.batches > 0 {
            add(format!("{} lost", amount(episode.lost)));
        }
        if episode.lost.batches == 0 {
            add("nothing lost".to_owned());
        }
        self.log.info(text);
    }

    /// The exporter stops with data that nobody will send.
    pub fn abandoned(&mut self, left: Amount) {
        self.log.error(format!(
            "{} stopped: {} could not be delivered",
            self.name,
            amount(left)
        ));
    }

    fn failed(&mut self, first: Level, text: String) {
        let known = std::mem::replace(&mut self.episode().reported, true);
        let level = if known { Level::Debug } else { first };
        self.log.log(level, format!("{} fails: {text}", self.name));
    }

    fn episode(&mut self) -> &mut Episode {
        self.failing.get_or_insert_with(|| Episode {
            since: Instant::now(),
            late: Amount::default(),
            lost: Amount::default(),
            superseded: 0,
            reported: false,
            reported_overflow: false,
        })
    }
}

fn amount(amount: Amount) -> String {
    format!(
        "{} in {}",
        count(amount.points, "data point"),
        count(amount.batches, "batch")
    )
}

fn count(n: u64, noun: &str) -> String {
    match (n, noun) {
        (1, _) => format!("1 {noun}"),
        (_, "batch") => format!("{n} batches"),
        _ => format!("{n} {noun}s"),
    }
}

/// Whole units suffice once there are several of them.
fn readable(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}
