//! What an application's log of documents does not say in so many words: what was removed, and what a text was.

use crate::replay::{date, state};
use crate::sandbox::{Ran, Sandbox};

const LOG: &str = "table = 'audit_log'\ntime = 'at'\nof = 'store'\nkey = 'record'\naction = 'did'\ninserted = ['create']\n\
    updated = ['update']\ndeleted = ['delete']\nafter = 'now'\nbefore = 'was'\n";

/// A database in a browser of which a state without a log is there, `base`, and a later one with a log.
fn logged(records: &[&str], entries: &[String]) -> Sandbox {
    let sandbox = Sandbox::new();
    configure(&sandbox, "");
    let phones: Vec<String> = records.iter().map(|record| format!("\"value\":{record}")).collect();
    for (name, time, entries) in [("base", "02:00", &[][..]), ("last", "23:00", entries)] {
        let stores = [("audit_log", "\"id\"", entries.to_vec()), ("phones", "\"id\"", phones.clone())];
        let text = state(&sandbox, &format!("2026-11-03T{time}:00.000Z"), &stores);
        std::fs::write(sandbox.path("state.ndjson"), text).expect("it is written");
        sandbox.done(&["import", "state.ndjson", "--as", "prn", "--name", name]);
    }
    sandbox
}

fn configure(sandbox: &Sandbox, more: &str) {
    let text = format!("[databases.prn]\nurl = 'indexeddb:prn'\n[databases.prn.log]\n{LOG}{more}\n");
    std::fs::write(sandbox.path("rowkeep.toml"), text).expect("it is written");
}

fn entry(id: u32, record: u32, did: &str, values: &str) -> String {
    let at = date(&format!("10:{id:02}"));
    format!(
        "\"value\":{{\"id\":{id},\"at\":{at},\"store\":\"phones\",\"record\":{record},\"did\":\"{did}\",{values}}}"
    )
}

fn replay(sandbox: &Sandbox, name: &str) -> Ran {
    sandbox.run(&["replay", "prn", "--base", "base", "--until", "2026-11-03T22:00:00Z", "--name", name])
}

/// Expects that entries do not fit, which is said in these words.
fn refused(sandbox: &Sandbox, words: &[&str]) {
    let ran = replay(sandbox, "refused").expect(4);
    for words in words {
        assert!(ran.out.contains(words), "{words}: {ran:?}");
    }
}

/// The records of a snapshot.
fn phones(sandbox: &Sandbox, snapshot: &str) -> Vec<String> {
    let out = sandbox.done(&["export", snapshot, "--format", "own", "-o", "-"]).out;
    let records = out.lines().filter_map(|line| line.strip_prefix("{\"store\":\"phones\",\"value\":"));
    records.map(|record| record.strip_suffix('}').unwrap_or(record).to_owned()).collect()
}

/// A property that is left out was removed, or did not change; nobody guesses.
#[test]
fn what_an_update_leaves_out_is_removed_where_it_is_said() {
    let own = "{\"id\":1,\"status\":\"free\",\"note\":\"x\",\"range\":\"a\"}";
    let (some, all_but_note) = ("{\"status\":\"used\"}", "{\"id\":1,\"status\":\"used\",\"range\":\"a\"}");
    let laid_over = "{\"id\":1,\"status\":\"used\",\"note\":\"x\",\"range\":\"a\"}";
    let doubt = ["whether note was removed or is left out", "`partial`"];
    for (was, now, unsaid, partial, became) in [
        (own, some, Err(doubt), "['after']", laid_over),
        (own, all_but_note, Err(doubt), "['after']", laid_over),
        (own, all_but_note, Err(doubt), "[]", all_but_note),
        ("{\"status\":\"free\"}", all_but_note, Err(doubt), "['before']", all_but_note),
        ("{\"status\":\"free\"}", all_but_note, Err(doubt), "['before', 'after']", laid_over),
        ("{\"status\":\"free\",\"note\":\"x\"}", some, Ok(all_but_note), "['after', 'before']", all_but_note),
        ("{\"status\":\"free\"}", some, Ok(laid_over), "['after', 'before']", laid_over),
    ] {
        let sandbox = logged(&[own], &[entry(1, 1, "update", &format!("\"was\":{was},\"now\":{now}"))]);
        match unsaid {
            Err(words) => refused(&sandbox, &words),
            Ok(became) => {
                replay(&sandbox, "unsaid").expect(0);
                assert_eq!(phones(&sandbox, "unsaid"), [became], "{was} {now}");
            }
        }
        configure(&sandbox, &format!("partial = {partial}"));
        replay(&sandbox, "said").expect(0);
        assert_eq!(phones(&sandbox, "said"), [became], "{was} {now} {partial}");
    }
}

/// A log that has records as texts has Dates as texts: they are what the other records have there, or nobody knows.
#[test]
fn texts_of_json_are_what_the_other_records_have() {
    let (at, time) = (date("01:00"), "\\\"2026-11-03T10:00:00.000Z\\\"");
    let one = format!("{{\"id\":1,\"seen\":{at},\"due\":{at},\"note\":\"2026-11-03T01:00:00.000Z\"}}");
    let two = format!("{{\"id\":2,\"seen\":{at},\"due\":\"soon\",\"note\":\"x\"}}");
    let created = |id: u32, more: &str| {
        entry(id, id, "create", &format!("\"was\":null,\"now\":\"{{\\\"id\\\":{id},{more}}}\""))
    };
    let entries = [
        created(3, &format!("\\\"seen\\\":{time},\\\"note\\\":{time}")),
        entry(
            4,
            1,
            "update",
            &format!(
                "\"was\":\"{{\\\"seen\\\":\\\"2026-11-03T01:00:00.000Z\\\"}}\",\"now\":\"{{\\\"seen\\\":{time}}}\""
            ),
        ),
    ];
    let sandbox = logged(&[&one, &two], &entries);
    replay(&sandbox, "then").expect(0);
    let seen = date("10:00");
    let became = [
        one.replacen(&at, &seen, 1),
        two.clone(),
        format!("{{\"id\":3,\"seen\":{seen},\"note\":\"2026-11-03T10:00:00.000Z\"}}"),
    ];
    assert_eq!(phones(&sandbox, "then"), became);
    let doubtful = [created(5, &format!("\\\"due\\\":{time}")), created(6, &format!("\\\"other\\\":{time}"))];
    let sandbox = logged(&[&one, &two], &doubtful);
    refused(
        &sandbox,
        &["due: a text does not tell whether it is a Date", "other: a text", "entry 5", "entry 6"],
    );
}
