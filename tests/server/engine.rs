//! The GraphQL side of the local server: `apollo-compiler` checks every document and its variables against
//! schema.graphql (GraphQL October 2021) and shapes the answer.

use super::account::{Account, Owner, Principal};
use super::store::{NewSecret, Patch, Record, Refusal, Store, Update};
use apollo_compiler::request::coerce_variable_values;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::sync::OnceLock;

const SCHEMA: &str = include_str!("schema.graphql");

fn schema() -> &'static Valid<Schema> {
    static PARSED: OnceLock<Valid<Schema>> = OnceLock::new();
    PARSED.get_or_init(
        || match Schema::parse_and_validate(SCHEMA, "schema.graphql") {
            Ok(schema) => schema,
            Err(error) => panic!("the schema of the local server is invalid: {error}"),
        },
    )
}

/// A document that the schema allows, with variables that it allows.
pub struct Checked {
    document: Valid<ExecutableDocument>,
    variables: Valid<JsonMap>,
    /// The name of its one operation.
    pub operation: String,
}

/// Checks a document and its variables.
///
/// # Errors
/// The messages for `errors`: what the schema does not allow.
pub fn check(query: &str, variables: &Value) -> Result<Checked, Vec<String>> {
    let document = ExecutableDocument::parse_and_validate(schema(), query, "query.graphql")
        .map_err(|error| {
            let each = error.errors.iter().map(|one| one.error.to_string());
            each.collect::<Vec<_>>()
        })?;
    let operation = document
        .operations
        .get(None)
        .map_err(|error| vec![error.message().to_string()])?;
    let Some(name) = operation.name.as_ref().map(ToString::to_string) else {
        return Err(vec!["the operation has no name".to_owned()]);
    };
    let given = to_map(variables).ok_or_else(|| vec!["variables: not an object".to_owned()])?;
    let unknown = given.keys().find(|key| {
        !operation
            .variables
            .iter()
            .any(|known| known.name.as_str() == key.as_str())
    });
    if let Some(unknown) = unknown {
        return Err(vec![format!("no such variable: {}", unknown.as_str())]);
    }
    let variables = coerce_variable_values(schema(), operation, &given)
        .map_err(|error| vec![error.message().to_string()])?;
    Ok(Checked {
        document,
        variables,
        operation: name,
    })
}

fn to_map(value: &Value) -> Option<JsonMap> {
    match serde_json::from_value::<JsonValue>(value.clone()).ok()? {
        JsonValue::Object(map) => Some(map),
        JsonValue::Null => Some(JsonMap::new()),
        _ => None,
    }
}

/// The effects of a request, for the log and the counters.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// How many public keys were asked for: each costs the service a call to its key service.
    pub public_keys: u32,
    /// Whether something was stored, changed or removed.
    pub applied: bool,
    /// The owner and name that a mutation was about.
    pub about: Option<(Owner, String)>,
    /// The length of the opened value, in bytes.
    pub opened: Option<usize>,
    /// The message of a refusal.
    pub refused: Option<String>,
}

/// Executes a checked document; with a `refusal`, that is the answer of every root field.
pub fn execute(
    checked: &Checked,
    account: &Account,
    team_header: Option<&str>,
    store: &mut Store,
    refusal: Option<&Refusal>,
) -> (Value, Effects) {
    let mutation = checked
        .document
        .operations
        .get(None)
        .is_ok_and(|operation| operation.is_mutation());
    let root = Root {
        type_name: if mutation {
            "RootMutation"
        } else {
            "RootQuery"
        },
        account,
        team_header,
        refusal,
        store: RefCell::new(store),
        effects: RefCell::default(),
        public_keys: Cell::new(0),
    };
    let reply = Execution::new(schema(), &checked.document)
        .coerced_variable_values(&checked.variables)
        .execute_sync(&root);
    let reply = match reply {
        Ok(reply) => serde_json::to_value(reply).expect("a response is JSON"),
        Err(error) => refused(&[error.message().to_string()]),
    };
    let mut effects = root.effects.into_inner();
    effects.public_keys = root.public_keys.get();
    (reply, effects)
}

/// The answer to a document that cannot be executed.
#[must_use]
pub fn refused(messages: &[String]) -> Value {
    let errors: Vec<Value> = messages
        .iter()
        .map(|text| json!({"message": text}))
        .collect();
    json!({"errors": errors, "data": null})
}

