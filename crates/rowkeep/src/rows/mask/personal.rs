//! Which columns look personal by their names.

/// What a column may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Personal {
    Email,
    Phone,
    FirstName,
    LastName,
    Name,
    Address,
    Birthday,
    Ip,
    Secret,
    Account,
    FreeText,
}

/// Whether a column looks personal by its name.
pub(super) fn looks_personal(table: &str, column: &str) -> bool {
    by_name(table, column).is_some()
}

impl Personal {
    /// In words.
    pub(super) fn told(self) -> &'static str {
        match self {
            Personal::Email => "e-mail addresses",
            Personal::Phone => "telephone numbers",
            Personal::FirstName => "first names",
            Personal::LastName => "last names",
            Personal::Name => "names",
            Personal::Address => "addresses",
            Personal::Birthday => "birthdays",
            Personal::Ip => "network addresses",
            Personal::Secret => "passwords, tokens or their hashes",
            Personal::Account => "numbers of accounts, cards or documents",
            Personal::FreeText => "free text",
        }
    }
}

/// What a column seems to hold by its name.
pub(super) fn by_name(table: &str, column: &str) -> Option<Personal> {
    let (table, column) = (table.to_lowercase(), words(column));
    let has = |word: &str| format!("_{column}_").contains(&format!("_{word}_"));
    let any = |words: &[&str]| words.iter().any(|word| has(word));
    // A time at which something was done to it is not the thing.
    if any(&["at", "count", "verified", "enabled", "confirmed", "id", "type", "status"]) {
        return None;
    }
    let person = [
        "user",
        "person",
        "people",
        "customer",
        "client",
        "contact",
        "employee",
        "member",
        "patient",
        "student",
        "author",
        "account",
        "profile",
        "subscriber",
        "guest",
    ];
    if any(&["email", "e_mail", "mail"]) {
        Some(Personal::Email)
    } else if any(&["phone", "mobile", "telephone", "tel", "fax", "cell"]) {
        Some(Personal::Phone)
    } else if any(&["first_name", "firstname", "given_name", "forename"]) {
        Some(Personal::FirstName)
    } else if any(&["last_name", "lastname", "surname", "family_name"]) {
        Some(Personal::LastName)
    } else if any(&["password", "passwd", "token", "secret", "hash", "salt", "api_key", "otp", "pin"]) {
        Some(Personal::Secret)
    } else if any(&["iban", "card", "ssn", "passport", "tax", "vat", "account_number", "license"]) {
        Some(Personal::Account)
    } else if any(&["birthday", "birthdate", "birth", "dob", "born"]) {
        Some(Personal::Birthday)
    } else if any(&["ip", "ip_address", "remote_addr"]) {
        Some(Personal::Ip)
    } else if any(&["address", "street", "address_line"]) {
        Some(Personal::Address)
    } else if any(&["full_name", "fullname", "real_name", "display_name", "username", "contact_name"])
        || (has("name") && person.iter().any(|person| table.contains(person)))
    {
        Some(Personal::Name)
    } else if any(&["note", "notes", "comment", "comments", "message", "bio", "remarks", "feedback"]) {
        Some(Personal::FreeText)
    } else {
        None
    }
}

/// A name in lower case with `_` between its words: `firstName` is `first_name`.
fn words(name: &str) -> String {
    let mut words = String::new();
    let mut before_lower = false;
    for character in name.chars() {
        if character.is_uppercase() && before_lower {
            words.push('_');
        }
        before_lower = character.is_lowercase() || character.is_ascii_digit();
        if character.is_alphanumeric() { words.extend(character.to_lowercase()) } else { words.push('_') }
    }
    words
}
