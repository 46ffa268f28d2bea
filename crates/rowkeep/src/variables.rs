//! Variables of the environment in configured values.

use secrecy::{ExposeSecret, SecretString};

/// A configured value, which may be secret, with variables of the environment put in; or which of them is not set.
///
/// That is an error only where the value is needed, so that it keeps nothing else from working.
#[derive(Debug, Clone)]
pub struct Expanded(Result<SecretString, String>);

impl Expanded {
    /// Puts variables in. What is malformed is an error at once.
    pub(crate) fn of(value: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        match expand(value, variable) {
            Ok(text) => Ok(Self(Ok(text.into()))),
            // With something for every variable, nothing but the form of the value can be wrong.
            Err(problem) => match expand(value, &|name| is_name(name).then(String::new)) {
                Ok(_) => Ok(Self(Err(problem))),
                Err(malformed) => Err(malformed),
            },
        }
    }

    /// The value made into another.
    pub(crate) fn map(self, change: impl FnOnce(String) -> String) -> Self {
        Self(self.0.map(|value| change(value.expose_secret().to_owned()).into()))
    }

    /// The value, or why it cannot be had.
    pub fn value(&self) -> Result<&SecretString, &str> {
        self.0.as_ref().map_err(String::as_str)
    }
}

impl PartialEq for Expanded {
    fn eq(&self, other: &Self) -> bool {
        match (self.value(), other.value()) {
            (Ok(one), Ok(other)) => one.expose_secret() == other.expose_secret(),
            (Err(one), Err(other)) => one == other,
            _ => false,
        }
    }
}

impl Default for Expanded {
    fn default() -> Self {
        Self(Ok(SecretString::default()))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Replaces each `${NAME}`; `$${` stands for `${` itself.
pub(crate) fn expand(value: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let (head, tail) = rest.split_at(at);
        if let Some(head) = head.strip_suffix('$') {
            out.push_str(head);
            out.push_str("${");
            rest = &tail[2..];
            continue;
        }
        out.push_str(head);
        let end = tail.find('}').ok_or_else(|| "a value has no } after ${".to_owned())?;
        let name = &tail[2..end];
        out.push_str(&variable(name).ok_or_else(|| not_set(name))?);
        rest = &tail[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Says that there is no such variable; what is no name of one may be a piece of a password that holds `${`.
fn not_set(name: &str) -> String {
    if is_name(name) {
        format!("the environment variable {name} is not set")
    } else {
        "a value has ${ without the name of an environment variable and }; $${ stands for ${ itself"
            .to_owned()
    }
}
