//! The curve P-521, which ring does not have: signatures of certificates and handshakes, and keys that make them.
//!
//! Everything else of the provider is ring's. A certificate on P-521 may be signed with any SHA-2; in a handshake the
//! scheme is always SHA-512.

use p521::{
    SecretKey,
    ecdsa::{
        Signature, SigningKey, VerifyingKey,
        signature::hazmat::{PrehashSigner, PrehashVerifier},
    },
    pkcs8::DecodePrivateKey,
};
use rustls::{
    SignatureAlgorithm, SignatureScheme,
    crypto::{CryptoProvider, KeyProvider, WebPkiSupportedAlgorithms, ring},
    pki_types::{AlgorithmIdentifier, InvalidSignature, PrivateKeyDer, SignatureVerificationAlgorithm, alg_id},
    sign::{self, Signer},
};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::sync::{Arc, LazyLock};

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

static ALL: LazyLock<Vec<Algorithm>> = LazyLock::new(|| {
    let ours: [Algorithm; 3] = [&Verify(Hash::Sha256), &Verify(Hash::Sha384), &Verify(Hash::Sha512)];
    ring::default_provider().signature_verification_algorithms.all.iter().copied().chain(ours).collect()
});

static MAPPING: LazyLock<Vec<(SignatureScheme, &'static [Algorithm])>> = LazyLock::new(|| {
    let ours: (SignatureScheme, &[Algorithm]) = (SignatureScheme::ECDSA_NISTP521_SHA512, &[&Verify(Hash::Sha512)]);
    let rings = ring::default_provider().signature_verification_algorithms.mapping;
    rings.iter().copied().chain([ours]).collect()
});

/// ring's provider, with P-521 added.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        let signature_verification_algorithms = WebPkiSupportedAlgorithms { all: &ALL, mapping: &MAPPING };
        Arc::new(CryptoProvider { signature_verification_algorithms, key_provider: &Keys, ..ring::default_provider() })
    });
    Arc::clone(&PROVIDER)
}

#[derive(Clone, Copy, Debug)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// Verifies signatures made with a key on P-521.
#[derive(Debug)]
struct Verify(Hash);

impl SignatureVerificationAlgorithm for Verify {
    fn verify_signature(&self, public_key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let signature = Signature::from_der(signature).map_err(|_| InvalidSignature)?;
        let digest = match self.0 {
            Hash::Sha256 => Sha256::digest(message).to_vec(),
            Hash::Sha384 => Sha384::digest(message).to_vec(),
            Hash::Sha512 => Sha512::digest(message).to_vec(),
        };
        key.verify_prehash(&digest, &signature).map_err(|_| InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P521
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        match self.0 {
            Hash::Sha256 => alg_id::ECDSA_SHA256,
            Hash::Sha384 => alg_id::ECDSA_SHA384,
            Hash::Sha512 => alg_id::ECDSA_SHA512,
        }
    }
}

/// Loads private keys: ring's kinds, else one on P-521.
#[derive(Debug)]
struct Keys;

impl KeyProvider for Keys {
    fn load_private_key(&self, key: PrivateKeyDer<'static>) -> Result<Arc<dyn sign::SigningKey>, rustls::Error> {
        let on_p521 = match &key {
            PrivateKeyDer::Sec1(der) => SecretKey::from_sec1_der(der.secret_sec1_der()).ok(),
            PrivateKeyDer::Pkcs8(der) => SecretKey::from_pkcs8_der(der.secret_pkcs8_der()).ok(),
            _ => None,
        };
        match on_p521 {
            Some(secret) => Ok(Arc::new(Key(Arc::new(SigningKey::from(secret))))),
            None => ring::default_provider().key_provider.load_private_key(key),
        }
    }
}

/// A private key on P-521.
struct Key(Arc<SigningKey>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key on P-521")
    }
}

impl sign::SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let fits = offered.contains(&SignatureScheme::ECDSA_NISTP521_SHA512);
        fits.then(|| Box::new(Key(Arc::clone(&self.0))) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature: Result<Signature, _> = self.0.sign_prehash(&Sha512::digest(message));
        let signature = signature.map_err(|error| rustls::Error::General(format!("sign with a P-521 key: {error}")))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}
