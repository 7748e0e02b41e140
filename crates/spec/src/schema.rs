//! JSON Schemas of the files people write, generated from the types.

use schemars::schema_for;
use serde_json::Value;

use crate::{Case, DeviceFile, Suite};

/// Names of the schemas.
pub const SCHEMAS: &[&str] = &["case", "suite", "device"];

/// One schema by name.
pub fn schema_json(name: &str) -> Option<Value> {
    let schema = match name {
        "case" => schema_for!(Case),
        "suite" => schema_for!(Suite),
        "device" => schema_for!(DeviceFile),
        _ => return None,
    };
    serde_json::to_value(schema).ok()
}
