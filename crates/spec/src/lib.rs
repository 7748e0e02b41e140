//! Cases, suites, limits, ICS and IXIT, device files, diagnostics and JSON Schema.
