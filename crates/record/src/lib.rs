//! The append-only journal, the evidence store, captures and the manifest.
