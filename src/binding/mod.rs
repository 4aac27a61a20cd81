//! The boundary: the only files that name `napi`.
//!
//! They turn JavaScript calls into calls of [`Provider`](crate::provider::Provider) and of the
//! services, and nothing else. What is called often takes typed arrays; everything else is JSON.
//! Nothing here is public API: `ts/` dresses it.

mod cells;
mod deferred;
mod error;
mod facade;
mod instrument;
mod messenger;
mod own;
mod page;
mod provider;
mod scope;
mod services;

#[cfg(test)]
mod tests {
    /// Unwinding out of a native function aborts the process, and napi-rs stops it only where it is
    /// told to.
    #[test]
    fn every_function_that_javascript_calls_turns_a_panic_into_an_exception() {
        for source in [
            include_str!("facade.rs"),
            include_str!("own.rs"),
            include_str!("page.rs"),
            include_str!("provider.rs"),
            include_str!("services.rs"),
        ] {
            let exported: Vec<&str> = source
                .lines()
                .filter(|line| line.starts_with("    #[napi"))
                .collect();
            assert!(!exported.is_empty());
            for attribute in exported {
                assert!(attribute.contains("catch_unwind"), "{attribute}");
            }
        }
        for source in [include_str!("messenger.rs"), include_str!("cells.rs")] {
            assert!(!source.contains("#[napi"), "list the file above");
        }
    }
}
