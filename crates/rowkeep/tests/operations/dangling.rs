//! References that a restore would leave dangling: found, and settled as was chosen.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::apply::plan::{Mode, OnDangling, Plan, PlanOptions, Why, plan};
use rowkeep::format::Counts;
use rowkeep::state::selection::Selection;
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Error, State};

use crate::apply::{File, Live, done};
use crate::postgres::{Database, servers};
use crate::related::{contents, everywhere, restore, shop, wanted};
use crate::world::asked_for;

fn options(keys: &[&str], dangling: OnDangling) -> PlanOptions {
    PlanOptions { rows: Some(Arc::new(wanted(keys, None))), dangling, ..PlanOptions::default() }
}

fn tables(tables: &[&str], dangling: OnDangling) -> PlanOptions {
    let include = tables.iter().map(|table| (*table).to_owned()).collect();
    PlanOptions {
        selection: Selection { include, ..Selection::default() },
        dangling,
        ..PlanOptions::default()
    }
}

fn planned(live: &dyn Live, snapshot: &Snapshot, options: &PlanOptions) -> Plan {
    let world = live.world();
    let engine = world.engine(live.url());
    world.block_on(async {
        let target = State::snapshot(&world.repository, snapshot.clone()).await.expect("it opens");
        plan(&Context::silent(), &world.repository, engine.as_ref(), &target, options).await.expect("a plan")
    })
}

fn told(plan: &Plan) -> Vec<(&str, &str, Why, u64, Vec<&str>)> {
    let told = plan.dangling.iter().map(|dangling| {
        let first = dangling.first.iter().map(String::as_str).collect();
        (dangling.table.name.as_str(), dangling.references.name.as_str(), dangling.why, dangling.rows, first)
    });
    told.collect()
}

/// Everything that hangs together with Ben is gone.
const LOSE_BEN: &str = "
    DELETE FROM notes WHERE line IN (2, 3); DELETE FROM lines WHERE id IN (2, 3);
    DELETE FROM orders WHERE customer = 2; UPDATE customers SET boss = NULL WHERE boss = 2;
    DELETE FROM customers WHERE id = 2; DELETE FROM regions WHERE code = 'south'";

fn children_without_parents(live: &dyn Live) {
    let snapshot = shop(live);
    let before = contents(live);
    live.sql(LOSE_BEN);
    let lost = contents(live);
    let stopped = planned(live, &snapshot, &options(&["lines:2", "lines:3"], OnDangling::Stop));
    assert_eq!(told(&stopped), [("lines", "orders", Why::Missing, 2, vec!["2", "3"])]);
    assert_eq!(stopped.counts().inserted, 2, "the plan is shown as it is");
    let refused = restore(live, &snapshot, options(&["lines:2", "lines:3"], OnDangling::Stop));
    assert!(matches!(refused, Err(Error::Dangling { is_choice: true, .. })), "{refused:?}");
    assert_eq!(contents(live), lost);

    // Order, customer and region come for the line; nothing else of theirs.
    let outcome = restore(live, &snapshot, options(&["lines:2"], OnDangling::Bring)).expect("it is restored");
    assert_eq!(done(&outcome), Counts { inserted: 4, updated: 0, deleted: 0 });
    let now = contents(live);
    assert_eq!((&now["regions"], now["orders"].len()), (&before["regions"], before["orders"].len() - 1));
    let left_out = planned(live, &snapshot, &options(&["lines:2", "lines:3"], OnDangling::LeaveOut));
    assert_eq!((left_out.counts().total(), left_out.left_out.values().sum::<u64>()), (0, 1));

    // A kept table is not touched, so there is nothing to bring.
    let mut kept = options(&["lines:3"], OnDangling::Bring);
    kept.selection.exclude = vec!["orders".to_owned()];
    let refused = restore(live, &snapshot, kept);
    assert!(matches!(refused, Err(Error::Dangling { is_choice: false, .. })), "{refused:?}");
    // Nor is it forgotten for other references that are mended.
    live.sql("DELETE FROM lines WHERE id = 2; DELETE FROM orders WHERE customer = 2; UPDATE lines SET product = NULL WHERE product = 2; DELETE FROM products WHERE id = 2");
    let mut half = options(&["lines:2"], OnDangling::Bring);
    half.selection.exclude = vec!["products".to_owned()];
    let told_of = planned(live, &snapshot, &half);
    assert_eq!(told(&told_of), [("lines", "products", Why::Missing, 1, vec!["2"])]);
    let refused = restore(live, &snapshot, half);
    assert!(matches!(refused, Err(Error::Dangling { is_choice: false, .. })), "{refused:?}");
}

