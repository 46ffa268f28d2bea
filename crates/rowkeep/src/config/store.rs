//! What is configured of an object store: its options, and how fast bytes go to it and come from it.

use std::collections::BTreeMap;

use rowkeep_repository::StoreRates;
use secrecy::SecretString;

use crate::sizes::rate;
use crate::variables::expand;

/// Reads a `[store]`: rates are ours, everything else is the store's.
pub(super) fn read(
    configured: BTreeMap<String, String>,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<(BTreeMap<String, SecretString>, StoreRates), String> {
    let (mut options, mut rates, mut both) = (BTreeMap::new(), StoreRates::default(), None);
    for (name, value) in configured {
        let value = expand(&value, variable)?;
        let rate = || rate(&value).map(Some).map_err(|problem| format!("store: {name}: {problem}"));
        match name.as_str() {
            "max_rate" => both = rate()?,
            "max_upload_rate" => rates.upload = rate()?,
            "max_download_rate" => rates.download = rate()?,
            _ => drop(options.insert(name, value.into())),
        }
    }
    let rates = StoreRates { upload: rates.upload.or(both), download: rates.download.or(both) };
    Ok((options, rates))
}
