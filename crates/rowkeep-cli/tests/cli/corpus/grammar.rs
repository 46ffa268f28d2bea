//! Random schemas out of the kinds of object that PostgreSQL has, with rows, some of which do not conform any more.
//!
//! What a server, a version or a role does not allow is refused by it, and simply not there: statements are run one by one.

use crate::sandbox::Numbers;

/// Statements of which each makes something. In them stand `#` for a number of its own, `@t` for a table with columns `id int`,
/// `n int`, `t text` and `d date`, `@s` for a schema, `@y` for a type, `@f` for a function of an int, `@r` for a role.
const KINDS: &[&str] = &[
    // Types.
    "CREATE TYPE @s.y# AS ENUM ('a', 'b''c', 'Ä'); ALTER TYPE @s.y# ADD VALUE 'between' BEFORE 'Ä'",
    "CREATE DOMAIN @s.y# AS int DEFAULT 7 CONSTRAINT positive CHECK (VALUE > 0)",
    "CREATE DOMAIN @s.y# AS text COLLATE \"C\" CHECK (VALUE <> '') NOT NULL",
    "CREATE DOMAIN @s.y# AS int[] CHECK (array_length(VALUE, 1) < 9); ALTER DOMAIN @s.y# ADD CONSTRAINT later CHECK (VALUE[1] > 0) NOT VALID",
    "CREATE DOMAIN @s.z# AS int; CREATE DOMAIN @s.y# AS @s.z# CHECK (@f(VALUE::int) IS NOT NULL)",
    "CREATE TYPE @s.y# AS (a int, \"B c\" text COLLATE \"C\", d @y)",
    "CREATE TYPE @s.y# AS RANGE (subtype = float8, subtype_diff = float8mi)",
    "CREATE TYPE @s.y# AS RANGE (subtype = int, multirange_type_name = m#)",
    "CREATE TYPE @s.y#",
    "CREATE TYPE @s.y#; CREATE FUNCTION @s.in#(cstring) RETURNS @s.y# LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
        CREATE FUNCTION @s.out#(@s.y#) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'int4out';
        CREATE TYPE @s.y# (INPUT = @s.in#, OUTPUT = @s.out#, LIKE = int4)",
    // Functions.
    "CREATE FUNCTION @s.f#(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n + #'",
    "CREATE FUNCTION @s.f#(n int) RETURNS int LANGUAGE sql STABLE RETURN n * 2",
    "CREATE FUNCTION @s.f#(n int, VARIADIC more int[] DEFAULT '{}') RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT n; END",
    "CREATE FUNCTION @s.f#(n int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog COST 7 PARALLEL SAFE AS $$ BEGIN RETURN n; END $$",
    "CREATE FUNCTION @s.f#(n int) RETURNS int LANGUAGE sql STABLE AS 'SELECT count(*)::int + n FROM @t WHERE id = n'",
    "CREATE FUNCTION public.helper#(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT abs(n)';
        CREATE FUNCTION @s.f#(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT helper#(n)'",
    "CREATE FUNCTION @s.f#(n int, OUT a int, OUT b text) LANGUAGE sql AS 'SELECT n, n::text'; CREATE FUNCTION @s.f#(n text) RETURNS SETOF @t LANGUAGE sql ROWS 5 AS 'SELECT * FROM @t'",
    "CREATE FUNCTION @s.f#() RETURNS TABLE (a int, b @y) LANGUAGE sql AS 'SELECT 1, NULL::@y'",
    "CREATE PROCEDURE @s.p#(INOUT a int, b @y DEFAULT NULL) LANGUAGE plpgsql AS $$ BEGIN a := a + 1; END $$",
    "CREATE PROCEDURE @s.p#(a int, OUT b int) LANGUAGE sql AS 'SELECT a'; CREATE PROCEDURE @s.p#(a text, OUT b int) LANGUAGE sql AS 'SELECT 1'",
    "CREATE FUNCTION @s.f#(n int) RETURNS int LANGUAGE internal IMMUTABLE STRICT LEAKPROOF AS 'int4abs'",
    "CREATE FUNCTION @s.gone#(n int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true'; CREATE TABLE @s.u# (n int CONSTRAINT kept CHECK (@s.gone#(n)));
        INSERT INTO @s.u# VALUES (1), (2); CREATE OR REPLACE FUNCTION @s.gone#(n int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT n > 1'",
    "CREATE AGGREGATE @s.a#(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', COMBINEFUNC = int4pl, PARALLEL = SAFE)",
    "CREATE AGGREGATE @s.a#(*) (SFUNC = int8inc, STYPE = int8, INITCOND = '0')",
    "CREATE AGGREGATE @s.a#(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA)",
    "CREATE AGGREGATE @s.a#(VARIADIC \"any\" ORDER BY VARIADIC \"any\") (SFUNC = ordered_set_transition_multi, STYPE = internal, FINALFUNC = rank_final, FINALFUNC_EXTRA, HYPOTHETICAL)",
    "CREATE OPERATOR @s.@#@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = OPERATOR(@s.@#@), RESTRICT = eqsel, HASHES)",
    "CREATE OPERATOR @s.!!! (RIGHTARG = int, FUNCTION = int4abs)",
    "CREATE OPERATOR FAMILY @s.of# USING btree; ALTER OPERATOR FAMILY @s.of# USING btree ADD OPERATOR 1 < (int4, int8), FUNCTION 1 btint48cmp(int4, int8)",
    "CREATE OPERATOR CLASS @s.oc# FOR TYPE int4 USING btree AS OPERATOR 1 >, OPERATOR 2 >=, OPERATOR 3 =, OPERATOR 4 <=, OPERATOR 5 <, FUNCTION 1 btint4cmp(int4, int4);
        CREATE INDEX ON @t (n @s.oc#)",
    "CREATE TYPE @s.y# AS (a int); CREATE FUNCTION @s.c#(@s.y#) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1).a'; CREATE CAST (@s.y# AS int) WITH FUNCTION @s.c#(@s.y#) AS ASSIGNMENT",
    "CREATE TYPE @s.y# AS ENUM ('x'); CREATE CAST (@s.y# AS text) WITH INOUT AS IMPLICIT",
    "CREATE COLLATION @s.co# FROM \"C\"; CREATE TABLE @s.u# (id int PRIMARY KEY, a text COLLATE @s.co# UNIQUE); INSERT INTO @s.u# VALUES (1, 'b'), (2, 'a')",
    "CREATE COLLATION @s.co# (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false); CREATE TABLE @s.u# (a text COLLATE @s.co# PRIMARY KEY); INSERT INTO @s.u# VALUES ('A'), ('b')",
    "CREATE TEXT SEARCH DICTIONARY @s.di# (TEMPLATE = simple, STOPWORDS = english); CREATE TEXT SEARCH CONFIGURATION @s.ts# (COPY = english);
        ALTER TEXT SEARCH CONFIGURATION @s.ts# ALTER MAPPING FOR asciiword WITH @s.di#, english_stem; CREATE INDEX ON @t USING gin (to_tsvector('@s.ts#', t))",
    "CREATE CONVERSION @s.cv# FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8",
    // Tables.
    "CREATE TABLE @s.t# (id int PRIMARY KEY, n int UNIQUE, t text, d date)",
    "CREATE TABLE @s.t# (t text DEFAULT 'a''b' STORAGE EXTERNAL, id serial, n int NOT NULL DEFAULT 1 CHECK (n > 0), d date, PRIMARY KEY (id)) WITH (fillfactor = 70, autovacuum_enabled = off)",
    "CREATE UNLOGGED TABLE @s.t# (id int GENERATED BY DEFAULT AS IDENTITY (START 100 INCREMENT 5) PRIMARY KEY, n int, t text COLLATE \"C\", d date)",
    "CREATE TABLE @s.t# (id int GENERATED ALWAYS AS IDENTITY, n int, t text, d date, g int GENERATED ALWAYS AS (n * 2) STORED, CONSTRAINT pk# PRIMARY KEY (id) INCLUDE (n))",
    "CREATE TABLE @s.t# (id int PRIMARY KEY, n int, t text, d date, v int GENERATED ALWAYS AS (n + 1) VIRTUAL, CONSTRAINT never# CHECK (n < 0) NOT ENFORCED)",
    "CREATE TABLE @s.t# (id int PRIMARY KEY, n int, t text, d date, a int[], j jsonb, u uuid DEFAULT gen_random_uuid(), i interval, r int4range, x xml, b bit(3), m money, c char(5), p point)",
    "CREATE TABLE @s.t# (dropped int, id int PRIMARY KEY, n int, t text, d date); ALTER TABLE @s.t# DROP COLUMN dropped; ALTER TABLE @s.t# ALTER n SET STATISTICS 500, ALTER n SET (n_distinct = -0.5), ALTER t SET COMPRESSION pglz",
    "CREATE TABLE @s.t# (LIKE @t INCLUDING ALL)",
    "CREATE TABLE @s.t# (more numeric DEFAULT 1) INHERITS (@t)",
    "CREATE TABLE @s.t# (id int PRIMARY KEY, n int, t text, d date, y @y, yy @y[])",
    "CREATE TABLE @s.t# (id int NOT NULL, n int, t text, d date, CONSTRAINT later# CHECK (n <> 5) NO INHERIT)",
    "CREATE TYPE @s.y# AS (id int, n int, t text, d date); CREATE TABLE @s.t# OF @s.y# (PRIMARY KEY (id), n WITH OPTIONS DEFAULT 3)",
    "CREATE TABLE @s.t# (id int, n int, t text, d date, PRIMARY KEY (id, d)) PARTITION BY RANGE (d); CREATE TABLE @s.t#a PARTITION OF @s.t# FOR VALUES FROM (MINVALUE) TO ('2026-01-01');
        CREATE TABLE @s.t#b PARTITION OF @s.t# DEFAULT",
    "CREATE TABLE @s.t# (id int, n int, t text, d date) PARTITION BY LIST (n); CREATE TABLE @s.t#a PARTITION OF @s.t# FOR VALUES IN (1, NULL) PARTITION BY HASH (id);
        CREATE TABLE @s.t#aa PARTITION OF @s.t#a FOR VALUES WITH (MODULUS 1, REMAINDER 0); CREATE TABLE @s.t#b (d date, t text, n int, id int, CHECK (id > -5)); ALTER TABLE @s.t# ATTACH PARTITION @s.t#b DEFAULT",
    "CREATE TABLE @s.t# (id int PRIMARY KEY, n int, t text, d date) PARTITION BY HASH (id); CREATE TABLE @s.t#a PARTITION OF @s.t# FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE @s.t#b PARTITION OF @s.t# FOR VALUES WITH (MODULUS 2, REMAINDER 1); ALTER TABLE @s.t#a ADD CHECK (n IS NULL OR n > -9)",
    "CREATE TABLE @s.u# (period daterange, id int, CONSTRAINT during# PRIMARY KEY (id, period WITHOUT OVERLAPS)); CREATE TABLE @s.w# (id int, period daterange, FOREIGN KEY (id, PERIOD period) REFERENCES @s.u# (id, PERIOD period));
        INSERT INTO @s.u# VALUES ('[2026-01-01,2026-02-01)', 1), ('[2026-02-01,2026-03-01)', 1); INSERT INTO @s.w# VALUES (1, '[2026-01-15,2026-02-15)')",
    "ALTER TABLE @t ADD CONSTRAINT nn# NOT NULL n NOT VALID",
    "ALTER TABLE @t ADD COLUMN x# @y",
    "ALTER TABLE @t REPLICA IDENTITY FULL",
    "ALTER TABLE @t ALTER COLUMN n SET DEFAULT @f(1)",
    "CREATE ACCESS METHOD heap# TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE @s.u# (id int) USING heap#; INSERT INTO @s.u# VALUES (1)",
    // Indexes and constraints.
    "CREATE UNIQUE INDEX \"I #\" ON @t (id DESC NULLS LAST) WHERE n IS NOT NULL",
    "CREATE INDEX i# ON @t (@f(n)); ALTER INDEX @s.i# ALTER COLUMN 1 SET STATISTICS 300",
    "CREATE INDEX i# ON @t USING brin (d) WITH (pages_per_range = 16); CREATE INDEX h# ON @t USING hash (t text_pattern_ops)",
    "CREATE UNIQUE INDEX i# ON @t (n, t) NULLS NOT DISTINCT",
    "CREATE INDEX i# ON @t (lower(t) COLLATE \"C\") INCLUDE (d)",
    "CREATE UNIQUE INDEX CONCURRENTLY i# ON @t ((1))",
    "CREATE INDEX i# ON @t (id); ALTER TABLE @t CLUSTER ON i#",
    "ALTER TABLE @t ADD CONSTRAINT fk# FOREIGN KEY (n) REFERENCES @t (id) NOT VALID",
    "ALTER TABLE @t ADD CONSTRAINT fk# FOREIGN KEY (n) REFERENCES @t ON DELETE SET NULL ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED",
    "ALTER TABLE @t ADD CONSTRAINT ck# CHECK (@f(n) IS NOT NULL OR n IS NULL)",
    "ALTER TABLE @t ADD CONSTRAINT ck# CHECK (id < 1000) NOT VALID; COMMENT ON CONSTRAINT ck# ON @t IS 'not yet'",
    "ALTER TABLE @t ADD CONSTRAINT uq# UNIQUE (id, n) DEFERRABLE",
    "CREATE TABLE @s.u# (r int4range, EXCLUDE USING gist (r WITH &&) WHERE (NOT isempty(r))); INSERT INTO @s.u# VALUES ('[1,3)'), ('[3,5)'), ('empty')",
    "CREATE STATISTICS @s.st# (ndistinct, dependencies) ON id, n FROM @t; ALTER STATISTICS @s.st# SET STATISTICS 200",
    "CREATE STATISTICS @s.st# ON (@f(n)), (t || 'x') FROM @t",
    // Rows that do not conform any more.
    "CREATE TABLE @s.p# (id int PRIMARY KEY); CREATE TABLE @s.c# (id int PRIMARY KEY, p int REFERENCES @s.p#); INSERT INTO @s.p# VALUES (1); ALTER TABLE @s.c# DISABLE TRIGGER ALL; INSERT INTO @s.c# VALUES (1, 1), (2, 9); ALTER TABLE @s.c# ENABLE TRIGGER ALL",
    "CREATE TABLE @s.u# (n int); INSERT INTO @s.u# VALUES (1), (-1); ALTER TABLE @s.u# ADD CONSTRAINT plus CHECK (n > 0) NOT VALID",
    "CREATE FUNCTION @s.low#(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT t'; CREATE TABLE @s.u# (t text); INSERT INTO @s.u# VALUES ('a'), ('A'); CREATE UNIQUE INDEX un# ON @s.u# (@s.low#(t));
        CREATE OR REPLACE FUNCTION @s.low#(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t)'",
    "CREATE TABLE @s.u# (till timestamptz CHECK (till > '2000-01-01')); INSERT INTO @s.u# VALUES ('2020-01-01'); ALTER TABLE @s.u# ADD CONSTRAINT open CHECK (till > now()) NOT VALID",
    // Views, rules, triggers, policies.
    "CREATE VIEW @s.v# AS SELECT id, n AS \"N n\" FROM @t WHERE n > 0 WITH LOCAL CHECK OPTION",
    "CREATE VIEW @s.v# WITH (security_barrier, security_invoker) AS SELECT @f(id) AS f, t FROM @t; ALTER VIEW @s.v# ALTER COLUMN t SET DEFAULT 'z'",
    "CREATE RECURSIVE VIEW @s.v# (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM v# WHERE n < 9",
    "CREATE VIEW @s.v# AS SELECT * FROM @t; CREATE VIEW @s.vv# AS SELECT count(*) FROM @s.v# GROUP BY id; CREATE RULE ins AS ON INSERT TO @s.v# DO INSTEAD INSERT INTO @t (id) VALUES (NEW.id)",
    "CREATE MATERIALIZED VIEW @s.mv# AS SELECT id, n FROM @t; CREATE UNIQUE INDEX ON @s.mv# (id); CREATE MATERIALIZED VIEW @s.mw# AS SELECT count(*) AS n FROM @s.mv# WITH NO DATA",
    "CREATE MATERIALIZED VIEW @s.mv# AS SELECT @f(id) AS f FROM @t",
    "CREATE RULE log# AS ON UPDATE TO @t WHERE OLD.n <> NEW.n DO ALSO NOTIFY changed; ALTER TABLE @t DISABLE RULE log#",
    "CREATE FUNCTION @s.tf#() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF TG_LEVEL = 'ROW' THEN NEW.n := coalesce(NEW.n, 0) + 1; RETURN NEW; END IF; RETURN NULL; END $$;
        CREATE TRIGGER b# BEFORE INSERT OR UPDATE OF n ON @t FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION @s.tf#('arg'); CREATE TRIGGER a# AFTER INSERT ON @t REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION @s.tf#()",
    "CREATE FUNCTION @s.tf#() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; CREATE CONSTRAINT TRIGGER c# AFTER DELETE ON @t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION @s.tf#(); ALTER TABLE @t ENABLE ALWAYS TRIGGER c#",
    "CREATE FUNCTION @s.tf#() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$; CREATE TRIGGER r# BEFORE INSERT ON @t EXECUTE FUNCTION @s.tf#(); ALTER TABLE @t DISABLE TRIGGER r#",
    "CREATE VIEW @s.v# AS SELECT id FROM @t; CREATE FUNCTION @s.tf#() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; CREATE TRIGGER i# INSTEAD OF DELETE ON @s.v# FOR EACH ROW EXECUTE FUNCTION @s.tf#()",
    "ALTER TABLE @t ENABLE ROW LEVEL SECURITY; CREATE POLICY p# ON @t AS RESTRICTIVE FOR UPDATE TO @r, PUBLIC USING (@f(id) > 0) WITH CHECK (n > 0)",
    "CREATE POLICY \"P #\" ON @t FOR SELECT USING (t <> current_user)",
    "CREATE FUNCTION public.et#() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', tg_tag; END $$; CREATE EVENT TRIGGER et# ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION public.et#()",
    "CREATE FUNCTION public.et#() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no objects here'; END $$; CREATE EVENT TRIGGER et# ON ddl_command_start WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION public.et#(); ALTER EVENT TRIGGER et# DISABLE",
    "CREATE PUBLICATION pu# FOR TABLE @t (id, n) WHERE (id > 0) WITH (publish = 'insert')",
    "CREATE PUBLICATION pu# FOR ALL TABLES",
    "CREATE PUBLICATION pu# FOR TABLES IN SCHEMA @s WITH (publish_via_partition_root)",
    "CREATE SUBSCRIPTION su# CONNECTION 'dbname=nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)",
    // Sequences.
    "CREATE SEQUENCE @s.sq# AS smallint INCREMENT -2 MINVALUE -100 MAXVALUE 50 START 50 CACHE 3 CYCLE; SELECT nextval('@s.sq#')",
    "CREATE SEQUENCE @s.sq# OWNED BY @t.id; ALTER TABLE @t ALTER id SET DEFAULT nextval('@s.sq#')",
    "CREATE UNLOGGED SEQUENCE @s.sq#",
    // Extensions and what is elsewhere.
    "CREATE EXTENSION IF NOT EXISTS hstore; ALTER TABLE @t ADD COLUMN h# hstore DEFAULT 'a=>1'; CREATE INDEX ON @t USING gin (h#)",
    "CREATE EXTENSION IF NOT EXISTS citext; CREATE TABLE @s.u# (name citext PRIMARY KEY); INSERT INTO @s.u# VALUES ('Ann'), ('ben')",
    "CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA @s; CREATE INDEX ON @t USING gin (t @s.gin_trgm_ops)",
    "CREATE EXTENSION IF NOT EXISTS unaccent; CREATE FUNCTION public.plain#(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT unaccent(t)'; CREATE INDEX ON @t (public.plain#(t))",
    "CREATE EXTENSION IF NOT EXISTS btree_gist; CREATE TABLE @s.u# (room int, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&)); INSERT INTO @s.u# VALUES (1, '[2026-01-01,2026-01-02)')",
    "CREATE EXTENSION IF NOT EXISTS ltree; ALTER TABLE @t ADD COLUMN l# ltree DEFAULT 'a.b'",
    "CREATE FOREIGN DATA WRAPPER w# OPTIONS (debug 'true'); CREATE SERVER srv# FOREIGN DATA WRAPPER w# OPTIONS (host 'x'); CREATE USER MAPPING FOR PUBLIC SERVER srv# OPTIONS (\"user\" 'u'); CREATE FOREIGN TABLE @s.ft# (a int OPTIONS (column_name 'A') NOT NULL, b @y) SERVER srv#",
    // Comments, owners, rights.
    "COMMENT ON TABLE @t IS 'of ''rows'''; COMMENT ON COLUMN @t.n IS 'a\nnumber'; COMMENT ON SCHEMA @s IS 's'; COMMENT ON TYPE @y IS 'y'; COMMENT ON FUNCTION @f(int) IS 'f'",
    "GRANT SELECT, INSERT (n) ON @t TO @r WITH GRANT OPTION; GRANT ALL ON @t TO PUBLIC; GRANT USAGE ON SCHEMA @s TO @r",
    "REVOKE ALL ON FUNCTION @f(int) FROM PUBLIC; GRANT EXECUTE ON FUNCTION @f(int) TO @r; REVOKE USAGE ON TYPE @y FROM PUBLIC; REVOKE DELETE ON @t FROM CURRENT_USER",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA @s GRANT SELECT ON TABLES TO @r; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC",
    "ALTER TABLE @t OWNER TO @r; ALTER FUNCTION @f(int) OWNER TO @r",
    "SELECT lo_from_bytea(90#, 'some bytes'); COMMENT ON LARGE OBJECT 90# IS 'large'; GRANT SELECT ON LARGE OBJECT 90# TO @r",
    "SELECT lo_create(80#); ALTER LARGE OBJECT 80# OWNER TO @r",
    "CREATE SCHEMA \"S #\" AUTHORIZATION @r; CREATE TABLE \"S #\".\"t \"\" #\" (\"c ; '\" int PRIMARY KEY, \"select\" text); INSERT INTO \"S #\".\"t \"\" #\" VALUES (1, E'\\\\ \\t')",
];

/// How rows come into tables.
const ROWS: &[&str] = &[
    "INSERT INTO @t (id, n, t, d) SELECT g, g % 7, 'row ' || g, DATE '2025-12-01' + g FROM generate_series(1, 40) g",
    "INSERT INTO @t (id, n, t, d) OVERRIDING SYSTEM VALUE SELECT g, g, NULL, '2026-05-01' FROM generate_series(100, 105) g",
    "INSERT INTO @t (id, d) VALUES (-1, '-infinity')",
    "DELETE FROM @t WHERE id = 3; UPDATE @t SET t = repeat('long ', 2000) WHERE id = 4",
];

/// The statements of a schema.
pub(super) fn schema(seed: u64, role: &str) -> Vec<String> {
    let mut dice = Numbers(seed.wrapping_mul(7919) + 1);
    let schemas = ["public", "app", "\"Odd s\""];
    let mut statements = vec!["CREATE SCHEMA app".to_owned(), "CREATE SCHEMA \"Odd s\"".to_owned()];
    let (mut tables, mut types, mut functions): (Vec<String>, Vec<String>, Vec<String>) = Default::default();
    // Some are there for the others to be about.
    let begin = |words: &str| KINDS.iter().position(|kind| kind.starts_with(words)).expect("there is one");
    let mut wanted = vec![
        begin("CREATE TABLE @s.t# (id int PRIMARY KEY, n int UNIQUE"),
        begin("CREATE FUNCTION @s.f#(n int) RETURNS int LANGUAGE sql IMM"),
        begin("CREATE TYPE @s.y# AS ENUM"),
    ];
    let amount = 18 + dice.below(22);
    wanted.extend((0..amount).map(|_| dice.below(KINDS.len() as u64) as usize));
    for (number, kind) in wanted.into_iter().enumerate() {
        let schema = schemas[dice.below(3) as usize];
        let mut pick = |all: &[String], none: &str| match all.len() as u64 {
            0 => none.to_owned(),
            some => all[dice.below(some) as usize].clone(),
        };
        let (table, of_type, function) =
            (pick(&tables, "none"), pick(&types, "int"), pick(&functions, "abs"));
        let filled = |text: &str| {
            let text = text
                .replace("@t", &table)
                .replace("@s", schema)
                .replace("@y", &of_type)
                .replace("@f", &function);
            text.replace("@r", role).replace('#', &(number + 10).to_string())
        };
        let text = filled(KINDS[kind]);
        for (begin, known) in [("t", &mut tables), ("y", &mut types), ("f", &mut functions)] {
            let name = format!("{schema}.{begin}{}", number + 10);
            if KINDS[kind].contains(&format!("@s.{begin}# ("))
                || KINDS[kind].contains(&format!("TYPE @s.{begin}#"))
                || KINDS[kind].contains(&format!("DOMAIN @s.{begin}#"))
                || KINDS[kind].contains(&format!("@s.{begin}# OF"))
                || KINDS[kind].contains(&format!("FUNCTION @s.{begin}#(n int"))
            {
                known.push(name);
            }
        }
        statements.push(text);
        // Rows come when some things are there and others not yet.
        if dice.below(3) == 0 && !tables.is_empty() {
            let at = tables[dice.below(tables.len() as u64) as usize].clone();
            statements.push(ROWS[dice.below(ROWS.len() as u64) as usize].replace("@t", &at));
        }
    }
    statements
}
