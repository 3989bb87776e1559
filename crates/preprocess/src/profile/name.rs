//! What the name of a column says about its meaning.
//!
//! A name is cut into lower-case words at punctuation, digits and camel humps: `CustomerId` and
//! `customer_id` are both `customer id`. Names only ever support evidence from the values.

/// Words that mean a key of a row or of a thing.
const KEYS: [&str; 8] = ["id", "ids", "uuid", "guid", "identifier", "rowid", "rownum", "unnamed"];
/// Words that may mean a key, but also a quantity (`price index`, `nbr of rooms`).
const PERHAPS_KEYS: [&str; 5] = ["key", "nbr", "index", "idx", "serial"];
/// Things whose number is often written in one word: `customerid`, `orderid`.
const THINGS: [&str; 26] = [
    "account",
    "case",
    "client",
    "customer",
    "device",
    "employee",
    "encounter",
    "event",
    "group",
    "item",
    "member",
    "order",
    "passenger",
    "patient",
    "person",
    "product",
    "record",
    "row",
    "sample",
    "session",
    "student",
    "subject",
    "ticket",
    "transaction",
    "trip",
    "user",
];
/// Words that mean a code: numbers without order.
const CODES: [&str; 14] = [
    "zip", "zipcode", "postcode", "postal", "plz", "code", "codes", "fips", "naics", "sku",
    "subclass", "barcode", "isbn", "pincode",
];
/// Words that mean a point in time.
const TIMES: [&str; 16] = [
    "time",
    "date",
    "datetime",
    "timestamp",
    "ts",
    "created",
    "updated",
    "modified",
    "epoch",
    "unix",
    "unixtime",
    "at",
    "when",
    "day",
    "month",
    "year",
];

/// The words of a name, lower case.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    for letter in name.chars() {
        let starts =
            !previous.is_alphabetic() || (previous.is_lowercase() && letter.is_uppercase());
        if letter.is_alphabetic() {
            if starts {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        previous = letter;
    }
    words
}

/// Whether the name calls the column a key.
pub(crate) fn says_key(name: &str) -> bool {
    words(name).iter().any(|word| {
        let word = word.as_str();
        KEYS.contains(&word) || word.strip_suffix("id").is_some_and(|w| THINGS.contains(&w))
    })
}

/// Whether the name may call the column a key.
pub(crate) fn says_perhaps_key(name: &str) -> bool {
    says_key(name) || words(name).iter().any(|word| PERHAPS_KEYS.contains(&word.as_str()))
}

/// Whether the name calls the column a code.
pub(crate) fn says_code(name: &str) -> bool {
    words(name).iter().any(|word| CODES.contains(&word.as_str()) || word.ends_with("code"))
}

/// Whether the name calls the column a point in time.
pub(crate) fn says_time(name: &str) -> bool {
    words(name).iter().any(|word| {
        TIMES.contains(&word.as_str()) || ["date", "timestamp"].iter().any(|t| word.ends_with(t))
    })
}

/// Whether the name speaks of a birth: a date that is a feature, not the time of the row.
pub(crate) fn says_birth(name: &str) -> bool {
    words(name)
        .iter()
        .any(|word| ["dob", "born", "built"].contains(&word.as_str()) || word.starts_with("birth"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_at_humps_and_punctuation() {
        assert_eq!(words("CustomerId"), ["customer", "id"]);
        assert_eq!(words("MS SubClass_2"), ["ms", "sub", "class"]);
        assert_eq!(words("passengerID"), ["passenger", "id"]);
    }

    #[test]
    fn keys_codes_and_times_are_told_from_common_words() {
        assert!(["id", "PassengerId", "customerid", "row_id"].iter().all(|n| says_key(n)));
        assert!(!["amount_paid", "grid", "centroid", "humid", "aid"].iter().any(|n| says_key(n)));
        assert!(["zip", "Zip Code", "zipcode", "AreaCode"].iter().all(|n| says_code(n)));
        assert!(!["age", "encoder", "zipper"].iter().any(|n| says_code(n)));
        assert!(["created_at", "timestamp", "OrderDate", "orderdate"].iter().all(|n| says_time(n)));
    }
}
