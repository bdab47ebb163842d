//! The verbs of access tokens (JWTs).

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use sessile::jwt::{Claims, SigningKey};
use sessile::{AccessOptions, AccessVerdict, IssuedAccess};

use super::Engine;
use crate::error::{invalid_input, raise};
use crate::input::{duration, handle};
use crate::output::{self, datetime, json_module};
use crate::session::{Session, rejected};

/// An access token that was good at the moment of the call. Counts as true.
#[pyclass(frozen, module = "sessile")]
pub(crate) struct Access {
    claims: Arc<Claims>,
    session: sessile::Session,
}

#[pymethods]
impl Access {
    /// Its claims, a `dict` of one's own.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let Claims { iss, sub, aud, exp, nbf, iat, jti, sid, auth_time, seq, ver, extra } =
            &*self.claims;
        let extra = serde_json::Value::Object(extra.clone()).to_string();
        let claims = json_module(py)?.getattr("loads")?.call1((extra,))?.cast_into::<PyDict>()?;
        for (name, text) in [("iss", iss), ("sub", sub), ("jti", jti), ("sid", sid)] {
            if let Some(text) = text {
                claims.set_item(name, text)?;
            }
        }
        let numbers = [
            ("exp", exp),
            ("nbf", nbf),
            ("iat", iat),
            ("auth_time", auth_time),
            ("seq", seq),
            ("ver", ver),
        ];
        for (name, number) in numbers {
            if let Some(number) = number {
                claims.set_item(name, number)?;
            }
        }
        if let Some(aud) = aud {
            claims.set_item("aud", aud)?;
        }
        Ok(claims)
    }

    /// The session that it stands and falls with.
    #[getter]
    fn session(&self) -> Session {
        Session::from(self.session.clone())
    }

    /// Whose it is.
    #[getter]
    fn subject(&self) -> Option<&str> {
        self.session.subject().map(sessile::Subject::as_str)
    }

    /// What it may be used for.
    #[getter]
    fn scopes(&self) -> Vec<&str> {
        let scope = self.claims.extra.get("scope").and_then(serde_json::Value::as_str);
        scope.into_iter().flat_map(|scope| scope.split(' ')).collect()
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
        format!("<Access of {:?}>", self.subject().unwrap_or_default())
    }
}

#[pymethods]
impl Engine {
    /// Mints an access token for a session: it stands and falls with that.
    #[pyo3(signature = (session, *, audiences=None, client=None, scopes=None, lifetime=None,
        claims=None))]
    #[allow(clippy::too_many_arguments)]
    fn issue_access<'py>(
        &self,
        py: Python<'py>,
        session: &Bound<'py, PyAny>,
        audiences: Option<Vec<String>>,
        client: Option<String>,
        scopes: Option<Vec<String>>,
        lifetime: Option<&Bound<'py, PyAny>>,
        claims: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let handle = handle(session)?;
        let mut options = AccessOptions::new().scopes(scopes.unwrap_or_default());
        if let Some(audiences) = audiences {
            options = options.audiences(audiences);
        }
        if let Some(client) = client {
            options = options.client(client);
        }
        if let Some(lifetime) = lifetime {
            options = options.lifetime(duration(lifetime)?);
        }
        if let Some(claims) = claims {
            let text: String = json_module(py)?.getattr("dumps")?.call1((claims,))?.extract()?;
            let claims: serde_json::Map<_, _> = serde_json::from_str(&text)
                .map_err(|_| invalid_input(py, "claims are a dict of names and JSON values"))?;
            for (name, value) in claims {
                options = options.claim(name, value);
            }
        }
        issued_access(py, &self.detached(py, |engine| engine.issue_access(&handle, &options))?)
    }

    /// Says whether an access token of this engine is good, and notes that its client was here:
    /// an `Access`, which counts as true, or a `Rejected`.
    fn verify_access<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let core = self.core(py)?;
        let token = crate::input::token(token)?;
        match core.verify_access_at_once(&token) {
            Ok(Some(found)) => access(py, found),
            Ok(None) => access(py, self.detached(py, |engine| engine.verify_access(&token))?),
            Err(error) => Err(raise(py, &error)),
        }
    }

    /// What `verify_access` says, if it can say so without waiting for the store; `None`: it
    /// cannot.
    fn verify_access_at_once<'py>(
        &self,
        py: Python<'py>,
        token: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let found = self.core(py)?.verify_access_at_once(&crate::input::token(token)?);
        found.map_err(|error| raise(py, &error))?.map(|found| access(py, found)).transpose()
    }

    /// Denies one access token, and says whether it was good until now. Its session stays.
    fn deny_access(&self, py: Python<'_>, token: &Bound<'_, PyAny>) -> PyResult<bool> {
        let token = crate::input::token(token)?;
        self.detached(py, |engine| engine.deny_access(&token))
    }

    /// The public keys of the access tokens, for `/.well-known/jwks.json`.
    fn jwks(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.unforked(py)?.jwks())
    }

    /// Publishes a key that signs access tokens with a private key made elsewhere, PEM of PKCS #8,
    /// and gives its id: activate it once all that verify know it.
    fn import_key(&self, py: Python<'_>, pem: &str) -> PyResult<u8> {
        let key = SigningKey::from_pkcs8_pem(pem).map_err(|error| raise(py, &error))?;
        self.detached(py, |engine| engine.import_key(&key))
    }
}

fn access(py: Python<'_>, verdict: AccessVerdict) -> PyResult<Bound<'_, PyAny>> {
    match verdict {
        AccessVerdict::Valid { claims, session } => {
            Ok(Bound::new(py, Access { claims, session })?.into_any())
        }
        AccessVerdict::Rejected(reason) => rejected(py, reason),
    }
}

pub(super) fn issued_access<'py>(
    py: Python<'py>,
    issued: &IssuedAccess,
) -> PyResult<Bound<'py, PyAny>> {
    let token = output::token(py, "access", &issued.token)?;
    output::value(py, "IssuedAccess", (token, datetime(py, issued.deadline)?))
}
