//! OTLP over gRPC (OTLP specification, "OTLP/gRPC").
//!
//! tonic gives the channel (connecting, TLS, HTTP/2). The call itself, one message each way, is
//! made here: tonic's client would compress on the thread that sends, on every attempt anew, and
//! panics on a `grpc-status-details-bin` that is not Base64.

use std::future::poll_fn;
use std::time::Duration;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, Engine};
use bytes::{BufMut, Bytes, BytesMut};
use http::header::{HeaderMap, HeaderName, HeaderValue, CONTENT_TYPE, TE};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use prost::Message;
use rustls::ClientConfig;
use tokio::runtime::Handle;
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::transport::{Channel, Endpoint};
use tonic::Code;

use super::answer::{accepted, excerpt, more_than, AnswerBody, RpcStatus};
use super::endpoint::{error_type, invalid, percent_decode, Target};
use super::USER_AGENT_VALUE;
use crate::config::{Compression, OtlpConfig};
use crate::error::Result;
use crate::export::push::{Attempt, Outcome, Status, OTHER};

const METHOD: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// Compression flag and length before each message (gRPC over HTTP/2, "Length-Prefixed-Message").
const PREFIX: usize = 5;

/// A connection over which nothing has come for this long is asked for a sign of life, so that a
/// collector that vanished is noticed before the next export.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Calls `MetricsService/Export` over one channel, which connects when it is first used and again
/// whenever it must.
pub(super) struct GrpcTransport {
    channel: Channel,
    target: Target,
    headers: HeaderMap,
    /// Bytes that are read of an answer.
    response_size: usize,
}

impl GrpcTransport {
    /// `runtime` is where the channel's own task runs.
    ///
    /// # Errors
    /// [`Code::InvalidConfig`](crate::error::Code::InvalidConfig) for a set-up that cannot work.
    pub fn new(
        config: &OtlpConfig,
        target: Target,
        tls: ClientConfig,
        runtime: &Handle,
    ) -> Result<Self> {
        let unusable = |error: tonic::transport::Error| {
            invalid(format!(
                "cannot set up the OTLP exporter: {}",
                target.transport_reason(&error)
            ))
        };
        let endpoint = Endpoint::from_shared(String::from(target.url.clone()))
            .and_then(|endpoint| endpoint.user_agent(USER_AGENT_VALUE))
            .map_err(unusable)?
            .http2_keep_alive_interval(KEEP_ALIVE);
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        // tonic's own has no place for a verifier. HTTP/2 is spoken whether or not the handshake
        // agreed on it: some gateways do not say so.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http2()
            .wrap_connector(http);
        let channel = {
            let _inside = runtime.enter();
            endpoint.connect_with_connector_lazy(connector)
        };
        Ok(Self {
            response_size: config.max_response_size,
            channel,
            headers: headers(config, &target),
            target,
        })
    }

    /// Sends one message, made with [`frame`].
    pub async fn send(&self, framed: Bytes) -> Attempt {
        let mut request = Request::post(METHOD)
            .body(Body::new(Full::new(framed)))
            .expect("the method is a valid path");
        *request.headers_mut() = self.headers.clone();

        let mut channel = self.channel.clone();
        let answer = async {
            poll_fn(|context| GrpcService::<Body>::poll_ready(&mut channel, context)).await?;
            GrpcService::<Body>::call(&mut channel, request).await
        };
        match answer.await {
            Ok(response) => self.answered(response).await,
            Err(error) => self.interrupted(&error),
        }
    }

