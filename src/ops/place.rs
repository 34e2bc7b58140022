//! Where documents come from and go to: standard streams, a file, a ConfigMap, or (only to read) the web and kept snapshots.
//!
//! In: a place as a person typed it. Out: the document's text, or a document that is there whole or not at all. What the
//! text means is for the formats. Files need no runtime and no connection, hence the two ways in: [`read_local`] and
//! [`read`].

use super::{Failure, Kind, session::Session, snapshots};
use crate::{
    cluster::{
        config_map,
        dial::DialError,
        proxy::ProxyError,
        tls::Trust,
        transport::ANSWER_LIMIT,
        web::{self, Limits, Web, WebError},
    },
    store::{
        read::{self, ReadError},
        write,
    },
};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where a document is or shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// `-` or nothing: standard input or output.
    Standard,
    File(PathBuf),
    /// `cm://namespace/name`.
    ConfigMap {
        namespace: String,
        name: String,
    },
    /// `http://` or `https://`, only to read.
    Web(String),
    /// `@…`: a snapshot that is kept in the folder for state, only to read.
    Kept(String),
}

impl Place {
    /// Reads a `-o` or an input as typed.
    ///
    /// # Errors
    /// `Usage` for `cm://` without namespace or name.
    pub fn parse(text: &str) -> Result<Place, Failure> {
        let scheme = text.split_once("://").map(|(scheme, _)| scheme.to_ascii_lowercase());
        if matches!(scheme.as_deref(), Some("http" | "https")) {
            return Ok(Place::Web(text.to_owned()));
        }
        if let Some(reference) = text.strip_prefix('@') {
            return Ok(Place::Kept(reference.to_owned()));
        }
        let Some(rest) = text.strip_prefix("cm://") else {
            return Ok(if text.is_empty() || text == "-" { Place::Standard } else { Place::File(text.into()) });
        };
        match rest.split_once('/').map(|(namespace, name)| (namespace.trim(), name.trim())) {
            Some((namespace, name)) if is_name(namespace) && is_name(name) => {
                Ok(Place::ConfigMap { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            _ => {
                let because = "found a `cm://` place without a ConfigMap";
                Err(Failure::new(Kind::Usage, "understand where the document is", because)
                    .at(text)
                    .hint("write cm://NAMESPACE/NAME, for example cm://default/aicr-snapshot"))
            }
        }
    }

    /// What a message calls the place when something is read from it.
    pub fn source(&self) -> String {
        match self {
            Place::Standard => "standard input".to_owned(),
            other => other.to_string(),
        }
    }

    /// Whether reading and writing needs neither a runtime nor a connection.
    pub fn is_local(&self) -> bool {
        matches!(self, Place::Standard | Place::File(_))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Standard => f.write_str("-"),
            Place::File(path) => write!(f, "{}", path.display()),
            Place::ConfigMap { namespace, name } => write!(f, "cm://{namespace}/{name}"),
            // Without what may be a password or a token.
            Place::Web(url) => f.write_str(&web::shown(url)),
            Place::Kept(reference) => write!(f, "@{reference}"),
        }
    }
}

/// A DNS subdomain, which names of namespaces and ConfigMaps are.
fn is_name(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    !text.is_empty() && text.len() <= 253 && text.bytes().all(good) && !text.starts_with(['-', '.'])
}

/// The format in which a document is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Yaml,
    Json,
}

impl Format {
    pub const ALL: [Format; 2] = [Format::Yaml, Format::Json];

    pub fn name(self) -> &'static str {
        match self {
            Format::Yaml => "yaml",
            Format::Json => "json",
        }
    }
}

/// A finished document.
#[derive(Clone, Copy, Debug)]
pub struct Document<'d> {
    /// Its kind, as a ConfigMap is labeled with it: `Snapshot`, `Report`.
    pub kind: &'d str,
    pub format: Format,
    pub text: &'d str,
    /// When it was made, in RFC 3339.
    pub now: &'d str,
}

