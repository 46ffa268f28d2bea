use super::*;

fn pieces(script: &str) -> Result<Vec<(String, u64)>, Trouble> {
    let mut pieces = Pieces::new(script.as_bytes());
    let mut found = Vec::new();
    while let Some(piece) = pieces.next()? {
        let (code, at, line) = (String::from_utf8_lossy(piece.code).into_owned(), piece.at, piece.line);
        assert_eq!(&script[at as usize..][..code.len()], code);
        let is_copy = code.starts_with("COPY");
        found.push((code, line));
        if is_copy {
            let rows = pieces.copy_rows()?;
            found.push((script[rows.at as usize..][..rows.bytes as usize].to_owned(), pieces.line()));
        }
    }
    Ok(found)
}

#[test]
fn statements_commands_and_rows_come_apart() {
    let script = "-- a;\n\\restrict x;y\nSELECT 'a;''b', E'it\\';s', \"c;\" /* d; /* e; */ */;\n\
        CREATE FUNCTION f() AS $_$ SELECT $$;$$; $_$;\nCREATE FUNCTION g(begin int) BEGIN ATOMIC SELECT CASE 1 WHEN 2 THEN begin END; SELECT begin FROM b; END;\n\
        COPY t (a) FROM stdin;\n1\\.\n\\\\.\n\\.\nCOPY u FROM stdin;\n\\.\n\nCREATE RULE r DO (DELETE FROM a; SELECT 1);SELECT $1;\n-- the end\n";
    let found = pieces(script).expect("it is whole");
    let code: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(code.len(), 11, "{code:#?}");
    assert_eq!(code[0], "\\restrict x;y\n");
    assert!(code[1].ends_with("*/;") && code[2].ends_with("$_$;") && code[3].ends_with("END;"));
    assert_eq!((code[5], code[7]), ("1\\.\n\\\\.\n\\.\n", "\\.\n"));
    assert_eq!(
        (code[8], code[9], code[10]),
        ("CREATE RULE r DO (DELETE FROM a; SELECT 1);", "SELECT $1;", "")
    );
    let line = |at: usize| found[at].1;
    assert_eq!((line(0), line(1), line(4), line(6), line(8)), (2, 3, 6, 10, 13));
}

#[test]
fn what_has_no_end_is_told() {
    for script in [
        "SELECT 1",
        "SELECT 'a;",
        "SELECT $a$;",
        "/* a",
        "COPY t FROM stdin;\n1\n2\n",
        "COPY t FROM stdin;",
        "COPY t FROM stdin;\n1\n\\.",
    ] {
        let found = pieces(script);
        let is_whole = script.ends_with("\\.");
        assert_eq!(matches!(found, Err(Trouble::Unended(_))), !is_whole, "{script}: {found:?}");
    }
}
