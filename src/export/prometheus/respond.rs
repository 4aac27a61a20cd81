//! From a request to an answer. The scrape server and the page on the backend's own port share it.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    HeaderMap, HeaderName, HeaderValue, ALLOW, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, VARY,
    WWW_AUTHENTICATE,
};
use http::{Method, Request, Response, StatusCode};
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;

use super::body::Body;
use super::crowd::Crowd;
use super::hosted;
use super::negotiate::Representation;
use super::notices::Notices;
use super::page::write_page;
use super::turns::{Outcome, Turns};
use crate::allocator;
use crate::config::{asks_for, PageContent, PrometheusConfig, Secret, TranslationStrategy};
use crate::engine::{Collect, PipelineId};
use crate::export::reader::{Collected, Reader};
use crate::log::Logger;

/// The part of the client's own time-out that waiting for the event loop may take; the rest is for
/// encoding and the network.
const SHARE: f64 = 0.8;

/// What a client in a hurry leaves event loops at least: with less, its page would never have what
/// asynchronous callbacks observe.
const LEAST: Duration = Duration::from_millis(250);

/// Pages written at a time: more would leave an event loop on the same processors little of them.
const WRITERS: usize = 2;

/// What Prometheus says about its time-out, in seconds.
pub(super) const SCRAPE_TIMEOUT: HeaderName =
    HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// The exposition of one pipeline.
pub struct Exposition {
    /// Of what event loops hand over when they are asked.
    fresh: Arc<Turns>,
    /// Of what is known.
    known: Arc<Turns>,
    writers: Arc<Semaphore>,
    /// Places for those who ask for the page at the port of another server.
    hosted: Arc<Crowd>,
    path: String,
    token: Option<Secret>,
    strategy: TranslationStrategy,
    content: Arc<PageContent>,
    notices: Notices,
    logger: Logger,
}

impl Exposition {
    /// An exposition of `pipeline`, which must be cumulative: delta data is left out.
    pub fn new(
        source: Arc<dyn Collect>,
        pipeline: PipelineId,
        config: &PrometheusConfig,
        logger: Logger,
    ) -> Self {
        let reader = Arc::new(Reader::prometheus(source, pipeline));
        Self {
            fresh: Turns::new(reader.clone(), config.collect_timeout),
            known: Turns::new(reader, Duration::ZERO),
            writers: Arc::new(Semaphore::new(WRITERS)),
            hosted: hosted::seats(),
            path: config.path.clone(),
            token: config.token.clone(),
            strategy: config.translation_strategy,
            content: Arc::new(config.content.clone()),
            notices: Notices::new(logger.clone()),
            logger,
        }
    }

    /// Where the page is, percent-encoded.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn logger(&self) -> &Logger {
        &self.logger
    }

    /// Answers a request: GET and HEAD on the configured path, with the token if there is one.
    ///
    /// Otherwise 404, 401 or 405; 503 when the engine has shut down or does not answer. Must run
    /// within a tokio runtime: the page is encoded on its blocking threads while it is sent.
    pub async fn respond(&self, request: Request<()>) -> Response<Body> {
        if !asks_for(request.uri().path(), &self.path) {
            let text = format!("Metrics are at {}\n", self.path);
            return plain(StatusCode::NOT_FOUND, text);
        }
        self.respond_here(request.method(), request.headers()).await
    }

    /// As [`Exposition::respond`], for a caller that has routed the request to the page itself.
    pub async fn respond_here(&self, method: &Method, headers: &HeaderMap) -> Response<Body> {
        if !self.authorised(headers) {
            let mut response = plain(StatusCode::UNAUTHORIZED, "A bearer token is required\n");
            let scheme = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
            return response;
        }
        if method != Method::GET && method != Method::HEAD {
            let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "Use GET or HEAD\n");
            let methods = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, methods);
            return response;
        }
        let representation = Representation::negotiate(headers);
        // HEAD says whether the page can be had, for which no event loop is needed.
        let collection = match *method == Method::HEAD {
            true => self.known.collect().await,
            false => self.collect(headers).await,
        };
        let body = match collection {
            Ok(_) if *method == Method::HEAD => Body::omitted(),
            Ok(collection) => self.encode(collection, representation).await,
            Err(message) => return plain(StatusCode::SERVICE_UNAVAILABLE, message),
        };
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        let content_type = HeaderValue::try_from(representation.content_type()).expect("ASCII");
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
        if representation.gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }

    pub(super) fn hosted(&self) -> &Arc<Crowd> {
        &self.hosted
    }

    /// Whether everybody may have the page.
    pub(super) fn is_open(&self) -> bool {
        self.token.is_none()
    }

    /// Whether a request may have the page.
    pub fn authorised(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let given = headers.get(AUTHORIZATION).and_then(|value| {
            let (scheme, given) = value.as_bytes().split_at_checked("Bearer ".len())?;
            scheme
                .eq_ignore_ascii_case(b"Bearer ")
                .then(|| given.trim_ascii())
        });
        // Constant time in the contents; that the length can be measured is accepted.
        given.is_some_and(|given| given.ct_eq(token.expose().as_bytes()).into())
    }

    /// What event loops hand over in the time that the client has. After it what is known; the
    /// collection goes on for whoever waits longer.
    async fn collect(&self, headers: &HeaderMap) -> Outcome {
        let Some(theirs) = client_timeout(headers) else {
            return self.fresh.collect().await;
        };
        match tokio::time::timeout(theirs, self.fresh.collect()).await {
            Ok(collection) => collection,
            Err(_) => self.known.collect().await,
        }
    }

    async fn encode(&self, collection: Arc<Collected>, representation: Representation) -> Body {
        let (writer, body) = Body::stream(self.writers.clone()).await;
        let (strategy, notices) = (self.strategy, self.notices.clone());
        let content = self.content.clone();
        tokio::task::spawn_blocking(move || {
            let mut writer = writer;
            let mut sink = |bytes| match writer.write(bytes) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            };
            let done = write_page(
                &collection,
                representation,
                strategy,
                &content,
                &notices,
                &mut sink,
            );
            // Before the end of the page: the next scrape tells how long this one took.
            drop(collection);
            if done.is_continue() {
                writer.finish();
            }
            allocator::give_back();
        });
        body
    }
}

/// How long the client lets the page wait for event loops, if it says so in a way that can be meant.
pub(super) fn client_timeout(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(SCRAPE_TIMEOUT)?.to_str().ok()?.parse().ok()?;
    if seconds <= 0.0 {
        return None;
    }
    let theirs = Duration::try_from_secs_f64(seconds).ok()?;
    Some(theirs.mul_f64(SHARE).max(LEAST))
}

pub(super) fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::text(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
