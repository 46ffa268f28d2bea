-- A database with one of everything. READER and KEEPER stand for roles.

CREATE SCHEMA app;
CREATE SCHEMA "od d""s";
CREATE SCHEMA hidden AUTHORIZATION KEEPER;
COMMENT ON SCHEMA app IS 'it''s a schema; with a semicolon';
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO READER;
ALTER DEFAULT PRIVILEGES FOR ROLE KEEPER REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- types
CREATE TYPE app.colour AS ENUM ('red', 'green', 'it''s "odd"', 'blå');
ALTER TYPE app.colour ADD VALUE 'amber' BEFORE 'green';
-- A value may be used once it is committed.
BEGIN; COMMIT;
CREATE TYPE app.pair AS (a integer, b text, c app.colour);
CREATE DOMAIN app.positive AS integer DEFAULT 1 CONSTRAINT is_positive CHECK (VALUE > 0);
CREATE DOMAIN app.code AS text NOT NULL COLLATE "C" CHECK (VALUE ~ '^[A-Z]+$');
CREATE DOMAIN app.deep AS app.positive CHECK (VALUE < 1000000);
CREATE TYPE app.floats AS RANGE (subtype = float8, subtype_diff = float8mi);
COMMENT ON TYPE app.pair IS 'a pair';
CREATE COLLATION app.american (locale = 'en_US.utf8');

