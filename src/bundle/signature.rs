//! Signatures over the list of checksums, as cosign and the reference write them: a Sigstore bundle, made with a key.
//!
//! In: the file, the list, a public key, and perhaps the logs that a trusted root names. Out: that the signature holds and is
//! in such a log, or why not. Signatures without a key, by an identity of a certificate, are not judged: they are named as
//! such, and never pass.

use super::checksum::{FILE, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::pki_types::SignatureVerificationAlgorithm;
use serde_json::Value;

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("it has no `-----BEGIN PUBLIC KEY-----`")]
    NotPem,
    #[error("it holds a private key")]
    Private,
    #[error("it is not a public key of ECDSA P-256, ECDSA P-384 or Ed25519")]
    Algorithm,
}

/// A public key.
#[derive(Clone)]
pub struct Key {
    algorithm: &'static dyn SignatureVerificationAlgorithm,
    point: Vec<u8>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.algorithm)
    }
}

/// What begins a key of each algorithm in DER; the rest is the key.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
const P384: [u8; 23] = [
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00,
    0x22, 0x03, 0x62, 0x00,
];
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

impl Key {
    /// A key in PEM, as `cosign.pub` has it.
    ///
    /// # Errors
    /// What is not one, or of an algorithm that is not known here.
    pub fn pem(text: &str) -> Result<Key, KeyError> {
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::Private);
        }
        let begin = "-----BEGIN PUBLIC KEY-----";
        let body = text.split_once(begin).and_then(|(_, rest)| rest.split_once("-----END PUBLIC KEY-----"));
        let (body, _) = body.ok_or(KeyError::NotPem)?;
        let body: String = body.split_whitespace().collect();
        Key::der(&BASE64_STANDARD.decode(body).map_err(|_| KeyError::NotPem)?)
    }

    fn der(bytes: &[u8]) -> Result<Key, KeyError> {
        let known: [(&[u8], usize, &'static dyn SignatureVerificationAlgorithm); 3] = [
            (&P256, 65, webpki::ring::ECDSA_P256_SHA256),
            (&P384, 97, webpki::ring::ECDSA_P384_SHA384),
            (&ED25519, 32, webpki::ring::ED25519),
        ];
        let found = known.into_iter().find_map(|(begin, length, algorithm)| {
            let point = bytes.strip_prefix(begin).filter(|point| point.len() == length)?;
            Some(Key { algorithm, point: point.to_vec() })
        });
        found.ok_or(KeyError::Algorithm)
    }

    fn holds(&self, message: &[u8], signature: &[u8]) -> bool {
        self.algorithm.verify_signature(&self.point, message, signature).is_ok()
    }
}

/// A log of signatures that is trusted.
#[derive(Clone, Debug)]
pub struct Log {
    /// As entries name it, in base 64.
    id: String,
    key: Key,
}

/// A trusted root that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RootError {
    #[error("it is not JSON")]
    NotJson,
    #[error("it names no log of signatures (`tlogs`) with a key that is known here")]
    NoLog,
}

/// The logs of a `trusted_root.json`.
///
/// # Errors
/// What is not one, or has no log that can be used.
pub fn logs(trusted_root: &str) -> Result<Vec<Log>, RootError> {
    let root: Value = serde_json::from_str(trusted_root).map_err(|_| RootError::NotJson)?;
    let log = |log: &Value| {
        let der = BASE64_STANDARD.decode(log["publicKey"]["rawBytes"].as_str()?).ok()?;
        Some(Log { id: log["logId"]["keyId"].as_str()?.to_owned(), key: Key::der(&der).ok()? })
    };
    let logs: Vec<Log> = root["tlogs"].as_array().into_iter().flatten().filter_map(log).collect();
    if logs.is_empty() { Err(RootError::NoLog) } else { Ok(logs) }
}

/// What is asked of the entry in a log.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'l> {
    /// Nothing, because a person said so.
    Ignored,
    /// That one of these logs has it.
    In(&'l [Log]),
}

