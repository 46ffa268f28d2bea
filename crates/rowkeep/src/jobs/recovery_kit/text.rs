//! A kit as plain text.

use secrecy::{ExposeSecret, SecretString};

use super::contents::{AGAIN, Contents, Key, Step};
use super::qr;
use crate::Error;
use crate::units::plain;

pub(super) fn render(contents: &Contents) -> Result<SecretString, Error> {
    let mut out = format!(
        "ROWKEEP RECOVERY KIT\n\nMade        {}\nRepository  {}\nPlace       {}\nDatabases   {}\n\n{}\n\n",
        contents.day(),
        contents.repository,
        plain(&contents.place()),
        plain(&contents.told_databases()),
        contents.told_key()
    );
    match &contents.key {
        Key::Printed(key) => {
            let groups = Contents::groups(key);
            out += "    key\n";
            for line in groups.chunks(4) {
                let line: Vec<&str> = line.iter().map(SecretString::expose_secret).collect();
                out += &format!("    {}\n", line.join(" "));
            }
            out += &format!("\n{}\n\n", qr::blocks(key)?.expose_secret());
        }
        Key::Passphrase => out += &format!("{}\n\n", "_".repeat(72)),
        Key::None => {}
    }
    out += &steps("With rowkeep", &contents.with_rowkeep());
    out += &steps("Without rowkeep", &contents.without_rowkeep());
    out += &format!("{AGAIN}\n");
    Ok(out.into())
}

fn steps(title: &str, steps: &[Step]) -> String {
    let mut out = format!("{}\n", title.to_uppercase());
    for (number, step) in steps.iter().enumerate() {
        out += &format!("{}. {}\n", number + 1, step.words);
        step.typed.iter().for_each(|typed| out += &format!("       {}\n", plain(typed)));
    }
    out + "\n"
}
