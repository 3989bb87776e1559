//! Whether information about the target leaked into the features or the test.
