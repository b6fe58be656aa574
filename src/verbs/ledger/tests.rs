//! Cells of the table, against RFC 4180 and what spreadsheets take for a formula.

use super::cell;

#[test]
fn l18_a_cell_is_in_quotes_where_it_needs_them() {
    for (text, told) in [
        ("", ""),
        ("plain words", "plain words"),
        ("a,b", "\"a,b\""),
        ("she said \"yes\"", "\"she said \"\"yes\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("a \u{e9} 'b'", "a \u{e9} 'b'"),
    ] {
        assert_eq!(cell(text), told);
    }
}

#[test]
fn l18_no_cell_is_a_formula() {
    for sign in ["=", "+", "-", "@", "\t"] {
        assert_eq!(cell(&format!("{sign}A1")), format!("'{sign}A1"));
    }
    assert_eq!(
        cell("=HYPERLINK(\"x\",\"y\")"),
        "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""
    );
    assert_eq!(cell("a=1"), "a=1");
}
