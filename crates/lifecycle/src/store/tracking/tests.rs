//! What must hold of tracked runs, and of our own as clients see them.
