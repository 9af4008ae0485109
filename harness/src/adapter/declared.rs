//! What somebody declares of implementations beside what goldpath knows: their known defects, and what they keep.

use super::{Expected, Kept, expected, kept};

/// Somebody's own entries, in the formats of `expected.toml` and `kept.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Declared {
    /// Known defects.
    pub expected: Vec<Expected>,
    /// What stays after teardown, as a document says.
    pub kept: Vec<Kept>,
}

impl Declared {
    /// Adds known defects.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn add_expected(&mut self, text: &str) -> Result<(), String> {
        let entries = expected::parse(text).map_err(|error| error.to_string())?;
        self.expected.extend(entries);
        Ok(())
    }

    /// Adds what is kept.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn add_kept(&mut self, text: &str) -> Result<(), String> {
        let entries = kept::parse(text).map_err(|error| error.to_string())?;
        self.kept.extend(entries);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Implementation;
    use super::*;

    #[test]
    fn an_own_entry_is_found_by_the_name_that_an_implementation_gives_itself() {
        let mut declared = Declared::default();
        let text = r#"
            [[expected]]
            implementations = ["mine"]
            versions = "*"
            case = "contract/bridge/mac-stays"
            issue = "mine#1"
            why = "It draws another."
        "#;
        assert_eq!(declared.add_expected(text), Ok(()));
        let plugin = Implementation::known("plugin", "1", [].into());
        let found = |one: &Implementation| {
            expected(one, "contract/bridge/mac-stays", &[], &declared.expected).is_some()
        };
        assert!(found(&plugin.clone().calling_itself("mine")));
        assert!(!found(&plugin.calling_itself("yours")));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let mut declared = Declared::default();
        let wrong =
            declared.add_expected("[[expected]]\nimplementations = [\"mine\"]\nversion = \"*\"\n");
        let wrong = wrong.expect_err("there is no `version`");
        assert!(
            wrong.contains("line 3") && wrong.contains("`version`"),
            "{wrong}"
        );
        let wrong = declared
            .add_kept("[[kept]]\nkind = \"lnk\"\n")
            .expect_err("no such kind");
        assert!(wrong.contains("line 2") && wrong.contains("lnk"), "{wrong}");
    }
}
