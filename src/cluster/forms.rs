//! Lists and watches of kinds that the API server sends in two forms: protobuf is asked for, and what the answer says it
//! is decides how it is read. A server or proxy that knows only JSON works as well.
//!
//! In: a client and a path with its query. Out: objects as the server sent them, one at a time. A refusal is the same
//! [`kube::Error::Api`] in either form.

use super::{
    api_version::{Mismatch, Types},
    decode::proto::{self, ListMeta, ListReader, Malformed, Part},
};
use bytes::{Bytes, BytesMut};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use http::{
    Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE},
};
use http_body::Body as _;
use http_body_util::BodyExt;
use kube::{
    client::Body,
    core::{Status, WatchEvent},
};
use serde::{
    Deserialize,
    de::{DeserializeOwned, Unexpected},
};
use std::io;

const MEDIA: &str = "application/vnd.kubernetes.protobuf";
/// Memory that is taken for an answer before any of it has come, in bytes.
const MOST_AT_ONCE: u64 = 16 << 20;
const ACCEPT_LIST: &str = "application/vnd.kubernetes.protobuf, application/json";
const ACCEPT_WATCH: &str =
    "application/vnd.kubernetes.protobuf;stream=watch, application/json;stream=watch, application/json";

/// An object that one declaration reads in both forms.
pub trait Object: prost::Message + DeserializeOwned + Default + Clone + Send + 'static {}

impl<T: prost::Message + DeserializeOwned + Default + Clone + Send + 'static> Object for T {}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Json,
    Protobuf,
}

/// Reads one page of a list and hands over its objects in their order.
///
/// `buffer` is room for a page in JSON, which can be read only when it is whole. The pages of one list share it: of a new
/// one for each the allocator keeps the old beside it.
///
/// # Errors
/// As those of [`kube::Client::request`]; [`Malformed`] and [`Mismatch`] inside of [`kube::Error::Service`].
pub async fn page<T: Object>(
    client: &kube::Client,
    url: &str,
    buffer: &mut Vec<u8>,
    mut each: impl FnMut(T),
) -> Result<ListMeta, kube::Error> {
    let (form, mut body) = send(client, url, ACCEPT_LIST).await?;
    if form == Form::Json {
        whole(body, buffer).await?;
        is_object(buffer)?;
        let page: JsonPage<T> = serde_json::from_slice(buffer).map_err(kube::Error::SerdeError)?;
        let types = Types { api_version: page.api_version, kind: page.kind };
        types.check_list(url, page.items.is_some()).map_err(mismatch)?;
        page.items.into_iter().flatten().for_each(each);
        return Ok(page.metadata);
    }
    let (mut reader, mut meta, mut is_checked) = (ListReader::default(), ListMeta::default(), false);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        reader.push(&data);
        while let Some(part) = reader.part().map_err(malformed)? {
            if !is_checked {
                reader.types().check_list(url, true).map_err(mismatch)?;
                is_checked = true;
            }
            match part {
                Part::Meta(found) => meta = found,
                Part::Item(object) => each(object),
            }
        }
    }
    if !reader.is_whole() {
        return Err(malformed(Malformed::Truncated));
    }
    reader.types().check_list(url, true).map_err(mismatch)?;
    Ok(meta)
}

