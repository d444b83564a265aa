/** The server's first words, in pieces and out of shape; and what two lists have not in common. */
import { expect, test } from 'vitest'
import { offerTo } from '../../../src/transport/algorithms.ts'
import { disagreements, FirstWords, readOffer } from '../../../src/transport/kexinit.ts'

const LISTS = [
  'diffie-hellman-group1-sha1,ext-info-s',
  'ssh-dss',
  '3des-cbc',
  '3des-cbc',
  'hmac-md5',
  'hmac-md5',
  'none',
  'none',
  '',
  '',
]

function packet(lists: readonly string[]): Buffer {
  const body = Buffer.concat([
    Buffer.from([4, 20]),
    Buffer.alloc(16, 7),
    ...lists.map(list => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(list.length)
      return Buffer.concat([length, Buffer.from(list)])
    }),
    Buffer.alloc(5 + 4),
  ])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(body.length)
  return Buffer.concat([length, body])
}

const bytes = Buffer.concat([Buffer.from('hello\r\nSSH-2.0-OpenSSH_4.3\u001b[1m\r\n'), packet(LISTS)])

test('read byte by byte, it is there with the last byte and not before', () => {
  const words = new FirstWords()
  for (const byte of bytes.subarray(0, -1)) words.hear(Buffer.from([byte]))
  expect(words.offer).toBeNull()
  words.hear(bytes.subarray(-1))
  expect(words.offer).toEqual({
    version: 'SSH-2.0-OpenSSH_4.3\\x1b[1m',
    kex: ['diffie-hellman-group1-sha1', 'ext-info-s'],
    serverHostKey: ['ssh-dss'],
    cipher: ['3des-cbc'],
    hmac: ['hmac-md5'],
  })
})

test('what is no SSH, or cut short inside, ends nowhere and breaks nothing', () => {
  expect(readOffer(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'))).toBeNull()
  expect(readOffer(Buffer.from('SSH-2.0-x\r\n\0\0\0\u0004\u0001\u0015aa'))).toBeNull()
  const liar = packet([])
  liar.writeUInt32BE(0xffffffff, 22)
  expect(readOffer(Buffer.concat([Buffer.from('SSH-2.0-x\n'), liar]))?.kex).toEqual([])
  const words = new FirstWords()
  for (let i = 0; i < 100; i++) words.hear(Buffer.alloc(4096, 'x'))
  expect(words.offer).toBeNull()
})

test('every part that has nothing in common, with both lists; extensions are no algorithms', () => {
  const offer = readOffer(bytes)
  if (!offer) throw new Error('not read')
  const said = disagreements(offer, offerTo({ legacySsh: false }, []))
  expect(said).toHaveLength(4)
  expect(said[0]).toMatch(
    /^no common key exchange: it offers diffie-hellman-group1-sha1; ctfix offers curve25519-sha256, /,
  )
  expect(said[3]).toMatch(/^no common MAC: it offers hmac-md5; ctfix offers hmac-sha2-256-etm@openssh.com, /)
  expect(disagreements(offer, offerTo({ legacySsh: true }, []))).toEqual([])
})
