//! The JSON schema of a case file, for editors; `cases/case.schema.json` is its checked-in copy.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::file::CaseFile;

/// The schema as pretty JSON (draft 2020-12) with a newline at its end.
pub fn schema() -> String {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<CaseFile>()
        .to_value();
    schema["title"] = json!("A goldpath case");
    as_toml(&mut schema);
    format!("{schema:#}\n")
}

/// TOML has no null, and a doc comment's line breaks mean nothing: takes both out, all the way down.
fn as_toml(value: &mut Value) {
    let null = json!("null");
    match value {
        Value::Array(entries) => entries.iter_mut().for_each(as_toml),
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut("description") {
                *text = text.replace('\n', " ");
            }
            if let Some(Value::Array(types)) = fields.get_mut("type") {
                types.retain(|one| *one != null);
                if let [one] = types.as_slice() {
                    fields["type"] = one.clone();
                }
            }
            if let Some(Value::Array(choices)) = fields.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type") != Some(&null));
                if let [Value::Object(only)] = choices.as_slice() {
                    let only = only.clone();
                    fields.remove("anyOf");
                    // What the field says of itself goes before what its type says.
                    for (key, inner) in only {
                        fields.entry(key).or_insert(inner);
                    }
                }
            }
            fields.values_mut().for_each(as_toml);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_checked_in_schema_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../cases/case.schema.json");
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            stored == super::schema(),
            "run: cargo run -q -p goldpath -- schema case > cases/case.schema.json"
        );
    }
}
