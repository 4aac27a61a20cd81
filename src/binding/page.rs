//! The Prometheus page for Node's HTTP server: its pieces stay in native memory until the client has
//! taken those before.

use std::sync::Arc;

use napi::bindgen_prelude::{Buffer, Object};
use napi::Env;
use napi_derive::napi;

use super::deferred::promise_of;
use super::error::Result;
use crate::error::{Code, Error};
use crate::export::prometheus::HostedAnswer;

/// An answer to a scrape, or why there is none.
#[napi(object, object_from_js = false)]
pub struct ScrapeOutcome {
    pub code: Option<String>,
    pub message: Option<String>,
    pub page: Option<NativePage>,
}

impl From<std::result::Result<Arc<HostedAnswer>, Error>> for ScrapeOutcome {
    fn from(result: std::result::Result<Arc<HostedAnswer>, Error>) -> Self {
        match result {
            Ok(answer) => Self {
                code: None,
                message: None,
                page: Some(NativePage { answer }),
            },
            Err(error) => Self {
                code: Some(error.code().as_ref().to_owned()),
                message: Some(error.message().to_owned()),
                page: None,
            },
        }
    }
}

/// A piece of a body: none after the last one.
#[napi(object, object_from_js = false)]
pub struct NativePiece {
    pub data: Option<Buffer>,
    /// Why there will be no more, although this was not all.
    pub problem: Option<String>,
}

impl From<std::result::Result<Option<Vec<u8>>, Error>> for NativePiece {
    fn from(result: std::result::Result<Option<Vec<u8>>, Error>) -> Self {
        match result {
            Ok(data) => Self {
                data: data.map(Buffer::from),
                problem: None,
            },
            Err(error) => Self {
                data: None,
                problem: Some(error.message().to_owned()),
            },
        }
    }
}

/// An answer to a scrape.
#[napi(js_name = "NativePage")]
pub struct NativePage {
    answer: Arc<HostedAnswer>,
}

#[napi]
impl NativePage {
    #[napi(getter, catch_unwind)]
    pub fn status(&self) -> u16 {
        self.answer.status.as_u16()
    }

    /// Name and value in turn.
    #[napi(getter, catch_unwind)]
    pub fn headers(&self) -> Vec<String> {
        let pairs = self.answer.headers.iter();
        pairs
            .flat_map(|(name, value)| [name.as_str(), value.to_str().unwrap_or_default()])
            .map(str::to_owned)
            .collect()
    }

    /// The next piece, of at most 64 KiB: to be called when the client has taken the one before,
    /// because how long it takes for that is what is granted it.
    #[napi(ts_return_type = "Promise<NativePiece>", catch_unwind)]
    pub fn next<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let answer = self.answer.clone();
        let piece = async move {
            match answer.next().await {
                Ok(piece) => Ok(piece.map(Vec::from)),
                Err(truncated) => Err(Error::new(Code::Export, truncated.to_string())),
            }
        };
        promise_of(env, piece, NativePiece::from)
    }

    /// Nobody wants more of it.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.answer.close();
    }

    /// Resolves when the answer is over; with `problem` where its client is to be cut off.
    #[napi(ts_return_type = "Promise<NativePiece>", catch_unwind)]
    pub fn end<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let answer = self.answer.clone();
        let end = async move {
            match answer.is_cut().await {
                true => Err(Error::new(Code::Export, "the client took too long")),
                false => Ok(None),
            }
        };
        promise_of(env, end, NativePiece::from)
    }
}

impl Drop for NativePage {
    /// A host that forgot it wants no more either.
    fn drop(&mut self) {
        self.answer.close();
    }
}
