//! What neither rows nor definitions tell of a database.

/// Something of a database that no snapshot tells: what a statement leaves that failed half-way, or one that only fills or
/// switches something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrecorded {
    /// What it is, for people: `index public.orders_by_state`.
    pub what: String,
    /// How it is. The same thing in another state has been changed.
    pub state: String,
    /// The same for people: `is invalid`.
    pub told: String,
    /// Whether it is only there while something is not as it should be, so that taking it back removes it.
    pub is_remains: bool,
    /// The statements that remove what remained, or bring the thing into this state again; none where only a person can.
    pub take_back: Vec<String>,
}
