//! What an object store said when it failed, in words.

use std::error::Error as StdError;
use std::fmt;

use rowkeep_format::in_one_line;

/// What an object store said, in one line: the cause, without the XML that it came in and without the client library's account of
/// its tries.
#[derive(Debug)]
pub struct StoreAnswer(object_store::Error);

impl StoreAnswer {
    /// Whether it is the bucket that is not there.
    pub(crate) fn is_no_bucket(&self) -> bool {
        self.to_string().contains("NoSuchBucket")
    }

    /// Whether the store does not let us, in words of its own: of several objects that are deleted at once, it answers for each.
    pub(crate) fn is_denial(&self) -> bool {
        self.to_string().contains("AccessDenied")
    }

    /// Whether the store is a folder of this machine.
    pub(crate) fn is_local(&self) -> bool {
        matches!(&self.0, object_store::Error::Generic { store: "LocalFileSystem", .. })
    }
}

impl From<object_store::Error> for StoreAnswer {
    fn from(error: object_store::Error) -> Self {
        Self(error)
    }
}

impl StdError for StoreAnswer {}

impl fmt::Display for StoreAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_words(&in_one_line(&self.0)))
    }
}

/// The address at which machines of a cloud ask for credentials.
const METADATA: &str = "169.254.169.254";

fn in_words(told: &str) -> String {
    if told.contains(METADATA) {
        return "there are no credentials: neither options nor environment have any, and no metadata service of a cloud answers"
            .to_owned();
    }
    let mut words = told.to_owned();
    // "Generic S3 error: Error performing GET http://… in 2.1s, after 10 retries, … - what matters".
    if let Some(at) = words.find("Error performing ")
        && let Some(end) = words[at..].find(" - ")
    {
        words = words[at + end + 3..].to_owned();
    } else if let Some(rest) = words.strip_prefix("Generic ")
        && let Some((_, cause)) = rest.split_once(" error: ")
    {
        words = cause.to_owned();
    }
    if let Some(at) = words.find("<?xml").or_else(|| words.find("<Error>")) {
        let (before, answer) = words.split_at(at);
        let parts = [element(answer, "Code"), element(answer, "Message")];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        words = format!("{before}{}", parts.join(", "));
    }
    words.trim_end_matches([' ', ':']).to_owned()
}

/// The text of the first element of a name.
pub(crate) fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, after) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = after.split_once(&format!("</{name}>"))?;
    Some(text.trim()).filter(|text| !text.is_empty())
}

/// The texts of all elements of a name.
pub(crate) fn elements<'x>(xml: &'x str, name: &str) -> impl Iterator<Item = &'x str> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&start)
        .skip(1)
        .filter_map(move |rest| Some(rest.split_once(&end)?.0))
        .collect::<Vec<_>>()
        .into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: &str) -> String {
        StoreAnswer(object_store::Error::Generic { store: "S3", source: source.into() }).to_string()
    }

    #[test]
    fn answers_are_one_line_of_words() {
        for (source, words) in [
            (
                "Error performing GET http://s3.example/b/k?a-b in 1.2ms, after 10 retries, max_retries: 10, \
                 retry_timeout: 180s  - Server returned non-2xx status code: 403 Forbidden: <?xml version=\"1.0\"?>\n\
                 <Error><Code>SignatureDoesNotMatch</Code><Message>The key is another one.</Message></Error>",
                "Server returned non-2xx status code: 403 Forbidden: SignatureDoesNotMatch, The key is another one.",
            ),
            (
                "Error performing PUT http://s3.example/b in 3s - Server returned 500: <Error><Code>Slow</Code></Error>",
                "Server returned 500: Slow",
            ),
            (
                "Error performing GET x in 3s - HTTP error: connection refused",
                "HTTP error: connection refused",
            ),
            ("the bucket is not there", "the bucket is not there"),
        ] {
            assert_eq!(told(source), words);
        }
        let gone =
            "Error performing PUT http://s3.example/b in 3s - 404: <Error><Code>NoSuchBucket</Code></Error>";
        let gone = object_store::Error::Generic { store: "S3", source: gone.into() };
        assert!(StoreAnswer(gone).is_no_bucket());
        let none = told("Error performing PUT http://169.254.169.254/latest/api/token in 10s - timeout");
        assert!(none.starts_with("there are no credentials"), "{none}");
    }
}
