//! GraphQL operations as request bodies.
//!
//! Field order and spelling follow the schema (`CreateManagedSecretInput`, `Owner`, `RequestContext`); `null` and
//! absent differ: an absent key of an update means "unchanged".

use crate::json::Writer;
use crate::net::Request;
use crate::secret::{Kind, Owner, SecretName};

/// The secrets, with what a list shows of them.
const SECRETS: &str = "managedSecrets(input:$input,requestContext:$requestContext){__typename \
...on ManagedSecretsOutput{managedSecrets{name description createdAt updatedAt owner{uid type}type}}\
...on UserFacingError{error{__typename message}}}";

const LOOKUP: &str = "query Lookup($input:ManagedSecretsInput!,$requestContext:RequestContext!){\
user(requestContext:$requestContext){__typename \
...on UserOutput{principalType user{profile{uid";

const LOOKUP_END: &str = "...on UserFacingError{error{__typename message}}}";

/// Asking for keys costs the server a call to its key service, so only a write that seals does.
const TEAMS_WITH_KEYS: &str =
    "} managedSecrets{publicKey}workspaces{uid teams{uid name managedSecrets{publicKey}}}}}";
const TEAMS: &str = "} workspaces{uid teams{uid name}}}}";
const PROFILE: &str = " displayName email} workspaces{uid name teams{uid name}}}}";

const CREATE: &str = "mutation CreateManagedSecret($input:CreateManagedSecretInput!,$requestContext:RequestContext!){\
createManagedSecret(input:$input,requestContext:$requestContext){__typename \
...on CreateManagedSecretOutput{managedSecret{name}}\
...on UserFacingError{error{__typename message}}}}";

const UPDATE: &str = "mutation UpdateManagedSecret($input:UpdateManagedSecretInput!,$requestContext:RequestContext!){\
updateManagedSecret(input:$input,requestContext:$requestContext){__typename \
...on UpdateManagedSecretOutput{managedSecret{name}}\
...on UserFacingError{error{__typename message}}}}";

const DELETE: &str = "mutation DeleteManagedSecret($input:DeleteManagedSecretInput!,$requestContext:RequestContext!){\
deleteManagedSecret(input:$input,requestContext:$requestContext){__typename \
...on DeleteManagedSecretOutput{responseContext{serverVersion}}\
...on UserFacingError{error{__typename message}}}}";

/// Whether a lookup asks for public keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    Wanted,
    Unneeded,
}

/// Both roots in one document: who am I, on which teams, with which keys; and which secrets exist.
pub fn lookup(keys: Keys, team: Option<&str>) -> Request<'_> {
    let teams = match keys {
        Keys::Wanted => TEAMS_WITH_KEYS,
        Keys::Unneeded => TEAMS,
    };
    query(teams, team)
}

/// The same without keys, and with the names of the user and of the workspaces.
pub fn profile() -> Request<'static> {
    query(PROFILE, None)
}

fn query<'a>(account: &str, team: Option<&'a str>) -> Request<'a> {
    let document = [LOOKUP, account, LOOKUP_END, SECRETS, "}"].concat();
    request("Lookup", team, &document, &|input| {
        input.key("cursor").null();
    })
}

/// A new secret; no description is an explicit null.
pub fn create<'a>(
    owner: &'a Owner,
    name: &SecretName,
    kind: &Kind,
    encrypted_value: &str,
    description: Option<&str>,
) -> Request<'a> {
    request("CreateManagedSecret", owner.team(), CREATE, &|input| {
        match description {
            Some(text) => input.key("description").string(text),
            None => input.key("description").null(),
        }
        input.key("encryptedValue").string(encrypted_value);
        input.key("name").string(name.as_str());
        write_owner(input, owner);
        input.key("type").string(kind.wire);
    })
}

/// New content for a secret; what is `None` stays as it is.
pub fn update<'a>(
    owner: &'a Owner,
    name: &SecretName,
    encrypted_value: Option<&str>,
    description: Option<&str>,
) -> Request<'a> {
    request("UpdateManagedSecret", owner.team(), UPDATE, &|input| {
        if let Some(text) = description {
            input.key("description").string(text);
        }
        if let Some(text) = encrypted_value {
            input.key("encryptedValue").string(text);
        }
        input.key("name").string(name.as_str());
        write_owner(input, owner);
    })
}

pub fn delete<'a>(owner: &'a Owner, name: &SecretName) -> Request<'a> {
    request("DeleteManagedSecret", owner.team(), DELETE, &|input| {
        input.key("name").string(name.as_str());
        write_owner(input, owner);
    })
}

