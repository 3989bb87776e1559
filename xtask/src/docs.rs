//! `cargo xtask docs`: API documentation without broken links, and the generated reference.

use crate::command::{self, Outcome, run_with, steps};

/// Builds the documentation and checks that the generated pages are current.
pub(crate) fn run() -> Outcome {
    steps(&[("API documentation", &api), ("reference pages", &reference)])
}

/// Private items are documented for developers, so links to them are fine.
pub(crate) fn api() -> Outcome {
    let arguments = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"];
    run_with(
        "cargo",
        &arguments,
        &[("RUSTDOCFLAGS", "-D warnings -A rustdoc::private-intra-doc-links")],
    )
}

/// The reference pages are written from the catalogs by the test `reference_pages_are_current`;
/// with `UPDATE_DOCS=1` it rewrites them, without it fails when they differ. Of the whole
/// workspace: one package alone has other features, and all would be built a second time with them.
fn reference() -> Outcome {
    command::run("cargo", &["test", "--workspace", "--locked", "--test", "docs"])
}
