//! What can be said about tables of text, where looking at them may not tell.

use clap::Args;
use clap::builder::PossibleValuesParser;
use modelwright_core::record::TextLayout;

use super::values;

/// How fractions may be written.
const DECIMALS: [&str; 2] = ["point", "comma"];

/// Flags of every subcommand that reads a table. A model remembers them: its rows are read in the
/// same way, unless they are said again.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct TextArgs {
    /// What stands between fields in text: a character, tab, or blank for any run of blanks
    /// [default: found out]
    #[arg(long, value_name = "CHAR", value_parser = values::separator, help_heading = HEADING)]
    separator: Option<char>,
    /// The first line of text holds values: columns are called column_1, column_2, …
    #[arg(long, help_heading = HEADING)]
    no_header: bool,
    /// The sign before decimals in text: point or comma [default: found out]
    #[arg(long, value_name = "SIGN", value_parser = PossibleValuesParser::new(DECIMALS),
          help_heading = HEADING)]
    decimal: Option<String>,
    /// The encoding of text, e.g. UTF-8, UTF-16LE or windows-1252 [default: found out]
    #[arg(long, value_name = "NAME", value_parser = values::charset, help_heading = HEADING)]
    charset: Option<String>,
}

const HEADING: &str = "Tables of text";

impl TextArgs {
    /// What is said.
    pub(crate) fn layout(&self) -> TextLayout {
        TextLayout {
            separator: self.separator,
            header: self.no_header.then_some(false),
            decimal_comma: self.decimal.as_ref().map(|sign| sign == "comma"),
            encoding: self.charset.clone(),
        }
    }
}
