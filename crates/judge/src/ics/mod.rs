//! What the device shows of the features that its vendor declared or denied (declared versus observed).

mod behaviour;
mod signs;
mod tally;

use voxproof_record::IcsSighting;
use voxproof_spec::Suite;

use crate::view::View;
use behaviour::Conduct;
use signs::Said;
use tally::Tally;

/// Looks through the evidence of a case for the signs that the suite names. Items that had no occasion to show are left out.
pub(crate) fn sightings(view: &View<'_>, suite: &Suite) -> Vec<IcsSighting> {
    let said = Said::new(view);
    let conduct = Conduct { view, said: &said };
    suite
        .ics
        .iter()
        .filter_map(|(item, about)| {
            let observed = about.observed.as_ref()?;
            let mut tally = Tally::default();
            said.look(observed, &mut tally);
            conduct.look(observed, &mut tally);
            tally.sighting(item)
        })
        .collect()
}
