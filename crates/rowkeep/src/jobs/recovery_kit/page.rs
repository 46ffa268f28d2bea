//! A kit as a page that is printed on one sheet, with nothing in it that a browser would fetch.

use secrecy::{ExposeSecret, SecretString};

use super::contents::{AGAIN, Contents, Key, Step};
use super::qr;
use crate::Error;
use crate::units::plain;

const STYLE: &str = "\
@page { size: A4; margin: 16mm } \
body { font: 11pt/1.4 system-ui, sans-serif; color: #000; max-width: 178mm; margin: 0 auto } \
h1 { font-size: 20pt; margin: 0 0 4mm } h2 { font-size: 13pt; margin: 6mm 0 2mm } \
dl { display: grid; grid-template-columns: 28mm 1fr; gap: 1mm 4mm; margin: 0 } dt { font-weight: 600 } \
dd { margin: 0; overflow-wrap: anywhere } \
.key { display: flex; gap: 8mm; align-items: center; margin: 3mm 0; border: 1px solid #000; padding: 4mm } \
.key svg { width: 45mm; height: 45mm; flex: none } .key code { font-size: 13pt; line-height: 1.7 } \
.line { border-bottom: 1px solid #000; height: 12mm } \
ol { margin: 0; padding-left: 6mm } li { margin: 1mm 0 } \
code, pre { font-family: ui-monospace, monospace } pre { font-size: 9.5pt; margin: 1mm 0; white-space: pre-wrap; overflow-wrap: anywhere } \
footer { margin-top: 6mm; border-top: 1px solid #000; padding-top: 2mm; font-size: 9.5pt }";

pub(super) fn render(contents: &Contents) -> Result<SecretString, Error> {
    let shown = |text: &str| escaped(&plain(text));
    let key = match &contents.key {
        Key::Printed(key) => {
            let groups: Vec<String> =
                Contents::groups(key).iter().map(|group| shown(group.expose_secret())).collect();
            let lines: Vec<String> = groups.chunks(4).map(|line| line.join(" ")).collect();
            let picture = qr::picture(key)?;
            format!(
                "<div class=\"key\">{}<code>key<br>{}</code></div>",
                picture.expose_secret(),
                lines.join("<br>")
            )
        }
        Key::Passphrase => "<div class=\"line\"></div>".to_owned(),
        Key::None => String::new(),
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>rowkeep recovery kit</title>\n\
         <meta name=\"robots\" content=\"noindex\">\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Recovery kit</h1>\n<dl>\n<dt>Made</dt><dd>{}</dd>\n<dt>Repository</dt><dd><code>{}</code></dd>\n\
         <dt>Place</dt><dd><code>{}</code></dd>\n<dt>Databases</dt><dd>{}</dd>\n</dl>\n\
         <h2>What opens it</h2>\n<p>{}</p>\n{key}\n{}{}<footer>{}</footer>\n</body>\n</html>\n",
        shown(&contents.day()),
        shown(&contents.repository),
        shown(&contents.place()),
        shown(&contents.told_databases()),
        shown(contents.told_key()),
        steps("With rowkeep", &contents.with_rowkeep()),
        steps("Without rowkeep", &contents.without_rowkeep()),
        shown(AGAIN),
    );
    Ok(page.into())
}

fn steps(title: &str, steps: &[Step]) -> String {
    let typed = |step: &Step| -> String {
        step.typed.iter().map(|typed| format!("<pre>{}</pre>", escaped(&plain(typed)))).collect()
    };
    let items: String =
        steps.iter().map(|step| format!("<li>{}{}</li>\n", escaped(&step.words), typed(step))).collect();
    format!("<h2>{title}</h2>\n<ol>\n{items}</ol>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
