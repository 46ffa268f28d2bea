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
        out.push_str(&variable(name).ok_or_else(|| format!("the environment variable {name} is not set"))?);
        rest = &tail[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}