    async fn answered(&self, response: Response<Body>) -> Attempt {
        let (head, mut body) = response.into_parts();
        if !head.status.is_success() {
            return self.classify(
                code_of_http(head.status.as_u16()),
                format!(
                    "answered HTTP {} in place of a gRPC status{}",
                    head.status,
                    match head.status.as_u16() {
                        400 | 404 | 405 | 415 => " (does this port speak OTLP over gRPC?)",
                        _ => "",
                    }
                ),
                None,
            );
        }
        let mut prefix = BytesMut::new();
        let mut message = AnswerBody::new(self.response_size);
        // An error without a message sends its trailers in place of the headers.
        let mut trailers = head.headers;
        let gzip = trailers.get("grpc-encoding").is_some_and(|e| e == "gzip");
        while let Some(frame) = body.frame().await {
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => return self.interrupted(&error),
            };
            match frame.into_data() {
                Ok(mut data) => {
                    let rest = PREFIX - prefix.len();
                    prefix.extend_from_slice(&data.split_to(rest.min(data.len())));
                    message.append(&data);
                }
                Err(frame) => {
                    if let Ok(last) = frame.into_trailers() {
                        trailers = last;
                    }
                }
            }
            if message.too_long {
                return self.too_long();
            }
        }
        // Whether it is compressed, which we do not offer, and its length: only the first counts.
        if let [flag, length @ ..] = &prefix[..] {
            let length = length.try_into().map_or(0, u32::from_be_bytes);
            message.bytes.truncate(length as usize);
            message = match flag {
                0 => message,
                _ if gzip => message.gunzip(),
                _ => AnswerBody::new(self.response_size),
            };
        }
        if message.too_long {
            return self.too_long();
        }
        self.finished(&trailers, &message.bytes)
    }

    /// What gRPC's own clients make of it.
    fn too_long(&self) -> Attempt {
        Attempt {
            status: Status::Grpc(name(Code::ResourceExhausted)),
            outcome: Outcome::Permanent {
                reason: format!("answered with {}", more_than(self.response_size)),
            },
        }
    }

    fn finished(&self, trailers: &HeaderMap, message: &[u8]) -> Attempt {
        let Some(status) = trailers.get("grpc-status") else {
            let reason = format!("answered without a gRPC status{}", self.target.port_hint());
            return Attempt {
                status: Status::Missing(OTHER),
                outcome: Outcome::Retryable {
                    after: None,
                    reason: self.target.redact(reason),
                },
            };
        };
        let code = Code::from_bytes(status.as_bytes());
        if code == Code::Ok {
            let outcome = match accepted(message) {
                Outcome::PartialSuccess { rejected, message } => Outcome::PartialSuccess {
                    rejected,
                    message: self.target.redact(message),
                },
                outcome => outcome,
            };
            return Attempt {
                status: Status::Grpc(name(code)),
                outcome,
            };
        }
        let text = trailers
            .get("grpc-message")
            .map(|text| excerpt(&percent_decode(text.as_bytes())))
            .filter(|text| !text.is_empty())
            .map(|text| format!(": {text}"))
            .unwrap_or_default();
        let details = trailers
            .get("grpc-status-details-bin")
            .and_then(|details| BASE64.decode(details.as_bytes()).ok())
            .and_then(|details| RpcStatus::decode(details.as_slice()).ok());
        self.classify(
            code,
            format!("answered {}{text}", name(code)),
            details.and_then(|details| details.retry_delay()),
        )
    }

    /// OTLP specification, "OTLP/gRPC Response": which codes may be tried again.
    fn classify(&self, code: Code, mut reason: String, delay: Option<Duration>) -> Attempt {
        reason.push_str(match code {
            Code::Unauthenticated | Code::PermissionDenied => " (check the exporter's headers)",
            Code::ResourceExhausted if delay.is_none() => {
                " (if the message is too large: raise max_recv_msg_size_mib of the collector)"
            }
            _ => self.target.port_hint(),
        });
        let reason = self.target.redact(reason);
        let outcome = match code {
            Code::Cancelled
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unavailable
            | Code::DataLoss => Outcome::Retryable {
                after: delay,
                reason,
            },
            Code::ResourceExhausted if delay.is_some() => Outcome::Retryable {
                after: delay,
                reason,
            },
            _ => Outcome::Permanent { reason },
        };
        Attempt {
            status: Status::Grpc(name(code)),
            outcome,
        }
    }

    fn interrupted(&self, error: &(dyn std::error::Error + 'static)) -> Attempt {
        Attempt {
            status: Status::Missing(error_type(error)),
            outcome: Outcome::Retryable {
                after: None,
                reason: self.target.transport_reason(error),
            },
        }
    }
}

/// A message as gRPC sends it. `compressed`: it is gzip already.
pub(super) fn frame(message: &[u8], compressed: bool) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(u8::from(compressed));
    framed.put_u32(
        u32::try_from(message.len()).expect("requests are cut long before they reach 4 GiB"),
    );
    framed.put_slice(message);
    framed.freeze()
}

fn headers(config: &OtlpConfig, target: &Target) -> HeaderMap {
    let mut headers = target.headers.clone();
    headers.insert(TE, HeaderValue::from_static("trailers"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    if config.compression == Compression::Gzip {
        headers.insert(
            HeaderName::from_static("grpc-encoding"),
            HeaderValue::from_static("gzip"),
        );
    }
    headers
}

/// gRPC's "HTTP to gRPC Status Code Mapping", for answers of proxies that do not speak it.
fn code_of_http(status: u16) -> Code {
    match status {
        400 => Code::Internal,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::Unimplemented,
        429 | 502 | 503 | 504 => Code::Unavailable,
        _ => Code::Unknown,
    }
}

/// The code as the gRPC documentation and collectors' logs spell it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
