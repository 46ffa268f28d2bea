-- What only newer servers know.

CREATE TABLE virtual (id integer PRIMARY KEY, a integer, twice integer GENERATED ALWAYS AS (a * 2), thrice integer GENERATED ALWAYS AS (a * 3) VIRTUAL);
INSERT INTO virtual (id, a) VALUES (2, 20), (1, NULL);
CREATE TABLE unenforced (id integer PRIMARY KEY, parent integer REFERENCES parents NOT ENFORCED, CHECK (id > 100) NOT ENFORCED);
INSERT INTO unenforced VALUES (1, 12345);
CREATE TABLE loose (a integer, b integer);
INSERT INTO loose VALUES (NULL, 1), (1, 2);
ALTER TABLE loose ADD CONSTRAINT a_later NOT NULL a NOT VALID, ADD CONSTRAINT b_named NOT NULL b;
CREATE UNIQUE INDEX loose_by_a ON loose (a);
CREATE TABLE periods (id int4range, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
INSERT INTO periods VALUES ('[1,2)', '[2026-01-01,2026-02-01)'), ('[1,2)', '[2026-02-01,2026-03-01)');
CREATE TABLE in_periods (id int4range, during daterange, FOREIGN KEY (id, PERIOD during) REFERENCES periods (id, PERIOD during));
INSERT INTO in_periods VALUES ('[1,2)', '[2026-01-15,2026-02-15)');
CREATE TABLE uuids (id uuid DEFAULT uuidv7() PRIMARY KEY);
INSERT INTO uuids DEFAULT VALUES;
