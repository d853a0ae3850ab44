/** The people of the test directory: a thousand by number, and those by whom things go wrong. */

export type Entry = { readonly dn: string } & Readonly<Record<string, string | Buffer | readonly (string | Buffer)[]>>

export const BASE = 'dc=example,dc=org'
export const PEOPLE = `ou=people,${BASE}`
export const ACCOUNT = { BINDDN: `cn=otpost,${BASE}`, BINDPW: 'service wörd' }
/** Windows shows it as 04030201-0605-0807-090a-0b0c0d0e0fff. */
export const GUID = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255])

export const NUMBERED = 1000

const person = (uid: string, more: Record<string, string | Buffer | readonly (string | Buffer)[]> = {}): Entry => ({
  dn: `uid=${uid.replace(/[,+"\\<>;=#]/g, '\\$&')},${PEOPLE}`,
  objectClass: ['inetOrgPerson', 'adUser'],
  uid,
  cn: uid,
  sn: 'Person',
  userPassword: `password of ${uid}`,
  ...more,
})

export const ENTRIES: readonly Entry[] = [
  { dn: BASE, objectClass: ['dcObject', 'organization'], dc: 'example', o: 'Example' },
  { dn: PEOPLE, objectClass: 'organizationalUnit', ou: 'people' },
  { dn: `ou=elsewhere,${BASE}`, objectClass: 'organizationalUnit', ou: 'elsewhere' },
  {
    dn: ACCOUNT.BINDDN,
    objectClass: ['organizationalRole', 'simpleSecurityObject'],
    cn: 'otpost',
    userPassword: ACCOUNT.BINDPW,
  },
  person('ada', {
    givenName: 'Ada',
    sn: 'Lovelace',
    mail: ['ada@example.org', 'countess@example.org'],
    mobile: '+49 151 1',
    telephoneNumber: '+49 30 1',
    objectGUID: GUID,
    sAMAccountName: 'ALovelace',
    employeeType: 'staff',
    jpegPhoto: Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1, 2, 3]),
  }),
  person('jürgen', { sn: 'Müller-Lüdenscheidt', mail: 'jürgen@bücher.example', userPassword: 'Paßwörter €𝄞' }),
  person('a*b', { mail: 'star@example.org' }),
  person('(x)', { mail: 'brackets@example.org' }),
  person('back\\slash, and=more', { mail: 'comma@example.org' }),
  person('nopassword', { userPassword: [] }),
  person('left', { employeeType: 'retired', mail: 'left@example.org' }),
  // The same login in two places.
  person('twin'),
  { ...person('twin'), dn: `uid=twin,ou=elsewhere,${BASE}` },
  // Somebody else's tree: whoever follows it asks a stranger.
  {
    dn: `ou=abroad,${BASE}`,
    objectClass: ['referral', 'extensibleObject'],
    ou: 'abroad',
    ref: 'ldap://127.0.0.1:9/ou=abroad,dc=example,dc=org',
  },
  ...Array.from({ length: NUMBERED }, (_, n) => {
    const uid = `user${String(n).padStart(4, '0')}`
    return person(uid, { mail: `${uid}@example.org`, givenName: `Number ${n}`, employeeType: n % 2 ? 'odd' : 'even' })
  }),
]