fn parents_with_living_children(live: &dyn Live) {
    let snapshot = shop(live);
    let before = contents(live);
    // A product, a customer with a chain of bosses and a region that came since, and what refers to them.
    live.sql("
        INSERT INTO regions VALUES (9, 'new'); INSERT INTO customers VALUES (8, 'new', 'H', NULL), (9, 'new', 'I', 8);
        INSERT INTO orders VALUES (9, 9, 9); INSERT INTO lines VALUES (9, 9, 9, 1); INSERT INTO notes VALUES ('i', 9);
        UPDATE customers SET region = 'new' WHERE id = 1");
    let came = contents(live);
    let stopped = planned(live, &snapshot, &tables(&["customers"], OnDangling::Stop));
    assert_eq!(told(&stopped), [("orders", "customers", Why::Goes, 1, vec!["9,9"])]);
    let refused = restore(live, &snapshot, tables(&["regions"], OnDangling::Stop));
    assert!(matches!(refused, Err(Error::Dangling { .. })), "{refused:?}");
    assert_eq!(contents(live), came);

    // The order keeps its customer, he his boss, both their region.
    let kept = planned(live, &snapshot, &tables(&["regions", "customers"], OnDangling::LeaveOut));
    let left_out: BTreeMap<_, _> =
        kept.left_out.iter().map(|(table, rows)| (table.name.as_str(), *rows)).collect();
    assert_eq!(left_out, BTreeMap::from([("customers", 2), ("regions", 1)]));
    let outcome = restore(live, &snapshot, tables(&["regions", "customers"], OnDangling::LeaveOut));
    assert_eq!(done(&outcome.expect("it is restored")), Counts { inserted: 0, updated: 1, deleted: 0 });

    live.sql("UPDATE customers SET region = 'new' WHERE id = 1");
    // A kept table is not touched, so what its rows refer to cannot go.
    let came = contents(live);
    let mut kept = tables(&["regions"], OnDangling::Bring);
    kept.selection.exclude = vec!["customers".to_owned()];
    let refused = restore(live, &snapshot, kept);
    assert!(matches!(refused, Err(Error::Dangling { is_choice: false, .. })), "{refused:?}");
    assert_eq!(contents(live), came);
    restore(live, &snapshot, tables(&["regions"], OnDangling::Bring)).expect("it is restored");
    assert_eq!(contents(live), before, "all that hung on it goes, and what was altered is as it was");
}

/// A row that stays but is not called by the old value any more takes something away, too.
fn values_that_go(live: &dyn Live) {
    let snapshot = shop(live);
    let before = contents(live);
    live.sql(
        "
        UPDATE customers SET region = NULL WHERE id = 2; UPDATE regions SET code = 'odd' WHERE id = 2;
        UPDATE customers SET region = 'odd' WHERE id = 2",
    );
    let odd = contents(live);
    let stopped = planned(live, &snapshot, &tables(&["regions"], OnDangling::Stop));
    assert_eq!(told(&stopped), [("customers", "regions", Why::Goes, 1, vec!["2"])]);
    let refused = restore(live, &snapshot, tables(&["regions"], OnDangling::Stop));
    assert!(matches!(refused, Err(Error::Dangling { is_choice: true, .. })), "{refused:?}");
    assert_eq!(contents(live), odd);

    // Nor is a row changed to mend it where none may be.
    live.sql("UPDATE customers SET region = NULL; UPDATE customers SET boss = NULL WHERE id = 3; DELETE FROM notes");
    live.sql("DELETE FROM lines WHERE id IN (2, 3); DELETE FROM orders WHERE customer = 2; DELETE FROM customers WHERE id = 2");
    let merged = PlanOptions { mode: Mode::Merge, ..options(&["customers:2"], OnDangling::Bring) };
    let refused = restore(live, &snapshot, merged);
    assert!(matches!(refused, Err(Error::Dangling { is_choice: false, .. })), "{refused:?}");
    assert_eq!(contents(live)["regions"], odd["regions"]);
    restore(live, &snapshot, options(&["customers:2"], OnDangling::Bring)).expect("it is restored");
    assert_eq!(contents(live)["regions"], before["regions"]);
}

fn what_a_state_lacks_is_said(live: &dyn Live) {
    shop(live);
    // What dangles in the state itself cannot be brought.
    live.sql("ALTER TABLE lines RENAME TO old_lines; CREATE TABLE lines (id integer PRIMARY KEY, shop integer, orders integer, product integer);
              INSERT INTO lines VALUES (1, 1, 1, 77)");
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    live.sql("DROP TABLE notes; DROP TABLE lines; DROP TABLE old_lines;
              CREATE TABLE lines (id integer PRIMARY KEY, shop integer, orders integer, product integer REFERENCES products (id));
              CREATE TABLE notes (t text, line integer REFERENCES lines (id))");
    let refused =
        restore(live, &snapshot, options(&["lines:1"], OnDangling::Bring)).expect_err("77 is nowhere");
    assert!(refused.to_string().contains("products"), "{refused}");
    assert!(matches!(refused, Error::Dangling { is_choice: false, .. }), "{refused:?}");
    let outcome =
        restore(live, &snapshot, options(&["lines:1"], OnDangling::LeaveOut)).expect("nothing is left");
    assert_eq!(done(&outcome).total(), 0);
}

fn tables_that_a_state_lacks_cannot_be_brought(live: &dyn Live) {
    live.sql("DROP TABLE IF EXISTS newer");
    let snapshot = shop(live);
    live.sql(
        "CREATE TABLE newer (id integer PRIMARY KEY, customer integer REFERENCES customers (id));
         INSERT INTO customers VALUES (9, NULL, 'I', NULL); INSERT INTO newer VALUES (1, 9)",
    );
    let refused =
        restore(live, &snapshot, tables(&["customers"], OnDangling::Bring)).expect_err("newer stays");
    assert!(matches!(refused, Error::Dangling { is_choice: false, .. }), "{refused:?}");
    let outcome =
        restore(live, &snapshot, tables(&["customers"], OnDangling::LeaveOut)).expect("the customer stays");
    assert_eq!(done(&outcome).total(), 0);
    live.sql("DROP TABLE newer");
}

fn values_that_trade_places_do_not_dangle(live: &dyn Live) {
    let snapshot = shop(live);
    let before = contents(live);
    live.sql("
        UPDATE customers SET region = NULL; UPDATE regions SET code = 'x' WHERE id = 1;
        UPDATE regions SET code = 'north' WHERE id = 2; UPDATE regions SET code = 'south' WHERE id = 1;
        UPDATE customers SET region = 'north' WHERE id = 1; UPDATE customers SET region = 'south' WHERE id = 2;
        UPDATE customers SET region = 'east' WHERE id = 4");
    let traded = planned(live, &snapshot, &tables(&["regions"], OnDangling::Stop));
    assert!(traded.dangling.is_empty() && traded.counts().updated == 2, "{:?}", traded.dangling);
    restore(live, &snapshot, tables(&["regions"], OnDangling::Stop)).expect("it is restored");
    assert_eq!(contents(live), before);
}

/// PostgreSQL 18 can declare a foreign key without holding anybody to it.
#[test]
fn what_is_not_enforced_may_dangle() {
    for server in servers() {
        let live = Database::new(&server, "rowkeep_test_dangling_f");
        let engine = live.world.engine(&live.url);
        let version = live.world.block_on(engine.query("SELECT current_setting('server_version_num')", 1));
        let version = version.expect("it is read").rows;
        if matches!(version.value(0, 0), rowkeep::format::Value::Text(text) if text < b"180000".as_slice()) {
            continue;
        }
        live.sql(
            "CREATE TABLE a (id integer PRIMARY KEY);
                  CREATE TABLE b (id integer PRIMARY KEY, a integer REFERENCES a (id) NOT ENFORCED);
                  INSERT INTO b VALUES (1, 7)",
        );
        let snapshot = live.world.capture(&live.url).expect("it is captured");
        live.sql("DELETE FROM b");
        let outcome = restore(&live, &snapshot, options(&["b:1"], OnDangling::Stop)).expect("it is restored");
        assert_eq!(done(&outcome).inserted, 1);
    }
}

/// What refers to nothing already is nobody's concern while that stays as it is.
#[test]
fn what_dangles_already_may_be_changed() {
    for server in servers() {
        let live = Database::new(&server, "rowkeep_test_dangling_j");
        live.sql(
            "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (id integer PRIMARY KEY, a integer, v text);
             INSERT INTO a VALUES (1); INSERT INTO b VALUES (1, 7, 'x'), (2, 1, 'x');
             ALTER TABLE b ADD FOREIGN KEY (a) REFERENCES a (id) NOT VALID",
        );
        let snapshot = live.world.capture(&live.url).expect("it is captured");
        live.sql("UPDATE b SET v = 'y' WHERE id = 1; DELETE FROM b WHERE id = 2");
        let outcome = restore(&live, &snapshot, tables(&["b"], OnDangling::Stop)).expect("it is restored");
        assert_eq!(done(&outcome), Counts { inserted: 1, updated: 1, deleted: 0 });
    }
}

#[test]
fn restored_children() {
    everywhere(children_without_parents, "rowkeep_test_dangling_a");
}

#[test]
fn deleted_parents() {
    everywhere(parents_with_living_children, "rowkeep_test_dangling_b");
}

#[test]
fn renamed_parents() {
    everywhere(values_that_go, "rowkeep_test_dangling_i");
}

#[test]
fn nothing_to_bring() {
    everywhere(what_a_state_lacks_is_said, "rowkeep_test_dangling_c");
}

#[test]
fn newer_tables() {
    everywhere(tables_that_a_state_lacks_cannot_be_brought, "rowkeep_test_dangling_g");
}

#[test]
fn trading_places() {
    everywhere(values_that_trade_places_do_not_dangle, "rowkeep_test_dangling_d");
}

/// Rows in more runs of changes, and keys in more runs of keys, than one.
fn many_rows_settle(live: &dyn Live) {
    const MANY: u64 = 1200;
    let text = "text".repeat(300);
    live.sql(
        "DROP TABLE IF EXISTS children; DROP TABLE IF EXISTS parents;
         CREATE TABLE parents (id integer PRIMARY KEY, t text);
         CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents (id), t text)",
    );
    let none = live.world().capture(live.url()).expect("it is captured");
    let fill = || {
        for sql in ["parents SELECT i", "children SELECT i, i"] {
            live.sql(&format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})
                 INSERT INTO {sql}, '{text}' FROM n"
            ));
        }
    };
    fill();
    let all = live.world().capture(live.url()).expect("it is captured");
    let is = |snapshot: &Snapshot| live.world().verify(snapshot, live.url()).expect("it is read");

    // All of them are referred to by rows that stay.
    let stopped = planned(live, &none, &tables(&["parents"], OnDangling::Stop));
    assert_eq!(told(&stopped), [("children", "parents", Why::Goes, MANY, vec!["1", "2", "3"])]);
    let kept = planned(live, &none, &tables(&["parents"], OnDangling::LeaveOut));
    assert_eq!((kept.counts().total(), kept.left_out.values().sum::<u64>()), (0, MANY));
    restore(live, &none, tables(&["parents"], OnDangling::Bring)).expect("it is restored");
    assert!(is(&none));

    // All of them refer to rows that are missing.
    let stopped = planned(live, &all, &tables(&["children"], OnDangling::Stop));
    assert_eq!(told(&stopped), [("children", "parents", Why::Missing, MANY, vec!["1", "2", "3"])]);
    let kept = planned(live, &all, &tables(&["children"], OnDangling::LeaveOut));
    assert_eq!((kept.counts().total(), kept.left_out.values().sum::<u64>()), (0, MANY));
    let brought = planned(live, &all, &tables(&["children"], OnDangling::Bring));
    assert_eq!(brought.related.values().sum::<u64>(), MANY, "what is brought is counted");
    restore(live, &all, tables(&["children"], OnDangling::Bring)).expect("it is restored");
    assert!(is(&all));
}

