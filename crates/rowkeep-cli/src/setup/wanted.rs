//! Which tables and rows are meant, as it is typed.

use std::path::PathBuf;

use rowkeep::jobs::rows_wanted::RowsWanted;
use rowkeep::jobs::workspace::Masked;

/// A choice among tables and their rows.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Chosen {
    /// Only these tables or groups
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    tables: Vec<String>,
    /// Leave out these tables or groups
    #[arg(long, value_delimiter = ',', value_name = "TABLE")]
    exclude: Vec<String>,
    #[command(flatten)]
    wanted: Wanted,
}

impl Chosen {
    /// The choice as jobs take it.
    pub(crate) fn rows(self) -> RowsWanted {
        self.wanted.of(self.tables, self.exclude)
    }
}

/// A choice among rows.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Wanted {
    /// Only rows that match, before or after, such as "status = 'open' AND total > 100"
    #[arg(long = "where", value_name = "CONDITION")]
    condition: Option<String>,
    /// Only the row with this key, such as customers:42; can be repeated
    #[arg(long = "key", value_name = "TABLE:KEY")]
    keys: Vec<String>,
    /// With --key or --where: also all rows that reference these, directly or not, and the rows that any of them reference
    #[arg(long)]
    with_related: bool,
}

impl Wanted {
    /// The choice as jobs take it, of some tables.
    pub(crate) fn of(self, tables: Vec<String>, exclude: Vec<String>) -> RowsWanted {
        let Self { condition, keys, with_related } = self;
        RowsWanted { tables, exclude, condition, keys, with_related }
    }
}

/// By which rules rows are masked: none without the option, those of a file where one is named, else those of rowkeep.toml.
pub(crate) fn masked(option: Option<Option<PathBuf>>) -> Option<Masked> {
    option.map(|file| file.map_or(Masked::Configured, Masked::File))
}
