//! Promises that the export runtime settles.

use std::future::Future;

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::Env;
use napi_derive::napi;
use tokio::task::JoinError;

use super::error::Result;
use crate::error::{Code, Error};
use crate::export::runtime;

/// What a promise resolves to: an error is data here, so that it can carry its code.
#[napi(object)]
pub struct Outcome {
    pub code: Option<String>,
    pub message: Option<String>,
    pub value: Option<String>,
}

impl From<std::result::Result<String, Error>> for Outcome {
    fn from(result: std::result::Result<String, Error>) -> Self {
        match result {
            Ok(value) => Outcome {
                code: None,
                message: None,
                value: Some(value),
            },
            Err(error) => Outcome {
                code: Some(error.code().as_ref().to_owned()),
                message: Some(error.message().to_owned()),
                value: None,
            },
        }
    }
}

/// Runs a future on the export runtime and returns a promise of its outcome.
pub fn promise<'env, F>(env: &'env Env, future: F) -> Result<Object<'env>>
where
    F: Future<Output = std::result::Result<String, Error>> + Send + 'static,
{
    promise_of(env, future, Outcome::from)
}

/// The same for other outcomes, of which `dress` makes what JavaScript gets.
pub fn promise_of<'env, F, T, D>(
    env: &'env Env,
    future: F,
    dress: fn(std::result::Result<T, Error>) -> D,
) -> Result<Object<'env>>
where
    F: Future<Output = std::result::Result<T, Error>> + Send + 'static,
    T: Send + 'static,
    D: ToNapiValue + 'static,
{
    let (deferred, promise) = env
        .create_deferred()
        .map_err(|error| napi::Error::new(Code::Export, error.reason.to_string()))?;
    let runtime = runtime::handle()?;
    let work = runtime.spawn(future);
    runtime.spawn(async move {
        // A task of its own: where it panics, the promise is settled all the same.
        let result = work.await.unwrap_or_else(|error| Err(lost(&error)));
        deferred.resolve(move |_| Ok(dress(result)));
    });
    Ok(promise)
}

fn lost(error: &JoinError) -> Error {
    Error::new(Code::Export, format!("internal error: {error}"))
}