#[test]
fn many_rows() {
    everywhere(many_rows_settle, "rowkeep_test_dangling_h");
}

/// A small tree of tables with random rows; references hold in either state.
#[derive(Debug, Clone)]
struct Tree {
    parents: Vec<Option<usize>>,
    children: Vec<Option<usize>>,
    leaves: Vec<Option<usize>>,
    here: Vec<bool>,
}

fn any_tree() -> impl Strategy<Value = Tree> {
    let some = || prop::collection::vec(prop::option::of(0usize..6), 6);
    (some(), some(), some(), prop::collection::vec(any::<bool>(), 18))
        .prop_map(|(parents, children, leaves, here)| Tree { parents, children, leaves, here })
}

impl Tree {
    fn sql(&self) -> String {
        let mut sql =
            "DELETE FROM leaves; DELETE FROM children; UPDATE parents SET boss = NULL; DELETE FROM parents;"
                .to_owned();
        let (mut inserts, mut updates) = (String::new(), String::new());
        let value = |to: Option<usize>, offset: usize| match to.filter(|to| self.here[offset + to]) {
            Some(to) => to.to_string(),
            None => "NULL".to_owned(),
        };
        for id in 0..6 {
            if self.here[id] {
                inserts += &format!("INSERT INTO parents VALUES ({id}, NULL);");
                updates +=
                    &format!("UPDATE parents SET boss = {} WHERE id = {id};", value(self.parents[id], 0));
            }
        }
        for id in (0..6).filter(|id| self.here[6 + id]) {
            inserts += &format!("INSERT INTO children VALUES ({id}, {});", value(self.children[id], 0));
        }
        for id in (0..6).filter(|id| self.here[12 + id]) {
            inserts += &format!("INSERT INTO leaves VALUES ({id}, {});", value(self.leaves[id], 6));
        }
        sql += &inserts;
        sql + &updates
    }
}

