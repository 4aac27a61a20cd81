//! The page on the port of another HTTP server, which takes it piece by piece. It has the limits of
//! the page's own server, but connections are the host's.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::sync::{watch, Mutex};

use super::activity::{Activity, Blocked, Busy};
use super::body::{Body, Truncated};
use super::crowd::{Crowd, Seat};
use super::respond::{plain, Exposition};
use super::serve::Limits;

/// How long a request waits for a place before it is refused: a scraper has better uses for its 10 s.
const PATIENCE: Duration = Duration::from_secs(5);

/// How an answer stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Open,
    Closed,
    /// Its client took too long, or the place of one that others need.
    Cut,
}

/// An answer whose body the host takes piece by piece.
pub struct HostedAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Mutex<Option<HostedBody>>,
    end: watch::Sender<End>,
}

struct HostedBody {
    body: Body,
    activity: Activity,
    /// Bytes that the host was given last: it asks for more when the client has taken them.
    given: usize,
    blocked: Option<Blocked>,
    _busy: Busy,
}

/// The answers that one page gives at a time.
pub fn seats() -> Arc<Crowd> {
    let limits = Limits::default();
    Crowd::new(limits.connections, limits.crowded)
}

impl Exposition {
    /// As [`Exposition::respond`], for a host that has routed the request to the page itself; 503
    /// also when as many answers are being given as may be.
    pub async fn host(&self, method: &Method, headers: &HeaderMap) -> Arc<HostedAnswer> {
        let activity = Activity::new();
        if !self.authorised(headers) {
            // Short, and no reason to keep a place from others.
            let response = self.respond_here(method, headers).await;
            return HostedAnswer::new(response, activity, None);
        }
        let seats = self.hosted();
        let Ok(seat) = tokio::time::timeout(PATIENCE, seats.enter(&activity)).await else {
            let text = "Too many scrapes are being answered\n";
            let response = plain(StatusCode::SERVICE_UNAVAILABLE, text);
            return HostedAnswer::new(response, activity, None);
        };
        let busy = activity.answer();
        let response = self.respond_here(method, headers).await;
        drop(busy);
        HostedAnswer::new(response, activity, Some(seat))
    }
}

impl HostedAnswer {
    fn new(response: Response<Body>, activity: Activity, seat: Option<Seat>) -> Arc<Self> {
        let (parts, body) = response.into_parts();
        let answer = Arc::new(Self {
            status: parts.status,
            headers: parts.headers,
            body: Mutex::new(Some(HostedBody {
                body,
                activity: activity.clone(),
                given: 0,
                blocked: None,
                _busy: activity.answer(),
            })),
            end: watch::Sender::new(End::Open),
        });
        let mut end = answer.end.subscribe();
        let weak = Arc::downgrade(&answer);
        tokio::spawn(async move {
            let dismissed = async {
                match seat {
                    Some(mut seat) => seat.dismissed().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // Also when the host has let go of the answer.
                _ = end.wait_for(|end| *end != End::Open) => return,
                () = activity.spent(Limits::default().pace) => {}
                () = dismissed => {}
            }
            if let Some(answer) = weak.upgrade() {
                answer.finish(End::Cut);
            }
        });
        answer
    }

    /// The next piece of the body, `None` after the last one.
    ///
    /// # Errors
    /// [`Truncated`] when there will be no more, and this was not all.
    pub async fn next(&self) -> Result<Option<Bytes>, Truncated> {
        let mut slot = self.body.lock().await;
        let hosted = slot.as_mut().ok_or(Truncated)?;
        hosted.activity.took(std::mem::take(&mut hosted.given));
        hosted.blocked = None;
        let mut end = self.end.subscribe();
        let frame = tokio::select! {
            _ = end.wait_for(|end| *end != End::Open) => Some(Err(Truncated)),
            frame = hosted.body.frame() => frame,
        };
        match frame {
            Some(Ok(frame)) => {
                let bytes = frame.into_data().unwrap_or_default();
                hosted.given = bytes.len();
                hosted.blocked = Some(hosted.activity.blocked());
                Ok(Some(bytes))
            }
            ended => {
                *slot = None;
                drop(slot);
                self.finish(End::Closed);
                ended.transpose().map(|_| None)
            }
        }
    }

    /// The host wants no more. Whatever was still to be written is not.
    pub fn close(&self) {
        self.finish(End::Closed);
    }

    /// Resolves when the answer is over; `true` where the host has to cut its client off.
    pub async fn is_cut(&self) -> bool {
        let mut end = self.end.subscribe();
        // No error: `self` holds the sender.
        let end = end.wait_for(|end| *end != End::Open).await;
        end.is_ok_and(|end| *end == End::Cut)
    }

    fn finish(&self, how: End) {
        self.end.send_if_modified(|end| {
            let first = *end == End::Open;
            if first {
                *end = how;
            }
            first
        });
        // Where a piece is waited for, that hears of the end.
        if let Ok(mut slot) = self.body.try_lock() {
            *slot = None;
        }
    }
}
