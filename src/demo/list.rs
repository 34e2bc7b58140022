//! Lists: whole, by pages, as of a version.
//!
//! A page tells where the next one begins and at which version; later pages are read at that version, so that a list is
//! one picture however long it takes to fetch.

use super::{
    kinds::{ALL, Kind, KindId},
    media::{Form, Representation},
    protobuf,
    selectors::Selector,
    status::Refusal,
    store::{Key, Object, Store},
    table,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

/// How much of an object is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum View {
    Whole,
    /// As `PartialObjectMetadata`.
    Metadata,
    /// As rows of a table at this time.
    Table(Timestamp),
}

impl View {
    /// One object.
    pub fn of(self, kind: &Kind, object: &Value) -> Value {
        match self {
            View::Whole => object.clone(),
            View::Metadata => json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                "metadata": object["metadata"]}),
            View::Table(now) => json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1",
                "metadata": {"resourceVersion": object["metadata"]["resourceVersion"]},
                "columnDefinitions": table::definitions(kind), "rows": [table::row(kind, object, now)]}),
        }
    }
}

/// What a list is asked for with.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub selector: Selector,
    /// 0 for everything at once.
    limit: usize,
    /// Version and last key of the page before.
    after: Option<(u64, String, String)>,
    /// Read at exactly this version.
    exact: Option<u64>,
    /// The store must have come at least so far.
    at_least: Option<u64>,
}

impl Query {
    /// # Errors
    /// 400 for a selector, number, version or token that is none.
    pub fn parse(kind: &Kind, of: impl Fn(&str) -> Option<String>) -> Result<Query, Refusal> {
        let text = |name: &str| of(name).unwrap_or_default();
        let selector = Selector::parse(kind, &text("labelSelector"), &text("fieldSelector"))?;
        let limit = match text("limit").as_str() {
            "" => 0,
            limit => limit
                .parse()
                .map_err(|_| Refusal::bad_request(format!("strconv.ParseInt: parsing {limit:?}: invalid syntax")))?,
        };
        let mut query = Query { selector, limit, ..Query::default() };
        let token = text("continue");
        let version = version(&text("resourceVersion"))?;
        if token.is_empty() {
            match (version, text("resourceVersionMatch").as_str()) {
                (None, _) => {}
                (exact, "Exact") => query.exact = exact,
                // With a limit and no match rule a version means that version, for clients from before there was one.
                (exact, "") if limit > 0 && exact != Some(0) => query.exact = exact,
                (least, _) => query.at_least = least,
            }
            return Ok(query);
        }
        let bad = || Refusal::bad_request("invalid continue token: continue key is not valid");
        let (revision, key) = token.split_once(':').ok_or_else(bad)?;
        let (namespace, name) = key.split_once('/').ok_or_else(bad)?;
        query.after = Some((revision.parse().map_err(|_| bad())?, namespace.to_owned(), name.to_owned()));
        Ok(query)
    }
}

/// `None` for an empty text.
///
/// # Errors
/// 400 for a version that is no number.
pub fn version(text: &str) -> Result<Option<u64>, Refusal> {
    if text.is_empty() {
        return Ok(None);
    }
    let bad = |_| {
        Refusal::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
        ))
    };
    text.parse().map(Some).map_err(bad)
}

/// A page of a list, as JSON.
///
/// # Errors
/// 410 for a page of a list that is too old.
pub fn list(
    store: &Store,
    kind: KindId,
    namespace: &str,
    query: &Query,
    wanted: Representation,
) -> Result<Vec<u8>, Refusal> {
    let revision = match (&query.after, query.exact) {
        (Some((revision, ..)), _) => *revision,
        (None, Some(revision)) => revision,
        (None, None) => store.revision(),
    };
    if let Some(least) = query.at_least.filter(|least| *least > store.revision()) {
        return Err(Refusal::too_large_version(least, store.revision()));
    }
    let after = query.after.as_ref().map(|(_, namespace, name)| Key::new(kind, namespace, name));
    if revision == store.revision() {
        let objects = store.range(kind, namespace, after.as_ref());
        return Page::of(kind, revision, query, wanted, objects);
    }
    let past = store.at(revision, kind, namespace).map_err(|refusal| match query.after {
        Some(_) if refusal.code == 410 => Refusal::continue_expired(),
        _ => refusal,
    })?;
    let objects = past.iter().filter(|(key, _)| after.as_ref().is_none_or(|after| *key > after));
    Page::of(kind, revision, query, wanted, objects)
}

/// Keys of what a list would show, all pages.
pub fn keys(store: &Store, kind: KindId, namespace: &str, query: &Query) -> Vec<Key> {
    let all = store.range(kind, namespace, None);
    let chosen = all.filter(|(_, object)| query.selector.is_everything() || query.selector.matches(&object.value()));
    chosen.map(|(key, _)| key.clone()).collect()
}

struct Page {
    items: Vec<u8>,
    count: usize,
}

