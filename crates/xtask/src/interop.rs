//! Every combination of other people's programs with the lab; writes the table of docs/interop.md.

use anyhow::Result;

use crate::{packages, tasks};

pub(crate) fn interop() -> Result<()> {
    packages::install(packages::FOR_TESTS)?;
    // not nextest: it ends a test that takes so long
    tasks::must(
        "interoperability",
        tasks::cargo()
            .args([
                "test",
                "--package",
                "voxproof-cli",
                "--test",
                "interop",
                "every_combination",
                "--",
                "--nocapture",
            ])
            .env("VOXPROOF_INTEROP", "1"),
    )
}
