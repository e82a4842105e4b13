const PATTERN = /^v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;

/** The parts of a version: `1.2.3-rc.1` has three numbers and a list of prerelease identifiers. */
export function parse(text) {
  const found = PATTERN.exec(String(text).trim());
  if (!found) throw new TypeError(`no version: ${text}`);
  const [, major, minor, patch, prerelease] = found;
  return {
    major: Number(major),
    minor: Number(minor),
    patch: Number(patch),
    prerelease: prerelease ? prerelease.split('.') : [],
  };
}

/** The text of a parsed version. */
export function format({ major, minor, patch, prerelease }) {
  const core = `${major}.${minor}.${patch}`;
  return prerelease.length ? `${core}-${prerelease.join('.')}` : core;
}
