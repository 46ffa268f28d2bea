//! Variables of the environment in configured values.

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
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        format!("the environment variable {name} is not set")
    } else {
        "a value has ${ without the name of an environment variable and }; $${ stands for ${ itself"
            .to_owned()
    }
}
