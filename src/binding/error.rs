//! Errors across the boundary: our code becomes the `code` of the JavaScript error.

use crate::error::{Code, Error};

pub type Result<T> = std::result::Result<T, napi::Error<Code>>;

impl From<Error> for napi::Error<Code> {
    fn from(error: Error) -> Self {
        napi::Error::new(error.code(), error.message().to_owned())
    }
}
