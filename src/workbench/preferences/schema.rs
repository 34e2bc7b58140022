//! The JSON schema of the file of preferences, made from the table of preferences and the table of keys.
//!
//! Editors check and complete the file by it. It says what is written best: `read` takes some other spellings, too.

use super::{ALL, KEYS, Preference, Values, keys::PRESETS, write::sentence};
use crate::workbench::{keymap::BINDINGS, theme::Themes};
use serde_json::{Map, Value, json};

/// A schema of draft 2020-12.
pub fn schema() -> Value {
    let mut properties: Map<String, Value> =
        ALL.iter().map(|preference| (preference.name.to_owned(), of(preference))).collect();
    properties.insert(KEYS.to_owned(), of_keys());
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Preferences of the aicr workbench",
        "description": "config.toml in the folder for configuration; `aicr paths` says where that is.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn of(preference: &Preference) -> Value {
    let mut schema = match preference.values {
        Values::Switch => json!({ "type": "boolean", "default": preference.default == "true" }),
        Values::Words(words) => json!({ "enum": legal(words), "default": preference.default }),
        Values::Theme => {
            let examples: Vec<String> = preference.choices(&Themes::default());
            json!({ "type": "string", "default": preference.default, "examples": examples })
        }
        Values::Patterns => {
            let pattern = json!({ "type": "string" });
            json!({ "type": ["array", "string"], "items": pattern, "default": [] })
        }
    };
    let over: Vec<&str> = preference.flag.into_iter().chain(preference.variable).collect();
    let over = if over.is_empty() { String::new() } else { format!(" {} wins.", over.join(" or ")) };
    schema["description"] = json!(format!("{}.{over}", sentence(preference.help)));
    schema
}

/// Words, and what TOML writes without quotes for some of them.
fn legal(words: &[&str]) -> Vec<Value> {
    let mut all: Vec<Value> = words.iter().map(|word| json!(word)).collect();
    all.extend(words.iter().filter_map(|word| word.parse::<u32>().ok()).map(|number| json!(number)));
    let is_switch = words.contains(&"on");
    all.extend(
        [true, false].into_iter().filter(|on| is_switch || words.contains(&on.to_string().as_str())).map(Value::Bool),
    );
    all
}

