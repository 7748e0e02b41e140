//! The rules against examples, captures and healthy devices.

mod captures;
mod common;
mod examples;
mod generated_files;
mod healthy;
mod robust;
mod speed;
