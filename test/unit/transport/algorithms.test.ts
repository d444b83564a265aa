import { Client } from 'ssh2'
import { expect, test } from 'vitest'
import { offerTo } from '../../../src/transport/algorithms.ts'

test('group exchange is never offered, old algorithms only where asked for', () => {
  for (const legacySsh of [false, true]) {
    const offer = offerTo({ legacySsh }, [])
    expect(offer.kex.join(' ')).not.toContain('group-exchange')
    expect(offer.kex.includes('diffie-hellman-group1-sha1')).toBe(legacySsh)
    expect(offer.serverHostKey.includes('ssh-dss')).toBe(legacySsh)
    expect(offer.cipher.includes('3des-cbc')).toBe(legacySsh)
    expect(offer.hmac.includes('hmac-md5')).toBe(legacySsh)
  }
})

test('old algorithms stand behind the modern ones', () => {
  const offer = offerTo({ legacySsh: true }, [])
  expect(offer.kex[0]).toBe('curve25519-sha256')
  expect(offer.kex.at(-1)).toBe('diffie-hellman-group1-sha1')
})

test('key types that are known come first; an RSA key by its modern signatures', () => {
  expect(offerTo({ legacySsh: false }, ['ecdsa-sha2-nistp256']).serverHostKey.slice(0, 2)).toEqual([
    'ecdsa-sha2-nistp256',
    'ssh-ed25519',
  ])
  expect(offerTo({ legacySsh: false }, ['ssh-rsa']).serverHostKey.slice(0, 3)).toEqual([
    'rsa-sha2-512',
    'rsa-sha2-256',
    'ssh-ed25519',
  ])
  expect(offerTo({ legacySsh: true }, ['ssh-rsa']).serverHostKey.slice(0, 3)).toEqual([
    'rsa-sha2-512',
    'rsa-sha2-256',
    'ssh-rsa',
  ])
})

test('the library knows every name: an unknown one would be thrown for at the first host', () => {
  const client = new Client()
  client.on('error', () => {})
  const algorithms = offerTo({ legacySsh: true }, [])
  expect(() => client.connect({ host: '127.0.0.1', port: 1, username: 'x', algorithms })).not.toThrow()
  client.destroy()
})

const MODERN = offerTo({ legacySsh: false }, [])

test.each([
  ['aes256-ctr,chacha20-poly1305@openssh.com', ['aes256-ctr', 'chacha20-poly1305@openssh.com']],
  ['+3des-cbc,never-heard-of', [...MODERN.cipher, '3des-cbc']],
  ['-*-ctr,chacha*', ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com']],
  ['^aes256-ctr', MODERN.cipher],
])('Ciphers %s', (cipher, names) => {
  const offer = offerTo({ legacySsh: false }, [], { cipher })
  expect(offer).toEqual({ ...MODERN, cipher: names })
  expect(offerTo({ legacySsh: true }, [], { cipher })).toEqual(offerTo({ legacySsh: true }, []))
})

test('a list of host key types leaves those that are known first', () => {
  const offer = offerTo({ legacySsh: false }, ['ssh-rsa'], { serverHostKey: 'ssh-ed25519,rsa-sha2-256,ssh-rsa' })
  expect(offer.serverHostKey).toEqual(['rsa-sha2-256', 'ssh-rsa', 'ssh-ed25519'])
})
