import { describe, expect, it } from 'vitest'
import { canonicalFlows } from '../../../src/run/flows.ts'

describe('flows in the words of the probe', () => {
  it.each([
    ['', ''],
    [' ; ', ''],
    ['tcp 80', 'tcp 80 - -'],
    ['tcp 80,443,60000:60100 - -; udp 53 - -', 'tcp 80,443,60000-60100 - -;udp 53 - -'],
    ['out *', 'out * - -'],
    ['any * 10.0.0.1 2001:db8::1', 'any * 10.0.0.1 2001:0db8:0000:0000:0000:0000:0000:0001'],
    ['tcp 80 ::ffff:192.0.2.1,fe80::1%eth0', 'tcp 80 192.0.2.1,fe80:0000:0000:0000:0000:0000:0000:0001 -'],
    ['tcp 80 10.0.0.0/8 -', 'tcp 80 v4.010.000.000.000-v4.010.255.255.255 -'],
    [
      'udp 53 - 2001:db8::/32',
      'udp 53 - 2001:0db8:0000:0000:0000:0000:0000:0000-2001:0db8:ffff:ffff:ffff:ffff:ffff:ffff',
    ],
  ])('%j is %j', (text, canonical) => {
    expect(canonicalFlows(text)).toBe(canonical)
    expect(
      canonicalFlows(canonical.replaceAll(/v4\.\S+/g, '10.0.0.0/8').replaceAll(/2001\S+-\S+/g, '2001:db8::/32')),
    ).toBe(canonical)
  })

  it.each(['tcp', 'tcp http', 'tcp 80 web-1', 'tcp 80 10.0.0.0/33', 'tcp 80 - - -', 'out 80', 'TCP 80', 'tcp 80,'])(
    'refuses what nothing could match: %s',
    text => {
      expect(() => canonicalFlows(text)).toThrow(TypeError)
    },
  )
})