/// Why a signature does not hold, or is not known to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the signature cannot be read: {0}")]
    Format(&'static str),
    #[error("it is signed by an identity, without a key; verifying that is not available yet")]
    Keyless,
    #[error("the signature was not made with this key")]
    Key,
    #[error("the signature is for another `{FILE}`")]
    Subject,
    #[error("the signature has no entry in a log")]
    NoEntry,
    #[error("no log was given that could have the signature's entry")]
    NoLogs,
    #[error("the signature's entry is of a log that is not trusted, or has no signed time: {0}")]
    UnknownLog(String),
    #[error("the entry in the log is not of this signature, or the log did not sign it")]
    Entry,
}

/// Whether a Sigstore bundle is a signature of this key over this list.
///
/// # Errors
/// See [`SignatureError`]; anything but `Ok` is no signature.
pub fn verify(bundle: &str, list: &[u8], key: &Key, entry: Entry<'_>) -> Result<(), SignatureError> {
    let bundle: Value = serde_json::from_str(bundle).map_err(|_| SignatureError::Format("it is not JSON"))?;
    let material = &bundle["verificationMaterial"];
    if !material["certificate"].is_null() || !material["x509CertificateChain"].is_null() {
        return Err(SignatureError::Keyless);
    }
    let (message, signature, signed) = match (&bundle["dsseEnvelope"], &bundle["messageSignature"]) {
        (Value::Object(_), Value::Null) => envelope(&bundle["dsseEnvelope"], list)?,
        (Value::Null, Value::Object(_)) => {
            (list.to_vec(), decoded(&bundle["messageSignature"]["signature"])?, digest(list))
        }
        _ => return Err(SignatureError::Format("it has neither an envelope nor a signature of a message")),
    };
    if !key.holds(&message, &signature) {
        return Err(SignatureError::Key);
    }
    match entry {
        Entry::Ignored => Ok(()),
        Entry::In(logs) => in_log(&material["tlogEntries"], &signature, &signed, logs),
    }
}

fn decoded(text: &Value) -> Result<Vec<u8>, SignatureError> {
    let text = text.as_str().ok_or(SignatureError::Format("a text is missing"))?;
    BASE64_STANDARD.decode(text).map_err(|_| SignatureError::Format("a text is not base 64"))
}

/// What is signed, the signature, and the digest of what a log has of it.
fn envelope(envelope: &Value, list: &[u8]) -> Result<(Vec<u8>, Vec<u8>, String), SignatureError> {
    let payload = decoded(&envelope["payload"])?;
    let kind = envelope["payloadType"].as_str().unwrap_or_default();
    if kind != "application/vnd.in-toto+json" {
        return Err(SignatureError::Format("its payload is not a statement of in-toto"));
    }
    let [signature] = envelope["signatures"].as_array().map_or(&[][..], |list| list) else {
        return Err(SignatureError::Format("it has not exactly one signature"));
    };
    let signature = decoded(&signature["sig"])?;
    let statement: Value =
        serde_json::from_slice(&payload).map_err(|_| SignatureError::Format("its statement is not JSON"))?;
    let sum = digest(list);
    let is_subject = |subject: &Value| subject["name"] == FILE && subject["digest"]["sha256"] == *sum;
    let mut subjects = statement["subject"].as_array().into_iter().flatten();
    if !subjects.any(is_subject)
        || !statement["_type"].as_str().is_some_and(|kind| kind.starts_with("https://in-toto.io/"))
    {
        return Err(SignatureError::Subject);
    }
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    message.extend_from_slice(&payload);
    Ok((message, signature, digest(&payload)))
}

