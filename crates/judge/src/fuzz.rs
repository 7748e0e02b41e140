//! What came of fuzz steps.

use std::collections::BTreeMap;

use serde_json::json;
use voxproof_record::TimelineEvent;
use voxproof_spec::{FuzzCheck, Verdict};

use crate::checks::{Answer, evaluate};
use crate::facts;
use crate::view::View;

pub(crate) fn check(view: &View<'_>, check: &FuzzCheck) -> Answer {
    let expected = check.expect.to_string();
    // by seed: messages sent at its last look
    let mut sent: BTreeMap<u64, u32> = BTreeMap::new();
    let (mut looks, mut answered, mut shortest) = (0_u32, true, None::<String>);
    for entry in &view.evidence.timeline.entries {
        if let TimelineEvent::Fuzzed {
            seed,
            sent: so_far,
            alive,
            reproducer,
        } = &entry.event
        {
            let of_seed = sent.entry(*seed).or_default();
            *of_seed = (*of_seed).max(*so_far);
            looks += 1;
            answered &= *alive;
            if let Some(found) = reproducer
                && shortest.as_ref().is_none_or(|known| found.len() < known.len())
            {
                shortest = Some(found.clone());
            }
        }
    }
    if looks == 0 {
        return Answer::new(
            Verdict::Inconc,
            expected,
            "no message was fuzzed: nobody looked whether the device is alive",
            vec![],
        );
    }
    let fact = json!({
        "sent": sent.values().map(|count| u64::from(*count)).sum::<u64>(),
        "looks": looks,
        "alive": answered,
        "reproducer": shortest.unwrap_or_default(),
    });
    let (verdict, paths, error) = evaluate(&check.expect, &[("fuzz", &fact)]);
    let actual = error.unwrap_or_else(|| facts::actual(&paths, "fuzz", &fact));
    Answer::new(verdict, expected, actual, vec![])
}
