//! What becomes of each setting that libpq knows (manual of PostgreSQL 18, "Parameter Key Words"): it counts, it changes nothing here, or
//! it is refused with a reason. None that matters is passed over.

/// What becomes of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// It counts as it is.
    Kept,
    /// The client library has another name for it.
    KeptAs(&'static str),
    /// It changes nothing that rowkeep does.
    Ignored,
    /// Only these values can be had, which change nothing; why the others cannot.
    Only(&'static [&'static str], &'static str),
    /// It cannot be had, and why.
    Refused(&'static str),
}

/// What becomes of a setting by its name; nothing where libpq has none of that name.
pub(super) fn treatment(name: &str) -> Option<Treatment> {
    use Treatment::{Ignored, Kept, KeptAs, Only, Refused};
    const OAUTH: Treatment = Refused("rowkeep does not sign in with OAuth");
    const REVOKED: Treatment = Refused("rowkeep looks at no list of revoked certificates");
    const SCRAM: Treatment = Refused("rowkeep signs in with a password, not with keys that are made of it");
    Some(match name {
        "host" | "hostaddr" | "port" | "dbname" | "user" | "password" | "options" | "application_name" => {
            Kept
        }
        "connect_timeout" | "tcp_user_timeout" | "keepalives" | "keepalives_idle" | "keepalives_interval" => {
            Kept
        }
        "sslmode" | "sslnegotiation" | "sslcert" | "sslkey" | "sslrootcert" | "sslcertmode" => Kept,
        "ssl_min_protocol_version" | "ssl_max_protocol_version" => Kept,
        "channel_binding" | "target_session_attrs" => Kept,
        // Under either name.
        "keepalives_count" | "keepalives_retries" => KeptAs("keepalives_retries"),
        "client_encoding" | "fallback_application_name" | "sslcompression" | "sslsni" | "sslkeylogfile" => {
            Ignored
        }
        // Hosts are tried in their order.
        "load_balance_hosts" => Ignored,
        "krbsrvname" | "gsslib" | "gssdelegation" | "max_protocol_version" => Ignored,
        "gssencmode" => {
            Only(&["disable", "prefer"], "rowkeep does not speak GSSAPI; TLS hides the conversation")
        }
        "min_protocol_version" => Only(&["3.0"], "rowkeep speaks version 3.0 of the protocol"),
        "replication" => Only(&["false", "off", "no", "0"], "rowkeep reads rows, not the log of changes"),
        "requiressl" => Only(&["0"], "write sslmode=require"),
        "require_auth" => Refused(
            "rowkeep cannot choose how a server asks for the password; channel_binding=require takes SCRAM alone, and \
             sslmode=verify-full gives it to no other server",
        ),
        "requirepeer" => Refused("rowkeep does not look whose process serves a socket"),
        "sslpassword" => {
            Refused("rowkeep reads no encrypted key; decrypt it into a file that nobody else can read")
        }
        "sslcrl" | "sslcrldir" => REVOKED,
        "scram_client_key" | "scram_server_key" => SCRAM,
        "oauth_issuer" | "oauth_client_id" | "oauth_client_secret" | "oauth_scope" => OAUTH,
        _ => return None,
    })
}

/// The variables that count here, each with the setting that it is for. Those that change what a session does (`PGOPTIONS`,
/// `PGTZ`) are not among them: they would change what a backup reads.
pub(super) const VARIABLES: [(&str, &str); 26] = [
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("dbname", "PGDATABASE"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("passfile", "PGPASSFILE"),
    ("require_auth", "PGREQUIREAUTH"),
    ("channel_binding", "PGCHANNELBINDING"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
    ("gssencmode", "PGGSSENCMODE"),
    ("sslmode", "PGSSLMODE"),
    ("requiressl", "PGREQUIRESSL"),
    ("sslnegotiation", "PGSSLNEGOTIATION"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("sslcertmode", "PGSSLCERTMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcrl", "PGSSLCRL"),
    ("sslcrldir", "PGSSLCRLDIR"),
    ("requirepeer", "PGREQUIREPEER"),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    ("min_protocol_version", "PGMINPROTOCOLVERSION"),
    ("target_session_attrs", "PGTARGETSESSIONATTRS"),
    ("load_balance_hosts", "PGLOADBALANCEHOSTS"),
];

/// The variable that a setting may come from.
pub(super) fn variable_of(name: &str) -> Option<&'static str> {
    VARIABLES.iter().find(|(setting, _)| *setting == name).map(|(_, variable)| *variable)
}

/// The value that the client library has for a value of libpq's; why there is none, in words.
pub(super) fn library_value<'v>(name: &str, value: &'v str) -> Result<&'v str, &'static str> {
    match (name, value) {
        // A primary is what takes writes, and a standby what does not.
        ("target_session_attrs", "primary") => Ok("read-write"),
        ("target_session_attrs", "standby") => Ok("read-only"),
        ("target_session_attrs", "prefer-standby") => {
            Err("rowkeep tries hosts in their order: name the standby first, without it")
        }
        _ => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_of_libpq_is_known() {
        // `service`, `servicefile` and `passfile` are taken before.
        for name in "host hostaddr port dbname user password require_auth channel_binding connect_timeout client_encoding options \
            application_name fallback_application_name keepalives keepalives_idle keepalives_interval keepalives_count \
            tcp_user_timeout replication gssencmode sslmode requiressl sslnegotiation sslcompression sslcert sslkey sslkeylogfile \
            sslpassword sslcertmode sslrootcert sslcrl sslcrldir sslsni requirepeer ssl_min_protocol_version \
            ssl_max_protocol_version min_protocol_version max_protocol_version krbsrvname gsslib gssdelegation scram_client_key \
            scram_server_key target_session_attrs load_balance_hosts oauth_issuer oauth_client_id oauth_client_secret oauth_scope"
            .split_whitespace()
        {
            assert!(treatment(name).is_some(), "{name}");
        }
        assert_eq!(treatment("no_such_setting"), None);
    }
}
