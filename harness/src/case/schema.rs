//! The JSON schema of a case file, for editors; `cases/case.schema.json` is its checked-in copy.

use schemars::generate::SchemaSettings;

use super::file::CaseFile;

/// The schema as pretty JSON (draft 2020-12) with a newline at its end.
pub fn schema() -> String {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<CaseFile>();
    schema.insert("title".to_owned(), "A goldpath case".into());
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    #[test]
    fn the_checked_in_schema_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../cases/case.schema.json");
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        assert!(stored == super::schema(), "run: cargo run -q -p goldpath -- check --schema > cases/case.schema.json");
    }
}
