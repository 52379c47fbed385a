//! Which column of a file is which field of a receivable. Pure.

use std::fmt;

/// What can be read from a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// Who owes.
    Account,
    /// Number of the invoice.
    Document,
    /// Its date.
    InvoiceDate,
    /// When it is to be paid.
    DueDate,
    /// How much.
    Amount,
    /// In which currency.
    Currency,
    /// Whether the customer disputes it.
    Disputed,
    /// When it was paid in full.
    SettledDate,
    /// The order behind it.
    Order,
    /// Who sold.
    Salesperson,
    /// Sales region.
    Region,
    /// Industry of the customer.
    Industry,
}

impl Field {
    /// Every field.
    pub(super) const ALL: [Field; 12] = [
        Field::Account,
        Field::Document,
        Field::InvoiceDate,
        Field::DueDate,
        Field::Amount,
        Field::Currency,
        Field::Disputed,
        Field::SettledDate,
        Field::Order,
        Field::Salesperson,
        Field::Region,
        Field::Industry,
    ];

    /// Fields without which a row says nothing.
    const REQUIRED: [Field; 4] = [Field::Account, Field::Document, Field::InvoiceDate, Field::Amount];

    /// The field's name on the command line.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Field::Account => "account",
            Field::Document => "document",
            Field::InvoiceDate => "invoice_date",
            Field::DueDate => "due_date",
            Field::Amount => "amount",
            Field::Currency => "currency",
            Field::Disputed => "disputed",
            Field::SettledDate => "settled_date",
            Field::Order => "order",
            Field::Salesperson => "salesperson",
            Field::Region => "region",
            Field::Industry => "industry",
        }
    }

    fn of_name(name: &str) -> Option<Field> {
        Field::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Everything that is wrong with a mapping.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub(super) struct MappingError(pub Vec<String>);

/// Where the fields of a row stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    /// Field, its column's place and name.
    columns: Vec<(Field, usize, String)>,
    /// How many columns the file has.
    width: usize,
}

impl Mapping {
    /// Reads `COLUMN=FIELD` pairs against the file's first line; a column named as a field needs none.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub(super) fn build(pairs: &[String], header: &[String]) -> Result<Self, MappingError> {
        let mut problems = Vec::new();
        let mut columns: Vec<(Field, usize, String)> = Vec::new();
        for pair in pairs {
            match read_pair(pair, header) {
                Ok((field, _, column)) if columns.iter().any(|(known, ..)| *known == field) => {
                    problems
                        .push(format!("--map {pair}: {field} is mapped already, {column:?} would be a second column"));
                }
                Ok(found) => columns.push(found),
                Err(problem) => problems.push(format!("--map {pair}: {problem}")),
            }
        }
        for field in Field::ALL {
            let is_named = pairs.iter().any(|pair| pair.ends_with(&format!("={field}")));
            let place = header.iter().position(|column| column == field.as_str());
            if let (false, Some(place)) = (is_named, place) {
                columns.push((field, place, field.as_str().to_owned()));
            } else if !is_named && Field::REQUIRED.contains(&field) {
                problems.push(format!("no column is mapped to {field}: add --map COLUMN={field}"));
            }
        }
        if problems.is_empty() { Ok(Mapping { columns, width: header.len() }) } else { Err(MappingError(problems)) }
    }

    /// Where a field stands, and what its column is called.
    pub(super) fn column(&self, field: Field) -> Option<(usize, &str)> {
        self.columns.iter().find(|(known, ..)| *known == field).map(|(_, place, name)| (*place, name.as_str()))
    }

    /// How many columns the file has.
    pub(super) const fn width(&self) -> usize {
        self.width
    }
}

fn read_pair(pair: &str, header: &[String]) -> Result<(Field, usize, String), String> {
    let (column, field) = pair.rsplit_once('=').ok_or_else(|| "is not COLUMN=FIELD".to_owned())?;
    let field = Field::of_name(field).ok_or_else(|| {
        let names: Vec<&str> = Field::ALL.iter().map(|field| field.as_str()).collect();
        format!("{field:?} is no field; fields are {}", names.join(", "))
    })?;
    let place = header.iter().position(|known| known == column);
    let place = place.ok_or_else(|| format!("the file has no column {column:?}; it has {}", header.join(", ")))?;
    Ok((field, place, column.to_owned()))
}
