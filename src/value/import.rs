//! stub
use super::Io;
use crate::error::Error;
use crate::request::{FileOrStdin, ImportFormat};
use crate::secret::{SecretBytes, SecretName};

pub struct Entry {
    pub name: SecretName,
    pub value: SecretBytes,
}
pub struct Import {
    pub entries: Vec<Entry>,
    pub empty: Vec<SecretName>,
}
pub fn read_import(
    file: &FileOrStdin,
    _format: ImportFormat,
    _skip: bool,
    io: &mut Io<'_>,
) -> Result<Import, Error> {
    let FileOrStdin::Path(path) = file else {
        return Err(Error::usage("stub"));
    };
    let text = crate::file::read_secret(path, 8 << 20, io.timeout)
        .map_err(|e| Error::unreadable(e.to_string()))?;
    let text = std::str::from_utf8(text.expose()).unwrap_or_default();
    let entries = text
        .lines()
        .filter_map(|l| l.split_once('='))
        .map(|(n, v)| {
            Ok(Entry {
                name: SecretName::parse(n)?,
                value: SecretBytes::new(v.as_bytes().to_vec()),
            })
        })
        .collect::<Result<_, Error>>()?;
    Ok(Import {
        entries,
        empty: Vec::new(),
    })
}