/// The text of a document from standard input or a file. `what` is what it should be: `snapshot`, `recipe`.
///
/// # Errors
/// `NotFound` for a file that does not exist; `Usage` for what is not a file, not text, too large or forbidden, and for
/// a place that is not local. The source is a [`ReadError`].
pub fn read_local(place: &Place, what: &str) -> Result<String, Failure> {
    let doing = format!("read the {what}");
    let path = match place {
        Place::Standard => "-".as_ref(),
        Place::File(path) => path.as_path(),
        Place::ConfigMap { .. } | Place::Web(_) | Place::Kept(_) => {
            let failure = Failure::new(Kind::Usage, doing, "only files and standard input are read here");
            return Err(failure.at(place.to_string()).hint("save it to a file, and give the file"));
        }
    };
    read::read(path).map_err(|error| {
        let (kind, hint) = match &error {
            ReadError::NotFound => {
                let hint = match what {
                    "snapshot" | "recipe" => {
                        format!("write one with `aicr {what} -o {what}.yaml`, or correct the path")
                    }
                    _ => "correct the path".to_owned(),
                };
                (Kind::NotFound, hint)
            }
            ReadError::Forbidden => (Kind::Usage, "ask for the right to read it, or give another file".to_owned()),
            ReadError::Directory => (Kind::Usage, format!("give the {what} file in it")),
            ReadError::TooLarge => (Kind::Usage, format!("is this really a {what}?")),
            ReadError::NotText(_) => (Kind::Usage, format!("is this really a {what}? Save it as UTF-8 text")),
            ReadError::Io(_) => (Kind::Usage, "correct the path or its permissions".to_owned()),
        };
        Failure::from_error(kind, doing, error).at(place.source()).hint(hint)
    })
}

/// The text of a document from any place; a connection to the cluster is made only for a ConfigMap.
///
/// # Errors
/// As [`read_local`]; for a ConfigMap as [`Session::connection`] and [`config_map::read`]; on the web, why there is no
/// document. The source is then a [`WebError`].
pub async fn read(place: &Place, what: &str, session: &Session) -> Result<String, Failure> {
    match place {
        Place::ConfigMap { namespace, name } => {
            Ok(config_map::read(&session.connection().await?, namespace, name).await?)
        }
        Place::Web(url) => fetch(url, what).await,
        Place::Kept(reference) => snapshots::kept(reference, &session.target()).await,
        Place::Standard | Place::File(_) => read_local(place, what),
    }
}

/// What a web server may take of us: the size is that of a file.
const WEB: Limits = Limits { answer: ANSWER_LIMIT, whole: Duration::from_secs(120), bytes: read::LARGEST };

/// The text of a document on the web.
///
/// # Errors
/// As [`read`].
pub(super) async fn fetch(url: &str, what: &str) -> Result<String, Failure> {
    let variable = |name: &str| std::env::var(name).ok();
    let web = Web { trust: Trust::System, limits: WEB, variable: &variable };
    let doing = || format!("read the {what}");
    let bytes = web.get(url).await.map_err(|error| {
        let (kind, hint) = web_advice(&error, what);
        Failure::from_error(kind, doing(), error).at(web::shown(url)).hint(hint)
    })?;
    read::decode(bytes).map_err(|encoding| {
        let hint = format!("is this really a {what}? Save it as UTF-8 text");
        Failure::from_error(Kind::Usage, doing(), ReadError::NotText(encoding)).at(web::shown(url)).hint(hint)
    })
}

