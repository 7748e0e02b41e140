//! Writes a made-up run with every outcome and its reports into an empty folder, to look at the pages.
//!
//! `cargo run -p voxproof-report --example sample_report -- /tmp/sample`

#[allow(dead_code, unreachable_pub)]
#[path = "../tests/report/synthetic.rs"]
mod synthetic;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("name an empty folder")?;
    let folder = std::path::PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    for path in voxproof_report::write_all(&synthetic::full_run(&folder))? {
        println!("{}", path.display());
    }
    Ok(())
}
