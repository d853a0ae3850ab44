import { describe, expect, it } from 'vitest'
import { grants, READ_ONLY, readGrant } from './grant.ts'

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
