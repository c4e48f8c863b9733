//! The secrets of the local server, and the service's rules for changing them.

use super::account::{Account, Owner, Principal};
use crate::support::opener;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds that a ticking clock advances with every change.
const TICK: i64 = 1;

/// A stored secret. The value is kept as it was opened, which the service would never do.
#[derive(Clone, Debug)]
pub struct Record {
    pub owner: Owner,
    pub name: String,
    /// As `ManagedSecretType` spells it.
    pub kind: String,
    pub description: Option<String>,
    /// RFC 3339.
    pub created: String,
    /// RFC 3339.
    pub updated: String,
    /// `None` for what a test put there.
    pub opened: Option<Vec<u8>>,
}

/// Why the service refuses: a type of the schema, and its message.
#[derive(Debug)]
pub struct Refusal {
    pub type_name: &'static str,
    pub message: String,
}

impl Refusal {
    fn new(type_name: &'static str, message: &str) -> Self {
        Self {
            type_name,
            message: message.to_owned(),
        }
    }
}

/// A field of an update: left out, `null`, or a text.
pub enum Patch {
    Absent,
    Null,
    Text(String),
}

pub struct NewSecret {
    pub owner: Owner,
    pub name: String,
    pub kind: String,
    pub description: Option<String>,
    pub envelope: String,
}

pub struct Update {
    pub owner: Owner,
    pub name: String,
    pub description: Patch,
    pub envelope: Option<String>,
}

/// Where the times of changes come from.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// Seconds since the Unix epoch before the first change; every change advances it by one.
    Ticking(i64),
    /// This machine's, ahead by so many seconds.
    System(i64),
}

impl Clock {
    /// Seconds since the Unix epoch.
    fn now(self) -> i64 {
        match self {
            Self::Ticking(now) => now,
            Self::System(ahead) => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH);
                since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0)) + ahead
            }
        }
    }

    fn tick(&mut self) -> i64 {
        if let Self::Ticking(now) = self {
            *now += TICK;
        }
        self.now()
    }
}

/// Every store, in the order of insertion.
#[derive(Clone)]
pub struct Store {
    records: Vec<Record>,
    clock: Clock,
}

impl Store {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            records: Vec::new(),
            clock,
        }
    }

    pub fn seed(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Seconds since the Unix epoch, as the service's clock has it.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.clock.now()
    }

    /// The secrets themselves, for another client that does not go through the service.
    pub fn records(&mut self) -> &mut Vec<Record> {
        &mut self.records
    }

    /// Forgets what was opened for a secret.
    pub fn forget_value(&mut self, owner: &Owner, name: &str) {
        for record in &mut self.records {
            if record.owner == *owner && record.name == name {
                record.opened = None;
            }
        }
    }

    #[must_use]
    pub fn find(&self, owner: &Owner, name: &str) -> Option<&Record> {
        self.records
            .iter()
            .find(|record| record.owner == *owner && record.name == name)
    }

    /// What `account` sees, in the order of insertion.
    pub fn visible<'a>(&'a self, account: &'a Account) -> impl Iterator<Item = &'a Record> {
        self.records
            .iter()
            .filter(|record| account.sees(&record.owner))
    }

    fn tick(&mut self) -> String {
        rfc3339(self.clock.tick())
    }

    pub fn create(&mut self, account: &Account, new: NewSecret) -> Result<Record, Refusal> {
        check_owner(account, &new.owner)?;
        if self.find(&new.owner, &new.name).is_some() {
            return Err(Refusal::new(
                "GenericStringObjectUniqueKeyConflict",
                "a secret with this name already exists",
            ));
        }
        let opened = open(account, &new.owner, &new.name, &new.kind, &new.envelope)?;
        let now = self.tick();
        let record = Record {
            owner: new.owner,
            name: new.name,
            kind: new.kind,
            description: new.description,
            created: now.clone(),
            updated: now,
            opened: Some(opened),
        };
        self.records.push(record.clone());
        Ok(record)
    }

    pub fn update(&mut self, account: &Account, update: Update) -> Result<Record, Refusal> {
        check_owner(account, &update.owner)?;
        let index = self.position(&update.owner, &update.name)?;
        let opened = match &update.envelope {
            Some(envelope) => {
                let kind = &self.records[index].kind;
                Some(open(account, &update.owner, &update.name, kind, envelope)?)
            }
            None => None,
        };
        let now = self.tick();
        let record = &mut self.records[index];
        match update.description {
            Patch::Absent => {}
            Patch::Null => record.description = None,
            Patch::Text(text) if text.is_empty() => record.description = None,
            Patch::Text(text) => record.description = Some(text),
        }
        if opened.is_some() {
            record.opened = opened;
        }
        record.updated = now;
        Ok(record.clone())
    }

    pub fn delete(&mut self, account: &Account, owner: &Owner, name: &str) -> Result<(), Refusal> {
        check_owner(account, owner)?;
        let index = self.position(owner, name)?;
        self.tick();
        self.records.remove(index);
        Ok(())
    }

    fn position(&self, owner: &Owner, name: &str) -> Result<usize, Refusal> {
        self.records
            .iter()
            .position(|record| record.owner == *owner && record.name == name)
            .ok_or_else(|| Refusal::new("InvalidInputError", "secret not found"))
    }
}

