// Which version of a file a server sends, by what its answer tells. Two answers with one version are
// parts of one file. (RFC 9110, 8.8: a weak entity tag says nothing of bytes.)

export interface Version {
  etag?: string;
  modified?: string;
}

/** The version that an answer names; nothing where it names none, or does not tell other origins' pages. */
export function versionOf({ headers }: Response): Version | undefined {
  const etag = headers.get("etag");
  const modified = headers.get("last-modified");
  const strong = etag !== null && !etag.startsWith("W/");
  if (!strong && modified === null) return undefined;
  return { ...(strong && { etag }), ...(modified !== null && { modified }) };
}

/**
 * Whether the rest of a file, from byte `start` on, may be put behind its beginning, of the version
 * `begun`. Where all of it is checked by a hash later, it is enough that nothing speaks against it.
 */
export function joinable(
  rest: Response,
  start: number,
  begun: Version | undefined,
  checkedLater: boolean,
): boolean {
  const range = rest.headers.get("content-range");
  if (range !== null && !range.startsWith(`bytes ${start}-`)) return false;
  // A part of something packed.
  if (rest.headers.get("content-encoding")) return false;
  const version = versionOf(rest);
  if (begun === undefined || version === undefined) return checkedLater;
  if (begun.etag !== undefined && version.etag !== undefined) return begun.etag === version.etag;
  if (begun.modified !== undefined && version.modified !== undefined)
    return begun.modified === version.modified;
  return checkedLater;
}
