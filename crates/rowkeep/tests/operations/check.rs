//! What a check goes by.

use std::fs;

use rowkeep::Context;
use rowkeep::jobs::plans;
use rowkeep::jobs::repository_check::{Checked, check};
use rowkeep::repository::CheckOptions;

use crate::world::World;

fn checked(world: &World) -> Checked {
    let context = Context::silent();
    world.block_on(check(&context, &world.repository, CheckOptions::default())).expect("it is checked")
}

/// A service that runs for weeks remembers where chunks are; what others lost of the repository meanwhile counts all the
/// same.
#[test]
fn what_is_remembered_is_no_excuse_for_what_is_lost() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let shop = at("shop.db");
    let sql = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO users VALUES (1, 'ann@example.org')";
    rusqlite::Connection::open(&shop).and_then(|shop| shop.execute_batch(sql)).expect("the SQL is right");
    fs::create_dir(at("repository")).expect("it is made");
    let world = World::at(&at("repository").display().to_string());
    let url = format!("sqlite://{}", shop.display());
    let snapshot = world.capture(&url).expect("it is captured");
    assert!(checked(&world).is_clean());

    for index in fs::read_dir(at("repository/index")).expect("it is there") {
        fs::remove_file(index.expect("it is there").path()).expect("it is deleted");
    }
    let checked = checked(&world);
    let lost: Vec<_> = checked.losses.iter().map(|loss| (loss.snapshot, loss.tables.len())).collect();
    assert_eq!(lost, [(snapshot.id, 2)], "{checked:?}");
    // The next backup looks for itself, finds the chunks in the packs, and names them again.
    world.capture(&url).expect("it is captured");
    assert!(self::checked(&world).is_clean());
}

/// A plan that a newer program made is noted, and hides no other.
#[test]
fn plans_of_a_newer_program_are_noted() {
    let world = World::new();
    let json = br#"{"version":2,"what":"nobody knows yet"}"#;
    let id = world
        .block_on(world.repository.store_plan(json, &|_| unreachable!("nothing is deleted")))
        .expect("it is stored");
    let plans = world.block_on(plans::list(&world.repository)).expect("they are listed");
    assert_eq!(plans.unreadable.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id]);
    let checked = checked(&world);
    assert!(checked.is_clean() && checked.notes.len() == 1, "{checked:?}");
    assert_eq!(checked.notes[0].object, format!("plan {id}"));
}
