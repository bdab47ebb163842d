//! Access tokens (JWTs) that another issuer made.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use sessile::ForeignAccessVerdict;
use sessile::jwt::{Claims, JwtKind, Profile};

use super::Engine;
use super::access::{claims_dict, scopes};
use crate::error::{invalid_config, raise};
use crate::input::maybe_duration;
use crate::session::rejected;

/// The public keys of another issuer, read once: for `Engine.verify_foreign_access`.
///
/// `Jwks(text)` takes a JWK set as the issuer publishes it, at the `jwks_uri` of its metadata say;
/// fetching it, and again when it changes, is the host's.
#[pyclass(frozen, module = "sessile")]
pub(crate) struct Jwks(Arc<sessile::jwt::Jwks>);

#[pymethods]
impl Jwks {
    #[new]
    #[pyo3(signature = (text, /))]
    fn parse(py: Python<'_>, text: &str) -> PyResult<Self> {
        let keys = sessile::jwt::Jwks::parse(text).map_err(|error| raise(py, &error))?;
        Ok(Jwks(Arc::new(keys)))
    }

    fn __repr__(&self) -> &'static str {
        "<Jwks>"
    }
}

/// An access token of another issuer that was good at the moment of the call. Counts as true.
#[pyclass(frozen, module = "sessile")]
pub(crate) struct ForeignAccess(Box<Claims>);

#[pymethods]
impl ForeignAccess {
    /// Its claims, a `dict` of one's own.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        claims_dict(py, &self.0)
    }

    /// Whose it is.
    #[getter]
    fn subject(&self) -> Option<&str> {
        self.0.sub.as_deref()
    }

    /// What it may be used for.
    #[getter]
    fn scopes(&self) -> Vec<&str> {
        scopes(&self.0)
    }

    /// Always `None`: so that a verdict has a reason whatever it is.
    #[getter]
    fn reason(&self) -> Option<bool> {
        None
    }

    fn __bool__(&self) -> bool {
        true
    }

    fn __repr__(&self) -> String {
        format!("<ForeignAccess of {:?}>", self.subject().unwrap_or_default())
    }
}

#[pymethods]
impl Engine {
    /// Says whether an access token that another issuer made is good: a `ForeignAccess`, which
    /// counts as true, or a `Rejected`. It is good if it is by `keys`, `issuer` and `audience`,
    /// and its subject is not suspended here and was not revoked since it was made, nor were all.
    ///
    /// `kind` is what the token's `typ` has to be: `"access"` (`at+jwt`), or `"plain"` (`JWT`, or
    /// none) for issuers that give their tokens no kind. `required` are claims that must be there
    /// beyond those of the kind. `leeway`, for clocks that disagree, is 5 s; 0 to 300 s.
    #[pyo3(signature = (token, keys, *, issuer, audience, kind="access", leeway=None,
        required=None))]
    #[allow(clippy::too_many_arguments)]
    fn verify_foreign_access<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
        keys: &Jwks,
        issuer: &str,
        audience: &str,
        kind: &str,
        leeway: Option<&Bound<'py, PyAny>>,
        required: Option<Vec<String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let kind = match kind {
            "access" => JwtKind::Access,
            "plain" => JwtKind::Plain,
            _ => return Err(invalid_config(py, "kind is \"access\" or \"plain\"")),
        };
        let failed = |error| raise(py, &error);
        let mut profile = Profile::new(kind, issuer, audience).map_err(failed)?;
        if let Some(leeway) = maybe_duration(leeway)? {
            profile = profile.leeway(leeway).map_err(failed)?;
        }
        for claim in required.unwrap_or_default() {
            profile = profile.require(&claim);
        }
        let token = crate::input::token(token)?;
        let verdict =
            self.detached(py, |engine| engine.verify_foreign_access(&token, &keys.0, &profile))?;
        match verdict {
            ForeignAccessVerdict::Valid(claims) => {
                Ok(Bound::new(py, ForeignAccess(claims))?.into_any())
            }
            ForeignAccessVerdict::Rejected(reason) => rejected(py, reason),
        }
    }
}