fn check_owner(account: &Account, owner: &Owner) -> Result<(), Refusal> {
    let person = account.principal == Principal::Person;
    if account.sees(owner) && (person || matches!(owner, Owner::Team(_))) {
        return Ok(());
    }
    Err(Refusal::new("InvalidInputError", "invalid owner"))
}

fn open(
    account: &Account,
    owner: &Owner,
    name: &str,
    kind: &str,
    envelope: &str,
) -> Result<Vec<u8>, Refusal> {
    let invalid = |why: &str| Refusal::new("InvalidSecretError", &format!("invalid secret: {why}"));
    let keyset = account
        .keyset_of(owner)
        .ok_or_else(|| invalid("the owner has no key"))?;
    let context = opener::context(&account.actor, name, kind);
    let opened = keyset.open(envelope, &context).map_err(invalid)?;
    if !has_shape(kind, &opened) {
        return Err(invalid("the value has not the fields of its type"));
    }
    Ok(opened)
}

/// Whether a payload has the keys of its type, all of them texts: required ones, then optional ones.
fn has_shape(kind: &str, payload: &[u8]) -> bool {
    let (required, optional): (&[&str], &[&str]) = match kind {
        "RAW_VALUE" => (&["value"], &[]),
        "ANTHROPIC_API_KEY" => (&["api_key"], &[]),
        "OPENAI_API_KEY" => (&["api_key"], &["base_url"]),
        "ANTHROPIC_BEDROCK_API_KEY" => (&["aws_bearer_token_bedrock", "aws_region"], &[]),
        "ANTHROPIC_BEDROCK_ACCESS_KEY" => (
            &["aws_access_key_id", "aws_secret_access_key", "aws_region"],
            &["aws_session_token"],
        ),
        "DOCKER_REGISTRY" => (&["registry_host", "username", "password"], &[]),
        // Only the web interface creates this type.
        _ => return true,
    };
    let Ok(serde_json::Value::Object(object)) = serde_json::from_slice(payload) else {
        return false;
    };
    let known = |key: &String| required.contains(&key.as_str()) || optional.contains(&key.as_str());
    required.iter().all(|key| object.contains_key(*key))
        && object
            .iter()
            .all(|(key, value)| known(key) && value.is_string())
}

/// RFC 3339 in UTC of seconds since the Unix epoch.
#[must_use]
pub fn rfc3339(seconds: i64) -> String {
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A time that was so many years and a half ago, which a list shows as `COUNT years ago` on any day.
#[must_use]
pub fn years_ago(count: i64) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = since.expect("a time after 1970").as_secs();
    rfc3339(i64::try_from(now).expect("a time") - (2 * count + 1) * (31_557_600 / 2))
}

/// The Gregorian date of a number of days since 1970-01-01, by counting: tests can afford it.
fn civil(mut days: i64) -> (i64, i64, i64) {
    let leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    let february = 28 + i64::from(leap(year));
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}
