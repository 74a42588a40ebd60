use std::net::IpAddr;

use rcgen::DnValue;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::der_parser::asn1_rs::Tag;
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::OID_X509_ORGANIZATION_NAME;

use super::{RENEW_BEFORE, TlsError};

/// What can be read from a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
    starts: OffsetDateTime,
    expires: OffsetDateTime,
    names: Vec<String>,
    organisation: Option<DnValue>,
    key_identifier: Option<Vec<u8>>,
}

/// Why a certificate should be made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Renewal {
    Expired,
    /// It was made by a clock that was ahead of today's.
    NotYetValid,
    /// It has less than 30 days left.
    ExpiresSoon,
    /// Another authority has signed it.
    Foreign,
    /// It does not name these names and addresses.
    Unnamed(Vec<String>),
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    pub fn parse(pem: &str) -> Result<Self, TlsError> {
        let wrong = |why: String| TlsError::NotACertificate { why };
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|error| wrong(error.to_string()))?;
        let parsed = parse_der(&der)?;
        let names = subject_names(&parsed)?;
        Ok(Self {
            public_key: parsed.public_key().raw.to_vec(),
            starts: parsed.validity().not_before.to_datetime(),
            expires: parsed.validity().not_after.to_datetime(),
            names,
            organisation: sole_organisation(&parsed),
            key_identifier: key_identifier(&parsed),
            der: der.to_vec(),
        })
    }

    /// The first moment at which it is valid.
    pub fn starts(&self) -> OffsetDateTime {
        self.starts
    }

    /// The last moment at which it is valid.
    pub fn expires(&self) -> OffsetDateTime {
        self.expires
    }

    /// The DNS names and addresses that it is good for, in its own order.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether `authority` has signed it. Says nothing about dates.
    pub fn is_signed_by(&self, authority: &Self) -> bool {
        let (Ok(this), Ok(ca)) = (parse_der(&self.der), parse_der(&authority.der)) else {
            return false;
        };
        this.issuer().as_raw() == ca.subject().as_raw()
            && this.verify_signature(Some(ca.public_key())).is_ok()
    }

    /// Whether it must be made again, to be good for all of `names` from `now` on.
    pub fn renewal(
        &self,
        authority: &Self,
        names: &[String],
        now: OffsetDateTime,
    ) -> Option<Renewal> {
        if !self.is_signed_by(authority) {
            return Some(Renewal::Foreign);
        }
        if self.expires <= now {
            return Some(Renewal::Expired);
        }
        if self.starts > now {
            return Some(Renewal::NotYetValid);
        }
        // No certificate outlives its authority, so a new one must have something to win.
        if self.expires - now < RENEW_BEFORE && self.expires < authority.expires {
            return Some(Renewal::ExpiresSoon);
        }
        let missing: Vec<_> = names.iter().filter(|name| !self.is_for(name)).cloned().collect();
        if missing.is_empty() { None } else { Some(Renewal::Unnamed(missing)) }
    }

    /// Whether `key` (a `SubjectPublicKeyInfo`) is the one in it.
    pub(super) fn has_key(&self, key: &[u8]) -> bool {
        self.public_key == key
    }

    /// The subject, if it is nothing but an organisation, as it is in all that docker-machine and
    /// we make; in the encoding that it has.
    pub(super) fn organisation(&self) -> Option<&DnValue> {
        self.organisation.as_ref()
    }

    pub(super) fn key_identifier(&self) -> Option<&[u8]> {
        self.key_identifier.as_deref()
    }

    fn is_for(&self, name: &str) -> bool {
        match name.parse::<IpAddr>() {
            Ok(address) => self.names.contains(&address.to_string()),
            Err(_) => self.names.iter().any(|known| known.eq_ignore_ascii_case(name)),
        }
    }
}

fn parse_der(der: &[u8]) -> Result<X509Certificate<'_>, TlsError> {
    x509_parser::parse_x509_certificate(der)
        .map(|(_rest, certificate)| certificate)
        .map_err(|error| TlsError::NotACertificate { why: error.to_string() })
}

fn subject_names(certificate: &X509Certificate<'_>) -> Result<Vec<String>, TlsError> {
    let extension = certificate
        .subject_alternative_name()
        .map_err(|error| TlsError::NotACertificate { why: error.to_string() })?;
    let names = extension.iter().flat_map(|extension| &extension.value.general_names);
    Ok(names.filter_map(name_text).collect())
}

fn sole_organisation(certificate: &X509Certificate<'_>) -> Option<DnValue> {
    let mut attributes = certificate.subject().iter_attributes();
    let (Some(attribute), None) = (attributes.next(), attributes.next()) else { return None };
    if *attribute.attr_type() != OID_X509_ORGANIZATION_NAME {
        return None;
    }
    let text = attribute.as_str().ok()?;
    match attribute.attr_value().tag() {
        Tag::PrintableString => text.try_into().ok().map(DnValue::PrintableString),
        Tag::Utf8String => Some(DnValue::Utf8String(text.to_owned())),
        _ => None,
    }
}

fn key_identifier(certificate: &X509Certificate<'_>) -> Option<Vec<u8>> {
    certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(identifier) => Some(identifier.0.to_vec()),
        _ => None,
    })
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => {
            let v4 = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
            let address = v4.or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}