struct Root<'a> {
    type_name: &'static str,
    account: &'a Account,
    team_header: Option<&'a str>,
    refusal: Option<&'a Refusal>,
    store: RefCell<&'a mut Store>,
    effects: RefCell<Effects>,
    public_keys: Cell<u32>,
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        self.type_name
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = serde_json::to_value(info.arguments()).expect("arguments are JSON");
        let input = arguments.get("input").unwrap_or(&Value::Null);
        if let Some(refusal) = self.refusal {
            let object = user_facing_error(refusal);
            return Ok(ResolvedValue::object(object.counting(&self.public_keys)));
        }
        let object = match info.field_name() {
            "user" => self.user(),
            "managedSecrets" => self.secrets(),
            "createManagedSecret" => self.outcome("CreateManagedSecretOutput", self.create(input)),
            "updateManagedSecret" => self.outcome("UpdateManagedSecretOutput", self.update(input)),
            "deleteManagedSecret" => self.outcome("DeleteManagedSecretOutput", self.delete(input)),
            _ => return Err(self.unknown_field_error(info)),
        };
        Ok(ResolvedValue::object(object.counting(&self.public_keys)))
    }
}

impl Root<'_> {
    fn user(&self) -> Object {
        let account = self.account;
        let (principal, owner_type) = match account.principal {
            Principal::Person => ("USER", "User"),
            Principal::ServiceAccount => ("SERVICE_ACCOUNT", "Team"),
        };
        let workspaces = account.workspaces.iter().map(|workspace| {
            let teams = workspace.teams.iter().map(|team| {
                Object::new("Team")
                    .text("uid", &team.uid)
                    .text("name", &team.name)
                    .maybe("managedSecrets", team.keyset.as_ref().map(config))
            });
            Object::new("Workspace")
                .text("uid", &workspace.uid)
                .text("name", &workspace.name)
                .list("teams", teams.collect())
        });
        let profile = Object::new("FirebaseProfile")
            .text("uid", &account.actor)
            .leaf("displayName", json!("A Tester"))
            .leaf("email", json!("tester@example.com"))
            .leaf("needsSsoLink", json!(false))
            .leaf("photoUrl", Value::Null);
        let user = Object::new("User")
            .object("profile", profile)
            .maybe("managedSecrets", account.keyset.as_ref().map(config))
            .list("workspaces", workspaces.collect());
        output("UserOutput")
            .text("principalType", principal)
            .text("apiKeyOwnerType", owner_type)
            .object("user", user)
    }

    fn secrets(&self) -> Object {
        let store = self.store.borrow();
        // With the header, the service answers with the secrets of the person and of that team alone.
        let is_asked_for = |record: &&Record| match (&record.owner, self.team_header) {
            (Owner::Team(uid), Some(asked)) => uid == asked,
            _ => true,
        };
        let visible = store.visible(self.account).filter(is_asked_for);
        let records = visible.map(secret).collect();
        output("ManagedSecretsOutput").list("managedSecrets", records)
    }

    fn create(&self, input: &Value) -> Result<Option<Record>, Refusal> {
        let (owner, name) = self.about(input)?;
        let record = self.store.borrow_mut().create(
            self.account,
            NewSecret {
                owner,
                name,
                kind: text(input, "type"),
                description: input["description"].as_str().map(str::to_owned),
                envelope: text(input, "encryptedValue"),
            },
        )?;
        self.effects.borrow_mut().opened = record.opened.as_ref().map(Vec::len);
        Ok(Some(record))
    }

    fn update(&self, input: &Value) -> Result<Option<Record>, Refusal> {
        let (owner, name) = self.about(input)?;
        let description = match input.get("description") {
            None => Patch::Absent,
            Some(Value::String(text)) => Patch::Text(text.clone()),
            Some(_) => Patch::Null,
        };
        let envelope = input["encryptedValue"].as_str().map(str::to_owned);
        let sealed = envelope.is_some();
        let record = self.store.borrow_mut().update(
            self.account,
            Update {
                owner,
                name,
                description,
                envelope,
            },
        )?;
        if sealed {
            self.effects.borrow_mut().opened = record.opened.as_ref().map(Vec::len);
        }
        Ok(Some(record))
    }

    fn delete(&self, input: &Value) -> Result<Option<Record>, Refusal> {
        let (owner, name) = self.about(input)?;
        self.store
            .borrow_mut()
            .delete(self.account, &owner, &name)?;
        Ok(None)
    }

    /// The owner and the name of a secret.
    fn about(&self, input: &Value) -> Result<(Owner, String), Refusal> {
        let name = text(input, "name");
        let uid = input["owner"]["uid"].as_str();
        let refusal = |message: &str| Refusal {
            type_name: "InvalidInputError",
            message: message.to_owned(),
        };
        let owner = match (input["owner"]["type"].as_str(), uid) {
            (Some("User"), None) => Owner::User(self.account.actor.clone()),
            (Some("Team"), Some(uid)) => Owner::Team(uid.to_owned()),
            _ => return Err(refusal("invalid owner")),
        };
        self.effects.borrow_mut().about = Some((owner.clone(), name.clone()));
        let expected = match &owner {
            Owner::Team(uid) => Some(uid.as_str()),
            Owner::User(_) => None,
        };
        if self.team_header != expected {
            return Err(refusal("the team header does not name the owner"));
        }
        Ok((owner, name))
    }

    fn outcome(&self, type_name: &'static str, result: Result<Option<Record>, Refusal>) -> Object {
        let mut effects = self.effects.borrow_mut();
        match result {
            Ok(record) => {
                effects.applied = true;
                output(type_name).maybe("managedSecret", record.as_ref().map(secret))
            }
            Err(refusal) => {
                effects.refused = Some(refusal.message.clone());
                user_facing_error(&refusal)
            }
        }
    }
}

