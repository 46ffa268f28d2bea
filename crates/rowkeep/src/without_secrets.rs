//! What people type for a database, without what may be secret in it.

/// A URL with the name of its user, but without password and settings; anything else as it is.
///
/// Of a URL whose parts cannot be told apart, and of a connection string with a password, nothing is left.
pub(crate) fn without_secrets(text: &str) -> String {
    if is_connection_string_with_password(text) {
        return "…".to_owned();
    }
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let bare = |place: &str| place.split('?').next().unwrap_or_default().to_owned();
    // A password may hold slashes, so the last @ ends it.
    match rest.rsplit_once('@') {
        // Either the password holds a question mark, or a setting an @.
        Some((user, _)) if user.contains('?') => format!("{scheme}://…"),
        Some((user, place)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{scheme}://{user}@{}", bare(place))
        }
        None => format!("{scheme}://{}", bare(rest)),
    }
}

/// Whether it is a URL or a connection string with a password.
pub(crate) fn holds_password(text: &str) -> bool {
    if is_connection_string_with_password(text) {
        return true;
    }
    let Some((_, rest)) = text.split_once("://") else { return false };
    // A password may hold any character, so the last @ ends it; settings begin at the first ? after it.
    let (user, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let settings = place.split_once('?').map_or("", |(_, settings)| settings);
    let is_secret = |setting: &str| {
        let name = setting.split('=').next().unwrap_or_default();
        // What is encoded may be anything.
        name.to_ascii_lowercase().contains("pass") || name.contains('%')
    };
    user.contains([':', '?']) || settings.split('&').any(is_secret)
}

/// Whether it is in libpq's form of keywords and values, which is no name of a database here, and names a password.
fn is_connection_string_with_password(text: &str) -> bool {
    text.split_whitespace().any(|word| word.starts_with("password=") || word.starts_with("sslpassword="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (text, shown) in [
            ("shop", "shop"),
            ("/data/a@b.db", "/data/a@b.db"),
            ("postgres://u:s3/cr@t@h:5432/shop?password=s3cret", "postgres://u@h:5432/shop"),
            ("postgres://h/shop?password=s3cret", "postgres://h/shop"),
            ("postgres://u:s3?cr@et@h/shop", "postgres://…"),
            ("postgres://h/shop?password=s3@cret", "postgres://…"),
            ("latest:postgres://u:s3cret@h/shop", "latest:postgres://u@h/shop"),
            ("host=h password=s3cret dbname=shop", "…"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn passwords_are_found() {
        for text in [
            "postgres://u:s3cret@h/shop",
            "postgres://u:s3/cr?t@h/shop",
            "postgres://h/shop?sslmode=require&password=s3cret",
            "postgres://h/shop?sslpassword=s3cret",
            "postgres://h/shop?password=s3@cret",
            "postgres://h/shop?pass%77ord=s3cret",
            "host=h password=s3cret dbname=shop",
        ] {
            assert!(holds_password(text), "{text}");
        }
        for text in ["shop", "/data/a@b.db", "postgres://u@h:5432/shop?sslmode=require", "--password=s"] {
            assert!(!holds_password(text), "{text}");
        }
    }
}
