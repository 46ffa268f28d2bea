//! A key as a QR code.

use qrcode::render::{svg, unicode};
use qrcode::{EcLevel, QrCode};
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

fn code(key: &SecretString) -> Result<QrCode, Error> {
    // Creases and stains take up to a quarter.
    QrCode::with_error_correction_level(key.expose_secret(), EcLevel::Q)
        .map_err(|error| Error::Secret(format!("the key makes no QR code: {error}")))
}

/// As a picture within a page.
pub(super) fn picture(key: &SecretString) -> Result<SecretString, Error> {
    let drawn = code(key)?.render::<svg::Color<'_>>().min_dimensions(180, 180).build();
    // A page has no declaration of XML in its midst.
    let start = drawn.find("<svg").unwrap_or(0);
    Ok(drawn[start..].to_owned().into())
}

/// As text, for a terminal or a printer of text.
pub(super) fn blocks(key: &SecretString) -> Result<SecretString, Error> {
    let code = code(key)?;
    let mut drawn = code.render::<unicode::Dense1x2>();
    drawn.dark_color(unicode::Dense1x2::Dark).light_color(unicode::Dense1x2::Light);
    Ok(drawn.build().into())
}
