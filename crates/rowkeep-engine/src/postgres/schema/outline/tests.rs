use rowkeep_format::schema::Ddl;
use rowkeep_format::{Column, ForeignKey, Key, Table, TableName};

use super::*;
use crate::outline::tables::Numbered;

const BEFORE: &str = "
SET statement_timeout = 0;
CREATE SCHEMA audit;
ALTER SCHEMA audit OWNER TO postgres;
CREATE EXTENSION IF NOT EXISTS hstore WITH SCHEMA public;
COMMENT ON EXTENSION hstore IS 'x';
CREATE TYPE public.state AS ENUM (
    'new',
    'it''s'
);
CREATE TYPE public.pair AS (a integer, b text);
CREATE DOMAIN public.email AS text NOT NULL
	CONSTRAINT email_check CHECK ((VALUE ~~ '%@%'::text));
CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql AS $$ SELECT 1; $$;
SET default_tablespace = '';
CREATE TABLE public.t (
    id integer NOT NULL,
    state public.state DEFAULT 'new'::public.state NOT NULL,
    mail public.email,
    total numeric GENERATED ALWAYS AS ((n * (2)::numeric)) STORED,
    n numeric(5,2) DEFAULT 0.5,
    CONSTRAINT n_check CHECK ((n > (0)::numeric))
);
ALTER TABLE public.t OWNER TO postgres;
CREATE SEQUENCE public.t_id_seq AS integer START WITH 1 INCREMENT BY 1 NO MINVALUE NO MAXVALUE CACHE 1;
ALTER SEQUENCE public.t_id_seq OWNED BY public.t.id;
CREATE SEQUENCE public.free START WITH 1;
CREATE TABLE audit.\"Log\" (
    at timestamp with time zone DEFAULT now(),
    t integer,
    no bigint NOT NULL
);
ALTER TABLE audit.\"Log\" ALTER COLUMN no ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.\"Log_no_seq\"
    START WITH 1
    CACHE 1
);
CREATE VIEW public.v AS SELECT 1;
CREATE TABLE public.parts (id integer) PARTITION BY LIST (id);
ALTER TABLE ONLY public.t ALTER COLUMN id SET DEFAULT nextval('public.t_id_seq'::regclass);
";

const AFTER: &str = "
ALTER TABLE ONLY public.t
    ADD CONSTRAINT t_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.t
    ADD CONSTRAINT t_key UNIQUE (mail, n) DEFERRABLE;
ALTER TABLE ONLY public.t ADD CONSTRAINT e EXCLUDE USING gist (n WITH =);
CREATE INDEX plain ON public.t USING btree (n DESC NULLS LAST, mail);
CREATE INDEX lowered ON public.t USING btree (lower(mail));
CREATE INDEX partial ON public.t USING btree (n) WHERE (n > 1);
CREATE INDEX wide ON public.t USING gin (mail public.gin_trgm_ops);
CREATE TRIGGER tr BEFORE INSERT ON public.t FOR EACH ROW EXECUTE FUNCTION public.f();
ALTER TABLE ONLY audit.\"Log\"
    ADD CONSTRAINT \"Log_t_fkey\" FOREIGN KEY (t) REFERENCES public.t(id) ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED;
CREATE POLICY p ON public.t USING (true);
ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON TABLE public.t TO PUBLIC;
REVOKE ALL ON TABLE public.t FROM x;
";

fn schema() -> Schema {
    let column = |name: &str, type_name: &str| Column {
        name: name.into(),
        type_name: type_name.into(),
        not_null: false,
        hidden: false,
    };
    let table = |name: TableName, columns: Vec<Column>, foreign_keys: Vec<ForeignKey>| Table {
        name,
        kind: TableKind::Table,
        key: Key::whole_row(columns.len()),
        columns,
        identity: None,
        foreign_keys,
    };
    let t = vec![
        column("id", "integer"),
        column("state", "public.state"),
        column("mail", "public.email"),
        column("n", "numeric(5,2)"),
    ];
    let log = vec![column("at", "timestamp with time zone"), column("t", "integer"), column("no", "bigint")];
    let reference = ForeignKey {
        name: Some("Log_t_fkey".into()),
        columns: vec![1],
        references: TableName::qualified("public", "t"),
        referenced_columns: vec!["id".into()],
    };
    let part = |part: &str, sql: &str| Ddl { part: part.into(), sql: sql.into() };
    Schema {
        engine: "postgresql".into(),
        inherits: Vec::new(),
        tables: vec![
            table(TableName::qualified("audit", "Log"), log, vec![reference]),
            table(TableName::qualified("public", "t"), t, Vec::new()),
        ],
        ddl: vec![part(ddl::BEFORE, BEFORE), part(ddl::AFTER, AFTER)],
    }
}

fn read() -> Outline {
    let mut survey = Survey::new();
    survey.numbers.insert(TableName::qualified("public", "t_id_seq"), 41);
    outline(&schema(), &survey).expect("it is read")
}

#[test]
fn tables_are_read() {
    let outline = read();
    let [log, t] = &outline.tables[..] else { panic!("{outline:?}") };
    assert_eq!(t.primary_key, [0]);
    assert_eq!(t.unique, [[2, 3]]);
    assert_eq!(t.indexes.len(), 1);
    assert_eq!(t.indexes[0].columns, [(3, true), (2, false)]);
    assert_eq!(t.columns[0].numbered, Some(Numbered { given: Some(41) }));
    assert_eq!(t.columns[1].labels, ["new", "it's"]);
    assert_eq!(t.columns[2].base, "text");
    assert_eq!(log.columns[2].numbered, Some(Numbered { given: None }));
    let reference = &log.references[0];
    assert_eq!((reference.on_update, reference.on_delete), (Some("CASCADE"), Some("SET NULL")));
    assert!(reference.deferred);
}

#[test]
fn everything_else_is_noted_once() {
    let notes: Vec<String> = read().notes.iter().map(ToString::to_string).collect();
    for (word, times) in [
        ("extension hstore", 1),
        ("function f", 1),
        ("view v", 1),
        ("domain public.email becomes text", 1),
        ("t.total: the column is computed", 1),
        ("CHECK ((n > (0)::numeric))", 1),
        ("sequence free", 1),
        ("t_id_seq", 0),
        ("parts: its rows are in its partitions", 1),
        ("DEFERRABLE", 1),
        ("EXCLUDE", 1),
        ("INDEX lowered", 1),
        ("INDEX partial", 1),
        ("INDEX wide", 1),
        ("TRIGGER tr", 1),
        ("POLICY p", 1),
        ("ROW LEVEL SECURITY", 1),
        ("roles and privileges are left out: 2", 1),
        ("comments are left out: 1", 1),
        ("OWNER", 0),
        ("SCHEMA", 0),
    ] {
        let found = notes.iter().filter(|note| note.contains(word)).count();
        assert_eq!(found, times, "{word} in {notes:#?}");
    }
}

#[test]
fn a_schema_without_ddl_is_refused() {
    let bare = Schema { ddl: Vec::new(), ..schema() };
    let error = outline(&bare, &Survey::new()).expect_err("there is nothing to go by");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}
