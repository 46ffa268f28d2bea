//! Secrets: a value with variables of the environment, or a file.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use super::beside;
use crate::variables::{Expanded, expand};

/// The most bytes of a file that holds a secret.
const MOST: u64 = 64 << 10;

/// Something that only the other side may know.
#[derive(Debug, Clone, PartialEq)]
pub enum Secret {
    /// It is in the configuration, or in a variable of the environment.
    Value(Expanded),
    /// It is in a file, which is read each time.
    File(PathBuf),
}

impl Secret {
    /// Reads what a file says: the value, or where it is, under `name` and `name_file`.
    pub(super) fn of(
        name: &str,
        value: Option<&String>,
        file: Option<&String>,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, String> {
        match (value, file) {
            (Some(_), Some(_)) => Err(format!("write {name} or {name}_file, not both")),
            (Some(value), None) => Ok(Some(Self::Value(Expanded::of(value, variable)?))),
            (None, Some(file)) => Ok(Some(Self::File(beside::file(folder, expand(file, variable)?).into()))),
            (None, None) => Ok(None),
        }
    }

    /// The secret, or why it cannot be had.
    pub fn read(&self) -> Result<SecretString, String> {
        let path = match self {
            Secret::Value(value) => return value.value().cloned().map_err(str::to_owned),
            Secret::File(path) => path,
        };
        let told = |problem: &dyn std::fmt::Display| format!("cannot read {}: {problem}", path.display());
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(|error| told(&error))?;
        file.take(MOST + 1).read_to_string(&mut text).map_err(|error| told(&error))?;
        let text = SecretString::from(text);
        let trimmed = text.expose_secret().trim();
        match trimmed.len() {
            0 => Err(told(&"it is empty")),
            length if length as u64 > MOST => Err(told(&"it is too large for a secret")),
            _ => Ok(trimmed.to_owned().into()),
        }
    }
}
