//! Where there is no repository, none is made unasked.

use crate::sandbox::{Sandbox, filled};

/// Nothing of a repository is there.
fn has_nothing(sandbox: &Sandbox) -> bool {
    !sandbox.path("rowkeep-repository").exists() && !sandbox.path("rowkeep-repository.key").exists()
}

#[test]
fn without_a_person_nothing_is_made() {
    let sandbox = Sandbox::bare();
    sandbox.sql("app.db", &filled(10));
    for command in [
        &["backup", "app.db"][..],
        &["backup", "app.db", "--quiet"],
        &["around", "app.db", "--", "true"],
        &["migrate", "app.db", "--", "true"],
    ] {
        sandbox.run(command).expect(1).says(&["no repository at ./rowkeep-repository", "rowkeep init"]);
        assert!(has_nothing(&sandbox), "{command:?}");
    }
}

#[test]
fn the_configuration_can_approve_of_it_once_the_database_was_found() {
    let sandbox = Sandbox::bare();
    std::fs::write(sandbox.path("rowkeep.toml"), "create = true\n").expect("it can be written");
    sandbox.run(&["backup", "app.db"]).expect(1).says(&["app.db"]);
    sandbox.run(&["around", "app.db", "--", "true"]).expect(1).says(&["app.db"]);
    assert!(has_nothing(&sandbox));
    sandbox.sql("app.db", &filled(10));
    let made = sandbox.done(&["backup", "app.db"]);
    assert!(made.out.contains("created a repository at ./rowkeep-repository"), "{made:?}");
    assert!(sandbox.path("rowkeep-repository.key").exists());
}

#[test]
fn paths_of_a_configuration_begin_at_its_folder() {
    let sandbox = Sandbox::bare();
    std::fs::create_dir_all(sandbox.path("etc/data")).expect("they can be made");
    sandbox.sql("etc/data/app.db", &filled(10));
    let config = "repository = 'backups'\nkey_file = 'secret.key'\n[databases.app]\nurl = 'data/app.db'\n";
    std::fs::write(sandbox.path("etc/rowkeep.toml"), config).expect("it can be written");
    let on = ["--config", "etc/rowkeep.toml"];
    sandbox.done(&[&["init"], &on[..]].concat());
    sandbox.done(&[&["backup"], &on[..]].concat());
    assert!(sandbox.path("etc/backups/config").exists() && sandbox.path("etc/secret.key").exists());

    // Found again from elsewhere.
    let mut elsewhere = sandbox.command(&["snapshots", "--config", "rowkeep.toml"]);
    assert!(elsewhere.current_dir(sandbox.path("etc")).status().expect("it can be run").success());

    // The place by default is beside it too; what is typed is relative to where it is typed.
    std::fs::write(sandbox.path("etc/rowkeep.toml"), "").expect("it can be written");
    sandbox.done(&[&["init"], &on[..]].concat());
    assert!(sandbox.path("etc/rowkeep-repository/config").exists());
    sandbox.done(&[&["init", "--repository", "typed"], &on[..]].concat());
    assert!(sandbox.path("typed/config").exists());
}
