//! The plaintext: the fields of one secret, already checked, as the JSON object that is sealed.

use super::validate;
use crate::json::{Writer, escaped_len};
use crate::secret::{Field, SecretBytes, VALUE};

/// The fields of one secret, complete and in the type's order.
pub struct Fields {
    pub(super) fields: Vec<(&'static Field, SecretBytes)>,
    /// What the user should know of the value: one sentence each, without prefix.
    pub notes: Vec<String>,
}

impl Fields {
    /// A raw value.
    pub fn raw(value: SecretBytes) -> Self {
        Self {
            notes: validate::note(&VALUE, value.expose()).into_iter().collect(),
            fields: vec![(&VALUE, value)],
        }
    }

    /// The compact JSON object; an optional field that was not given has no key in it.
    pub fn payload(&self) -> SecretBytes {
        // Room for all of it: a buffer that grew would leave copies behind.
        let size = self.fields.iter().fold(2, |size, (field, value)| {
            size + field.key.len() + escaped_len(value.expose()) + r#""":"","#.len()
        });
        let mut payload = SecretBytes::with_capacity(size);
        Writer::new(payload.expose_mut()).object(|object| {
            for (field, value) in &self.fields {
                object.key(field.key).string_bytes(value.expose());
            }
        });
        payload
    }

    /// The length of all values together, in bytes.
    pub fn length(&self) -> usize {
        self.fields.iter().map(|(_, value)| value.len()).sum()
    }

    /// Whether a field was given.
    pub fn has(&self, flag: &str) -> bool {
        self.fields.iter().any(|(field, _)| field.flag == flag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Kind;

    fn payload(wire: &str, values: &[Option<&str>]) -> (String, usize) {
        let fields = Fields {
            fields: Kind::from_wire(wire)
                .unwrap()
                .fields
                .iter()
                .zip(values)
                .filter_map(|(field, value)| {
                    Some((field, SecretBytes::new(value.as_ref()?.as_bytes().to_vec())))
                })
                .collect(),
            notes: Vec::new(),
        };
        let mut payload = fields.payload();
        let text = String::from_utf8(payload.expose().to_vec()).unwrap();
        // What was asked for before it was written: a comma more than there is. A buffer that grew has twice as much as
        // before, and left a copy behind.
        let first = SecretBytes::with_capacity(text.len() + 1)
            .expose_mut()
            .capacity();
        assert_eq!(payload.expose_mut().capacity(), first);
        (text, fields.length())
    }

    #[test]
    fn keys_in_order_and_absent_ones_absent() {
        for (kind, values, expected, length) in [
            ("RAW_VALUE", &[Some("a\n")][..], r#"{"value":"a\n"}"#, 2),
            ("ANTHROPIC_API_KEY", &[Some("k")], r#"{"api_key":"k"}"#, 1),
            (
                "ANTHROPIC_BEDROCK_API_KEY",
                &[Some("k"), Some("us-east-1")],
                r#"{"aws_bearer_token_bedrock":"k","aws_region":"us-east-1"}"#,
                10,
            ),
            (
                "ANTHROPIC_BEDROCK_ACCESS_KEY",
                &[Some("i"), Some("s"), Some("t"), Some("r")],
                r#"{"aws_access_key_id":"i","aws_secret_access_key":"s","aws_session_token":"t","aws_region":"r"}"#,
                4,
            ),
            (
                "ANTHROPIC_BEDROCK_ACCESS_KEY",
                &[Some("i"), Some("s"), None, Some("r")],
                r#"{"aws_access_key_id":"i","aws_secret_access_key":"s","aws_region":"r"}"#,
                3,
            ),
            (
                "OPENAI_API_KEY",
                &[Some("k"), Some("https://h/v1")],
                r#"{"api_key":"k","base_url":"https://h/v1"}"#,
                13,
            ),
            (
                "OPENAI_API_KEY",
                &[Some("k"), None],
                r#"{"api_key":"k"}"#,
                1,
            ),
            (
                "DOCKER_REGISTRY",
                &[Some("h"), Some("u"), Some("p")],
                r#"{"registry_host":"h","username":"u","password":"p"}"#,
                3,
            ),
        ] {
            assert_eq!(payload(kind, values), (expected.to_owned(), length));
        }
    }

    #[test]
    fn every_character_arrives() {
        let mut value: String = ('\u{1}'..='\u{100}').collect();
        value.push_str("日本🔑\u{2028}/\u{7f}");
        let (text, _) = payload("RAW_VALUE", &[Some(&value)]);
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed, serde_json::json!({ "value": value }));
        assert_eq!(text, parsed.to_string());
    }
}