fn text(input: &Value, key: &str) -> String {
    input[key].as_str().unwrap_or_default().to_owned()
}

fn output(type_name: &'static str) -> Object {
    let context = Object::new("ResponseContext").text("serverVersion", "local");
    Object::new(type_name).object("responseContext", context)
}

fn user_facing_error(refusal: &Refusal) -> Object {
    let error = Object::new(refusal.type_name).text("message", &refusal.message);
    output("UserFacingError").object("error", error)
}

fn config(keyset: &crate::support::opener::Keyset) -> Object {
    Object::new("ManagedSecretConfig").text("publicKey", &keyset.published())
}

fn secret(record: &Record) -> Object {
    let (space, uid) = match &record.owner {
        Owner::User(uid) => ("User", uid),
        Owner::Team(uid) => ("Team", uid),
    };
    let owner = Object::new("Space").text("type", space).text("uid", uid);
    Object::new("ManagedSecret")
        .text("name", &record.name)
        .leaf("description", json!(record.description))
        .text("createdAt", &record.created)
        .text("updatedAt", &record.updated)
        .text("type", &record.kind)
        .object("owner", owner)
}

/// An object of the schema with all its fields; the engine picks what the document asks for.
#[derive(Clone)]
struct Object {
    type_name: &'static str,
    fields: Vec<(&'static str, Field)>,
}

#[derive(Clone)]
enum Field {
    Leaf(Value),
    Object(Object),
    List(Vec<Object>),
}

impl Object {
    fn new(type_name: &'static str) -> Self {
        Self {
            type_name,
            fields: Vec::new(),
        }
    }

    fn with(mut self, name: &'static str, field: Field) -> Self {
        self.fields.push((name, field));
        self
    }

    fn leaf(self, name: &'static str, value: Value) -> Self {
        self.with(name, Field::Leaf(value))
    }

    fn text(self, name: &'static str, value: &str) -> Self {
        self.leaf(name, json!(value))
    }

    fn object(self, name: &'static str, object: Self) -> Self {
        self.with(name, Field::Object(object))
    }

    fn list(self, name: &'static str, objects: Vec<Self>) -> Self {
        self.with(name, Field::List(objects))
    }

    /// An object, or null.
    fn maybe(self, name: &'static str, object: Option<Self>) -> Self {
        match object {
            Some(object) => self.object(name, object),
            None => self.leaf(name, Value::Null),
        }
    }

    fn counting(self, public_keys: &Cell<u32>) -> Counted<'_> {
        Counted {
            object: self,
            public_keys,
        }
    }
}

/// An [`Object`] that counts how often a public key is asked for.
struct Counted<'a> {
    object: Object,
    public_keys: &'a Cell<u32>,
}

impl ObjectValue for Counted<'_> {
    fn type_name(&self) -> &str {
        self.object.type_name
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        let name = info.field_name();
        if name == "publicKey" {
            self.public_keys.set(self.public_keys.get() + 1);
        }
        let field = self.object.fields.iter().find(|(known, _)| *known == name);
        let counted = |object: &Object| object.clone().counting(self.public_keys);
        match field.map(|(_, field)| field) {
            Some(Field::Leaf(value)) => {
                let value: JsonValue = serde_json::from_value(value.clone()).expect("JSON");
                Ok(ResolvedValue::leaf(value))
            }
            Some(Field::Object(object)) => Ok(ResolvedValue::object(counted(object))),
            Some(Field::List(objects)) => Ok(ResolvedValue::list(
                objects
                    .iter()
                    .map(counted)
                    .map(ResolvedValue::object)
                    .collect::<Vec<_>>(),
            )),
            None => Err(self.unknown_field_error(info)),
        }
    }
}
