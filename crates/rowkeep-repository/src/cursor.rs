use crate::Flaw;

/// Takes fixed-width little-endian values off the front of bytes that may be anything.
pub(crate) struct Cursor<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Cursor<'a> {
    /// `what` is named in the errors.
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(Flaw::Truncated(self.what))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Flaw> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Flaw> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Flaw> {
        self.array().map(u64::from_le_bytes)
    }

    /// A count of things that take at least `each` bytes, so that a damaged count cannot ask for all memory.
    pub(crate) fn count(&mut self, each: usize) -> Result<usize, Flaw> {
        let count = self.u32()? as usize;
        if count > self.rest.len() / each {
            return Err(Flaw::Truncated(self.what));
        }
        Ok(count)
    }

    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Refuses bytes that nothing announced.
    pub(crate) fn end(self) -> Result<(), Flaw> {
        if self.rest.is_empty() { Ok(()) } else { Err(Flaw::Malformed(self.what)) }
    }
}
