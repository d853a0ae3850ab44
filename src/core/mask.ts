/** Addresses in logs and audit: enough to recognise, too little to use. */

/** `alice@example.org` → `al***@example.org`; a phone number keeps its last two digits. */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@')
  if (at > 0) return `${address.slice(0, Math.min(2, at - 1))}***${address.slice(at)}`
  return address.length > 4 ? `***${address.slice(-2)}` : '***'
}
