//! Statements that empty a database.

use std::path::Path;

use rowkeep_format::TableKind;

use crate::EngineError;
use crate::d1::catalog::objects::Found;
use crate::d1::compose::{order::Order, shape::shapes};
use crate::d1::read::copy::make;
use crate::sqlite::connect::blocking::blocking;
use crate::sqlite::quote::quoted;

/// What drops everything that was found. Tables that refer to others go before these.
pub(super) async fn dropping(found: &Found, temporary: Option<&Path>) -> Result<Vec<String>, EngineError> {
    let skeleton = make(found, temporary).await?;
    let objects = found.objects.clone();
    let look = move || {
        skeleton.with_connection(|connection| {
            let shapes = shapes(connection, &objects)?;
            let drop = |kind: &str, name: &str| format!("DROP {kind} IF EXISTS main.{}", quoted(name));
            let mut statements = Vec::new();
            for (kind, words) in [("trigger", "TRIGGER"), ("view", "VIEW")] {
                let those = objects.iter().filter(|object| object.kind == kind);
                statements.extend(those.map(|object| drop(words, &object.name)));
            }
            let is_virtual =
                |object: &&crate::sqlite::catalog::tables::Object| object.kind == "table" && !object.stored;
            statements.extend(objects.iter().filter(is_virtual).map(|object| drop("TABLE", &object.name)));
            let places = Order::of(&shapes).places;
            let tables: Vec<_> = places.iter().rev().map(|at| &shapes[*at]).collect();
            let tables = tables.iter().filter(|shape| match shape.kind {
                TableKind::Table => true,
                TableKind::Settings => shape.name != "sqlite_sequence",
                TableKind::Shadow | TableKind::LargeObjects => false,
            });
            // Where tables refer to each other in a circle, none can be dropped while it has rows.
            let linked = |name: &str| {
                shapes.iter().any(|shape| {
                    shape
                        .references
                        .iter()
                        .any(|to| to.table == name.to_ascii_lowercase() || shape.name == name)
                })
            };
            for shape in tables.clone().filter(|shape| linked(&shape.name)) {
                statements.push(format!("DELETE FROM main.{}", quoted(&shape.name)));
            }
            statements.extend(tables.map(|shape| drop("TABLE", &shape.name)));
            Ok(statements)
        })
    };
    blocking(look).await
}
