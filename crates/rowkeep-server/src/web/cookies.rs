//! Cookies: the one that a session is known by.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::access::COOKIE;

/// What its name begins with where browsers are to see to it that it was set over TLS, for this host alone.
const HOST: &str = "__Host-";

/// The secret of the session that a request shows.
pub(crate) fn session_secret(headers: &HeaderMap, is_secure: bool) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|cookie| {
        let (name, value) = cookie.trim().split_once('=')?;
        let name = if is_secure { name.strip_prefix(HOST)? } else { name };
        (name == COOKIE).then_some(value)
    })
}

/// What makes a browser show a secret with each request to this host that comes from its own pages.
pub(crate) fn set(secret: &str, is_secure: bool) -> HeaderValue {
    cookie(secret, is_secure, "")
}

/// What makes it forget that.
pub(crate) fn unset(is_secure: bool) -> HeaderValue {
    cookie("", is_secure, "; Max-Age=0")
}

fn cookie(value: &str, is_secure: bool, more: &str) -> HeaderValue {
    let (host, secure) = if is_secure { (HOST, "; Secure") } else { ("", "") };
    let text = format!("{host}{COOKIE}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
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
