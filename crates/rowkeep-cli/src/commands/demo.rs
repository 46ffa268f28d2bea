use std::path::Path;

use anyhow::{Context as _, Result};
use rowkeep::private_files;
use rusqlite::Connection;

use super::{backup, check, init, restore, snapshots, verify};
use crate::fail::{CommandError, DIFFERENCES, DONE};
use crate::setup::Session;
use crate::ui::units::bytes;

/// See a backup, a loss and a restore on a sample database.
///
/// Works in a temporary folder that is removed afterwards, unless a folder is given.
#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Work in this new folder, and keep it
    #[arg(long, value_name = "FOLDER")]
    keep: Option<std::path::PathBuf>,
}

impl Demo {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        match &self.keep {
            Some(folder) => {
                private_files::make_new_folder(folder)
                    .with_context(|| format!("cannot create {}", folder.display()))?;
                let status = tell(session, folder).await?;
                session.say(format!("\nEverything is in {}.", folder.display()));
                Ok(status)
            }
            None => {
                let folder = tempfile::tempdir().context("cannot create a temporary folder")?;
                tell(session, folder.path()).await
            }
        }
    }
}

async fn tell(session: &Session, folder: &Path) -> Result<u8> {
    let session = session.in_folder(folder);
    let shop = folder.join("shop.db");
    let restored = folder.join("restored.db");
    let (shop, restored) = (shop.to_string_lossy(), restored.to_string_lossy());
    let step = |text: &str| session.say(format!("\n{text}"));

    session.say("A small shop: 5,000 customers with 20,000 orders, in one SQLite file.");
    let database = Connection::open(&*shop).context("cannot create the shop's database")?;
    database.execute_batch(SHOP).context("cannot fill the shop's database")?;
    session.say(format!("shop.db has {}", bytes(std::fs::metadata(&*shop)?.len())));

    step("1. Create a repository. It is encrypted.\n$ rowkeep init");
    init::Init::with_key_file(folder.join("rowkeep-repository.key")).run(&session).await?;

    step("2. Back the shop up.\n$ rowkeep backup shop.db");
    run(&session, backup::Backup::of(&shop)).await?;

    step(
        "3. Business goes on: a new order, two price changes. The second backup stores little more than that.\n$ rowkeep backup shop.db",
    );
    database.execute_batch(BUSINESS).context("cannot change the shop's database")?;
    run(&session, backup::Backup::of(&shop)).await?;
    snapshots::Snapshots::all().run(&session).await?;

    step(
        "4. Then somebody forgets a WHERE clause, and every customer is gone.\n$ rowkeep verify latest --against shop.db",
    );
    database
        .execute_batch("PRAGMA foreign_keys = OFF; DELETE FROM customers")
        .context("cannot change the shop's database")?;
    expect(
        verify::Verify::of("latest", &shop).run(&session).await?,
        DIFFERENCES,
        "the loss was not noticed",
    )?;

    step(
        "5. Restore the shop into a new file, and prove that every row is as it was.\n$ rowkeep restore latest --to restored.db",
    );
    run_restore(&session, restore::Restore::of("latest", &restored)).await?;

    step(
        "6. The proof is real: change one value in one row of the copy, and it says where.\n$ rowkeep verify latest --against restored.db",
    );
    Connection::open(&*restored)
        .and_then(|copy| copy.execute_batch("UPDATE orders SET cents = cents + 1 WHERE id = 4711"))
        .context("cannot change the restored database")?;
    expect(
        verify::Verify::of("latest", &restored).run(&session).await?,
        DIFFERENCES,
        "the change was not noticed",
    )?;

    step("7. Every byte of the repository can be checked, too.\n$ rowkeep check --read-data");
    expect(check::Check::all().run(&session).await?, DONE, "the repository is damaged")?;
    session.say("\nNow try your own database: `rowkeep init`, then `rowkeep backup FILE` or `rowkeep backup postgres://…`");
    Ok(DONE)
}

async fn run(session: &Session, backup: backup::Backup) -> Result<()> {
    expect(backup.run(session).await?, DONE, "the backup failed")
}

async fn run_restore(session: &Session, restore: restore::Restore) -> Result<()> {
    expect(restore.run(session).await?, DONE, "the restored database differs")
}

fn expect(status: u8, expected: u8, otherwise: &str) -> Result<()> {
    if status == expected { Ok(()) } else { Err(CommandError::refused(otherwise).into()) }
}

const SHOP: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, since TEXT NOT NULL);
    CREATE TABLE products (sku TEXT PRIMARY KEY NOT NULL, title TEXT NOT NULL, cents INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE orders (
        id INTEGER PRIMARY KEY,
        customer INTEGER NOT NULL REFERENCES customers,
        sku TEXT NOT NULL REFERENCES products,
        cents INTEGER NOT NULL,
        placed TEXT NOT NULL
    );
    CREATE INDEX orders_by_customer ON orders (customer);
    CREATE VIEW revenue AS SELECT sku, sum(cents) AS cents FROM orders GROUP BY sku;
    BEGIN;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
        INSERT INTO customers SELECT i, 'Customer ' || i, 'c' || i || '@shop.example',
            datetime('2024-01-01', '+' || (i * 97) || ' minutes') FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
        INSERT INTO products SELECT printf('SKU-%04d', i), 'Product number ' || i, 199 + i * 37 % 5000 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO orders SELECT i, 1 + i * 7919 % 5000, printf('SKU-%04d', 1 + i * 31 % 200),
            199 + i * 31 % 5000, datetime('2024-06-01', '+' || (i * 13) || ' minutes') FROM n;
    COMMIT;
";

const BUSINESS: &str = "
    INSERT INTO orders VALUES (20001, 42, 'SKU-0001', 236, '2026-11-20 10:30:00');
    UPDATE products SET cents = cents + 100 WHERE sku IN ('SKU-0007', 'SKU-0008');
";
