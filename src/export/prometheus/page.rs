//! One page: a collection in the representation a client asked for.

use std::ops::ControlFlow;

use super::chunks::{gzip, Chunks, Sink};
use super::encode::write_text;
use super::families::Page;
use super::names::Naming;
use super::negotiate::{Format, Representation};
use super::notices::Notices;
use super::protobuf::write_protobuf;
use crate::config::{PageContent, TranslationStrategy};
use crate::engine::collection::Collection;

/// Writes the page for a collection to `sink`, in pieces of at most
/// [`CHUNK`](super::chunks::CHUNK) bytes; stops when the sink breaks.
pub fn write_page(
    collection: &Collection,
    representation: Representation,
    strategy: TranslationStrategy,
    content: &PageContent,
    notices: &Notices,
    sink: &mut Sink<'_>,
) -> ControlFlow<()> {
    if representation.gzip {
        let plain = Representation {
            gzip: false,
            ..representation
        };
        return gzip(sink, |sink| {
            write_page(collection, plain, strategy, content, notices, sink)
        });
    }
    let naming = Naming {
        strategy,
        escaping: representation.escaping,
    };
    let page = Page::new(collection, naming, content, notices);
    let mut chunks = Chunks::new(sink);
    match representation.format {
        Format::Text004 | Format::Text100 => write_text(page, false, notices, &mut chunks),
        Format::OpenMetrics001 | Format::OpenMetrics100 => {
            write_text(page, true, notices, &mut chunks)
        }
        Format::Protobuf => write_protobuf(page, notices, &mut chunks),
    }
}
