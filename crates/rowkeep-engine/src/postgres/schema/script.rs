//! A section of a dump as statements that know what they need.

use super::classify::{Kind, classify};
use super::split::statements;

/// A statement of a dump.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    /// The statement, with its semicolon.
    pub(crate) sql: String,
    /// What it does.
    pub(crate) kind: Kind,
    /// Settings that it counts on, which are not those of every session of ours.
    pub(crate) settings: Vec<(String, String)>,
}

/// Settings at the head of a dump that every session of ours has in its own way.
const OURS: [&str; 12] = [
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "transaction_timeout",
    "client_encoding",
    "standard_conforming_strings",
    "search_path",
    "check_function_bodies",
    "xmloption",
    "client_min_messages",
    "row_security",
    "escape_string_warning",
];

/// Settings to which a dump goes back, with the values that our sessions have.
const USUAL: [(&str, &str); 2] = [("default_tablespace", "''"), ("default_table_access_method", "heap")];

/// Reads a section.
///
/// Settings become part of the statements that follow them; what is done in the name of another role becomes one
/// statement.
pub(crate) fn parse(section: &str) -> Vec<Statement> {
    let mut parsed: Vec<Statement> = Vec::new();
    let mut settings: Vec<(String, String)> = Vec::new();
    let mut in_other_name: Option<String> = None;
    for sql in statements(section) {
        let kind = classify(sql);
        if let Some(group) = &mut in_other_name {
            group.push('\n');
            group.push_str(sql);
            if kind == Kind::BecomeSelf {
                let sql = in_other_name.take().unwrap_or_default();
                parsed.push(Statement {
                    sql,
                    kind: Kind::Privileges(Vec::new()),
                    settings: settings.clone(),
                });
            }
            continue;
        }
        match kind {
            Kind::BecomeRole => in_other_name = Some(sql.to_owned()),
            Kind::BecomeSelf => {}
            Kind::Setting(name, _) if OURS.contains(&name.as_str()) => {}
            Kind::Setting(name, value) => {
                settings.retain(|(known, _)| *known != name);
                if !USUAL.contains(&(name.as_str(), value.as_str())) {
                    settings.push((name, value));
                }
            }
            kind => parsed.push(Statement { sql: sql.to_owned(), kind, settings: settings.clone() }),
        }
    }
    parsed
}

#[cfg(test)]
mod tests {
    use rowkeep_format::TableName;

    use super::*;
    use crate::postgres::schema::classify::{Reference, brief};

    fn kind(sql: &str) -> Kind {
        classify(sql)
    }

    fn table(name: &str) -> TableName {
        TableName::qualified("public", name)
    }

    #[test]
    fn what_belongs_to_a_table_is_found() {
        for sql in [
            "CREATE INDEX i ON public.\"a b\" USING btree (on_x);",
            "CREATE UNIQUE INDEX \"on\" ON ONLY public.\"a b\" USING btree (x);",
            "ALTER TABLE ONLY public.\"a b\"\n    ADD CONSTRAINT p PRIMARY KEY (id);",
            "ALTER TABLE ONLY public.\"a b\" ADD CONSTRAINT \"x y\" UNIQUE (id);",
            "CREATE INDEX i ON public.\"a b\" USING gin (lower(x) ext.gin_trgm_ops) WHERE (\"operator\" > 3);",
            "ALTER TABLE ONLY public.\"a b\" ADD CONSTRAINT e EXCLUDE USING gist (r WITH &&);",
        ] {
            assert_eq!(kind(sql), Kind::Index(table("a b")), "{sql}");
        }
        for sql in [
            "CREATE INDEX i ON public.a USING btree (app.f(x));",
            "CREATE INDEX i ON public.a USING btree (x) WHERE (x OPERATOR(app.=~) 3);",
            "ALTER TABLE ONLY public.a ADD CONSTRAINT c CHECK ((x > 0)) NOT VALID;",
            "ALTER TABLE public.a ENABLE ROW LEVEL SECURITY;",
            "ALTER INDEX public.i ATTACH PARTITION public.j;",
            "CREATE TABLE public.t (a integer);",
        ] {
            assert_eq!(kind(sql), Kind::Plain, "{sql}");
        }
    }

