//! Every command as its users see it: `tests/cli/*.trycmd`.

mod common;

#[test]
fn commands_print_what_they_are_documented_to_print() {
    trycmd::TestCases::new()
        .default_bin_path(env!("CARGO_BIN_EXE_voxproof"))
        .case(common::root().join("tests/cli/*.trycmd"));
}
