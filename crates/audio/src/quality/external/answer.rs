//! What a model prints.

use std::collections::BTreeMap;

use super::Description;
use crate::measurement::Unmeasurable;

impl Description {
    /// The scores in the answer of the program, which is one JSON value.
    ///
    /// # Errors
    /// No JSON, no number where a score should be, or one that is not on its scale.
    pub fn scores_in(&self, answer: &[u8]) -> Result<BTreeMap<String, f64>, Unmeasurable> {
        let outside = |what: String| Unmeasurable::Outside(format!("{} {what}", self.name));
        let answer: serde_json::Value = serde_json::from_slice(answer)
            .map_err(|error| outside(format!("printed what is not JSON: {error}")))?;
        let mut scores = BTreeMap::new();
        for (name, place) in &self.scores {
            let score = answer
                .pointer(&place.pointer)
                .and_then(serde_json::Value::as_f64)
                .ok_or_else(|| outside(format!("printed no number at {:?} for {name}", place.pointer)))?;
            if !(place.lowest..=place.highest).contains(&score) {
                return Err(outside(format!(
                    "gave {score} for {name}, whose scale is {} to {}",
                    place.lowest, place.highest
                )));
            }
            scores.insert(name.clone(), score);
        }
        Ok(scores)
    }
}
