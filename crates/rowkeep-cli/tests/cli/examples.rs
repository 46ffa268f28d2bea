//! The worked examples: each walks the runbook of a team, on a real server, and checks what every step gives.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::sandbox::Ran;

/// Runs the script of an example.
fn walk(example: &str) {
    walk_with(example, &[]);
}

fn walk_with(example: &str, environment: &[(&str, &str)]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example).join("run.sh");
    let mut command = Command::new(script);
    command.envs(environment.iter().copied());
    command.env("ROWKEEP", assert_cmd::cargo::cargo_bin!("rowkeep")).stdin(Stdio::null());
    let ran = Ran::of(&command.output().expect("bash is installed"));
    assert_eq!(ran.status, 0, "{}\n{}", ran.out, ran.err);
    assert!(ran.out.contains("\nall steps of "), "{}", ran.out);
}

#[test]
fn numericalz() {
    walk("numericalz");
}

#[test]
fn user_management() {
    walk("user-management");
}

#[test]
fn dino() {
    walk("dino");
}

#[test]
fn tech_support_portal() {
    walk("tech-support-portal");
}

/// With 11,000 records: the program of tests takes minutes for 125,000, as whoever runs the script by hand has.
#[test]
fn phone_range_nexus() {
    walk_with("phone-range-nexus", &[("EXAMPLE_NUMBERS", "5000")]);
}