/// Refuses JSON that is not an object: serde would read a list as an object whose fields have no names.
///
/// # Errors
/// [`kube::Error::SerdeError`].
pub fn is_object(json: &[u8]) -> Result<(), kube::Error> {
    if json.trim_ascii_start().first() != Some(&b'[') {
        return Ok(());
    }
    let error = <serde_json::Error as serde::de::Error>::invalid_type(Unexpected::Seq, &"an object");
    Err(kube::Error::SerdeError(error))
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned", rename_all = "camelCase")]
struct JsonPage<T> {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    metadata: ListMeta,
    /// `null` in an empty list.
    items: Option<Vec<T>>,
}

/// Events of a watch, until the server ends it.
pub type Events<T> = BoxStream<'static, Result<WatchEvent<T>, kube::Error>>;

/// Opens a watch.
///
/// # Errors
/// As those of [`kube::Client::request_events`].
pub async fn events<T: Object>(client: &kube::Client, url: &str) -> Result<Events<T>, kube::Error> {
    let (form, body) = send(client, url, ACCEPT_WATCH).await?;
    let watch = Watch { body, form, buffer: BytesMut::new(), is_over: false };
    Ok(stream::unfold(watch, |mut watch| async { watch.next().await.map(|event| (event, watch)) }).boxed())
}

struct Watch {
    body: Body,
    form: Form,
    buffer: BytesMut,
    is_over: bool,
}

impl Watch {
    async fn next<T: Object>(&mut self) -> Option<Result<WatchEvent<T>, kube::Error>> {
        loop {
            match self.whole_event() {
                Ok(None) if self.is_over => return None,
                Ok(None) => {}
                Ok(Some(event)) => return Some(Ok(event)),
                Err(error) => {
                    self.buffer.clear();
                    self.is_over = true;
                    return Some(Err(error));
                }
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                // A connection that was cut is a watch that ended: it goes on from the last version.
                Some(Err(error)) if !was_cut(&error) => {
                    self.buffer.clear();
                    self.is_over = true;
                    return Some(Err(kube::Error::ReadEvents(io::Error::other(error))));
                }
                Some(Err(_)) | None => {
                    self.is_over = true;
                    if self.form == Form::Json && !self.buffer.is_empty() {
                        self.buffer.extend_from_slice(b"\n"); // the last line
                    }
                }
            }
        }
    }

    fn whole_event<T: Object>(&mut self) -> Result<Option<WatchEvent<T>>, kube::Error> {
        if self.form == Form::Protobuf {
            return proto::event(&mut self.buffer).map_err(malformed);
        }
        while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
            let line = self.buffer.split_to(end + 1);
            match serde_json::from_slice(&line) {
                Ok(event) => return Ok(Some(event)),
                // Half a line, because the connection ended.
                Err(error) if error.is_eof() => {}
                Err(error) => {
                    let status = serde_json::from_slice::<Status>(&line);
                    return Err(status.map_or(kube::Error::SerdeError(error), |it| kube::Error::Api(it.boxed())));
                }
            }
        }
        if self.buffer.len() > proto::LIMIT { Err(malformed(Malformed::TooLarge)) } else { Ok(None) }
    }
}

/// Whether the stream ended without its proper end.
fn was_cut(error: &kube::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        let is_eof = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        if error.downcast_ref().is_some_and(is_eof) || error.to_string().contains("unexpected EOF during chunk") {
            return true;
        }
        next = error.source();
    }
    false
}

fn mismatch(error: Mismatch) -> kube::Error {
    kube::Error::Service(Box::new(error))
}

fn malformed(error: Malformed) -> kube::Error {
    kube::Error::Service(Box::new(error))
}

async fn send(client: &kube::Client, url: &str, accept: &'static str) -> Result<(Form, Body), kube::Error> {
    let mut answer = ask(client, url, accept).await?;
    if answer.status() == StatusCode::NOT_ACCEPTABLE {
        // Of several forms this server wants to be asked for the one that it has.
        let json =
            if accept == ACCEPT_WATCH { "application/json;stream=watch, application/json" } else { "application/json" };
        answer = ask(client, url, json).await?;
    }
    let media = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let form = if media.starts_with(MEDIA) { Form::Protobuf } else { Form::Json };
    let code = answer.status();
    if !code.is_client_error() && !code.is_server_error() {
        return Ok((form, answer.into_body()));
    }
    let bytes = answer.into_body().collect().await?.to_bytes();
    Err(kube::Error::Api(refusal(form, code.as_u16(), &bytes).boxed()))
}

/// What a body consists of, in place of what the buffer held. A part is not kept until the last has come: with all of them,
/// a page of 12 MB would need 24 for a moment.
async fn whole(mut body: Body, buffer: &mut Vec<u8>) -> Result<(), kube::Error> {
    buffer.clear();
    // As much as the server announces; one that announces more than it sends gets no more than this at once.
    let announced = body.size_hint().exact().unwrap_or(0).min(MOST_AT_ONCE);
    buffer.reserve_exact(usize::try_from(announced).unwrap_or(0));
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            buffer.extend_from_slice(&data);
        }
    }
    Ok(())
}

async fn ask(client: &kube::Client, url: &str, accept: &'static str) -> Result<Response<Body>, kube::Error> {
    // Uncompressed: on the way to a cluster unpacking costs more than it saves.
    let request = http::Request::get(url).header(ACCEPT, accept).header(ACCEPT_ENCODING, "identity");
    client.send(request.body(Body::from(Vec::new())).map_err(kube::Error::HttpError)?).await
}

/// What the server says in place of an answer. Not every refusal is a `Status`: a proxy has words of its own.
fn refusal(form: Form, code: u16, bytes: &Bytes) -> Status {
    let status = match form {
        Form::Json => serde_json::from_slice(bytes).ok(),
        Form::Protobuf => proto::status(bytes.clone()).ok(),
    };
    match status {
        Some(status) if status.code == 0 => status.with_code(code),
        Some(status) => status,
        None => Status::failure(String::from_utf8_lossy(bytes).trim(), "Failed to parse error data").with_code(code),
    }
}
