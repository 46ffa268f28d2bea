//! Machines that know no time zones, or not all: the rules of the calendar are the same there.

use crate::sandbox::Sandbox;

/// A slim container: nothing below the folders in which systems keep time zones.
const NONE: &str = "for folder in /usr/share/zoneinfo /usr/share/lib/zoneinfo /etc/zoneinfo; do \
    [ ! -d $folder ] || mount -t tmpfs tmpfs $folder; done; exec \"$0\" \"$@\"";

/// One that has a single zone, which is not the one that is wanted.
const ONE: &str = "mkdir -p zones/Asia && cp /usr/share/zoneinfo/Asia/Tokyo zones/Asia/ && \
    mount --bind zones /usr/share/zoneinfo && exec \"$0\" \"$@\"";

/// No system has that folder.
const ELSEWHERE: &str = "mkdir -p empty && TZDIR=empty exec \"$0\" \"$@\"";

#[test]
fn days_are_those_of_the_time_zone_wherever_its_rules_come_from() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let config = "timezone = 'America/New_York'\n[keep]\ndaily = 3\n[databases.shop]\nurl = 'shop.db'";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it can be written");
    sandbox.done(&["backup"]);
    sandbox.done(&["backup"]);
    let commands: [&[&str]; 3] = [
        &["keep", "--explain", "--at", "2031-03-09"],
        &["keep", "--at", "2031-11-02 12:00[Europe/London]"],
        &["export", "shop@2031-07-01 12:00 Australia/Lord_Howe", "--to", "-", "--format", "ndjson"],
    ];
    for command in commands {
        let here = sandbox.done(command);
        for elsewhere in [NONE, ONE, ELSEWHERE] {
            let there = sandbox.mounted(elsewhere, command).expect(0);
            assert_eq!((&there.out, &there.err), (&here.out, &here.err), "{command:?} after {elsewhere}");
        }
    }
    let explained = sandbox.mounted(NONE, commands[0]).expect(0).out;
    assert!(explained.contains("times are America/New_York"), "{explained}");
    sandbox
        .mounted(NONE, &["keep", "--at", "2031-07-01 12:00 Europe/Lundon"])
        .expect(2)
        .says(&["no time zone \"Europe/Lundon\" is known"]);
}
