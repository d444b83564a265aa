/** docs/report-*.png: a made-up run as a browser shows it. Needs Debian's chromium; run it when the page changes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { reportPage } from '../src/report/page.ts'
import { accountOf } from '../src/run/account.ts'
import { readRun } from '../src/run/recorded.ts'
import { startBrowser } from '../test/support/browser.ts'
import { badly, changed, measured } from '../test/support/fates.ts'
import { RUN, recordRun } from '../test/support/recorded-run.ts'

const PICTURES = [
  { name: 'wide', width: 1280, height: 1180, scheme: 'light', from: '' },
  { name: 'narrow', width: 400, height: 1500, scheme: 'dark', from: 'fleet' },
]

const directory = mkdtempSync(join(tmpdir(), 'ctfix-report-'))
const fates = badly().filter(({ status }) => ['rolled-back', 'unreachable', 'ok'].includes(status))
recordRun(directory, [changed(1, 1), changed(2, 20), fates])
const account = accountOf(readRun(directory, RUN))
const hosts = account.hosts.map((host, i) => ({ ...host, probes: host.state === 'changed' ? measured(i % 3) : [] }))
const page = join(directory, 'run.html')
writeFileSync(page, reportPage({ ...account, hosts }, { version: '0.1.0', meaning: 'a host was rolled back cleanly' }))

await using browser = await startBrowser()
for (const { name, width, height, scheme, from } of PICTURES) {
  await browser.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false })
  const features = [{ name: 'prefers-color-scheme', value: scheme }]
  await browser.send('Emulation.setEmulatedMedia', { media: '', features })
  await browser.open(`${pathToFileURL(page).href}?${name}`)
  const y =
    from === '' ? 0 : Number(await browser.ask(`document.getElementById('${from}').getBoundingClientRect().top`))
  const clip = { x: 0, y, width, height, scale: 1 }
  const { data } = await browser.send('Page.captureScreenshot', { clip, captureBeyondViewport: true })
  writeFileSync(join('docs', `report-${name}.png`), Buffer.from(String(data), 'base64'))
}
rmSync(directory, { recursive: true })
