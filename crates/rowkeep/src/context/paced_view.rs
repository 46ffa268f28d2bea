//! A state of a database that is read no faster than somebody wants.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use rowkeep_engine::{ChangeCount, Consistency, EngineError, Estimate, RowStream, View};
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, PagesHash, RowBatch, Schema, Table, TableName};
use rowkeep_repository::Pace;

/// A view of whose rows no more bytes come than a pace allows, whatever the number of tables that are read at once.
pub(super) struct PacedView {
    pub(super) view: Arc<dyn View>,
    pub(super) pace: Arc<Pace>,
}

impl PacedView {
    /// Rows on their way: whoever reads slowly makes the database wait.
    fn paced(&self, rows: RowStream) -> RowStream {
        let pace = Arc::clone(&self.pace);
        let admitted = move |batch: RowBatch| {
            let pace = Arc::clone(&pace);
            async move {
                pace.admit(batch.bytes() as u64).await;
                Ok(batch)
            }
        };
        rows.and_then(admitted).boxed()
    }
}

#[async_trait]
impl View for PacedView {
    fn schema(&self) -> &Schema {
        self.view.schema()
    }

    fn identity(&self) -> Identity {
        self.view.identity()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.view.environment()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        self.view.roles()
    }

    fn unread(&self) -> &[Unread] {
        self.view.unread()
    }

    fn left_out(&self) -> &[TableName] {
        self.view.left_out()
    }

    fn notes(&self) -> &[String] {
        self.view.notes()
    }

    fn consistency(&self) -> Consistency {
        self.view.consistency()
    }

    fn position(&self) -> Option<String> {
        self.view.position()
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        self.view.estimate(table)
    }

    fn parallelism(&self) -> usize {
        self.view.parallelism()
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        Ok(self.paced(self.view.rows(table).await?))
    }

    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        Ok(self.paced(self.view.find(table, columns, values).await?))
    }

    async fn rows_between(
        &self,
        table: &Table,
        after: Option<&RowBatch>,
        before: Option<&RowBatch>,
    ) -> Result<Option<RowStream>, EngineError> {
        Ok(self.view.rows_between(table, after, before).await?.map(|rows| self.paced(rows)))
    }

    fn has_pages(&self) -> bool {
        self.view.has_pages()
    }

    /// All pages are read for it, though no row comes.
    async fn pages_hash(&self, table: &Table) -> Result<Option<PagesHash>, EngineError> {
        self.pace.admit(self.view.estimate(&table.name).bytes).await;
        self.view.pages_hash(table).await
    }

    async fn rows_in_physical_order(&self, table: &Table) -> Result<Option<RowStream>, EngineError> {
        Ok(self.view.rows_in_physical_order(table).await?.map(|rows| self.paced(rows)))
    }

    fn horizon(&self) -> Option<String> {
        self.view.horizon()
    }

    async fn changed_since(&self, table: &Table, horizon: &str) -> Result<Option<ChangeCount>, EngineError> {
        self.view.changed_since(table, horizon).await
    }

    async fn read_promised(&self, tables: &[&Table], horizon: &str) -> Result<(), EngineError> {
        self.view.read_promised(tables, horizon).await
    }

    async fn ask_changed_since(&self, tables: &[&Table], horizon: &str) {
        self.view.ask_changed_since(tables, horizon).await;
    }

    async fn rows_changed_since(&self, table: &Table, horizon: &str) -> Result<RowStream, EngineError> {
        Ok(self.paced(self.view.rows_changed_since(table, horizon).await?))
    }

    fn reads_all(&self) -> bool {
        self.view.reads_all()
    }

    async fn keys(&self, table: &Table) -> Result<RowStream, EngineError> {
        Ok(self.paced(self.view.keys(table).await?))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rowkeep_engine::{DatabaseUrl, Surroundings, ViewOptions, connect};
    use rowkeep_format::clock::{Clock, TestClock};

    use super::*;

    #[tokio::test]
    async fn rows_of_every_kind_of_reading_have_their_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db");
        let shop = rusqlite::Connection::open(&path).expect("it opens");
        shop.execute_batch(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
             INSERT INTO t SELECT i, hex(zeroblob(500)) FROM n;",
        )
        .expect("the SQL is right");
        let engine = connect(&DatabaseUrl::of_file(path), &Surroundings::default()).expect("a database");
        let inner = engine.open(&ViewOptions { with_ddl: false }).await.expect("it opens");
        let table = inner.schema().tables[0].clone();
        for keys_alone in [false, true] {
            let clock: Arc<dyn Clock> = Arc::new(TestClock::new(jiff::Timestamp::UNIX_EPOCH));
            let pace = Arc::new(Pace::new(10_000_000.try_into().expect("not zero"), clock));
            let view = PacedView { view: Arc::clone(&inner), pace: Arc::clone(&pace) };
            let rows = if keys_alone { view.keys(&table).await } else { view.rows(&table).await };
            let batches: Vec<RowBatch> = rows.expect("it is read").try_collect().await.expect("to its end");
            assert_eq!(batches.iter().map(RowBatch::rows).sum::<usize>(), 2000);
            let bytes: usize = batches.iter().map(RowBatch::bytes).sum();
            let before = pace.charge(0);
            assert!(view.has_pages() && view.pages_hash(&table).await.expect("it is read").is_some());
            assert!(keys_alone || pace.charge(0) > before, "pages have their time as well");
            // Two million bytes take a fifth of a second, of which half is the burst.
            let owed = pace.charge(0);
            let expected =
                Duration::from_nanos(bytes as u64 * 100).saturating_sub(Duration::from_millis(110));
            assert!(owed >= expected && (keys_alone || !owed.is_zero()), "{bytes} bytes owe {owed:?}");
        }
    }
}
