//! Convert files, folders and ConfigMaps between editions of the formats.
//!
//! Everything is read and converted before anything is written, so that a document which has no form in the edition
//! leaves no half of a folder behind.

use super::{
    Failure, Kind,
    place::{self, Document, Format, Place},
    session::Session,
};
use crate::{
    document::{
        convert::{self, ConvertError, Converted},
        header::Edition,
    },
    store::{read, tree, write},
};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// What is to be written.
#[derive(Debug, Default)]
pub struct Work {
    outputs: Vec<Output>,
    /// How often each conversion happened.
    pub counts: BTreeMap<Converted, usize>,
    /// Files of folders that hold no document of ours.
    pub others: usize,
    /// Paths of folders that were not followed: hidden ones, links.
    pub passed_over: Vec<PathBuf>,
}

/// One text and where it goes.
#[derive(Debug)]
struct Output {
    from: Place,
    /// Below the destination folder.
    name: PathBuf,
    /// The kind of its first document; `None` for what is not ours.
    kind: Option<&'static str>,
    content: Vec<u8>,
    changed: bool,
}

/// Reads and converts; nothing is written.
///
/// # Errors
/// What cannot be read, is not ours or has no form in the edition, with file, line and column.
pub async fn prepare(sources: &[Place], edition: Edition, session: &Session) -> Result<Work, Failure> {
    let mut work = Work::default();
    for source in sources {
        match source {
            Place::File(path) if path.is_dir() => folder(&mut work, path, edition)?,
            source => {
                let text = place::read(source, "document", session).await?;
                let conversion = convert::convert(&text, edition).map_err(|error| failure(&source.source(), error))?;
                let name = match source {
                    Place::File(path) => path.file_name().map_or_else(PathBuf::new, PathBuf::from),
                    Place::ConfigMap { name, .. } => format!("{name}.{}", format_of(&text).name()).into(),
                    Place::Standard | Place::Web(_) | Place::Kept(_) => {
                        format!("document.{}", format_of(&text).name()).into()
                    }
                };
                let changed = conversion.text != text;
                work.add(source.clone(), name, conversion.text.into_bytes(), changed, &conversion.documents);
            }
        }
    }
    Ok(work)
}

/// Every file of a folder: documents of ours converted, all others as they are.
fn folder(work: &mut Work, folder: &Path, edition: Edition) -> Result<(), Failure> {
    let unreadable = |path: &Path, error: io::Error| {
        Failure::from_error(Kind::Usage, "read the folder", error)
            .at(path.display().to_string())
            .hint("correct the path or its permissions")
    };
    let listed = tree::list(folder).map_err(|(path, error)| unreadable(&path, error))?;
    work.passed_over.extend(listed.passed_over.into_iter().map(|path| folder.join(path)));
    for name in listed.files {
        let path = folder.join(&name);
        let content = tree::content(&path).map_err(|error| unreadable(&path, error))?;
        let shown = path.display().to_string();
        let text = is_document(&name).then(|| read::decode(content.clone()).ok()).flatten();
        let (content, changed, documents) = match text.map(|text| (convert::convert(&text, edition), text)) {
            Some((Ok(conversion), text)) => {
                let changed = conversion.text != text;
                let content = if changed { conversion.text.into_bytes() } else { content };
                (content, changed, conversion.documents)
            }
            // Templates of charts and other documents.
            Some((Err(ConvertError::NotOurs(_)), _)) | None => (content, false, Vec::new()),
            Some((Err(ConvertError::Syntax(_)), text)) if !convert::looks_like_ours(&text) => {
                (content, false, Vec::new())
            }
            Some((Err(error), _)) => return Err(failure(&shown, error)),
        };
        work.add(Place::File(path), name, content, changed, &documents);
    }
    Ok(())
}

fn is_document(name: &Path) -> bool {
    let suffix = name.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default();
    ["yaml", "yml", "json"].contains(&suffix)
}

fn format_of(text: &str) -> Format {
    if text.trim_start().starts_with('{') { Format::Json } else { Format::Yaml }
}

fn failure(file: &str, error: ConvertError) -> Failure {
    let (at, hint) = (convert::place(file, &error).to_string(), error.hint());
    Failure { hint, ..Failure::from_error(Kind::Usage, "convert the document", error).at(at) }
}

impl Work {
    fn add(&mut self, from: Place, name: PathBuf, content: Vec<u8>, changed: bool, documents: &[Converted]) {
        for document in documents {
            *self.counts.entry(*document).or_default() += 1;
        }
        self.others += usize::from(documents.is_empty());
        let kind = documents.first().map(|document| document.kind);
        self.outputs.push(Output { from, name, kind, content, changed });
    }

    /// The text for standard output.
    ///
    /// # Errors
    /// More than one file, or a folder.
    pub fn text(&self) -> Result<String, Failure> {
        match &*self.outputs {
            [Output { kind: Some(_), content, .. }] => Ok(String::from_utf8_lossy(content).into_owned()),
            outputs => {
                let because = format!("there are {} files, and standard output takes one", outputs.len());
                Err(Failure::new(Kind::Usage, "write the documents", because)
                    .hint("give a folder with -o DIR, or replace the files with --in-place"))
            }
        }
    }

    /// Writes files below a folder. Files of ours and all others are written, so that a converted catalog is whole.
    ///
    /// # Errors
    /// Two files of one name, or a file that would replace what it was made from; then nothing is written. A file that
    /// cannot be written: those before it are there.
    pub fn write_to(&self, folder: &Path) -> Result<usize, Failure> {
        let doing = "write the documents";
        let mut seen: BTreeMap<&Path, &Place> = BTreeMap::new();
        for output in &self.outputs {
            if let Some(first) = seen.insert(&output.name, &output.from) {
                let because = format!("{first} and {} have the same name", output.from);
                let hint = "convert them one after the other, into folders of their own";
                return Err(Failure::new(Kind::Usage, doing, because).hint(hint));
            }
            if let Place::File(from) = &output.from
                && tree::is_same_file(from, &folder.join(&output.name))
            {
                let because = "the output would replace the file that it is made from";
                let hint = "choose another folder, or replace the files with --in-place";
                return Err(Failure::new(Kind::Usage, doing, because).at(output.from.to_string()).hint(hint));
            }
        }
        for output in &self.outputs {
            let path = folder.join(&output.name);
            let written = tree::make_room(&path).and_then(|()| write::write(&path, &output.content));
            written.map_err(|error| place::unwritable(&path.display().to_string(), error))?;
        }
        Ok(self.outputs.len())
    }

    /// The places that [`Work::write_in_place`] writes to.
    pub fn replaced(&self) -> impl Iterator<Item = &Place> {
        self.outputs.iter().filter(|output| output.changed).map(|output| &output.from)
    }

    /// Writes every document that changed to where it came from. `now` is RFC 3339.
    ///
    /// # Errors
    /// A place that cannot be written; those before it are.
    pub async fn write_in_place(&self, now: &str, session: &Session) -> Result<usize, Failure> {
        let changed: Vec<&Output> = self.outputs.iter().filter(|output| output.changed).collect();
        for output in &changed {
            let text = String::from_utf8_lossy(&output.content);
            let kind = output.kind.unwrap_or_default();
            let document = Document { kind, format: format_of(&text), text: &text, now };
            place::write(&output.from, &document, session).await?;
        }
        Ok(changed.len())
    }
}
