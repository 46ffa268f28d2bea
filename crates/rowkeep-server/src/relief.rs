//! Memory that work took for a moment, given back to the system when it is over.

use std::sync::OnceLock;

/// Gives back what is free.
type GiveBack = Box<dyn Fn() + Send + Sync>;

/// How memory is given back, where whoever started the service knows a way.
#[derive(Default)]
pub(crate) struct Relief(OnceLock<GiveBack>);

impl Relief {
    /// Has it given back by this from now on; the first that is told counts.
    pub(crate) fn by(&self, give_back: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(give_back));
    }

    /// Gives back what is free. Before the next work begins, so that what each takes for a moment does not add up.
    pub(crate) fn give_back(&self) {
        if let Some(give_back) = self.0.get() {
            give_back();
        }
    }
}