/// What kind of failure it is, and what to do.
pub(super) fn web_advice(error: &WebError, what: &str) -> (Kind, String) {
    let (kind, hint) = match error {
        WebError::NotAUrl(_) | WebError::NoHost => (Kind::Usage, "write a URL like https://host/path"),
        WebError::Login => (Kind::Usage, "leave the login out, or download the document and give the file"),
        WebError::Proxy(ProxyError::NotAUrl { .. } | ProxyError::Scheme { .. }) => {
            (Kind::Usage, "correct the variable; a proxy is written as http://host:port")
        }
        WebError::Setup(_) => (Kind::Internal, "download the document and give the file"),
        WebError::Dial(error) => dial_advice(error),
        WebError::Request(_) => (Kind::Usage, "correct the URL"),
        WebError::Lost(_) => (Kind::Unreachable, "the server ended the connection, or something on the way; try again"),
        WebError::NoAnswer(_) | WebError::Slow(_) => (
            Kind::Timeout,
            "the server is slow or the network drops packets; try again, or download it and give the file",
        ),
        WebError::Status(status) => match status.as_u16() {
            401 | 403 => (Kind::Forbidden, "no credentials are sent; download the document and give the file"),
            404 | 410 => return (Kind::NotFound, format!("does the URL lead to the {what}? Correct it")),
            407 => {
                (Kind::Forbidden, "the proxy wants a login: write it into its URL, as http://user:password@host:port")
            }
            408 | 504 => (Kind::Timeout, "the server is slow; try again"),
            429 => (Kind::RateLimited, "the server asks for fewer requests; try again in a moment"),
            500..=599 => (Kind::Unreachable, "the server, or a proxy in front of it, is not ready; try again"),
            _ => (Kind::Usage, "look at the URL in a browser, or download the document and give the file"),
        },
        WebError::Html { .. } => (
            Kind::Usage,
            "give the URL of the document itself (of a repository: its raw file); a login page may answer in its place",
        ),
        WebError::Encoded(_) => (Kind::Usage, "download the document, unpack it, and give the file"),
        WebError::TooLarge(_) => return (Kind::Usage, format!("is this really a {what}?")),
        WebError::TooManyRedirects | WebError::NoLocation { .. } | WebError::Redirect { .. } => {
            (Kind::Usage, "look where the URL leads in a browser, and give the last one")
        }
    };
    (kind, hint.to_owned())
}

fn dial_advice(error: &DialError) -> (Kind, &'static str) {
    match error {
        DialError::Lookup { .. } => {
            (Kind::Unreachable, "the name does not resolve; check the URL, the network, the VPN")
        }
        DialError::Connect { .. } => {
            (Kind::Unreachable, "no server can be reached there; are the URL and its port right, and is a VPN down?")
        }
        DialError::ConnectTimeout { .. } => {
            (Kind::Timeout, "the address does not answer; is a proxy (HTTPS_PROXY) needed, or is a VPN down?")
        }
        DialError::Proxy { .. } | DialError::ProxyRefused { .. } | DialError::ProxyFailed { .. } => (
            Kind::Unreachable,
            "is the proxy right, and does it allow this server? One that is reached directly can be added to NO_PROXY",
        ),
        DialError::Tls { .. } => (
            Kind::Unreachable,
            "its certificate must be valid, for this name, and signed by an authority that this system trusts (SSL_CERT_FILE \
             names others); or download the document and give the file",
        ),
        DialError::TlsTimeout { .. } => (Kind::Timeout, "does a server with TLS listen there, and is the port right?"),
    }
}

/// The names in a folder, folders with a `/`, hidden ones left out; empty where it cannot be read.
pub fn names(folder: &str) -> Vec<String> {
    let place = if folder.is_empty() { "." } else { folder };
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let is_folder = entry.path().is_dir();
        let name = entry.file_name().into_string().ok().filter(|name| !name.starts_with('.'))?;
        Some(if is_folder { format!("{name}/") } else { name })
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

impl Place {
    /// Something is there already, which writing would replace.
    pub fn is_taken(&self) -> bool {
        matches!(self, Place::File(path) if std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file() || found.is_symlink()))
    }

    /// The name that says where it is from any folder.
    pub fn whole(&self) -> String {
        match self {
            Place::File(path) => std::path::absolute(path).unwrap_or_else(|_| path.clone()).display().to_string(),
            other => other.to_string(),
        }
    }
}

/// Writes a document to standard output or, whole or not at all, to a file.
///
/// # Errors
/// What the system says; a file is then as it was. A place that is not local.
pub fn write_local(place: &Place, text: &str) -> Result<(), Failure> {
    let path = match place {
        Place::Standard => "-".as_ref(),
        Place::File(path) => path.as_path(),
        Place::ConfigMap { .. } | Place::Web(_) | Place::Kept(_) => return Err(unsuited(place)),
    };
    write::write(path, text.as_bytes()).map_err(|error| unwritable(&place.to_string(), error))
}

