/// What the values of a column are to a file that others read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// Text; or, where values know their own kind, whatever each of them is.
    Text,
    /// Integers of 32 bits.
    Integer32,
    /// Integers of 32 bits without a sign.
    Unsigned32,
    /// Integers of 64 bits.
    Integer64,
    /// Decimal numbers: how many digits at most and how many of these behind the point, where the type says so.
    Decimal(Option<(u32, i32)>),
    /// Floating-point numbers of 32 bits.
    Single,
    /// Floating-point numbers of 64 bits.
    Double,
    /// True or false: `t` and `f`, or 1 and 0.
    Boolean,
    /// Bytes: as such, or as text in hexadecimal digits behind `\x`.
    Bytes,
    /// JSON.
    Json,
    /// UUIDs.
    Uuid,
    /// Dates.
    Date,
    /// Moments.
    Timestamp {
        /// Whether with a zone, which is then UTC.
        zoned: bool,
    },
    /// Times of the day.
    TimeOfDay,
    /// Arrays of such, as text: `{1,NULL,3}`.
    Array(Box<Form>),
}
