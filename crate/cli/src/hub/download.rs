//! One file, in one go or in several.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
    thread,
    time::Duration,
};

use flantune::model::hub::Problem;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use ureq::http::{StatusCode, header};

use super::{
    cache::failure,
    client::{Client, RemoteFile, unreachable},
};
use crate::{progress::Transfer, storage::itself};

/// Tries in a row that bring nothing, before the download is given up.
const TRIES: u64 = 4;
/// Bytes that are read at once.
const CHUNK: usize = 1 << 18;

/// Downloads a file into `part`. What is there already, from a try that was interrupted, is kept:
/// the server is asked for the rest. At the end the whole must be what the hub says it is.
pub(super) fn download(
    client: &Client,
    name: &str,
    remote: &RemoteFile,
    part: &Path,
    transfer: &mut Transfer,
) -> Result<(), Problem> {
    let broken = |error: io::Error| failure(part, &error);
    let mut options = OpenOptions::new();
    let mut file =
        itself(options.create(true).append(true).read(true)).open(part).map_err(broken)?;
    let mut length = file.metadata().map_err(broken)?.len();
    // Without a size, or beyond it, what is there tells nothing.
    if remote.size.is_none_or(|size| length > size) {
        file.set_len(0).map_err(broken)?;
        length = 0;
    }
    transfer.begin(length);
    let mut failures = 0;
    while remote.size != Some(length) {
        let before = length;
        match go_on(client, remote, &mut file, &mut length, transfer) {
            Ok(()) if remote.size.is_none_or(|size| length >= size) => break,
            Ok(()) => {}
            Err(End::Final(problem)) => return Err(problem),
            Err(End::Storage(error)) => return Err(broken(error)),
            Err(End::Network(problem)) if failures == TRIES && length <= before => {
                return Err(problem);
            }
            Err(End::Network(_)) => {}
        }
        failures = if length > before { 0 } else { failures + 1 };
        if failures > TRIES {
            let message = format!("it sends {length} bytes of {name}, and no more");
            return Err(Problem::NoHub { message });
        }
        // At once after bytes have come: a connection that broke is mostly no sign of trouble.
        thread::sleep(Duration::from_secs(failures.saturating_sub(1)));
    }
    file.sync_all().map_err(broken)?;
    if let Err(problem) = verify(name, remote, part) {
        // Nothing right could be made of it by asking for more.
        let _ = fs::remove_file(part);
        return Err(problem);
    }
    Ok(())
}

/// Why a try ends before the file does.
enum End {
    /// Another try may help.
    Network(Problem),
    /// No other try helps.
    Final(Problem),
    /// The disk is at fault.
    Storage(io::Error),
}

/// Asks for what is missing, and takes what comes.
fn go_on(
    client: &Client,
    remote: &RemoteFile,
    file: &mut File,
    length: &mut u64,
    transfer: &mut Transfer,
) -> Result<(), End> {
    let answer = client.content(&remote.address, *length).map_err(|problem| match problem {
        Problem::Unreachable { .. } => End::Network(problem),
        problem => End::Final(problem),
    })?;
    match answer.status() {
        StatusCode::PARTIAL_CONTENT => {
            let range = answer.headers().get(header::CONTENT_RANGE);
            let expected = format!("bytes {length}-");
            if !range.is_some_and(|range| range.as_bytes().starts_with(expected.as_bytes())) {
                let message = format!("it was asked for {expected}, and sends {range:?}");
                return Err(End::Final(Problem::NoHub { message }));
            }
        }
        // The server does not do ranges, or has less than what is here.
        StatusCode::OK | StatusCode::RANGE_NOT_SATISFIABLE => {
            if *length > 0 {
                file.set_len(0).map_err(End::Storage)?;
                *length = 0;
                transfer.begin(0);
            }
            if answer.status() == StatusCode::RANGE_NOT_SATISFIABLE {
                return Ok(());
            }
        }
        status => {
            let (address, message) = (remote.address.clone(), format!("it answers {status}"));
            let problem = Problem::Unreachable { address, message };
            let later = status.is_server_error()
                || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
            return Err(if later { End::Network(problem) } else { End::Final(problem) });
        }
    }
    let mut body = answer.into_body().into_with_config().limit(u64::MAX).reader();
    let mut chunk = vec![0; CHUNK];
    loop {
        match body.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(count) => {
                file.write_all(&chunk[..count]).map_err(End::Storage)?;
                *length += count as u64;
                transfer.advance(count as u64);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(End::Network(unreachable(&remote.address, &error))),
        }
    }
}

/// That a file has the size and the hash that the hub says.
fn verify(name: &str, remote: &RemoteFile, part: &Path) -> Result<(), Problem> {
    let broken = |error: io::Error| failure(part, &error);
    let mismatch = |message| Problem::Mismatch { file: name.to_owned(), message };
    let mut file = File::open(part).map_err(broken)?;
    let length = file.metadata().map_err(broken)?.len();
    if let Some(size) = remote.size.filter(|size| *size != length) {
        return Err(mismatch(format!("{length} bytes came, expected {size}")));
    }
    let hexadecimal = remote.etag.chars().all(|c| c.is_ascii_hexdigit());
    let (kind, found) = match remote.etag.len() {
        64 if hexadecimal => ("SHA-256", hash(Sha256::new(), &mut file)),
        // As git hashes a file.
        40 if hexadecimal => {
            let hasher = Sha1::new_with_prefix(format!("blob {length}\0"));
            ("git hash", hash(hasher, &mut file))
        }
        // Other servers have tags that say nothing about the content.
        _ => return Ok(()),
    };
    match found.map_err(broken)? {
        found if found.eq_ignore_ascii_case(&remote.etag) => Ok(()),
        found => Err(mismatch(format!("its {kind} is {found}, expected {}", remote.etag))),
    }
}

fn hash(mut hasher: impl Digest + Write, file: &mut File) -> io::Result<String> {
    io::copy(&mut io::BufReader::with_capacity(CHUNK, file), &mut hasher)?;
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