/// Whether a log promises to have this signature.
fn in_log(entries: &Value, signature: &[u8], signed: &str, logs: &[Log]) -> Result<(), SignatureError> {
    let entries = entries.as_array().map_or(&[][..], |entries| entries);
    let first = entries.first().ok_or(SignatureError::NoEntry)?;
    if logs.is_empty() {
        return Err(SignatureError::NoLogs);
    }
    let id = |entry: &Value| entry["logId"]["keyId"].as_str().unwrap_or_default().to_owned();
    let promise = |entry: &Value| decoded(&entry["inclusionPromise"]["signedEntryTimestamp"]).ok();
    let found = entries.iter().find_map(|entry| {
        let log = logs.iter().find(|log| log.id == id(entry))?;
        Some((entry, log, promise(entry)?))
    });
    let (entry, log, promise) = found.ok_or_else(|| SignatureError::UnknownLog(id(first)))?;
    let number = |key: &str| match &entry[key] {
        Value::String(text) => text.parse::<u64>().ok(),
        other => other.as_u64(),
    };
    let (Some(time), Some(index)) = (number("integratedTime"), number("logIndex")) else {
        return Err(SignatureError::Entry);
    };
    let body = decoded(&entry["canonicalizedBody"])?;
    let log_id: String =
        BASE64_STANDARD.decode(&log.id).unwrap_or_default().iter().map(|byte| format!("{byte:02x}")).collect();
    let message = format!(
        r#"{{"body":"{}","integratedTime":{time},"logID":"{log_id}","logIndex":{index}}}"#,
        BASE64_STANDARD.encode(&body)
    );
    let body: Value = serde_json::from_slice(&body).map_err(|_| SignatureError::Entry)?;
    let spec = &body["spec"];
    let (hash, theirs) = match body["kind"].as_str() {
        Some("dsse") => (&spec["payloadHash"]["value"], &spec["signatures"][0]["signature"]),
        Some("hashedrekord") => (&spec["data"]["hash"]["value"], &spec["signature"]["content"]),
        _ => return Err(SignatureError::Entry),
    };
    let is_ours = *hash == *signed && decoded(theirs).is_ok_and(|theirs| theirs == signature);
    if is_ours && log.key.holds(message.as_bytes(), &promise) { Ok(()) } else { Err(SignatureError::Entry) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{KeyPair, PublicKeyData, SigningKey};
    use serde_json::json;

    const LIST: &[u8] = b"00  a\n";

    fn pair(algorithm: &'static rcgen::SignatureAlgorithm) -> (KeyPair, Key) {
        let pair = KeyPair::generate_for(algorithm).expect("a key");
        let key = Key::pem(&pair.public_key_pem()).expect("a public key");
        (pair, key)
    }

    fn statement(sum: &str) -> Vec<u8> {
        let subject = json!([{"name": FILE, "digest": {"sha256": sum}}]);
        let statement = json!({"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicate": {}});
        serde_json::to_vec(&statement).expect("JSON")
    }

    fn sealed(pair: &KeyPair, payload: &[u8]) -> (Value, Vec<u8>) {
        let kind = "application/vnd.in-toto+json";
        let message = [format!("DSSEv1 28 {kind} {} ", payload.len()).as_bytes(), payload].concat();
        let signature = pair.sign(&message).expect("a signature");
        let envelope = json!({
            "payload": BASE64_STANDARD.encode(payload), "payloadType": kind,
            "signatures": [{"sig": BASE64_STANDARD.encode(&signature)}],
        });
        (json!({"verificationMaterial": {"publicKey": {"hint": "x"}}, "dsseEnvelope": envelope}), signature)
    }

    #[test]
    fn a_signature_of_the_key_over_the_list_holds_and_no_other() {
        for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519] {
            let (signer, key) = pair(algorithm);
            let (bundle, _) = sealed(&signer, &statement(&digest(LIST)));
            let check = |bundle: &Value, list: &[u8], key: &Key| verify(&bundle.to_string(), list, key, Entry::Ignored);
            assert_eq!(check(&bundle, LIST, &key), Ok(()));
            assert_eq!(check(&bundle, b"other", &key), Err(SignatureError::Subject));
            assert_eq!(check(&bundle, LIST, &pair(algorithm).1), Err(SignatureError::Key));
            assert_eq!(check(&bundle, LIST, &pair(&rcgen::PKCS_ED25519).1), Err(SignatureError::Key));
            let mut changed = bundle.clone();
            let payload = [statement(&digest(LIST)), b" ".to_vec()].concat();
            changed["dsseEnvelope"]["payload"] = BASE64_STANDARD.encode(payload).into();
            assert_eq!(check(&changed, LIST, &key), Err(SignatureError::Key));
            let mut twice = bundle.clone();
            let signature = twice["dsseEnvelope"]["signatures"][0].clone();
            twice["dsseEnvelope"]["signatures"] = json!([signature, signature]);
            assert!(matches!(check(&twice, LIST, &key), Err(SignatureError::Format(_))));
            let mut keyless = bundle.clone();
            keyless["verificationMaterial"]["certificate"] = json!({"rawBytes": ""});
            assert_eq!(check(&keyless, LIST, &key), Err(SignatureError::Keyless));
            let message = json!({"messageSignature": {"signature": BASE64_STANDARD.encode(signer.sign(LIST).expect("a signature"))}});
            assert_eq!(check(&message, LIST, &key), Ok(()));
            assert_eq!(check(&message, b"other", &key), Err(SignatureError::Key));
            for text in ["", "{}", "[]", r#"{"dsseEnvelope":{}}"#, r#"{"messageSignature":{"signature":1}}"#] {
                assert!(matches!(verify(text, LIST, &key, Entry::Ignored), Err(SignatureError::Format(_))), "{text}");
            }
        }
    }

    #[test]
    fn an_entry_is_in_a_trusted_log_or_does_not_count() {
        let (signer, key) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
        let (logger, _) = pair(&rcgen::PKCS_ECDSA_P256_SHA256);
        let payload = statement(&digest(LIST));
        let (mut bundle, signature) = sealed(&signer, &payload);
        let root = json!({"tlogs": [{
            "publicKey": {"rawBytes": BASE64_STANDARD.encode(logger.subject_public_key_info())},
            "logId": {"keyId": BASE64_STANDARD.encode([0xab; 32])},
        }]});
        let logs = logs(&root.to_string()).expect("a log");
        let check = |bundle: &Value, logs: &[Log]| verify(&bundle.to_string(), LIST, &key, Entry::In(logs));
        assert_eq!(check(&bundle, &logs), Err(SignatureError::NoEntry));
        let body = json!({"kind": "dsse", "spec": {
            "payloadHash": {"algorithm": "sha256", "value": digest(&payload)},
            "signatures": [{"signature": BASE64_STANDARD.encode(&signature)}],
        }});
        let body = BASE64_STANDARD.encode(body.to_string());
        let promise =
            format!(r#"{{"body":"{body}","integratedTime":1700000000,"logID":"{}","logIndex":7}}"#, "ab".repeat(32));
        let promise = logger.sign(promise.as_bytes()).expect("a promise");
        bundle["verificationMaterial"]["tlogEntries"] = json!([{
            "logIndex": "7", "logId": {"keyId": BASE64_STANDARD.encode([0xab; 32])}, "integratedTime": "1700000000",
            "inclusionPromise": {"signedEntryTimestamp": BASE64_STANDARD.encode(promise)}, "canonicalizedBody": body,
        }]);
        assert_eq!(check(&bundle, &logs), Ok(()));
        assert_eq!(check(&bundle, &[]), Err(SignatureError::NoLogs));
        let changed = |pointer: &str, value: Value| {
            let mut bundle = bundle.clone();
            *bundle["verificationMaterial"]["tlogEntries"][0].pointer_mut(pointer).expect("it is there") = value;
            check(&bundle, &logs)
        };
        assert_eq!(changed("/logIndex", "8".into()), Err(SignatureError::Entry));
        let other = json!({"kind": "dsse", "spec": {}}).to_string();
        assert_eq!(changed("/canonicalizedBody", BASE64_STANDARD.encode(other).into()), Err(SignatureError::Entry));
        assert!(matches!(changed("/logId/keyId", "eA==".into()), Err(SignatureError::UnknownLog(_))));
        assert!(matches!(changed("/inclusionPromise", json!({})), Err(SignatureError::UnknownLog(_))));
    }

    #[test]
    fn what_is_not_a_public_key_is_refused() {
        let (signer, _) = pair(&rcgen::PKCS_ED25519);
        let refused = |text: &str| Key::pem(text).map(|_| ()).expect_err("it is refused");
        assert_eq!(refused(&signer.serialize_pem()), KeyError::Private);
        assert_eq!(refused("x"), KeyError::NotPem);
        let named = |body: &str| format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
        assert_eq!(refused(&named("!")), KeyError::NotPem);
        assert_eq!(refused(&named("AAAA")), KeyError::Algorithm);
        assert_eq!(logs("x").map(|_| ()), Err(RootError::NotJson));
        assert_eq!(logs("{}").map(|_| ()), Err(RootError::NoLog));
    }
}