fn of_keys() -> Value {
    let presets: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    let preset = json!({ "enum": presets, "default": presets[0], "description": "Keys to start from." });
    let mut properties = Map::from_iter([("preset".to_owned(), preset)]);
    for binding in BINDINGS {
        let schema = json!({
            "type": ["array", "string"],
            "items": { "type": "string" },
            "default": binding.keys,
            "description": format!("{}.", sentence(binding.help)),
        });
        properties.insert(binding.name.to_owned(), schema);
    }
    let about = "The name of an action and its key, a list of keys, or \"none\". A sequence has spaces: \"g d\".";
    json!({ "type": "object", "additionalProperties": false, "properties": properties, "description": about })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workbench::preferences::{Preferences, template};
    use toml::de::{DeTable, DeValue};

    /// What is wrong, by the keywords that the schema has; another one fails here, so that none is passed over.
    fn faults(value: &Value, schema: &Value, at: &str, all: &mut Vec<String>) {
        for (keyword, says) in schema.as_object().unwrap() {
            match keyword.as_str() {
                "$schema" | "title" | "description" | "default" | "examples" => {}
                "type" => {
                    let types = says.as_array().cloned().unwrap_or_else(|| vec![says.clone()]);
                    let is = match value {
                        Value::Object(_) => "object",
                        Value::Array(_) => "array",
                        Value::String(_) => "string",
                        Value::Bool(_) => "boolean",
                        _ => "number",
                    };
                    if !types.iter().any(|one| one == is) {
                        all.push(format!("{at} is of type {is}"));
                    }
                }
                "enum" => {
                    if !says.as_array().unwrap().contains(value) {
                        all.push(format!("{at} cannot be {value}"));
                    }
                }
                "items" => {
                    let items = value.as_array().into_iter().flatten().enumerate();
                    items.for_each(|(index, item)| faults(item, says, &format!("{at}[{index}]"), all));
                }
                "properties" => {
                    for (name, property) in value.as_object().into_iter().flatten() {
                        if let Some(schema) = says.get(name) {
                            faults(property, schema, &format!("{at}.{name}"), all);
                        }
                    }
                }
                "additionalProperties" => {
                    assert_eq!(says, false);
                    let unknown = |name: &&String| schema["properties"].get(name.as_str()).is_none();
                    let names = value.as_object().into_iter().flat_map(Map::keys).filter(unknown);
                    all.extend(names.map(|name| format!("{at} has no {name}")));
                }
                other => panic!("the schema has the keyword {other}"),
            }
        }
    }

    fn json_of(value: &DeValue<'_>) -> Value {
        match value {
            DeValue::Table(table) => table_of(table),
            DeValue::Array(list) => list.iter().map(|item| json_of(item.get_ref())).collect(),
            DeValue::String(text) => json!(text),
            DeValue::Boolean(on) => json!(on),
            DeValue::Integer(number) => json!(number.as_str().parse::<i64>().unwrap()),
            other => panic!("{other:?} is not in the file"),
        }
    }

    fn table_of(table: &DeTable<'_>) -> Value {
        table.iter().map(|(key, value)| (key.get_ref().to_string(), json_of(value.get_ref()))).collect()
    }

    fn wrong(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        faults(&table_of(DeTable::parse(text).unwrap().get_ref()), &schema(), "file", &mut all);
        all
    }

    #[test]
    fn the_file_with_all_defaults_is_valid_and_what_is_misspelt_is_not() {
        let open = |line: &str| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) => rest.to_owned(),
            _ => line.to_owned(),
        };
        let file: Vec<String> = template().lines().map(open).collect();
        assert!(file.iter().filter(|line| line.contains(" = ")).count() > ALL.len(), "{file:?}");
        for text in [template(), file.join("\n"), "color = 256\nslow = true\nprotect = \"prod\"\n".to_owned()] {
            assert_eq!(wrong(&text), [""; 0], "{text}");
        }
        for (text, fault) in [
            ("them = \"dark\"", "file has no them"),
            ("ascii = \"onn\"", "file.ascii cannot be \"onn\""),
            ("mouse = \"maybe\"", "file.mouse is of type string"),
            ("protect = [1]", "file.protect[0] is of type number"),
            ("[keys]\nmove-dwn = \"x\"", "file.keys has no move-dwn"),
            ("[keys]\npreset = \"vin\"", "file.keys.preset cannot be \"vin\""),
            ("[keys.recipe]\nswap = \"x\"", "file.keys has no recipe"),
        ] {
            assert_eq!(wrong(text), [fault], "{text}");
            assert_eq!(Preferences::read(Some(("config.toml", text)), &|_| None).problems.len(), 1, "{text}");
        }
    }

    /// Every value that the schema names is one that the program takes, and it has every name that the program knows.
    #[test]
    fn the_schema_and_the_program_agree() {
        let schema = schema();
        for preference in ALL {
            let property = &schema["properties"][preference.name];
            let listed = property["enum"].as_array().or(property["examples"].as_array()).cloned();
            let values = listed.unwrap_or_else(|| vec![property["default"].clone()]);
            assert!(values.contains(&property["default"]), "{}", preference.name);
            for value in values {
                let text = format!("{} = {value}\n", preference.name);
                let read = Preferences::read(Some(("config.toml", &text)), &|_| None);
                assert_eq!(read.problems, [], "{text}");
                assert!(wrong(&text).is_empty(), "{text}");
            }
        }
        let keys = schema["properties"][KEYS]["properties"].as_object().unwrap();
        assert_eq!(keys.len(), BINDINGS.len() + 1);
    }
}
