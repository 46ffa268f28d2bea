//! Rules of what is kept, as they are typed. Options of restic mean here what they mean there.

use rowkeep::retention::{Stated, StatedRules};

/// Rules of what is kept, in place of those in rowkeep.toml.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Rules, in place of those in rowkeep.toml")]
pub(crate) struct KeepRules {
    /// Keep the last N
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    keep_last: Option<String>,
    /// Keep the newest of each of the last N hours that have snapshots, or of each hour for so long
    #[arg(long, visible_alias = "keep-within-hourly", value_name = "N|TIME", allow_hyphen_values = true)]
    keep_hourly: Option<String>,
    /// The same of each day
    #[arg(long, visible_alias = "keep-within-daily", value_name = "N|TIME", allow_hyphen_values = true)]
    keep_daily: Option<String>,
    /// The same of each week
    #[arg(long, visible_alias = "keep-within-weekly", value_name = "N|TIME", allow_hyphen_values = true)]
    keep_weekly: Option<String>,
    /// The same of each month
    #[arg(long, visible_alias = "keep-within-monthly", value_name = "N|TIME", allow_hyphen_values = true)]
    keep_monthly: Option<String>,
    /// The same of each year
    #[arg(long, visible_alias = "keep-within-yearly", value_name = "N|TIME", allow_hyphen_values = true)]
    keep_yearly: Option<String>,
    /// Keep all that are not older, such as 48h, 30d, 1y6m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    keep_within: Option<String>,
    /// Keep all of the last N days
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    keep_days: Option<String>,
    /// Keep those with this tag, for ever or for so long
    #[arg(long, value_name = "TAG[:TIME]")]
    keep_tag: Vec<String>,
    /// Keep the last N safety snapshots, or those that are not older [default: 14d]
    #[arg(long, value_name = "N|TIME", allow_hyphen_values = true)]
    keep_safety: Option<String>,
}

impl KeepRules {
    /// The rules as they are stated.
    pub(crate) fn stated(self) -> StatedRules {
        let stated = |text: Option<String>| text.map(Stated::Text);
        let tag = |text: String| match text.split_once(':') {
            Some((tag, time)) => (tag.to_owned(), Stated::Text(time.to_owned())),
            None => (text, Stated::Text("forever".to_owned())),
        };
        StatedRules {
            last: stated(self.keep_last),
            hourly: stated(self.keep_hourly),
            daily: stated(self.keep_daily),
            weekly: stated(self.keep_weekly),
            monthly: stated(self.keep_monthly),
            yearly: stated(self.keep_yearly),
            within: stated(self.keep_within),
            days: stated(self.keep_days),
            tags: self.keep_tag.into_iter().map(tag).collect(),
            safety: stated(self.keep_safety),
        }
    }
}
