use super::changes::{ListedChanges, State};
use super::fixture::{Fixture, Sandbox};
use crate::{Applied, ApplyOptions};

/// Two states of one database, which is in the second.
pub(super) struct TwoStates {
    pub(super) sandbox: Box<dyn Sandbox>,
    pub(super) first: State,
    pub(super) second: State,
}

impl TwoStates {
    pub(super) async fn new(fixture: &dyn Fixture, first: &str, second: &str) -> Self {
        let sandbox = fixture.empty().await;
        sandbox.run(first).await;
        let engine = sandbox.engine();
        let first = State::of(&*engine).await;
        sandbox.run(second).await;
        let second = State::of(&*engine).await;
        Self { sandbox, first, second }
    }

    pub(super) fn changes(&self) -> ListedChanges {
        self.first.to(&self.second)
    }

    pub(super) async fn apply(&self, changes: &ListedChanges) -> Applied {
        let engine = self.sandbox.engine();
        changes.apply(&*engine, &ApplyOptions::default()).await.expect("the changes are applied")
    }

    pub(super) async fn now(&self) -> State {
        State::of(&*self.sandbox.engine()).await
    }
}
