//! Statements, put together to steps: each is one transaction.

use tokio::sync::mpsc;

use crate::d1::connect::room::Room;
use crate::{EngineError, ErrorKind};

/// Statements of one transaction.
pub(crate) type Step = Vec<String>;

/// What a packer hands on.
#[derive(Debug)]
pub(crate) enum Handed {
    /// The next step.
    Step(Step),
    /// These were all. Without it the composing has ended early, and nothing more may be sent.
    End,
}

/// How many steps wait to be sent.
const WAITING: usize = 2;

/// How full a step is.
#[derive(Default)]
struct Fill {
    cost: usize,
    count: usize,
}

impl Fill {
    /// Takes a statement; false where it is the first of the next step.
    fn takes(&mut self, sql: &str, room: &Room) -> bool {
        let cost = room.cost(sql);
        let is_full = self.cost + cost > room.bytes || self.count >= room.statements;
        if is_full && self.count > 0 {
            *self = Self { cost, count: 1 };
            return false;
        }
        self.cost += cost;
        self.count += 1;
        true
    }
}

/// The steps that a packer makes of some statements.
pub(crate) fn steps(statements: &[String], room: Room) -> Vec<&[String]> {
    let (mut fill, mut steps, mut begin) = (Fill::default(), Vec::new(), 0);
    for (at, sql) in statements.iter().enumerate() {
        if !fill.takes(sql, &room) {
            steps.push(&statements[begin..at]);
            begin = at;
        }
    }
    steps.push(&statements[begin..]);
    steps
}

/// Takes statements, and hands on steps of them.
pub(crate) struct Packer {
    room: Room,
    step: Step,
    fill: Fill,
    steps: mpsc::Sender<Handed>,
}

impl Packer {
    /// A packer, and where its steps come out.
    pub(crate) fn new(room: Room) -> (Self, mpsc::Receiver<Handed>) {
        let (steps, out) = mpsc::channel(WAITING);
        (Self { room, step: Step::new(), fill: Fill::default(), steps }, out)
    }

    /// How much a step may have.
    pub(crate) fn room(&self) -> Room {
        self.room
    }

    /// Adds a statement; blocks while the steps before it wait.
    pub(crate) fn add(&mut self, sql: String) -> Result<(), EngineError> {
        if sql.len() > self.room.longest {
            let start: String = sql.chars().take(60).collect();
            let message = format!(
                "a statement of {} bytes is longer than D1 takes: {}...",
                sql.len(),
                start.replace('\n', " ")
            );
            return Err(EngineError::new(ErrorKind::Unsupported, message));
        }
        if !self.fill.takes(&sql, &self.room) {
            self.hand_on()?;
        }
        self.step.push(sql);
        Ok(())
    }

    /// Hands on what is left, and says that it is all.
    pub(crate) fn end(mut self) -> Result<(), EngineError> {
        if !self.step.is_empty() {
            self.hand_on()?;
        }
        self.send(Handed::End)
    }

    fn hand_on(&mut self) -> Result<(), EngineError> {
        let step = std::mem::take(&mut self.step);
        self.send(Handed::Step(step))
    }

    fn send(&self, handed: Handed) -> Result<(), EngineError> {
        self.steps
            .blocking_send(handed)
            .map_err(|_| EngineError::new(ErrorKind::Other, "nobody waits for these statements any more"))
    }
}