/// Appends to a file that other programs append to as well; makes it where there is none.
///
/// # Errors
/// What the system says.
pub fn append_local(path: &Path, text: &str) -> Result<(), Failure> {
    write::append(path, text.as_bytes()).map_err(|error| unwritable(&path.display().to_string(), error))
}

/// Writes documents into a folder, by their names; makes it where there is none.
///
/// # Errors
/// What the system says about the first that cannot be written.
pub fn write_folder(folder: &Path, files: &[(String, String)]) -> Result<(), Failure> {
    write::folder(folder).map_err(|error| unwritable(&folder.display().to_string(), error))?;
    files.iter().try_for_each(|(name, text)| write_local(&Place::File(folder.join(name)), text))
}

/// Writes a document to a file, standard output or a ConfigMap, whole or not at all; a connection is made only for a
/// ConfigMap.
///
/// # Errors
/// As [`write_local`]; for a ConfigMap as [`Session::connection`] and [`config_map::write`].
pub async fn write(place: &Place, document: &Document<'_>, session: &Session) -> Result<(), Failure> {
    let Place::ConfigMap { namespace, name } = place else { return write_local(place, document.text) };
    let written = config_map::Content {
        component: document.kind,
        format: document.format.name(),
        text: document.text,
        now: document.now,
    };
    Ok(config_map::write(&session.connection().await?, namespace, name, &written).await?)
}

/// Finds out before long work that its result could not be written.
///
/// # Errors
/// As [`write_local`] for a file; nothing is changed.
pub fn probe(place: &Place) -> Result<(), Failure> {
    match place {
        Place::File(path) => write::probe(path).map_err(|error| unwritable(&place.to_string(), error)),
        Place::Standard | Place::ConfigMap { .. } => Ok(()),
        Place::Web(_) | Place::Kept(_) => Err(unsuited(place)),
    }
}

fn unsuited(place: &Place) -> Failure {
    if let Place::Kept(_) = place {
        let because = "a kept snapshot is not replaced";
        return Failure::new(Kind::Usage, "write the output", because)
            .at(place.to_string())
            .hint("`aicr snapshots save NAME` keeps one; to write a file of that name, give ./ before it");
    }
    let because = match place {
        Place::Web(_) => "documents are read from the web, not written to it",
        _ => "this command writes to files and standard output only",
    };
    Failure::new(Kind::Usage, "write the output", because).at(place.to_string()).hint("give a file name, or `-`")
}

/// The failure for standard output that cannot be written; what was printed before it is printed.
pub fn unprintable(error: io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull => "free some space where the output goes",
        _ => "write to a file with --output",
    };
    Failure::from_error(Kind::Internal, "write the output", error).at("standard output").hint(hint)
}

/// The failure for a file that cannot be written; what is there is still as it was.
pub fn unwritable(at: &str, error: io::Error) -> Failure {
    let (kind, hint) = match error.kind() {
        io::ErrorKind::NotFound => (Kind::Usage, "create its directory first, or choose another --output"),
        io::ErrorKind::IsADirectory => (Kind::Usage, "give the name of a file in it"),
        io::ErrorKind::NotADirectory => (Kind::Usage, "a part of the path is a file; choose another --output"),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            (Kind::Usage, "choose another --output, or ask for the right to write there")
        }
        io::ErrorKind::AlreadyExists => (Kind::Usage, "a file has that name; choose another --output"),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (Kind::Internal, "the previous content is unchanged; free some space or choose another --output")
        }
        _ => (Kind::Internal, "the previous content is unchanged; choose another --output"),
    };
    let missing = if error.kind() == io::ErrorKind::NotFound { missing_directory(Path::new(at)) } else { None };
    let failure = Failure::from_error(kind, "write the output", error).at(at).hint(hint);
    // The system says that something on the way is missing, and not what.
    match missing {
        Some(missing) => {
            Failure { because: format!("the directory `{}` does not exist", missing.display()), ..failure }
        }
        None => failure,
    }
}

