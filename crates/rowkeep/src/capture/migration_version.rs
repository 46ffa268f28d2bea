//! Which version of its own schema a database is at, as far as its migration tool left word of it.

use futures::StreamExt;
use rowkeep_engine::View;
use rowkeep_format::{RowBatch, Table, Value};

use crate::Error;

/// A migration tool's table: its name, the column that orders its rows, the column that names a migration.
struct Tool {
    table: &'static str,
    order: &'static str,
    version: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool { table: "_prisma_migrations", order: "started_at", version: "migration_name" },
    Tool { table: "flyway_schema_history", order: "installed_rank", version: "version" },
    Tool { table: "alembic_version", order: "version_num", version: "version_num" },
    Tool { table: "django_migrations", order: "id", version: "name" },
    Tool { table: "knex_migrations", order: "id", version: "name" },
    Tool { table: "d1_migrations", order: "id", version: "name" },
    Tool { table: "__drizzle_migrations", order: "id", version: "hash" },
    Tool { table: "_sqlx_migrations", order: "version", version: "version" },
    Tool { table: "schema_migrations", order: "version", version: "version" },
];

/// The newest migration that the database's tool recorded, or nothing when no such table is known.
pub(crate) async fn schema_version(view: &dyn View, tables: &[&Table]) -> Result<Option<String>, Error> {
    for tool in TOOLS {
        let Some(table) = tables.iter().find(|table| table.name.name == tool.table) else { continue };
        let column = |name: &str| table.columns.iter().position(|column| column.name == name);
        let (Some(order), Some(version)) = (column(tool.order), column(tool.version)) else { continue };
        let mut newest: Option<(Order, String)> = None;
        let mut rows = view.rows(table).await?;
        while let Some(batch) = rows.next().await {
            let batch = batch?;
            for row in 0..batch.rows() {
                let at = Order::of(&batch, row, order);
                if newest.as_ref().is_none_or(|(newest, _)| *newest <= at) {
                    newest = Some((at, printed(batch.value(row, version))));
                }
            }
        }
        if let Some((_, version)) = newest {
            return Ok(Some(version));
        }
    }
    Ok(None)
}

/// Numbers by value before everything else by its text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Number(i128),
    Text(String),
}

impl Order {
    fn of(batch: &RowBatch, row: usize, column: usize) -> Self {
        let text = printed(batch.value(row, column));
        text.parse().map_or(Order::Text(text), Order::Number)
    }
}

fn printed(value: Value<'_>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(bits) => f64::from_bits(bits).to_string(),
        Value::Text(bytes) | Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
    }
}
