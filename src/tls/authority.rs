use std::fs;
use std::net::IpAddr;
use std::path::Path;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    SanType, SerialNumber,
};
use rustls_pki_types::DnsName;
use time::{Duration, OffsetDateTime};

use super::{CertPaths, Certificate, Issued, RENEW_BEFORE, TlsError, key};

/// The CA of a store: whoever holds it can make certificates that its machines trust.
///
/// Usages and subjects are docker-machine's (libmachine, `cert/cert.go`), so its clients and
/// machines get on with ours.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    certificate: Certificate,
}

impl Authority {
    /// Makes a new one with an ECDSA P-256 key. `organisation` is its whole subject.
    pub fn create(organisation: &str, now: OffsetDateTime) -> Result<Self, TlsError> {
        Self::for_key(KeyPair::generate().map_err(sign_error)?, organisation, now)
    }

    /// Reads `ca.pem` and `ca-key.pem`, of whatever kind the key is. Dates are not looked at.
    pub fn load(paths: &CertPaths) -> Result<Self, TlsError> {
        let (pem, key) = (read(&paths.ca_cert)?, read(&paths.ca_key)?);
        let key = key::parse(&key).map_err(|error| error.in_file(&paths.ca_key))?;
        let certificate =
            Certificate::parse(&pem).map_err(|error| error.in_file(&paths.ca_cert))?;
        if !certificate.has_key(&key.subject_public_key_info()) {
            return Err(TlsError::Mismatch {
                certificate: paths.ca_cert.clone(),
                key: paths.ca_key.clone(),
            });
        }
        Self::assemble(pem, key)
    }

    /// The PEM text of its certificate.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Makes a certificate with which a person is let in. docker-machine's `organisation` is
    /// `USER.<bootstrap>`, with the angle brackets.
    pub fn issue_client(
        &self,
        organisation: &str,
        now: OffsetDateTime,
    ) -> Result<Issued, TlsError> {
        let mut params = template(organisation.into(), now);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    /// Makes the certificate of a machine for all `names`, which are host names and addresses.
    /// docker-machine's `organisation` is `USER.MACHINE`.
    pub fn issue_server(
        &self,
        organisation: &str,
        names: &[String],
        now: OffsetDateTime,
    ) -> Result<Issued, TlsError> {
        let mut params = template(organisation.into(), now);
        params.subject_alt_names = alternative_names(names)?;
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
        ];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(params)
    }

    /// Makes a certificate for a key that is there. What the key has signed before stays good if
    /// `organisation` is the same as then.
    pub(super) fn for_key(
        key: KeyPair,
        organisation: &str,
        now: OffsetDateTime,
    ) -> Result<Self, TlsError> {
        Self::self_signed(key, template(organisation.into(), now))
    }

    /// The same authority with a later end. Subject, key and key identifier stay byte for byte, so
    /// whoever trusts the old certificate trusts what the new one signs, and the other way round.
    /// `None` if this is not a certificate of the kind that we make.
    pub(super) fn renewed(&self, now: OffsetDateTime) -> Result<Option<Self>, TlsError> {
        let Some(organisation) = self.certificate.organisation() else { return Ok(None) };
        let mut params = template(organisation.clone(), now);
        if let Some(identifier) = self.certificate.key_identifier() {
            params.key_identifier_method = KeyIdMethod::PreSpecified(identifier.to_owned());
        }
        let key = KeyPair::try_from(self.issuer.key().serialized_der()).map_err(sign_error)?;
        Self::self_signed(key, params).map(Some)
    }

    /// Whether it should be renewed: it is not valid at `now`, or not for much longer.
    pub(super) fn is_outdated(&self, now: OffsetDateTime) -> bool {
        now < self.certificate.starts() || self.certificate.expires() - now < RENEW_BEFORE
    }

    /// Certificate and key, for the disk.
    pub(super) fn to_issued(&self) -> Issued {
        Issued { certificate: self.pem.clone(), key: self.issuer.key().serialize_pem() }
    }

    fn self_signed(key: KeyPair, mut params: CertificateParams) -> Result<Self, TlsError> {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
            KeyUsagePurpose::KeyAgreement,
            KeyUsagePurpose::KeyCertSign,
        ];
        let pem = params.self_signed(&key).map_err(sign_error)?.pem();
        Self::assemble(pem, key)
    }

    fn assemble(pem: String, key: KeyPair) -> Result<Self, TlsError> {
        let certificate = Certificate::parse(&pem)?;
        let issuer = Issuer::from_ca_cert_pem(&pem, key).map_err(sign_error)?;
        Ok(Self { issuer, pem, certificate })
    }

    /// Signs for a new P-256 key. No certificate is valid outside its authority's time.
    fn issue(&self, mut params: CertificateParams) -> Result<Issued, TlsError> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.not_before = params.not_before.max(self.certificate.starts());
        params.not_after = params.not_after.min(self.certificate.expires());
        let key = KeyPair::generate().map_err(sign_error)?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(sign_error)?.pem();
        Ok(Issued { certificate, key: key.serialize_pem() })
    }
}

/// What all certificates have in common. Seconds are cut off, as docker-machine does.
fn template(organisation: DnValue, now: OffsetDateTime) -> CertificateParams {
    let now = now.to_offset(time::UtcOffset::UTC);
    let minute = now.replace_second(0).and_then(|now| now.replace_nanosecond(0)).unwrap_or(now);
    let mut params = CertificateParams::default();
    params.not_before = minute - BACKDATED;
    params.not_after = params.not_before + LIFETIME;
    params.serial_number = Some(serial_number());
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, organisation);
    params
}

/// DNS names stand before addresses, as in docker-machine's certificates.
fn alternative_names(names: &[String]) -> Result<Vec<SanType>, TlsError> {
    let (mut hosts, mut addresses) = (Vec::new(), Vec::new());
    for name in names {
        match name.parse::<IpAddr>() {
            Ok(address) => addresses.push(SanType::IpAddress(address)),
            Err(_) => hosts.push(SanType::DnsName(host_name(name)?)),
        }
    }
    let mut all: Vec<SanType> = Vec::new();
    for name in hosts.into_iter().chain(addresses) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    Ok(all)
}

fn host_name(name: &str) -> Result<rcgen::string::Ia5String, TlsError> {
    let refused = || TlsError::Name { name: name.to_owned() };
    DnsName::try_from(name.strip_prefix("*.").unwrap_or(name)).map_err(|_| refused())?;
    name.try_into().map_err(|_| refused())
}

/// A positive random number of 127 bits.
fn serial_number() -> SerialNumber {
    let mut bytes = [0; 16];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .expect("the system gives random numbers");
    bytes[0] &= 0x7f;
    SerialNumber::from_slice(&bytes)
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|source| TlsError::read(path, source))
}

fn sign_error(source: rcgen::Error) -> TlsError {
    TlsError::Sign { source }
}

/// docker-machine's.
const LIFETIME: Duration = Duration::days(1080);

/// docker-machine's five minutes are too few for a guest whose hardware clock runs in the host's
/// local time, or that was asleep: nothing is lost by a day.
const BACKDATED: Duration = Duration::days(1);
