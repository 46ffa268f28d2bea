//! How files write the values of a type otherwise than PostgreSQL does.

/// A type, as far as it matters to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// `boolean`
    Boolean,
    /// Numbers of any kind.
    Number,
    /// `bytea`
    Bytes,
    /// `json`, `jsonb`
    Json {
        /// Whether it keeps the text as it is.
        is_text: bool,
    },
    /// `timestamp`, which ignores an offset.
    Moment,
    /// `timestamp with time zone`
    ZonedMoment,
    /// `date`
    Date,
    /// `time`, which ignores an offset.
    Time,
    /// An array of such.
    Array(Box<Form>),
    /// Any other, whose values are written alike.
    Other,
}

impl Form {
    /// Whether its values are times or dates.
    pub(super) fn is_time(&self) -> bool {
        matches!(self, Form::Moment | Form::ZonedMoment | Form::Date | Form::Time)
    }

    /// That of a type by its name, of an array with the name of its elements' type.
    pub(super) fn of(name: &str, element: Option<&str>) -> Self {
        if let Some(element) = element {
            return Form::Array(Box::new(Form::of(element, None)));
        }
        match name {
            "bool" => Form::Boolean,
            "int2" | "int4" | "int8" | "numeric" | "float4" | "float8" | "oid" | "money" => Form::Number,
            "bytea" => Form::Bytes,
            "json" => Form::Json { is_text: true },
            "jsonb" => Form::Json { is_text: false },
            "timestamp" => Form::Moment,
            "timestamptz" => Form::ZonedMoment,
            "date" => Form::Date,
            "time" => Form::Time,
            _ => Form::Other,
        }
    }

    /// As SQL, whether a value that is there is what a file tells of it; nothing where a file tells all. `to_millisecond` says whether
    /// the file has its time so.
    pub(super) fn same(&self, there: &str, told: &str, to_millisecond: &str) -> Option<String> {
        match self {
            Form::Number | Form::Json { is_text: false } => Some(format!("{there} = {told}")),
            // What holds a NUL is text, and no JSON that can be compared.
            Form::Json { is_text: true } => Some(format!(
                "CASE WHEN strpos(concat({there}, {told}), '\\u0000') > 0 THEN false \
                 ELSE {there}::text::jsonb = {told}::text::jsonb END"
            )),
            Form::Moment | Form::ZonedMoment => {
                Some(format!("{to_millisecond} AND date_trunc('milliseconds', {there}) = {told}"))
            }
            Form::Array(element) if **element == Form::Number => Some(format!("{there} = {told}")),
            _ => None,
        }
    }
}