    #[test]
    fn references_know_their_tables() {
        let reference = |sql: &str| match kind(sql) {
            Kind::Reference(reference) => reference,
            other => panic!("{sql} is {other:?}"),
        };
        let found = reference(
            "ALTER TABLE ONLY public.a\n    ADD CONSTRAINT \"a b\" FOREIGN KEY (valid, \"references\") \
             REFERENCES s.\"B\"(x, y) ON DELETE SET NULL (valid) DEFERRABLE INITIALLY DEFERRED;",
        );
        assert_eq!(
            found,
            Reference {
                table: table("a"),
                constraint: "\"a b\"".to_owned(),
                references: TableName::qualified("s", "B"),
                only: true,
                checked: true,
            }
        );
        assert!(
            !reference(
                "ALTER TABLE ONLY public.a ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES public.b(x) NOT VALID;"
            )
            .checked
        );
        assert!(
            !reference(
                "ALTER TABLE public.a ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES public.b(x) NOT ENFORCED;"
            )
            .checked
        );
        assert!(
            !reference("ALTER TABLE public.a ADD CONSTRAINT c FOREIGN KEY (x) REFERENCES public.b(x);").only
        );
    }

    #[test]
    fn roles_are_found() {
        let roles = |sql: &str| match kind(sql) {
            Kind::Owner(role) => vec![role],
            Kind::Privileges(roles) => roles,
            other => panic!("{sql} is {other:?}"),
        };
        assert_eq!(
            roles("ALTER FUNCTION public.f(\"owner to\" integer) OWNER TO \"Big Boss\";"),
            ["Big Boss"]
        );
        assert_eq!(
            roles("GRANT SELECT(a),UPDATE(b) ON TABLE public.t TO reader WITH GRANT OPTION;"),
            ["reader"]
        );
        assert_eq!(roles("REVOKE ALL ON FUNCTION public.f(\"to\" text) FROM PUBLIC;"), Vec::<String>::new());
        assert_eq!(
            roles("ALTER DEFAULT PRIVILEGES FOR ROLE a IN SCHEMA s GRANT ALL ON TABLES TO b;"),
            ["b", "a"]
        );
    }

    #[test]
    fn what_may_fail_is_known() {
        for (sql, expected) in [
            ("COMMENT ON EXTENSION hstore IS 'x';", Kind::Optional),
            ("CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;", Kind::Optional),
            ("SECURITY LABEL FOR x ON TABLE public.t IS 'y';", Kind::Optional),
            ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION public.f();", Kind::EventTrigger),
            ("ALTER EVENT TRIGGER e DISABLE;", Kind::EventTrigger),
            ("CREATE PUBLICATION p FOR ALL TABLES;", Kind::Privileged),
            ("CREATE OR REPLACE PROCEDURAL LANGUAGE plperlu;", Kind::Privileged),
            ("CREATE FOREIGN TABLE public.f (a integer) SERVER s;", Kind::Privileged),
            ("CREATE OPERATOR CLASS public.o FOR TYPE t USING btree AS STORAGE t;", Kind::Privileged),
            ("CREATE OPERATOR public.+ (FUNCTION = public.f);", Kind::Plain),
            ("CREATE FUNCTION public.language() RETURNS integer;", Kind::Plain),
        ] {
            assert_eq!(kind(sql), expected, "{sql}");
        }
    }

    #[test]
    fn settings_go_with_what_follows_them() {
        let parsed = parse(
            "SET statement_timeout = 0;\nSELECT pg_catalog.set_config('search_path', '', false);\n\
             SET default_tablespace = '';\nSET default_table_access_method = heap;\n\
             CREATE TABLE a ();\nSET default_tablespace = \"fast disk\";\nCREATE TABLE b ();\n\
             SET default_tablespace = '';\nCREATE TABLE c ();\n\
             SET SESSION AUTHORIZATION x;\nGRANT SELECT ON TABLE a TO y;\nRESET SESSION AUTHORIZATION;\n",
        );
        let settings: Vec<usize> = parsed.iter().map(|statement| statement.settings.len()).collect();
        assert_eq!(settings, [0, 1, 0, 0]);
        assert_eq!(parsed[1].settings, [("default_tablespace".to_owned(), "\"fast disk\"".to_owned())]);
        assert_eq!(parsed[3].kind, Kind::Privileges(Vec::new()));
        assert!(parsed[3].sql.starts_with("SET SESSION") && parsed[3].sql.ends_with("AUTHORIZATION;"));
    }

    #[test]
    fn passwords_are_not_shown() {
        let sql = "CREATE SUBSCRIPTION s CONNECTION 'host=h password=s3cret' PUBLICATION p;";
        assert_eq!(brief(sql), "CREATE SUBSCRIPTION s CONNECTION");
        assert!(!brief("CREATE USER MAPPING FOR a SERVER b OPTIONS (password 's3cret');").contains("s3cret"));
        assert_eq!(brief("CREATE VIEW v AS\n SELECT 'x';"), "CREATE VIEW v AS SELECT 'x';");
        assert!(brief(&"x ".repeat(200)).ends_with(" ..."));
    }
}
