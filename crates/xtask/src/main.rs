//! Set-up, demo, test, bench and generated files.
fn main() {}
