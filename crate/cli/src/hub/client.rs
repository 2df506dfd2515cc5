//! What is asked of a hub.

use std::{io::Read, time::Duration};

use flantune::model::hub::{HubModel, LISTING_LIMIT, Listing, Problem};
use ureq::{
    Agent, Body,
    http::{HeaderMap, Response, StatusCode, Uri, header},
    tls::{RootCerts, TlsConfig},
};

use super::environment::Environment;

/// The hub redirects once or twice.
const REDIRECTS: usize = 10;
/// With which the hub tells of a file that it has elsewhere; its own `ETag` is that of the redirection.
const LINKED_ETAG: &str = "x-linked-etag";
/// How long a server may take to answer, or to send the next bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks a hub.
#[derive(Debug)]
pub(super) struct Client {
    agent: Agent,
    endpoint: String,
    token: Option<String>,
}

/// A file as the hub describes it.
#[derive(Debug)]
pub(super) struct RemoteFile {
    /// Where it is.
    pub(super) address: String,
    /// What tells its content: the SHA-256 of large files, git's hash of small ones.
    pub(super) etag: String,
    /// Its length in bytes, where the hub says it.
    pub(super) size: Option<u64>,
}

enum Method {
    Get { from: u64 },
    Head,
}

impl Client {
    pub(super) fn new(environment: &Environment) -> Self {
        // The certificates that the system trusts, so that a company's proxy is trusted too.
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .user_agent(concat!("flantune/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            // Followed here, because the token must not go everywhere.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE))
            .build();
        Client {
            agent: config.into(),
            endpoint: environment.endpoint.clone(),
            token: environment.token.clone(),
        }
    }

    /// The commit and the files of a revision.
    pub(super) fn listing(&self, model: &HubModel) -> Result<Listing, Problem> {
        let address = model.listing_address(&self.endpoint);
        let answer = self.ask(&Method::Get { from: 0 }, &address)?;
        self.check(&answer, model)?;
        let mut bytes = Vec::new();
        let body = answer.into_body().into_with_config().limit(LISTING_LIMIT);
        body.reader().read_to_end(&mut bytes).map_err(|error| unreachable(&address, &error))?;
        Listing::from_json(&bytes)
    }

    /// What the hub says about a file.
    pub(super) fn file(&self, model: &HubModel, name: &str) -> Result<RemoteFile, Problem> {
        let address = model.file_address(&self.endpoint, name);
        let answer = self.ask(&Method::Head, &address)?;
        if !answer.status().is_redirection() {
            self.check(&answer, model)?;
        }
        let text = |name: &str| answer.headers().get(name)?.to_str().ok();
        let refused = |message: String| Problem::NoHub { message };
        let etag = text(LINKED_ETAG).or_else(|| text("etag"));
        let etag = etag.ok_or_else(|| refused(format!("it sends no ETag with {name}")))?;
        let etag = etag.trim_start_matches("W/").trim_matches('"');
        if !is_plain(etag) {
            return Err(refused(format!("the ETag of {name} is `{}`", etag.escape_debug())));
        }
        let own_length = || {
            let redirected = answer.status().is_redirection();
            text("content-length").filter(|_| !redirected)
        };
        let size = text("x-linked-size").or_else(own_length);
        let size = size.and_then(|size| size.parse().ok());
        Ok(RemoteFile { address, etag: etag.to_owned(), size })
    }

    /// The content of a file, from a byte on where the server can do that.
    pub(super) fn content(&self, address: &str, from: u64) -> Result<Response<Body>, Problem> {
        self.ask(&Method::Get { from }, address)
    }

    /// Asks, and goes where it is sent. The token goes to the hub alone. Where the hub tells of a file
    /// that it has elsewhere, nobody else is asked about it.
    fn ask(&self, method: &Method, address: &str) -> Result<Response<Body>, Problem> {
        let mut address = address.to_owned();
        for _ in 0..=REDIRECTS {
            let answer = self.ask_once(method, &address)?;
            let told = answer.headers().contains_key(LINKED_ETAG);
            if matches!(method, Method::Head) && told {
                return Ok(answer);
            }
            let location = answer.headers().get(header::LOCATION).filter(|_| is_redirect(&answer));
            let Some(location) = location else {
                return Ok(answer);
            };
            let next = location.to_str().ok().and_then(|location| redirected(&address, location));
            let next = next.ok_or_else(|| Problem::NoHub {
                message: format!("{address} redirects to where nothing is asked for: {location:?}"),
            })?;
            address = next;
        }
        Err(Problem::NoHub { message: format!("{address} redirects without end") })
    }

    fn ask_once(&self, method: &Method, address: &str) -> Result<Response<Body>, Problem> {
        let mut request = match method {
            Method::Get { .. } => self.agent.get(address),
            Method::Head => self.agent.head(address),
        }
        .header(header::ACCEPT_ENCODING, "identity");
        if let Method::Get { from: from @ 1.. } = method {
            request = request.header(header::RANGE, format!("bytes={from}-"));
        }
        if let Some(token) = self.token.as_ref().filter(|_| self.is_own(address)) {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        request.call().map_err(|error| match error {
            ureq::Error::Io(error) => unreachable(address, &error),
            error => Problem::Unreachable { address: host(address), message: error.to_string() },
        })
    }

    /// Whether an address is the hub's own.
    fn is_own(&self, address: &str) -> bool {
        origin(address).is_some_and(|found| origin(&self.endpoint) == Some(found))
    }

    /// That the hub gives what was asked for.
    pub(super) fn check(&self, answer: &Response<Body>, model: &HubModel) -> Result<(), Problem> {
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let (endpoint, token) = (self.endpoint.clone(), self.token.is_some());
        let code = |headers: &HeaderMap| {
            headers.get("x-error-code").and_then(|code| code.to_str().ok()).map(str::to_owned)
        };
        Err(match (status, code(answer.headers()).as_deref()) {
            (_, Some("GatedRepo")) => {
                Problem::Gated { page: format!("{endpoint}/{}", model.repository) }
            }
            (_, Some("RevisionNotFound")) => {
                Problem::NoRevision { revision: model.revision.clone() }
            }
            // To who is not let in, a hub does not tell what exists.
            (_, Some("RepoNotFound")) | (StatusCode::NOT_FOUND, _) => {
                Problem::NotFound { endpoint }
            }
            (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => {
                Problem::Refused { status: status.as_u16(), token }
            }
            (status, _) => {
                Problem::Unreachable { address: endpoint, message: format!("it answers {status}") }
            }
        })
    }
}

fn is_redirect(answer: &Response<Body>) -> bool {
    matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whether a tag can be the name of a file.
fn is_plain(etag: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=128).contains(&etag.len()) && etag.chars().all(plain) && !etag.starts_with('.')
}

/// Scheme, host and port.
fn origin(address: &str) -> Option<(String, String, u16)> {
    let uri: Uri = address.parse().ok()?;
    let scheme = uri.scheme_str()?.to_owned();
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    Some((scheme, uri.host()?.to_lowercase(), port))
}

/// Where a redirection leads; never from an encrypted connection to one that is not.
fn redirected(from: &str, location: &str) -> Option<String> {
    let (scheme, host, port) = origin(from)?;
    let next = match location {
        _ if location.starts_with("//") => format!("{scheme}:{location}"),
        _ if location.starts_with('/') => format!("{scheme}://{host}:{port}{location}"),
        _ => location.to_owned(),
    };
    let (next_scheme, ..) = origin(&next)?;
    matches!((scheme.as_str(), next_scheme.as_str()), (_, "https") | ("http", "http"))
        .then_some(next)
}

fn host(address: &str) -> String {
    origin(address).map_or_else(
        || address.to_owned(),
        |(scheme, host, port)| match port {
            80 | 443 => format!("{scheme}://{host}"),
            port => format!("{scheme}://{host}:{port}"),
        },
    )
}

/// The network at fault.
pub(super) fn unreachable(address: &str, error: &std::io::Error) -> Problem {
    Problem::Unreachable { address: host(address), message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_are_followed_but_never_out_of_encryption() {
        let from = "https://hub.example/a/b";
        for (location, expected) in [
            ("/c?d=e", Some("https://hub.example:443/c?d=e")),
            ("//cdn.example/c", Some("https://cdn.example/c")),
            ("https://cdn.example/c", Some("https://cdn.example/c")),
            ("http://cdn.example/c", None),
            ("file:///etc/passwd", None),
            ("c", None),
        ] {
            assert_eq!(redirected(from, location).as_deref(), expected, "{location}");
        }
        assert!(redirected("http://127.0.0.1:1/a", "http://127.0.0.1:2/b").is_some());
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let same = |one, other| origin(one) == origin(other);
        assert!(same("https://Hub.example/a", "https://hub.example:443"));
        assert!(!same("http://hub.example", "https://hub.example"));
        assert!(!same("http://hub.example:1", "http://hub.example:2"));
        assert!(!same("https://hub.example.evil", "https://hub.example"));
        assert!(!same("https://hub.example@evil.example/", "https://hub.example"));
    }
}
