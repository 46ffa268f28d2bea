//! Default privileges (`ALTER DEFAULT PRIVILEGES`), as statements that take them back and give them back.

/// The default privileges that the role can change, with `name` for whose they are, `place` for the schema, `things` for
/// what they are about.
const CHANGEABLE: &str = "SELECT d.*, format('%I', pg_catalog.pg_get_userbyid(d.defaclrole)) AS name, \
    CASE WHEN d.defaclnamespace <> 0 THEN format('IN SCHEMA %I', \
      (SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE n.oid = d.defaclnamespace)) END AS place, \
    CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' \
      WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS things \
    FROM pg_catalog.pg_default_acl d WHERE pg_catalog.pg_has_role(d.defaclrole, 'USAGE')";

/// What a role has where no default privileges are set.
const USUAL: &str = "pg_catalog.acldefault(CASE r.defaclobjtype WHEN 'S' THEN 's'::\"char\" \
    ELSE r.defaclobjtype END, r.defaclrole)";

/// The query for the statements after which there are none that the role can change, but for those that were always
/// there, one a row.
pub(super) fn taking_back() -> String {
    statements(&[("0", revoke("r.defaclacl", "true")), ("1", grant(USUAL, "r.defaclnamespace = 0"))])
}

/// The query for the statements that make them, where there are none, what they are now, one a row.
pub(super) fn giving_back() -> String {
    statements(&[("0", revoke(USUAL, "r.defaclnamespace = 0")), ("1", grant("r.defaclacl", "true"))])
}

fn statements(steps: &[(&str, String)]) -> String {
    let steps: Vec<String> =
        steps.iter().map(|(step, what)| format!("SELECT DISTINCT {step} AS step, {what}")).collect();
    format!(
        "SELECT concat_ws(' ', 'ALTER DEFAULT PRIVILEGES FOR ROLE', r.name, r.place, p.what) \
         FROM ({CHANGEABLE}) r, LATERAL ({}) p ORDER BY r.oid, p.step",
        steps.join(" UNION ALL ")
    )
}

fn revoke(privileges: &str, condition: &str) -> String {
    format!(
        "format('REVOKE ALL ON %s FROM %s', r.things, {GRANTEE}) AS what \
             FROM pg_catalog.aclexplode({privileges}) a WHERE {condition}"
    )
}

fn grant(privileges: &str, condition: &str) -> String {
    format!(
        "format('GRANT %s ON %s TO %s%s', a.privilege_type, r.things, {GRANTEE}, \
                    CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS what \
             FROM pg_catalog.aclexplode({privileges}) a WHERE {condition}"
    )
}

const GRANTEE: &str =
    "CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE format('%I', pg_catalog.pg_get_userbyid(a.grantee)) END";
