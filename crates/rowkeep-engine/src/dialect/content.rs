/// What the values of a column are to a mask. Equal values of equal content are masked equally.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Numbers in digits, as text.
    Digits,
    /// Floating-point numbers of 32 bits, as text.
    Single,
    /// Floating-point numbers of 64 bits, as text.
    Double,
    /// Text.
    Text,
    /// Text that is filled up with spaces.
    PaddedText,
    /// Text in which letters of either case are one.
    FoldedText,
    /// Dates, as text.
    Date,
    /// Moments without a zone, as text.
    LocalTime,
    /// Moments with a zone, as text.
    Instant,
    /// UUIDs, as text.
    Uuid,
    /// Bytes, as text in hexadecimal digits behind `\x`.
    HexBytes,
    /// Anything else that is text: nothing is known of it.
    Other,
    /// Values that know their own kind, in a column that makes numbers of text that looks like some.
    OwnNumbers,
    /// The same, where all numbers become reals.
    OwnReals,
    /// Values that know their own kind, in a column that makes text of numbers.
    OwnText,
    /// Values that know their own kind, whatever it is.
    Own,
}

impl Content {
    /// Whether the column takes any text.
    pub fn is_text(self) -> bool {
        matches!(self, Self::Text | Self::PaddedText | Self::FoldedText | Self::OwnText | Self::Own)
    }

    /// Whether it may hold numbers.
    pub fn holds_numbers(self) -> bool {
        matches!(
            self,
            Self::Digits | Self::Single | Self::Double | Self::OwnNumbers | Self::OwnReals | Self::Own
        )
    }

    /// Whether it may hold dates.
    pub fn holds_dates(self) -> bool {
        matches!(self, Self::Date | Self::LocalTime | Self::Instant) || self.is_own()
    }

    /// Whether values know their own kind.
    pub fn is_own(self) -> bool {
        matches!(self, Self::OwnNumbers | Self::OwnReals | Self::OwnText | Self::Own)
    }

    /// Whether a hash of a value is a value of the column.
    pub fn takes_hashes(self) -> bool {
        self.is_text() || self.is_own() || matches!(self, Self::Digits | Self::Uuid | Self::HexBytes)
    }
}
