//! Readers and exporters of a program across the boundary.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use napi::bindgen_prelude::{Buffer, Object};
use napi::Env;
use napi_derive::napi;
use serde_json::json;

use super::deferred::{promise, promise_of};
use super::error::Result;
use super::messenger::Messenger;
use crate::config::{Encoding, FunctionFilter, OwnExporterConfig, OwnReaderConfig};
use crate::engine::{FacadeId, PipelineId};
use crate::error::Error;
use crate::export::otlp::encode_whole;
use crate::export::own::{Delegate, Failure, OwnPush, Request};
use crate::provider::Provider;

/// OTLP as text or as bytes, or why there is none.
#[napi(object, object_from_js = false)]
pub struct NativeOtlp {
    pub code: Option<String>,
    pub message: Option<String>,
    /// OTLP/JSON.
    pub text: Option<String>,
    /// Binary protobuf.
    pub bytes: Option<Buffer>,
}

/// OTLP as JavaScript gets it.
enum Otlp {
    Text(String),
    Bytes(Vec<u8>),
}

impl Otlp {
    /// Looks through the whole text of JSON: best beside the event loop.
    fn new(body: Vec<u8>, encoding: Encoding) -> Self {
        match encoding {
            Encoding::Json => Self::Text(match String::from_utf8(body) {
                Ok(text) => text,
                Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
            }),
            Encoding::Protobuf => Self::Bytes(body),
        }
    }
}

impl From<std::result::Result<Otlp, Error>> for NativeOtlp {
    fn from(result: std::result::Result<Otlp, Error>) -> Self {
        let mut otlp = Self {
            code: None,
            message: None,
            text: None,
            bytes: None,
        };
        match result {
            Ok(Otlp::Text(text)) => otlp.text = Some(text),
            Ok(Otlp::Bytes(bytes)) => otlp.bytes = Some(bytes.into()),
            Err(error) => {
                otlp.code = Some(error.code().as_ref().to_owned());
                otlp.message = Some(error.message().to_owned());
            }
        }
        otlp
    }
}

fn function(facade: FacadeId, number: Option<u32>) -> Option<FunctionFilter> {
    number.map(|number| FunctionFilter { facade, number })
}

/// A reader that collects when it is asked to.
#[napi(js_name = "NativeReader")]
pub struct NativeReader {
    provider: Arc<Provider>,
    facade: FacadeId,
    pipeline: PipelineId,
    encoding: Encoding,
}

impl NativeReader {
    pub fn new(
        provider: Arc<Provider>,
        facade: FacadeId,
        pipeline: PipelineId,
        encoding: Encoding,
    ) -> Self {
        Self {
            provider,
            facade,
            pipeline,
            encoding,
        }
    }
}

#[napi]
impl NativeReader {
    /// Collects; event loops have so long to run their callbacks.
    #[napi(ts_return_type = "Promise<NativeOtlp>", catch_unwind)]
    pub fn collect<'env>(&self, env: &'env Env, timeout_ms: u32) -> Result<Object<'env>> {
        let provider = self.provider.clone();
        let timeout = Duration::from_millis(timeout_ms.into());
        let Self {
            pipeline, encoding, ..
        } = *self;
        let collected = async move {
            let collection = provider.collect(pipeline, timeout).await?;
            Ok(Otlp::new(encode_whole(&collection, encoding), encoding))
        };
        promise_of(env, collected, NativeOtlp::from)
    }

    /// Has it read by these options, all of them, and a filter that is a function.
    #[napi(catch_unwind)]
    pub fn update(&self, options: String, path: String, filter: Option<u32>) -> Result<()> {
        let mut layer = OwnReaderConfig::parse(&options, &path)?.layer;
        layer.filter_by(function(self.facade, filter));
        self.provider.update_reader(self.pipeline, layer)?;
        Ok(())
    }

    /// Takes the reader back. Once is enough.
    #[napi(catch_unwind)]
    pub fn remove(&self) {
        self.provider.remove_reader(self.pipeline);
    }
}

/// An exporter that JavaScript runs.
#[napi(js_name = "NativeExporter")]
pub struct NativeExporter {
    provider: Arc<Provider>,
    facade: FacadeId,
    push: Arc<OwnPush>,
    encoding: Encoding,
}

impl NativeExporter {
    pub fn new(
        provider: Arc<Provider>,
        facade: FacadeId,
        push: Arc<OwnPush>,
        encoding: Encoding,
    ) -> Self {
        Self {
            provider,
            facade,
            push,
            encoding,
        }
    }
}

#[napi]
impl NativeExporter {
    /// What a call exports; `None` when nobody waits for that any more.
    #[napi(catch_unwind)]
    pub fn body(&self, call: u32) -> Option<NativeOtlp> {
        let body: Bytes = self.push.calls().body(call)?;
        Some(Ok(Otlp::new(body.into(), self.encoding)).into())
    }

    /// As that of a reader.
    #[napi(catch_unwind)]
    pub fn update(&self, options: String, path: String, filter: Option<u32>) -> Result<()> {
        let mut config = OwnExporterConfig::parse(&options, &path)?;
        config.reader.layer.filter_by(function(self.facade, filter));
        self.provider.update_exporter(&self.push, config)?;
        Ok(())
    }

    /// Says how a call ended; with a `reason` it failed.
    #[napi(catch_unwind)]
    pub fn answer(&self, call: u32, reason: Option<String>, retryable: bool) {
        let answer = match reason {
            None => Ok(()),
            Some(reason) => Err(Failure { reason, retryable }),
        };
        self.push.calls().answer(call, answer);
    }

    #[napi(ts_return_type = "Promise<Outcome>", catch_unwind)]
    pub fn flush<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let push = self.push.clone();
        promise(
            env,
            async move { push.flush().await.map(|()| String::new()) },
        )
    }

    #[napi(ts_return_type = "Promise<Outcome>", catch_unwind)]
    pub fn shutdown<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (provider, push) = (self.provider.clone(), self.push.clone());
        promise(env, async move {
            let outcome = provider.remove_exporter(&push).await;
            outcome.map(|()| String::new())
        })
    }

    /// Takes it back at once: it has exported everything, and its thread ends.
    #[napi(catch_unwind)]
    pub fn remove(&self) {
        self.provider.take_back(&self.push);
    }
}

impl Delegate for Messenger {
    fn ask(&self, call: u32, request: Request) -> bool {
        let (kind, points) = match request {
            Request::Export(points) => ("export", points),
            Request::ForceFlush => ("forceFlush", 0),
            Request::Shutdown => ("shutdown", 0),
            Request::Abort => ("abort", 0),
        };
        self.send(json!({ "type": kind, "call": call, "points": points }))
    }
}