fn request<'a>(
    operation: &'static str,
    team: Option<&'a str>,
    document: &str,
    input: &dyn Fn(&mut Writer<'_>),
) -> Request<'a> {
    let mut body = Vec::with_capacity(1024);
    Writer::new(&mut body).object(|request| {
        request.key("query").literal(document);
        request.key("variables").object(|variables| {
            variables.key("input").object(input);
            variables.key("requestContext").object(request_context);
        });
        request.key("operationName").literal(operation);
    });
    Request {
        operation,
        team,
        body,
    }
}

/// Nulls are what an untagged official build sends; a version of ours could be compared with a minimum of theirs.
fn request_context(context: &mut Writer<'_>) {
    context
        .key("clientContext")
        .object(|client| client.key("version").null());
    context.key("osContext").object(|os| {
        for key in ["category", "linuxKernelVersion", "name", "version"] {
            os.key(key).null();
        }
    });
}

/// Schema `Owner`: a user is taken from the credentials, so only a team has a uid.
fn write_owner(input: &mut Writer<'_>, owner: &Owner) {
    let team = owner.team();
    input.key("owner").object(|object| {
        match team {
            Some(uid) => object.key("uid").string(uid),
            None => object.key("uid").null(),
        }
        object
            .key("type")
            .string(if team.is_some() { "Team" } else { "User" });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn variables(request: &Request<'_>) -> Value {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["operationName"], request.operation);
        assert!(body["query"].as_str().unwrap().contains(request.operation));
        let mut variables = body["variables"].clone();
        assert_eq!(
            variables
                .as_object_mut()
                .unwrap()
                .remove("requestContext")
                .unwrap(),
            json!({"clientContext": {"version": null},
                "osContext": {"category": null, "linuxKernelVersion": null, "name": null, "version": null}})
        );
        variables
    }

    fn name(text: &str) -> SecretName {
        SecretName::parse(text).unwrap()
    }

    #[test]
    fn queries_ask_without_a_cursor() {
        for (keys, team) in [(Keys::Wanted, None), (Keys::Unneeded, Some("t1"))] {
            let request = lookup(keys, team);
            assert_eq!(variables(&request), json!({"input": {"cursor": null}}));
            assert_eq!(request.team, team);
        }
    }

    #[test]
    fn keys_are_asked_for_only_when_wanted() {
        let text = |request: Request<'_>| String::from_utf8(request.body).unwrap();
        assert!(text(lookup(Keys::Wanted, None)).contains("publicKey"));
        assert!(!text(lookup(Keys::Unneeded, None)).contains("publicKey"));
        assert!(!text(profile()).contains("publicKey"));
    }

    #[test]
    fn only_a_profile_asks_for_names() {
        let text = |request: Request<'_>| String::from_utf8(request.body).unwrap();
        let asks = |text: &str| text.contains("{uid displayName email}");
        assert!(asks(&text(profile())));
        assert!(!asks(&text(lookup(Keys::Unneeded, None))));
        assert_eq!(
            text(lookup(Keys::Unneeded, None)),
            text(profile())
                .replace(" displayName email", "")
                .replace("workspaces{uid name ", "workspaces{uid ")
        );
    }

    #[test]
    fn create_says_null_for_no_description() {
        assert_eq!(
            variables(&create(
                &Owner::Personal,
                &name("N\"é"),
                Kind::from_wire("RAW_VALUE").unwrap(),
                "AA==",
                None
            )),
            json!({"input": {"description": null, "encryptedValue": "AA==", "name": "N\"é",
                "owner": {"uid": null, "type": "User"}, "type": "RAW_VALUE"}})
        );
    }

    #[test]
    fn a_team_is_in_body_and_header() {
        let owner = Owner::Team("t1".into());
        let request = create(
            &owner,
            &name("N"),
            Kind::from_wire("OPENAI_API_KEY").unwrap(),
            "AA==",
            Some(""),
        );
        assert_eq!(request.team, Some("t1"));
        assert_eq!(
            variables(&request),
            json!({"input": {"description": "", "encryptedValue": "AA==", "name": "N",
                "owner": {"uid": "t1", "type": "Team"}, "type": "OPENAI_API_KEY"}})
        );
    }

    #[test]
    fn update_leaves_out_what_does_not_change() {
        let owner = json!({"uid": null, "type": "User"});
        assert_eq!(
            variables(&update(&Owner::Personal, &name("N"), None, Some("d"))),
            json!({"input": {"name": "N", "owner": owner, "description": "d"}})
        );
        assert_eq!(
            variables(&update(&Owner::Personal, &name("N"), Some("AA=="), None)),
            json!({"input": {"name": "N", "owner": owner, "encryptedValue": "AA=="}})
        );
    }

    #[test]
    fn delete_names_owner_and_secret() {
        assert_eq!(
            variables(&delete(&Owner::Team("t".into()), &name("N"))),
            json!({"input": {"name": "N", "owner": {"uid": "t", "type": "Team"}}})
        );
    }
}
