//! OTLP over HTTP (OTLP specification, "OTLP/HTTP"), binary and JSON.

use std::time::SystemTime;

use bytes::Bytes;
use http::header::{
    HeaderMap, HeaderValue, CONTENT_ENCODING, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER, USER_AGENT,
};
use http::StatusCode;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};
use rustls::ClientConfig;

use super::answer::{accepted, accepted_json, error_text, more_than, retry_after, AnswerBody};
use super::endpoint::{error_type, invalid, Target};
use super::USER_AGENT_VALUE;
use crate::config::{Compression, OtlpConfig, OtlpProtocol};
use crate::error::Result;
use crate::export::push::{Attempt, Outcome, Status};

/// Posts encoded requests to one URL.
pub(super) struct HttpTransport {
    client: Client,
    target: Target,
    headers: HeaderMap,
    json: bool,
    /// Bytes that are read of an answer.
    response_size: usize,
}

impl HttpTransport {
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) for a set-up that cannot work.
    pub fn new(config: &OtlpConfig, target: Target, tls: ClientConfig) -> Result<Self> {
        let json = config.protocol == OtlpProtocol::HttpJson;
        let mut headers = target.headers.clone();
        headers
            .entry(USER_AGENT)
            .or_insert(HeaderValue::from_static(USER_AGENT_VALUE));
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static(if json {
                "application/json"
            } else {
                "application/x-protobuf"
            }),
        );
        if config.compression == Compression::Gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Ok(Self {
            client: client(&target, tls)?,
            target,
            headers,
            json,
            response_size: config.max_response_size,
        })
    }

    /// Sends one request; the body is already in the encoding and compression that the headers
    /// name.
    pub async fn send(&self, body: Bytes) -> Attempt {
        let request = self
            .client
            .post(self.target.url.clone())
            .headers(self.headers.clone())
            .body(body);
        match request.send().await {
            Ok(response) => Attempt {
                status: Status::Http(response.status().as_u16()),
                outcome: self.outcome(response).await,
            },
            Err(error) => Attempt {
                status: Status::Missing(error_type(&error)),
                outcome: Outcome::Retryable {
                    after: None,
                    reason: self.target.transport_reason(&error.without_url()),
                },
            },
        }
    }

    async fn outcome(&self, response: Response) -> Outcome {
        let status = response.status();
        let content_type = header(&response, CONTENT_TYPE).to_ascii_lowercase();
        let date = header(&response, DATE);
        let after = retry_after(&header(&response, RETRY_AFTER), &date, SystemTime::now());
        if status.is_redirection() {
            return Outcome::Permanent {
                reason: self.redirected(&response),
            };
        }
        let body = read_answer(response, self.response_size).await;
        let retryable = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS
                | StatusCode::BAD_GATEWAY
                | StatusCode::SERVICE_UNAVAILABLE
                | StatusCode::GATEWAY_TIMEOUT
        );
        if body.too_long && (retryable || status.is_success()) {
            return Outcome::Permanent {
                reason: format!("answered {status} with {}", more_than(self.response_size)),
            };
        }
        if status.is_success() {
            return match self.accepted(&content_type, &body.bytes) {
                Outcome::PartialSuccess { rejected, message } => Outcome::PartialSuccess {
                    rejected,
                    message: self.target.redact(message),
                },
                outcome => outcome,
            };
        }
        let reason = self.refused(status, &error_text(&content_type, &body.bytes));
        if retryable {
            Outcome::Retryable { after, reason }
        } else {
            Outcome::Permanent { reason }
        }
    }

    fn accepted(&self, content_type: &str, body: &[u8]) -> Outcome {
        let page =
            content_type.starts_with("text/html") && body.trim_ascii_start().starts_with(b"<");
        if page {
            return Outcome::Permanent {
                reason: "answered with an HTML page: this URL is not a collector's".to_owned(),
            };
        }
        if content_type.starts_with("application/json") || (content_type.is_empty() && self.json) {
            accepted_json(body)
        } else if content_type.starts_with("application/x-protobuf") || content_type.is_empty() {
            accepted(body)
        } else {
            Outcome::Ok
        }
    }

    fn refused(&self, status: StatusCode, text: &str) -> String {
        let mut reason = format!("answered {status}");
        if !text.is_empty() {
            reason.push_str(": ");
            reason.push_str(text);
        }
        reason.push_str(match status {
            StatusCode::NOT_FOUND if !self.target.url.path().ends_with("/v1/metrics") => {
                " (a collector's path usually ends with /v1/metrics)"
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => " (check the exporter's headers)",
            StatusCode::PAYLOAD_TOO_LARGE => {
                " (raise the limit on request bodies of the collector or the proxy before it)"
            }
            _ => self.target.port_hint(),
        });
        self.target.redact(reason)
    }

    fn redirected(&self, response: &Response) -> String {
        let status = response.status();
        let place = self
            .target
            .url
            .join(&header(response, LOCATION))
            .ok()
            .filter(|_| response.headers().contains_key(LOCATION))
            .map(|url| format!(" to {}", without_secrets(url)))
            .unwrap_or_default();
        self.target.redact(format!(
            "answered {status}, a redirect{place}: redirects are not followed, because that would \
             send the headers elsewhere; set the endpoint to where the collector is"
        ))
    }
}

fn without_secrets(mut url: Url) -> Url {
    // These fail only for URLs that cannot have user information.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn header(response: &Response, name: http::HeaderName) -> String {
    response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

/// The body up to the limit. Of what breaks off, the status alone decides what became of the
/// request: taking it for a failure would send accepted data twice.
async fn read_answer(mut response: Response, limit: usize) -> AnswerBody {
    let encoding = header(&response, CONTENT_ENCODING).to_ascii_lowercase();
    let mut body = AnswerBody::new(limit);
    while let (false, Ok(Some(chunk))) = (body.too_long, response.chunk().await) {
        body.append(&chunk);
    }
    match encoding.as_str() {
        "gzip" | "x-gzip" => body.gunzip(),
        _ => body,
    }
}

fn client(target: &Target, mut tls: ClientConfig) -> Result<Client> {
    tls.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
    // Headers, redirects and proxies do only what the configuration says: an HTTP_PROXY meant for
    // npm must not carry metrics, and credentials must not follow a Location.
    Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .tls_backend_preconfigured(tls)
        .build()
        .map_err(|error| {
            invalid(format!(
                "cannot set up the OTLP exporter: {}",
                target.transport_reason(&error)
            ))
        })
}