/// Whatever is restored of random tables, in whatever mode: references hold, and what was planned happened.
fn settles(live: &dyn Live, cases: u32) {
    live.sql("CREATE TABLE parents (id integer PRIMARY KEY, boss integer REFERENCES parents (id));
        CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents (id) ON DELETE CASCADE);
        CREATE TABLE leaves (id integer PRIMARY KEY, child integer REFERENCES children (id) ON DELETE SET NULL);");
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::with_cases(asked_for(cases))
    };
    let choice = prop::sample::select(vec![OnDangling::Bring, OnDangling::LeaveOut, OnDangling::Stop]);
    let mode = prop::sample::select(vec![Mode::Replace, Mode::Update, Mode::Merge]);
    let some = prop::sample::select(vec![
        vec!["parents"],
        vec!["children"],
        vec!["leaves"],
        vec!["parents", "leaves"],
        vec!["children", "leaves"],
    ]);
    let outcome = TestRunner::new(config).run(
        &(any_tree(), any_tree(), choice, mode, some),
        |(old, new, choice, mode, some)| {
            live.sql(&old.sql());
            let snapshot = live.world().capture(live.url()).expect("it is captured");
            live.sql(&new.sql());
            let options = PlanOptions { mode, ..tables(&some, choice) };
            match restore(live, &snapshot, options) {
                // Only this, never the database's own refusal.
                Err(Error::Dangling { is_choice, .. }) => {
                    prop_assert!(choice != OnDangling::LeaveOut);
                    prop_assert_eq!(is_choice, choice == OnDangling::Stop);
                    // Rows may only be lacking where none may go.
                    prop_assert!(choice == OnDangling::Stop || mode != Mode::Replace);
                }
                Err(error) => return Err(TestCaseError::fail(format!("{error:?}"))),
                Ok(_) => {}
            }
            Ok(())
        },
    );
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn references_hold_whatever_is_restored() {
    settles(&File::new(), 120);
    settles(&Database::new(&servers()[0], "rowkeep_test_dangling_e"), 8);
}
