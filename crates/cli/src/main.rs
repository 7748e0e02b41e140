//! The voxproof command.
fn main() {}
