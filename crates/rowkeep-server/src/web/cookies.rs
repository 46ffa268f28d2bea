//! Cookies: the one that a session is known by.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::access::COOKIE;

/// What its name begins with where browsers are to see to it that it was set over TLS, for this host alone.
const HOST: &str = "__Host-";

/// The secret of the session that a request shows.
pub(crate) fn session_secret(headers: &HeaderMap, is_secure: bool) -> Option<&str> {
    shown(headers, COOKIE, is_secure)
}

/// The cookie of a name that a request shows.
pub(crate) fn shown<'a>(headers: &'a HeaderMap, wanted: &str, is_secure: bool) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        let name = if is_secure { name.strip_prefix(HOST)? } else { name };
        (name == wanted).then_some(value)
    })
}

/// What makes a browser show a secret with each request to this host that comes from its own pages.
pub(crate) fn set(secret: &str, is_secure: bool) -> HeaderValue {
    cookie(COOKIE, secret, is_secure, "Strict")
}

/// What makes it forget that.
pub(crate) fn unset(is_secure: bool) -> HeaderValue {
    cookie(COOKIE, "", is_secure, "Strict; Max-Age=0")
}

/// What makes a browser show something for a while, also when another site sends it here: the provider with which somebody signs in.
pub(crate) fn set_for_return(name: &str, value: &str, seconds: i64, is_secure: bool) -> HeaderValue {
    cookie(name, value, is_secure, &format!("Lax; Max-Age={seconds}"))
}

fn cookie(name: &str, value: &str, is_secure: bool, same_site: &str) -> HeaderValue {
    let (host, secure) = if is_secure { (HOST, "; Secure") } else { ("", "") };
    let text = format!("{host}{name}={value}; Path=/; HttpOnly; SameSite={same_site}{secure}");
    HeaderValue::from_str(&text).expect("secrets are letters and digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_is_found() {
        for is_secure in [false, true] {
            let cookie = set("abc123", is_secure);
            let cookie = cookie.to_str().expect("it is text");
            assert_eq!(cookie.contains("Secure"), is_secure);
            let shown = cookie.split(';').next().expect("it begins with name and value");
            let headers = |cookie: &str| {
                let mut headers = HeaderMap::new();
                headers.insert(header::COOKIE, HeaderValue::from_str(cookie).expect("it is text"));
                headers
            };
            assert_eq!(session_secret(&headers(&format!("a=b; {shown}")), is_secure), Some("abc123"));
            assert_eq!(session_secret(&headers(shown), !is_secure), None, "the other kind is another cookie");
            assert_eq!(session_secret(&headers("rowkeep_session2=x; y"), is_secure), None);
        }
    }
}
