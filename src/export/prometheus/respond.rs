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
use http_body_util::BodyExt;
use subtle::ConstantTimeEq;

use super::body::Body;
use super::negotiate::Representation;
use super::notices::Notices;
use super::page::write_page;
use crate::config::{canonical_path, PrometheusConfig, Secret, TranslationStrategy};
use crate::engine::{Collect, PipelineId};
use crate::export::reader::{Collected, Reader};
use crate::log::Logger;

/// How much longer than the collection's own time-out an answer is waited for, before the engine is
/// taken for stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// The part of the client's own time-out that waiting for the event loop may take; the rest is for
/// encoding and the network.
const SHARE: f64 = 0.8;

/// What Prometheus says about its time-out, in seconds.
const SCRAPE_TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");

/// The exposition of one pipeline.
pub struct Exposition {
    reader: Reader,
    path: String,
    token: Option<Secret>,
    strategy: TranslationStrategy,
    collect_timeout: Duration,
    notices: Notices,
    logger: Logger,
}

/// A whole answer in memory.
#[derive(Debug)]
pub struct Rendered {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Exposition {
    /// An exposition of `pipeline`, which must be cumulative: delta data is left out.
    pub fn new(
        source: Arc<dyn Collect>,
        pipeline: PipelineId,
        config: &PrometheusConfig,
        logger: Logger,
    ) -> Self {
        Self {
            reader: Reader::prometheus(source, pipeline),
            path: config.path.clone(),
            token: config.token.clone(),
            strategy: config.translation_strategy,
            collect_timeout: config.collect_timeout,
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
        let path = request.uri().path();
        if path != self.path && canonical_path(path) != self.path {
            let text = format!("Metrics are at {}\n", self.path);
            return plain(StatusCode::NOT_FOUND, text);
        }
        self.respond_here(request.method(), request.headers()).await
    }

    /// One answer for a caller that has routed the request to the page itself, with the whole body
    /// in memory. Statuses as for [`Exposition::respond`], without 404; 500 when encoding failed.
    pub async fn render(&self, method: &Method, headers: &HeaderMap) -> Rendered {
        let (parts, body) = self.respond_here(method, headers).await.into_parts();
        match body.collect().await {
            Ok(body) => Rendered {
                status: parts.status,
                headers: parts.headers,
                body: body.to_bytes(),
            },
            Err(truncated) => Rendered {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                headers: HeaderMap::new(),
                body: Bytes::from(truncated.to_string()),
            },
        }
    }

    async fn respond_here(&self, method: &Method, headers: &HeaderMap) -> Response<Body> {
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
        let collection = match self.collect(headers).await {
            Ok(collection) => collection,
            Err(message) => return plain(StatusCode::SERVICE_UNAVAILABLE, message),
        };
        let representation = Representation::negotiate(headers);
        let body = match *method == Method::HEAD {
            true => Body::omitted(),
            false => self.encode(collection, representation),
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

    fn authorised(&self, headers: &HeaderMap) -> bool {
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

    async fn collect(&self, headers: &HeaderMap) -> Result<Collected, String> {
        let timeout = match client_timeout(headers) {
            Some(theirs) => self.collect_timeout.min(theirs.mul_f64(SHARE)),
            None => self.collect_timeout,
        };
        let answer = self.reader.collect(timeout);
        match tokio::time::timeout(timeout + PATIENCE, answer).await {
            Ok(Ok(collection)) => Ok(collection),
            Ok(Err(error)) => Err(format!("{error}\n")),
            Err(_) => Err("The metrics engine does not answer\n".to_owned()),
        }
    }

    fn encode(&self, collection: Collected, representation: Representation) -> Body {
        let (writer, body) = Body::stream();
        let (strategy, notices) = (self.strategy, self.notices.clone());
        tokio::task::spawn_blocking(move || {
            let mut sink = |bytes| match writer.write(bytes) {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            };
            let done = write_page(&collection, representation, strategy, &notices, &mut sink);
            // Before the end of the page: the next scrape tells how long this one took.
            drop(collection);
            if done.is_continue() {
                writer.finish();
            }
        });
        body
    }
}

fn client_timeout(headers: &HeaderMap) -> Option<Duration> {
    let seconds: f64 = headers.get(SCRAPE_TIMEOUT)?.to_str().ok()?.parse().ok()?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|timeout| !timeout.is_zero())
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::text(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
