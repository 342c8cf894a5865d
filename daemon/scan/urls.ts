/** Parameters by which object stores recognise a signed address; it is nobody's business and changes each time. */
const SIGNATURE = /[?&](X-Amz-Signature|X-Goog-Signature|Signature|sig)=/i;

/** Whether a path is an address that a worker fetches. */
export const isUrl = (path: string): boolean => /^(https?|s3):\/\//i.test(path);

/** What a URL is called in results: without a password, and without the parameters of a signed address. Paths are left as they are. */
export function nameOfUrl(path: string): string {
  if (!isUrl(path) || !URL.canParse(path)) return path;
  const url = new URL(path);
  url.username = '';
  url.password = '';
  if (SIGNATURE.test(url.search)) url.search = '';
  return url.href;
}