impl Page {
    fn of<'s>(
        kind: KindId,
        revision: u64,
        query: &Query,
        wanted: Representation,
        objects: impl Iterator<Item = (&'s Key, &'s Arc<Object>)>,
    ) -> Result<Vec<u8>, Refusal> {
        let spec = &ALL[kind];
        let mut page = Page { items: Vec::new(), count: 0 };
        let mut next = None;
        let mut objects = objects.peekable();
        while let Some((key, object)) = objects.next() {
            if query.selector.name().is_some_and(|name| name != key.name) {
                continue;
            }
            page.push(spec, query, wanted, object)?;
            if query.limit > 0 && page.count == query.limit && objects.peek().is_some() {
                next = Some(format!("{revision}:{}/{}", key.namespace, key.name));
                break;
            }
        }
        let (list_kind, api_version, items) = match wanted.view {
            View::Whole => (format!("{}List", spec.kind), spec.api_version(), "\"items\":[".to_owned()),
            View::Metadata => {
                ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned(), "\"items\":[".to_owned())
            }
            View::Table(_) => {
                let columns = format!("\"columnDefinitions\":{},\"rows\":[", table::definitions(spec));
                ("Table".to_owned(), "meta.k8s.io/v1".to_owned(), columns)
            }
        };
        let mut metadata = json!({"resourceVersion": revision.to_string()});
        if let Some(token) = next {
            metadata["continue"] = json!(token);
            if query.selector.is_everything() {
                metadata["remainingItemCount"] = json!(objects.count());
            }
        }
        if wanted.form == Form::Protobuf {
            return Ok(protobuf::seal_list(&api_version, &list_kind, &metadata, &page.items)?);
        }
        let mut body =
            format!("{{\"kind\":\"{list_kind}\",\"apiVersion\":\"{api_version}\",\"metadata\":{metadata},{items}")
                .into_bytes();
        body.reserve(page.items.len() + 2);
        body.extend_from_slice(&page.items);
        body.extend_from_slice(b"]}");
        Ok(body)
    }

    fn push(&mut self, spec: &Kind, query: &Query, wanted: Representation, object: &Object) -> Result<(), Refusal> {
        let Representation { form, view } = wanted;
        if wanted == (Representation { form: Form::Json, view: View::Whole }) && query.selector.is_everything() {
            self.begin();
            self.bytes(spec, object);
            return Ok(());
        }
        let value = object.value();
        if !query.selector.matches(&value) {
            return Ok(());
        }
        if form == Form::Protobuf {
            let shown = view.of(spec, &value);
            let text = |name: &str| shown[name].as_str().unwrap_or_default();
            protobuf::put_item(&mut self.items, text("apiVersion"), text("kind"), &shown)?;
            self.count += 1;
            return Ok(());
        }
        self.begin();
        match view {
            View::Whole => self.bytes(spec, object),
            View::Metadata => self.items.extend_from_slice(view.of(spec, &value).to_string().as_bytes()),
            View::Table(now) => self.items.extend_from_slice(table::row(spec, &value, now).to_string().as_bytes()),
        }
        Ok(())
    }

    fn begin(&mut self) {
        if self.count > 0 {
            self.items.push(b',');
        }
        self.count += 1;
    }

    /// Items of built-in types say neither version nor kind; custom ones do.
    fn bytes(&mut self, spec: &Kind, object: &Object) {
        if spec.is_custom() {
            self.items.extend_from_slice(object.json());
        } else {
            self.items.push(b'{');
            self.items.extend_from_slice(object.bare_json());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::kinds::own;

    fn store() -> Store {
        let mut store = Store::new(0);
        for name in ["a", "b", "c", "d", "e"] {
            let object =
                json!({"metadata": {"name": name, "namespace": "n", "labels": {"odd": (name != "b").to_string()}}});
            store.put(Key::new(own("configmaps"), "n", name), object);
        }
        store
    }

    fn page(store: &Store, parameters: &[(&str, &str)]) -> Result<Value, Refusal> {
        let of = |name: &str| parameters.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let query = Query::parse(&ALL[own("configmaps")], of)?;
        let body = list(store, own("configmaps"), "n", &query, Representation { form: Form::Json, view: View::Whole })?;
        Ok(serde_json::from_slice(&body).expect("JSON"))
    }

    fn names(page: &Value) -> String {
        page["items"].as_array().into_iter().flatten().filter_map(|item| item["metadata"]["name"].as_str()).collect()
    }

    #[test]
    fn pages_show_the_list_as_it_was_when_it_began() {
        let mut store = store();
        let first = page(&store, &[("limit", "2")]).expect("a page");
        assert_eq!((names(&first).as_str(), &first["metadata"]["remainingItemCount"]), ("ab", &json!(3)));
        store.remove(&Key::new(own("configmaps"), "n", "c"));
        store.put(Key::new(own("configmaps"), "n", "bb"), json!({"metadata": {"name": "bb"}}));
        let token = first["metadata"]["continue"].as_str().expect("a token");
        let second = page(&store, &[("limit", "3"), ("continue", token)]).expect("a page");
        assert_eq!(names(&second), "cde");
        assert_eq!(second["metadata"].get("continue"), None);
        store.compact();
        store.put(Key::new(own("configmaps"), "n", "f"), json!({"metadata": {"name": "f"}}));
        assert_eq!(page(&store, &[("limit", "3"), ("continue", token)]).expect_err("compacted").code, 410);
    }

    #[test]
    fn a_selected_page_counts_what_it_shows() {
        let first = page(&store(), &[("limit", "2"), ("labelSelector", "odd=true")]).expect("a page");
        assert_eq!((names(&first).as_str(), first["metadata"].get("remainingItemCount")), ("ac", None));
    }

    #[test]
    fn what_is_no_version_or_token_is_refused() {
        assert_eq!(page(&store(), &[("resourceVersion", "abc")]).expect_err("no number").code, 400);
        assert_eq!(page(&store(), &[("continue", "abc")]).expect_err("no token").code, 400);
        assert_eq!(page(&store(), &[("resourceVersion", "99")]).expect_err("the future").code, 504);
    }
}