/// The first directory on the way to a file that is not there.
fn missing_directory(path: &Path) -> Option<&Path> {
    let above = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    above.take_while(|folder| !folder.exists()).last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::read::Encoding;
    use std::error::Error;

    #[test]
    fn what_to_do_about_an_output_fits_what_was_found() {
        for (at, found, kind, hint) in [
            ("-", io::ErrorKind::StorageFull, Kind::Internal, "free some space where the output goes"),
            ("-", io::ErrorKind::Other, Kind::Internal, "write to a file with --output"),
            (
                "x.yaml",
                io::ErrorKind::StorageFull,
                Kind::Internal,
                "the previous content is unchanged; free some space or",
            ),
            ("x.yaml", io::ErrorKind::AlreadyExists, Kind::Usage, "a file has that name"),
            ("x.yaml", io::ErrorKind::Other, Kind::Internal, "the previous content is unchanged; choose another"),
        ] {
            let failure = if at == "-" { unprintable(found.into()) } else { unwritable(at, found.into()) };
            let said = failure.hint.unwrap_or_default();
            assert!(failure.kind == kind && said.starts_with(hint), "{at} {found:?}: {said}");
        }
    }

    #[test]
    fn a_directory_that_does_not_exist_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let missing = dir.path().join("missing");
        let failure = write_local(&Place::File(missing.join("below/x.yaml")), "x").unwrap_err();
        assert_eq!(failure.because, format!("the directory `{}` does not exist", missing.display()));
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match Place::parse(text) {
            Ok(place) => format!("{place:?}"),
            Err(failure) => failure.because,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_place_is_standard_a_file_a_config_map_or_on_the_web() {
        check("-", "Standard");
        check("", "Standard");
        check("a/b.yaml", "File(\"a/b.yaml\")");
        check("@friday", "Kept(\"friday\")");
        check("@-1", "Kept(\"-1\")");
        check("./@x", "File(\"./@x\")");
        check("cm://ns/name", "ConfigMap { namespace: \"ns\", name: \"name\" }");
        check("HTTPS://example.org/s.yaml", "Web(\"HTTPS://example.org/s.yaml\")");
    }

    #[test]
    fn a_config_map_needs_both_names() {
        for text in ["cm://", "cm://ns", "cm:///name", "cm://ns/", "cm://../name", "cm://ns/a/b"] {
            check(text, "found a `cm://` place without a ConfigMap");
        }
    }

    /// The kind of the failure, and the error below it.
    #[track_caller]
    fn refused(path: PathBuf, kind: Kind, is: impl Fn(&ReadError) -> bool) {
        let failure = read_local(&Place::File(path), "snapshot").unwrap_err();
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.source().unwrap().downcast_ref::<ReadError>().is_some_and(is), "{failure}");
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let dir = tempfile::tempdir().unwrap();
        refused(dir.path().join("missing"), Kind::NotFound, |error| matches!(error, ReadError::NotFound));
        refused(dir.path().into(), Kind::Usage, |error| matches!(error, ReadError::Directory));
        let odd = dir.path().join("odd");
        std::fs::write(&odd, b"\xff\xfea\0\n").unwrap();
        let is = |error: &ReadError| matches!(error, ReadError::NotText(Encoding::OddUtf16 { bytes: 5 }));
        refused(odd, Kind::Usage, is);
    }

    #[test]
    fn a_document_of_any_encoding_is_the_same_text() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::File(dir.path().join("s.yaml"));
        for bytes in
            [&b"a: 1\n"[..], b"\xef\xbb\xbfa: 1\n", b"\xff\xfea\0:\0 \x001\0\n\0", b"\xfe\xff\0a\0:\0 \x001\0\n"]
        {
            std::fs::write(dir.path().join("s.yaml"), bytes).unwrap();
            assert_eq!(read_local(&place, "snapshot").unwrap(), "a: 1\n");
        }
    }

    #[test]
    fn nothing_is_written_to_the_web() {
        let place = Place::parse("https://example.org/x").unwrap();
        assert_eq!(probe(&place).unwrap_err().kind, Kind::Usage);
        assert_eq!(write_local(&place, "x").unwrap_err().kind, Kind::Usage);
    }
}
