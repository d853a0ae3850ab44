import { describe, expect, it } from 'vitest'
import { administers, grants, isKey, READ_ONLY, readGrant } from './grant.ts'

const REALMS = ['home', 'corp']
const read = (scope: string, realm = '') => readGrant(scope, realm, REALMS)

describe('readGrant', () => {
  it.each([
    ['', '', null],
    ['  ,', '', null],
    ['admin', '', { rights: ['admin'], realms: [] }],
    ['admin/reset, system/read admin/reset', '', { rights: ['admin/reset', 'system/read'], realms: [] }],
    ['read-only', '', { rights: [...READ_ONLY], realms: [] }],
    ['', 'Home, corp home', { rights: ['admin'], realms: ['home', 'corp'] }],
    ['admin/reset', 'home', { rights: ['admin/reset'], realms: ['home'] }],
    ['validate', '', { rights: ['validate'], realms: [] }],
    ['validate, admin/triggerchallenge', 'home', { rights: ['validate', 'admin/triggerchallenge'], realms: ['home'] }],
  ])('reads %j, %j', (scope, realm, expected) => {
    expect(read(scope, realm)).toEqual({ ok: true, value: expected })
  })

  it.each([
    ['everything', '', 'scope'],
    ['admin/', '', 'scope'],
    ['admin/nothing', '', 'scope'],
    ['admin/reset/x', '', 'scope'],
    ['enrollment', '', 'scope'],
    ['selfservice/reset', '', 'scope'],
    ['Admin', '', 'scope'],
    ['validate/check', '', 'scope'],
    ['Validate', '', 'scope'],
    ['validate system/read', 'home', 'realm'],
    ['', 'nowhere', 'realm'],
    ['read-only', 'home', 'realm'],
    ['admin system/read', 'home', 'realm'],
  ])('refuses %j, %j for its %s', (scope, realm, field) => {
    expect(read(scope, realm)).toMatchObject({ ok: false, error: { field } })
  })
})

describe('grants', () => {
  it.each([
    [null, true],
    [['admin'], true],
    [['admin/reset'], true],
    [['admin/remove', 'system'], false],
    [[], false],
  ])('says of %j', (rights, expected) => {
    expect(grants(rights && { rights, realms: [] }, 'admin', 'reset')).toBe(expected)
  })
})

describe('a key for /validate', () => {
  it.each([
    [null, false, true],
    [['admin', 'system', 'audit', 'tools'], false, true],
    [['validate'], true, false],
    [['validate', 'audit/view'], true, true],
  ])('of rights %j: is it one, and does it administer?', (rights, key, admin) => {
    const grant = rights && { rights, realms: [] }

    expect([isKey(grant), administers(grant)]).toEqual([key, admin])
  })

  it('grants nothing that an administrator may do', () => {
    for (const scope of ['admin', 'system', 'audit', 'tools'] as const)
      expect(grants({ rights: ['validate'], realms: [] }, scope, 'validate')).toBe(false)
  })
})
