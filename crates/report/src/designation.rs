//! What may be said about a designation.

use voxproof_record::Designation;
use voxproof_spec::Tier;

/// Stands in every format of a run that is not official.
pub const UNOFFICIAL_NOTICE: &str = "unofficial results; not a certification or endorsement";

/// Why a run without an end meets no designation.
pub const NOT_FINISHED: &str = "the run is not finished";

/// The one sentence about a designation. Only an official run to which the designation was granted "is" anything;
/// every other run meets the requirements or does not.
pub fn designation_text(tier: Tier, designation: &Designation, official: bool) -> String {
    let title = tier.title();
    if designation.meets && designation.granted && official {
        format!("is designated {title}")
    } else if designation.meets {
        format!("meets the requirements of {title}")
    } else {
        format!("does not meet the requirements of {title}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unofficial_run_is_never_designated() {
        let granted = Designation {
            meets: true,
            granted: true,
            reasons: vec![],
        };
        assert_eq!(
            designation_text(Tier::Certified, &granted, false),
            "meets the requirements of Certified"
        );
        assert_eq!(
            designation_text(Tier::Certified, &granted, true),
            "is designated Certified"
        );
        let missed = Designation {
            meets: false,
            granted: true,
            reasons: vec![],
        };
        assert_eq!(
            designation_text(Tier::WorksWith, &missed, true),
            "does not meet the requirements of Works with"
        );
    }
}
