//! The grammar of conditions.
//!
//! ```text
//! or         := and (OR and)*
//! and        := not (AND not)*
//! not        := NOT not | predicate
//! predicate  := '(' or ')' | operand tail
//! tail       := nothing | comparison operand | [NOT] IN (literal, ...) | [NOT] BETWEEN operand AND operand
//!             | [NOT] LIKE|ILIKE text [ESCAPE text] | IS [NOT] NULL|TRUE|FALSE | IS [NOT] DISTINCT FROM operand
//! operand    := name | literal
//! ```

use rowkeep_engine::dialect::Written;

use super::expression::{Expression, Literal, Name, Operand, Operator};
use super::lexer::{Kind, Token, tokens};
use crate::error::ConditionError;

/// How deep parentheses and NOT may be nested.
const MAX_DEPTH: usize = 100;

/// Words that are no names of columns unless in double quotes.
const RESERVED: [&str; 16] = [
    "and", "or", "not", "in", "between", "like", "ilike", "escape", "is", "null", "true", "false",
    "distinct", "from", "select", "case",
];

/// Reads a whole condition.
pub(super) fn parse(text: &str) -> Result<Expression, ConditionError> {
    let mut parser = Parser { text, tokens: tokens(text)?, next: 0, depth: 0 };
    let expression = parser.any_of()?;
    match parser.peek().kind {
        Kind::End => Ok(expression),
        Kind::Symbol(")") => Err(parser.error("there is no ( for this )")),
        _ => Err(parser.expected("AND, OR or the end")),
    }
}

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.next]
    }

    /// Takes the next word; the end can be taken any number of times.
    fn take(&mut self) -> Token {
        let token = self.tokens[self.next].clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    fn error(&self, message: impl Into<String>) -> ConditionError {
        ConditionError::new(self.text, self.peek().at, message)
    }

    fn expected(&self, what: &str) -> ConditionError {
        let found = match &self.peek().kind {
            Kind::End => "the end".to_owned(),
            Kind::Word(word) => word.clone(),
            Kind::Quoted(name) => format!("{name:?}"),
            Kind::Text(_) => "text".to_owned(),
            Kind::Blob(_) => "bytes".to_owned(),
            Kind::Number(number) => number.clone(),
            Kind::Symbol(symbol) => (*symbol).to_owned(),
        };
        self.error(format!("expected {what}, found {found}"))
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(&self.peek().kind, Kind::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        if found {
            self.take();
        }
        found
    }

    fn takes_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek().kind, Kind::Symbol(found) if found == symbol);
        if found {
            self.take();
        }
        found
    }

    fn need_word(&mut self, word: &str) -> Result<(), ConditionError> {
        if self.takes_word(word) { Ok(()) } else { Err(self.expected(&word.to_uppercase())) }
    }

    fn deeper(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Expression, ConditionError>,
    ) -> Result<Expression, ConditionError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(format!("conditions may be nested {MAX_DEPTH} deep and no deeper")));
        }
        self.depth += 1;
        let expression = inner(self)?;
        self.depth -= 1;
        Ok(expression)
    }

    fn any_of(&mut self) -> Result<Expression, ConditionError> {
        let mut parts = vec![self.all_of()?];
        while self.takes_word("or") {
            parts.push(self.all_of()?);
        }
        Ok(one_or(parts, Expression::Or))
    }

    fn all_of(&mut self) -> Result<Expression, ConditionError> {
        let mut parts = vec![self.negation()?];
        while self.takes_word("and") {
            parts.push(self.negation()?);
        }
        Ok(one_or(parts, Expression::And))
    }

    fn negation(&mut self) -> Result<Expression, ConditionError> {
        if self.takes_word("not") {
            return Ok(not(self.deeper(Self::negation)?));
        }
        if self.takes_symbol("(") {
            let inner = self.deeper(Self::any_of)?;
            if !self.takes_symbol(")") {
                return Err(self.expected(") or AND or OR"));
            }
            return Ok(inner);
        }
        self.predicate()
    }

    fn predicate(&mut self) -> Result<Expression, ConditionError> {
        let left = self.operand("a column, a value, NOT or (")?;
        let at = self.peek().at;
        if let Some(operator) = self.operator() {
            let right = self.operand("a value or a column")?;
            return Ok(Expression::Compare { left, operator, at, right });
        }
        if self.takes_word("is") {
            return self.is(left, at);
        }
        let negated = self.takes_word("not");
        let expression = if self.takes_word("in") {
            self.list(self.column(left, at)?)?
        } else if self.takes_word("between") {
            let low = self.operand("a value")?;
            self.need_word("and")?;
            let high = self.operand("a value")?;
            let part = |operator, right| Expression::Compare { left: left.clone(), operator, at, right };
            Expression::And(vec![part(Operator::GreaterOrEqual, low), part(Operator::LessOrEqual, high)])
        } else if self.is_word("like") || self.is_word("ilike") {
            let fold = self.is_word("ilike");
            self.take();
            self.like(self.column(left, at)?, fold)?
        } else if negated {
            return Err(self.expected("IN, BETWEEN, LIKE or ILIKE"));
        } else {
            return match left {
                Operand::Column(name) => Ok(Expression::Truth(name)),
                Operand::Literal(Literal { value: Written::Null, .. }) => Ok(Expression::Known(None)),
                Operand::Literal(Literal { value: Written::Boolean(truth), .. }) => {
                    Ok(Expression::Known(Some(truth)))
                }
                Operand::Literal(_) => Err(self.expected("a comparison")),
            };
        };
        Ok(if negated { not(expression) } else { expression })
    }

    fn operator(&mut self) -> Option<Operator> {
        let Kind::Symbol(symbol) = self.peek().kind else { return None };
        let operator = match symbol {
            "=" | "==" => Operator::Equal,
            "<>" | "!=" => Operator::NotEqual,
            "<" => Operator::Less,
            "<=" => Operator::LessOrEqual,
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            _ => return None,
        };
        self.take();
        Some(operator)
    }

    fn is(&mut self, left: Operand, at: usize) -> Result<Expression, ConditionError> {
        let negated = self.takes_word("not");
        let expression = if self.takes_word("null") {
            Expression::IsNull(self.column(left, at)?)
        } else if self.is_word("true") || self.is_word("false") {
            let truth = self.is_word("true");
            self.take();
            Expression::IsTruth { column: self.column(left, at)?, truth }
        } else if self.takes_word("distinct") {
            self.need_word("from")?;
            match (left, self.operand("a value or a column")?) {
                // SQLite takes this for IS NOT TRUE, and for a boolean that is the same.
                (
                    Operand::Column(column),
                    Operand::Literal(Literal { value: Written::Boolean(truth), .. }),
                ) => not(Expression::IsTruth { column, truth }),
                (left, right) => Expression::Distinct { left, at, right },
            }
        } else {
            let not = if negated { "" } else { "NOT, " };
            return Err(self.expected(&format!("{not}NULL, TRUE, FALSE or DISTINCT FROM")));
        };
        Ok(if negated { not(expression) } else { expression })
    }

    fn list(&mut self, column: Name) -> Result<Expression, ConditionError> {
        if !self.takes_symbol("(") {
            return Err(self.expected("( and a list of values"));
        }
        let mut values = Vec::new();
        loop {
            match self.operand("a value")? {
                Operand::Literal(literal) => values.push(literal),
                Operand::Column(name) => {
                    let message = "expected a value, found a name; text stands in single quotes";
                    return Err(ConditionError::new(self.text, name.at, message));
                }
            }
            if self.takes_symbol(")") {
                return Ok(Expression::In { column, values });
            }
            if !self.takes_symbol(",") {
                return Err(self.expected(", or )"));
            }
        }
    }

    fn like(&mut self, column: Name, fold: bool) -> Result<Expression, ConditionError> {
        let at = self.peek().at;
        let pattern = match self.peek().kind.clone() {
            Kind::Text(text) => Some(text),
            _ if self.is_word("null") => None,
            _ => return Err(self.expected("a pattern in single quotes")),
        };
        self.take();
        let mut escape = None;
        if self.takes_word("escape") {
            let Kind::Text(text) = self.peek().kind.clone() else {
                return Err(self.expected("one character in single quotes"));
            };
            let mut characters = text.chars();
            escape = Some(characters.next());
            if characters.next().is_some() {
                return Err(self.error("an escape is one character"));
            }
            self.take();
        }
        Ok(Expression::Like { column, pattern, at, escape, fold })
    }

    /// The column that must stand before a word at some place.
    fn column(&self, operand: Operand, at: usize) -> Result<Name, ConditionError> {
        match operand {
            Operand::Column(name) => Ok(name),
            Operand::Literal(_) => Err(ConditionError::new(self.text, at, "expected a column before this")),
        }
    }

    fn operand(&mut self, what: &str) -> Result<Operand, ConditionError> {
        let at = self.peek().at;
        let literal = |value| Ok(Operand::Literal(Literal { value, at }));
        let sign = if self.takes_symbol("-") {
            Some("-")
        } else if self.takes_symbol("+") {
            Some("")
        } else {
            None
        };
        let taken = match (self.peek().kind.clone(), sign) {
            (Kind::Number(number), sign) => {
                literal(Written::Number(format!("{}{number}", sign.unwrap_or_default())))
            }
            (_, Some(_)) => return Err(self.expected("a number")),
            (Kind::Text(text), None) => literal(Written::Text(text)),
            (Kind::Blob(bytes), None) => literal(Written::Blob(bytes)),
            (Kind::Quoted(name), None) => Ok(Operand::Column(Name { name, quoted: true, at })),
            (Kind::Word(word), None) => match word.to_ascii_lowercase().as_str() {
                "null" => literal(Written::Null),
                "true" => literal(Written::Boolean(true)),
                "false" => literal(Written::Boolean(false)),
                reserved if RESERVED.contains(&reserved) => return Err(self.expected(what)),
                _ => Ok(Operand::Column(Name { name: word, quoted: false, at })),
            },
            _ => return Err(self.expected(what)),
        };
        self.take();
        if matches!(self.peek().kind, Kind::Symbol("(")) && matches!(taken, Ok(Operand::Column(_))) {
            return Err(self.error("conditions know no functions"));
        }
        taken
    }
}

fn not(expression: Expression) -> Expression {
    Expression::Not(Box::new(expression))
}

fn one_or(mut parts: Vec<Expression>, many: impl FnOnce(Vec<Expression>) -> Expression) -> Expression {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => many(parts),
    }
}
