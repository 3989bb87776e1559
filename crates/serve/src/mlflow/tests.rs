//! What clients are answered, without a connection.