-- functions
CREATE FUNCTION app.add(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT CASE WHEN a > 0 THEN a + b ELSE b END;
END;
CREATE FUNCTION app.odd_body() RETURNS text LANGUAGE plpgsql AS $f$
BEGIN
  -- a comment; with a semicolon and $$ in it
  RETURN 'a;b' || $$c;d$$ || E'\\;';
END;
$f$;
CREATE FUNCTION app.lower_first(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT lower(left(t, 1)) $$;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.touched := coalesce(NEW.touched, 0) + 1; RETURN NEW; END $$;
CREATE PROCEDURE app.nothing(INOUT x integer) LANGUAGE plpgsql AS $$ BEGIN x := x + 1; END $$;
CREATE PROCEDURE app.insert_two() LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END;
CREATE FUNCTION app.join(state text, next text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(state || ',', '') || next $$;
CREATE AGGREGATE app.joined(text) (sfunc = app.join, stype = text);
CREATE FUNCTION app.close_to(a integer, b integer) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT abs(a - b) < 3 $$;
CREATE OPERATOR app.=~ (FUNCTION = app.close_to, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = OPERATOR(app.=~));
CREATE FUNCTION app.pair_of(t text) RETURNS app.pair LANGUAGE sql IMMUTABLE AS $$ SELECT row(1, t, 'red')::app.pair $$;
CREATE CAST (text AS app.pair) WITH FUNCTION app.pair_of(text);
COMMENT ON FUNCTION app.add(integer, integer) IS 'adds';

-- tables of every sort
CREATE TABLE types (
  id bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5) PRIMARY KEY,
  s smallint, n numeric, n2 numeric(20, 4), r real, d double precision, b boolean, t text, v varchar(10), c char(6),
  n3 name, ch "char", by bytea, dt date, ti time, tz timetz, ts timestamp, tstz timestamptz(3), iv interval,
  j json, jb jsonb, u uuid, i inet, ci cidr, m macaddr, m8 macaddr8, bi bit(5), vb bit varying, mo money,
  p point, pg polygon, tsv tsvector, tsq tsquery, o oid, rc regclass, l pg_lsn, ar integer[], ar2 text[][],
  ec app.colour, eca app.colour[], pr app.pair, pra app.pair[], po app.positive, de app.deep,
  ir int4range, mr int4multirange, fr app.floats, x xid, jp jsonpath
);
INSERT INTO types (n) VALUES (NULL);
INSERT INTO types (s, n, n2, r, d, b, t, v, c, n3, ch, by, dt, ti, tz, ts, tstz, iv, j, jb, u, i, ci, m, m8, bi, vb, mo,
  p, pg, tsv, tsq, o, rc, l, ar, ar2, ec, eca, pr, pra, po, de, ir, mr, fr, x, jp)
VALUES
 (-32768, 'NaN', 0.0001, 'NaN', 'Infinity', true, '', '', '', '', 'x', '', 'infinity', '24:00:00', '12:00:00.5+05:30',
  '-infinity', '2026-02-28 23:59:59.999', '-1 year 2 mons -3 days 04:05:06.789',
  '{"a" :  1, "a": 2}', '{"b": [1, 2.50, null, "\u00e9\ttab"]}', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', '::1/64',
  '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', B'10101', B'', '-12.34', '(1e-300,1.5)',
  '((0,0),(1,1),(2,0))', 'a:1A b:2 ''it''''s''', 'a & !b | ''c d''', 4294967295, 'types', 'FF/1', '{1,NULL,3}',
  '{{a,"b,c"},{"\"",NULL}}', 'it''s "odd"', '{red,NULL,"it''s \"odd\""}', '(1,"a,""b",red)',
  ARRAY['(,,)'::app.pair, NULL], 1, 999, '[1,5)', '{[1,3),[7,9)}', '(-infinity,0.1]', '7', '$.a[*] ? (@ > 1)'),
 (32767, '-Infinity', -1234567890123456.7891, 1.17549435e-38, 5e-324, false, E'tab\tnewline\nreturn\rbackslash\\bell\x07',
  'ünïcödé', 'x', 'name', '', '\x00ff5c0a', '4713-01-01 BC', '00:00:00', '00:00:00-12', '0044-03-15 12:00:00 BC',
  'infinity', '178000000 years', 'null', 'null', '00000000-0000-0000-0000-000000000000', '10.1.2.3', '::/0',
  'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', B'00000', B'1', '92233720368547758.07', '(NaN,-Infinity)',
  '((0,0))', '', '''x'':*', 0, 'pg_catalog.pg_class', '0/0', '{}', '{}', 'blå', '{}', NULL, '{}', NULL, NULL,
  'empty', '{}', 'empty', '4294967295', '$'),
 (0, '-0.00000000000000000000000000000000000000001', 0, '-0', '-0', NULL, '\N', '\.', '\\', '"', 'é'::"char", '\x',
  '294276-12-31', '23:59:59.999999', '23:59:59.999999-15:59', '294276-12-31 23:59:59.999999', '0001-01-01 00:00:00+00 BC',
  '00:00:00.000001', '[]', '[]', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'fe80::1', '192.168.0.0/16',
  '00:00:00:00:00:00', '00:00:00:00:00:00:00:00', B'11111', B'0101', '0', '(0,0)', '((1e10,-1e10))', 'z',
  'a <-> b', 1, NULL, 'FFFFFFFF/FFFFFFFF', '[0:2]={1,2,3}', '{{NULL}}', 'amber', '{amber}', '(,,)', '{}', 5, 5,
  '(,)', '{(,)}', '(,)', '0', 'lax $'),
 (1, 1e131071 - 1, 9999999999999999.9999, 3.4028235e38, 1.7976931348623157e308, true, repeat('long ', 100000), 'x', 'abcdef',
  repeat('n', 63), 'z', decode(repeat('00ff', 50000), 'hex'), '0001-01-01', '12:00', '12:00+00', '0001-01-01',
  '1900-01-01', '0', '1', '"x"', '12345678-1234-5678-1234-567812345678', '0.0.0.0/0', '0.0.0.0/0', '01:02:03:04:05:06',
  '01:02:03:04:05:06:07:08', B'10000', B'11', '1', '(1,1)', '((1,1),(2,2))', 'a', 'a', 5, NULL, '1/1', '{{{1}}}', '{a}',
  'red', '{green}', '(-1,"",)', NULL, 7, 7, '[1,)', '{[1,2)}', '[1,2]', '1', '$');

CREATE TABLE "spaced "" table
name" ("col ""umn" integer, "sélect" text, "from" text DEFAULT 'a;b', "new
line" text, PRIMARY KEY ("sélect", "col ""umn"));
INSERT INTO "spaced "" table
name" VALUES (1, 'ä', 'x', 'y'), (2, 'z', NULL, ''), (1, 'Z', '', NULL);
COMMENT ON COLUMN "spaced "" table
name"."new
line" IS E'a\nb';
CREATE INDEX "ind ex;" ON "spaced "" table
name" (lower("from"), "new
line" DESC NULLS LAST) WHERE "from" <> ';';
CREATE TABLE "od d""s"."Ünï" (a integer, "b;" text UNIQUE);
INSERT INTO "od d""s"."Ünï" VALUES (1, 'x'), (1, NULL), (1, NULL);

CREATE TABLE nothing ();
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO nothing DEFAULT VALUES;
INSERT INTO nothing DEFAULT VALUES;
CREATE TABLE without_key (a integer, b text);
INSERT INTO without_key SELECT n % 4, CASE n % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'x' END FROM generate_series(1, 500) n;
CREATE TABLE dropped_columns (a integer, gone text, b text DEFAULT 'b', gone2 integer);
INSERT INTO dropped_columns VALUES (1, 'x', 'y', 2);
ALTER TABLE dropped_columns DROP COLUMN gone, DROP COLUMN gone2, ADD COLUMN later integer NOT NULL DEFAULT 7;
CREATE TABLE computed (
  a integer NOT NULL, twice integer GENERATED ALWAYS AS (a * 2) STORED, b text,
  both_of text GENERATED ALWAYS AS (b || '!') STORED, PRIMARY KEY (twice));
INSERT INTO computed (a, b) VALUES (3, 'x'), (1, NULL), (2, 'z');
CREATE TABLE all_computed (x integer GENERATED ALWAYS AS (1) STORED, y integer GENERATED ALWAYS AS (2) STORED);
INSERT INTO all_computed DEFAULT VALUES;
INSERT INTO all_computed DEFAULT VALUES;
CREATE TABLE identities (
  a integer GENERATED ALWAYS AS IDENTITY, b integer GENERATED BY DEFAULT AS IDENTITY (MINVALUE -5 START -5 CYCLE), c text);
INSERT INTO identities (c) VALUES ('x'), ('y');
CREATE TABLE serials (id serial PRIMARY KEY, big bigserial, touched integer);
INSERT INTO serials (touched) VALUES (1), (2), (3);
CREATE UNLOGGED TABLE app.unlogged (a integer PRIMARY KEY);
INSERT INTO app.unlogged SELECT generate_series(1, 10);
CREATE TABLE app.typed OF app.pair (PRIMARY KEY (a), b WITH OPTIONS DEFAULT 'typed');
INSERT INTO app.typed VALUES (1, 'x', 'amber');
CREATE TABLE app.options (a integer, b text) WITH (fillfactor = 70, autovacuum_enabled = false);
ALTER TABLE app.options ALTER COLUMN a SET STATISTICS 500, ALTER COLUMN b SET STORAGE EXTERNAL;
INSERT INTO app.options VALUES (1, 'x');

-- keys that do not sort as they print
CREATE TABLE keyed_by_enum (k app.colour PRIMARY KEY, v text);
INSERT INTO keyed_by_enum VALUES ('red', 'a'), ('amber', 'b'), ('green', 'c'), ('blå', 'd');
CREATE TABLE keyed_by_inet (k inet PRIMARY KEY);
INSERT INTO keyed_by_inet VALUES ('10.0.0.1'), ('9.0.0.1'), ('::1'), ('10.0.0.0/8');
CREATE TABLE keyed_by_bpchar (k char(4), d double precision, PRIMARY KEY (k, d));
INSERT INTO keyed_by_bpchar VALUES ('a', 1e10), ('a', 2), (E'a\t', 1), ('', 'NaN'), ('', '-Infinity'), ('b', -0.0);
CREATE TABLE keyed_by_collation (k text COLLATE app.american PRIMARY KEY, n text COLLATE "C" UNIQUE NOT NULL);
INSERT INTO keyed_by_collation VALUES ('b', 'x10'), ('A', 'x9'), ('C', 'x1'), ('ä', 'X2');
CREATE TABLE keyed_by_domain (k app.code PRIMARY KEY, p app.deep NOT NULL);
INSERT INTO keyed_by_domain VALUES ('Z', 1), ('AB', 2), ('B', 3);
CREATE TABLE keyed_by_many (n numeric, d date, ts timestamp, tz timestamptz, u uuid, b bytea, o boolean, t time, i smallint,
  PRIMARY KEY (n, d, ts, tz, u, b, o, t, i));
INSERT INTO keyed_by_many
SELECT n::numeric / 7 * (CASE n % 2 WHEN 0 THEN -1 ELSE 1 END), date '0001-01-05 BC' + n * 40, timestamp '0001-01-05 BC' + n * interval '1 day 0.1 s',
  timestamptz '0001-01-05 BC' + n * interval '7 months', md5(n::text)::uuid, decode(md5(n::text), 'hex'), n % 3 = 0,
  time '00:00' + n * interval '12.34567 s', n % 100 FROM generate_series(1, 300) n;
INSERT INTO keyed_by_many VALUES
  ('NaN', 'infinity', 'infinity', 'infinity', md5('')::uuid, '', true, '24:00', 0), ('Infinity', '-infinity', '-infinity', '-infinity', md5('')::uuid, '\x00', true, '24:00', 0),
  ('-Infinity', '-infinity', '-infinity', '-infinity', md5('')::uuid, '\x0000', true, '24:00', 0);

-- partitions and inheritance
CREATE TABLE events (id bigint NOT NULL, day date NOT NULL, kind text NOT NULL, PRIMARY KEY (id, day, kind)) PARTITION BY RANGE (day);
CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01') PARTITION BY LIST (kind);
CREATE TABLE events_2026_a PARTITION OF events_2026 FOR VALUES IN ('a', 'b');
CREATE TABLE events_2026_rest PARTITION OF events_2026 DEFAULT PARTITION BY HASH (id);
CREATE TABLE events_2026_rest_0 PARTITION OF events_2026_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE events_2026_rest_1 (kind text NOT NULL, day date NOT NULL, extra integer, id bigint NOT NULL);
ALTER TABLE events_2026_rest_1 DROP COLUMN extra;
ALTER TABLE events_2026_rest ATTACH PARTITION events_2026_rest_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE events_other PARTITION OF events DEFAULT;
CREATE INDEX events_kind ON events (kind);
INSERT INTO events SELECT n, date '2024-12-01' + n, CASE n % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'none' ELSE 'x' || n % 5 END
FROM generate_series(1, 900) n;
CREATE TABLE by_list (a text, b integer) PARTITION BY LIST (a);
CREATE TABLE by_list_null PARTITION OF by_list FOR VALUES IN (NULL);
CREATE TABLE by_list_rest PARTITION OF by_list DEFAULT;
INSERT INTO by_list VALUES (NULL, 1), ('x', 2), (NULL, 1);
CREATE TABLE animals (id integer PRIMARY KEY, name text CHECK (name <> ''));
CREATE TABLE dogs (tail boolean DEFAULT true) INHERITS (animals);
CREATE TABLE puppies (weeks integer, name text NOT NULL) INHERITS (dogs);
INSERT INTO animals VALUES (1, 'animal'); INSERT INTO dogs VALUES (1, 'dog', false); INSERT INTO puppies VALUES (1, 'puppy', true, 3);

-- constraints
CREATE TABLE parents (id integer PRIMARY KEY, favourite integer, code text UNIQUE, late text UNIQUE DEFERRABLE INITIALLY DEFERRED, self integer REFERENCES parents);
CREATE TABLE children (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES parents ON DELETE CASCADE DEFERRABLE, code text REFERENCES parents (code) MATCH FULL ON UPDATE SET NULL);
ALTER TABLE parents ADD CONSTRAINT "favourite;" FOREIGN KEY (favourite) REFERENCES children DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO parents VALUES (1, 10, 'a', 'x', 2), (2, 11, 'b', NULL, 1), (3, NULL, NULL, 'y', 3);
INSERT INTO children VALUES (10, 1, 'a'), (11, 2, NULL);
COMMIT;
CREATE TABLE event_notes (id integer PRIMARY KEY, event bigint, day date, kind text, FOREIGN KEY (event, day, kind) REFERENCES events);
INSERT INTO event_notes VALUES (1, 9, date '2024-12-01' + 9, 'a'), (2, NULL, NULL, NULL);
CREATE TABLE parted_notes (id integer, parent integer REFERENCES parents) PARTITION BY RANGE (id);
CREATE TABLE parted_notes_1 PARTITION OF parted_notes FOR VALUES FROM (0) TO (100);
INSERT INTO parted_notes VALUES (1, 1), (2, 2);
CREATE TABLE bookings (room int4range, during tsrange, EXCLUDE USING gist (room WITH &&, during WITH &&) WHERE (room IS NOT NULL));
INSERT INTO bookings VALUES ('[1,2)', '[2026-01-01,2026-01-02)'), ('[2,3)', '[2026-01-01,2026-01-02)'), (NULL, NULL);
CREATE TABLE unchecked (a integer, b integer);
INSERT INTO unchecked VALUES (-1, 99);
ALTER TABLE unchecked ADD CONSTRAINT later CHECK (a > 0) NOT VALID;
ALTER TABLE unchecked ADD CONSTRAINT later_key FOREIGN KEY (b) REFERENCES parents NOT VALID;
ALTER TABLE ONLY serials REPLICA IDENTITY FULL;
CREATE UNIQUE INDEX types_by_uuid ON types (u) INCLUDE (s);
CREATE INDEX types_by_json ON types USING gin (jb jsonb_path_ops);
CREATE INDEX types_by_text ON types USING hash (v);
CREATE INDEX types_by_first ON types (app.lower_first(v)) TABLESPACE pg_default;
CREATE STATISTICS app.related (dependencies, ndistinct) ON s, b FROM types;
CREATE INDEX serials_cluster ON serials (big);
ALTER TABLE serials CLUSTER ON serials_cluster;
ALTER INDEX types_by_first ALTER COLUMN 1 SET STATISTICS 77;

-- an index whose function reads another table, and fails as long as that has no rows
CREATE TABLE z_read (id integer PRIMARY KEY, v text);
INSERT INTO z_read VALUES (1, 'one');
CREATE FUNCTION app.reads(k integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE found_v text; BEGIN SELECT v INTO STRICT found_v FROM public.z_read WHERE id = k; RETURN found_v; END $$;
CREATE TABLE a_reader (k integer PRIMARY KEY);
INSERT INTO a_reader VALUES (1);
CREATE INDEX a_reader_reads ON a_reader (app.reads(k));

-- views
CREATE VIEW app.plain AS SELECT id, t, s FROM types WHERE s > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW "od d""s".over_views WITH (security_barrier) AS SELECT * FROM app.plain;
CREATE RECURSIVE VIEW app.counting (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM counting WHERE n < 5;
CREATE VIEW app.grouped AS SELECT p.id, p.code, count(*) FROM parents p JOIN children c ON c.parent = p.id GROUP BY p.id;
CREATE MATERIALIZED VIEW app.z_first AS SELECT kind, count(*) FROM events GROUP BY kind;
CREATE MATERIALIZED VIEW app.a_second AS SELECT sum(count) AS total FROM app.z_first;
CREATE VIEW app.between AS SELECT total FROM app.a_second;
CREATE MATERIALIZED VIEW app.a_first AS SELECT total * 2 AS twice FROM app.between;
CREATE MATERIALIZED VIEW app.unfilled AS SELECT 1 AS x WITH NO DATA;
CREATE MATERIALIZED VIEW app.by_key AS SELECT p.id, p.code, max(c.id) AS most FROM parents p JOIN children c ON c.parent = p.id GROUP BY p.id;
CREATE UNIQUE INDEX z_first_kind ON app.z_first (kind);
CREATE INDEX by_key_id ON app.by_key (id);

-- triggers, rules, policies
CREATE TRIGGER touched BEFORE INSERT OR UPDATE ON serials FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION app.touch();
CREATE TRIGGER never BEFORE DELETE ON serials FOR EACH ROW EXECUTE FUNCTION app.touch();
ALTER TABLE serials DISABLE TRIGGER never;
CREATE CONSTRAINT TRIGGER at_the_end AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.touch();
CREATE RULE no_deletes AS ON DELETE TO without_key DO INSTEAD NOTHING;
CREATE RULE twice AS ON INSERT TO without_key DO ALSO (UPDATE without_key SET b = 'rule;' WHERE a = NEW.a; DELETE FROM nothing);
ALTER TABLE identities ENABLE ROW LEVEL SECURITY;
ALTER TABLE identities FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON identities AS RESTRICTIVE FOR SELECT TO READER USING (c = current_user);

-- owners and privileges
CREATE TABLE hidden.kept (id integer PRIMARY KEY, secret text);
INSERT INTO hidden.kept VALUES (1, 'x');
ALTER TABLE hidden.kept OWNER TO KEEPER;
REVOKE ALL ON hidden.kept FROM KEEPER;
GRANT SELECT (id), UPDATE (secret) ON hidden.kept TO READER WITH GRANT OPTION;
GRANT SELECT ON types, without_key TO READER, PUBLIC;
GRANT USAGE ON SEQUENCE serials_id_seq TO READER;
REVOKE EXECUTE ON FUNCTION app.odd_body() FROM PUBLIC;
GRANT USAGE ON SCHEMA app TO READER;
REVOKE ALL ON TYPE app.pair FROM PUBLIC;
ALTER FUNCTION app.odd_body() OWNER TO KEEPER;
ALTER TYPE app.floats OWNER TO KEEPER;
GRANT ALL ON SCHEMA public TO KEEPER;

-- sequences
CREATE SEQUENCE app.descending INCREMENT -3 MINVALUE -100 MAXVALUE 10 START 10 CACHE 5;
SELECT nextval('app.descending'), nextval('app.descending');
CREATE SEQUENCE "od d""s"."se quence" AS smallint;
SELECT setval('"od d""s"."se quence"', 77, false);
CREATE SEQUENCE never_used OWNED BY without_key.a;
ALTER SEQUENCE never_used OWNER TO CURRENT_USER;

-- large objects
SELECT lo_create(1001);
SELECT lo_from_bytea(1002, decode(repeat('00ff41', 300000), 'hex'));
SELECT lo_from_bytea(1003, 'small');
SELECT lo_put(lo_create(1004), 1000000, 'after a hole');
ALTER LARGE OBJECT 1003 OWNER TO KEEPER;
GRANT SELECT ON LARGE OBJECT 1002 TO READER WITH GRANT OPTION;
GRANT SELECT ON LARGE OBJECT 1001 TO PUBLIC;
REVOKE UPDATE ON LARGE OBJECT 1003 FROM KEEPER;
COMMENT ON LARGE OBJECT 1001 IS 'it''s empty \ ';

-- things outside schemas
CREATE FOREIGN DATA WRAPPER dummy;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER dummy OPTIONS (host 'h;');
CREATE USER MAPPING FOR READER SERVER elsewhere OPTIONS (password 's3cret');
CREATE FOREIGN TABLE app.far (a integer, b text) SERVER elsewhere;
CREATE PUBLICATION some_tables FOR TABLE serials, app.typed WITH (publish = 'insert');
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE SUBSCRIPTION incoming CONNECTION 'host=localhost password=s3cret' PUBLICATION p WITH (connect = false, slot_name = NONE);
CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no DDL here'; END $$;
CREATE EVENT TRIGGER forbid ON ddl_command_start EXECUTE FUNCTION app.on_ddl();
ALTER EVENT TRIGGER forbid ENABLE REPLICA;
CREATE TEXT SEARCH CONFIGURATION app.words (COPY = simple);
CREATE TEXT SEARCH DICTIONARY app.plain_words (TEMPLATE = simple, stopwords = 'english');
CREATE OPERATOR FAMILY app.family USING btree;
CREATE FUNCTION app.compare(a app.pair, b app.pair) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT (a).a - (b).a $$;
CREATE CONVERSION app.conversion FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
