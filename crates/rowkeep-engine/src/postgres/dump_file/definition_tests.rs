use super::*;

fn table(name: &str) -> TableName {
    TableName::qualified("public", name)
}

fn read(script: &str) -> Definitions {
    let mut definitions = Definitions::default();
    crate::postgres::schema::split::statements(script).into_iter().for_each(|one| definitions.read(one));
    definitions
}

#[test]
fn columns_and_keys_are_what_the_statements_say() {
    let definitions = read(
        "CREATE DOMAIN public.\"Pos\" AS bigint CONSTRAINT p CHECK ((VALUE > 0));
         CREATE TABLE public.a (
             id integer CONSTRAINT x NOT NULL, \"B c\" character varying(9) COLLATE pg_catalog.\"C\" DEFAULT 'not null'::text NOT NULL,
             t timestamp(3) without time zone, g integer GENERATED ALWAYS AS ((id + 1)) STORED, v public.\"Pos\"[],
             CONSTRAINT c CHECK ((id > 0)));
         ALTER TABLE public.a ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME public.a_id_seq);
         ALTER TABLE ONLY public.a ADD CONSTRAINT a_pkey PRIMARY KEY (id) INCLUDE (t);
         ALTER TABLE ONLY public.a ADD CONSTRAINT u UNIQUE (t) DEFERRABLE;
         CREATE UNIQUE INDEX i ON public.a USING btree (\"B c\" text_pattern_ops DESC);
         CREATE UNIQUE INDEX j ON public.a USING btree (lower((\"B c\")::text));
         CREATE UNIQUE INDEX k ON public.a USING btree (id) WHERE (id > 3);
         CREATE TABLE public.b (x integer) INHERITS (public.a);
         ALTER TABLE ONLY public.b ADD CONSTRAINT b_a FOREIGN KEY (x) REFERENCES public.a(id) ON DELETE CASCADE;",
    );
    let columns = definitions.columns(&table("a"));
    let told: Vec<(&str, &str, bool, bool)> = columns
        .iter()
        .map(|one| (one.name.as_str(), one.type_name.as_str(), one.not_null, one.generated))
        .collect();
    assert_eq!(
        told,
        [
            ("id", "integer", true, false),
            ("B c", "character varying(9)", true, false),
            ("t", "timestamp(3) without time zone", false, false),
            ("g", "integer", false, true),
            ("v", "public.\"Pos\"[]", false, false),
        ]
    );
    let keys = &definitions.tables[&table("a")].keys;
    let keys: Vec<(&str, bool)> = keys.iter().map(|key| (key.name.as_str(), key.primary)).collect();
    assert_eq!(keys, [("a_pkey", true), ("i", false)]);
    let names: Vec<String> = definitions.columns(&table("b")).into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["id", "B c", "t", "g", "v", "x"]);
    assert_eq!(definitions.references(&table("b"))[0].referenced_columns, ["id"]);
    assert_eq!(definitions.domains["public.\"Pos\""], "bigint");
}

#[test]
fn names_that_are_words_of_the_language_are_names() {
    let definitions = read(
        "CREATE TYPE public.storage AS ENUM ('x');
         CREATE TYPE public.times AS RANGE (subtype = timestamp with time zone, multirange_type_name = public.several);
         CREATE TABLE public.a (exclude text, s public.storage NOT NULL, c public.compression[] STORAGE main, e integer,
             EXCLUDE USING gist (e WITH =));",
    );
    let told: Vec<(String, String)> =
        definitions.columns(&table("a")).into_iter().map(|one| (one.name, one.type_name)).collect();
    let told: Vec<(&str, &str)> = told.iter().map(|(name, of)| (name.as_str(), of.as_str())).collect();
    assert_eq!(
        told,
        [("exclude", "text"), ("s", "public.storage"), ("c", "public.compression[]"), ("e", "integer")]
    );
    assert_eq!(definitions.ranges["public.several"], "timestamp with time zone");
    assert!(definitions.knows("public.storage") && definitions.knows("integer[]"));
    assert!(!definitions.knows("public.compression[]"));
}

#[test]
fn children_have_what_their_parents_say_of_them() {
    let mut script =
        "CREATE TABLE public.t0 (a integer CONSTRAINT n NOT NULL NO INHERIT, b integer NOT NULL, c integer,
         CONSTRAINT m NOT NULL c NO INHERIT);"
            .to_owned();
    // In so many ways each is a child of the first that nobody could count them.
    for number in 1..200 {
        let parent = number - 1;
        script += &format!("CREATE TABLE public.t{number} () INHERITS (public.t{parent}, public.t{parent});");
    }
    script += "CREATE TABLE public.own (a integer) INHERITS (public.own);";
    let definitions = read(&script);
    let not_null = |name: &str| -> Vec<bool> {
        definitions.columns(&table(name)).into_iter().map(|column| column.not_null).collect()
    };
    assert_eq!(not_null("t0"), [true, true, true]);
    assert_eq!(not_null("t199"), [false, true, false]);
    assert_eq!(not_null("own"), [false]);
}
