//! Which database of which server a session is in.

use rowkeep_format::Identity;

use crate::EngineError;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;

/// The database of a session, outside a transaction.
///
/// Every role may ask for the system identifier (PostgreSQL manual, "Control Data Functions"), unless somebody revoked that;
/// then it is not known.
pub(crate) async fn read(session: &Session, place: String) -> Result<Identity, EngineError> {
    let both = "SELECT d.oid, s.system_identifier FROM pg_database d, pg_control_system() s \
                WHERE d.datname = current_database()";
    if let Some([oid, system]) =
        session.try_rows(both).await.ok().as_deref().and_then(<[_]>::first).map(Vec::as_slice)
    {
        return Ok(Identity { oid: oid.clone(), system: system.clone(), ..Identity::at(place) });
    }
    let number = "SELECT oid FROM pg_database WHERE datname = current_database()";
    let rows = session.rows("cannot read which database this is", number).await?;
    Ok(Identity { oid: rows.first().map(|row| text(row, 0).to_owned()), ..Identity::at(place) })
}
