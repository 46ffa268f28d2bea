-- What the server of version 15 has besides: contrib, XML, ICU.

CREATE SCHEMA ext;
CREATE EXTENSION hstore WITH SCHEMA ext;
CREATE EXTENSION citext;
CREATE EXTENSION pg_trgm WITH SCHEMA ext;
CREATE EXTENSION btree_gist;
COMMENT ON EXTENSION hstore IS 'another comment than its own';
CREATE TABLE with_extensions (k citext PRIMARY KEY, h ext.hstore, x xml, t text);
INSERT INTO with_extensions VALUES ('Abc', '"a"=>"1", "b"=>NULL', '<a>1</a><b/>', 'some words'), ('b', '', 'just text', '');
CREATE INDEX by_trigram ON with_extensions USING gin (t ext.gin_trgm_ops);
CREATE TABLE rooms (room integer, during daterange, EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO rooms VALUES (1, '[2026-01-01,2026-02-01)'), (2, '[2026-01-01,2026-02-01)');
CREATE UNIQUE INDEX nulls_once ON without_key (a, b) NULLS NOT DISTINCT WHERE a > 1000;
CREATE COLLATION app.numeric_order (provider = icu, locale = 'en-u-kn-true');
CREATE COLLATION app.insensitive (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE keyed_by_icu (k text COLLATE app.insensitive PRIMARY KEY, n text COLLATE app.numeric_order UNIQUE NOT NULL);
INSERT INTO keyed_by_icu VALUES ('b', 'x10'), ('A', 'x9'), ('C', 'x1'), ('ä', 'X2');
