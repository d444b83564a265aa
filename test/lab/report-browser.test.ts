/** The page of a run in a real browser: two widths, light and dark, and paper. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect } from 'vitest'
import { reportPage } from '../../src/report/page.ts'
import { accountOf } from '../../src/run/account.ts'
import { readRun } from '../../src/run/recorded.ts'
import { type Browser, startBrowser } from '../support/browser.ts'
import { badly, changed, measured, skipped } from '../support/fates.ts'
import { RUN, recordRun } from '../support/recorded-run.ts'
import { labSuite } from './suite.ts'

function pageUrl(): string {
  const state = mkdtempSync(join(tmpdir(), 'ctfix-report-'))
  recordRun(state, [changed(1, 1), changed(2, 30), badly(), skipped(3)], 'too many failed')
  const account = accountOf(readRun(state, RUN))
  const hosts = account.hosts.map((host, i) => ({ ...host, probes: measured(i) }))
  const file = join(state, 'run.html')
  writeFileSync(file, reportPage({ ...account, hosts }, { version: '1.2.3', meaning: 'x' }))
  return pathToFileURL(file).href
}

const WIDTHS = [1280, 400]
const url = pageUrl()

async function at(browser: Browser, width: number, scheme = 'light', media = ''): Promise<void> {
  await browser.send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false })
  const features = [{ name: 'prefers-color-scheme', value: scheme }]
  await browser.send('Emulation.setEmulatedMedia', { media, features })
}

labSuite('the page in a browser', startBrowser, ({ it }) => {
  for (const width of WIDTHS) {
    it(`${width} wide: nothing sticks out, and every text can be read in full`, async browser => {
      await at(browser, width)
      await browser.open(url)
      expect(await browser.ask('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      // What is folded must have room, too.
      await browser.ask('for (const one of document.querySelectorAll("details")) one.open = true')
      expect(await browser.ask('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      const out = await browser.ask(`[...document.querySelectorAll('main *')].filter(one => {
        const { right, width, height } = one.getBoundingClientRect()
        return width > 0 && height > 0 && right > innerWidth + 1 && !one.closest('pre, thead, .hidden')
      }).map(one => one.outerHTML.slice(0, 80))`)
      expect(out).toEqual([])
    })
  }

  it('asks for nothing but itself, and the browser has nothing to complain of', async browser => {
    const before = browser.events.length
    await browser.open(`${url}?again`)
    const since = browser.events.slice(before)
    const requests = since.filter(({ method }) => method === 'Network.requestWillBeSent')
    expect(requests.map(({ params }) => (params.request as { url: string }).url)).toEqual([`${url}?again`])
    expect(
      since.filter(({ method }) => /^(Log\.entryAdded|Runtime\.(exceptionThrown|consoleAPI))/.test(method)),
    ).toEqual([])
    expect(await browser.ask('document.compatMode')).toBe('CSS1Compat')
  })

  it('is dark where that is wanted', async browser => {
    const ground = 'getComputedStyle(document.documentElement).backgroundColor'
    await at(browser, 1280, 'dark')
    await browser.open(url)
    expect(await browser.ask(ground)).toBe('rgb(15, 20, 26)')
    await at(browser, 1280, 'dark', 'print')
    expect(await browser.ask(ground)).toBe('rgb(255, 255, 255)')
  })

  it('on paper has everything open, also what is folded on the screen', async browser => {
    await at(browser, 1280)
    await browser.open(url)
    const seen = `[...document.querySelectorAll('details pre, details .checks, .more tr')].filter(one => one.checkVisibility({ contentVisibilityAuto: true }) && one.getBoundingClientRect().height > 0).length`
    const all = Number(await browser.ask(`document.querySelectorAll('details pre, details .checks, .more tr').length`))
    expect(await browser.ask(seen)).toBeLessThan(all)
    await at(browser, 1280, 'light', 'print')
    // It looks at the folded ones anew when it draws next.
    await expect.poll(() => browser.ask(seen), { timeout: 10_000 }).toBe(all)
    const { data } = await browser.send('Page.printToPDF', { preferCSSPageSize: true })
    const pdf = Buffer.from(String(data), 'base64')
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-')
    expect(pdf.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length).toBeGreaterThan(3)
  })

  it('has a tree for who does not see it: headings, tables with names, nothing of the charts', async browser => {
    await at(browser, 1280)
    await browser.open(url)
    const { nodes } = await browser.send('Accessibility.getFullAXTree')
    const tree = (nodes as { ignored: boolean; role?: { value: string }; name?: { value: string } }[]).filter(
      ({ ignored }) => !ignored,
    )
    const of = (role: string): string[] =>
      tree.filter(node => node.role?.value === role).map(node => node.name?.value ?? '')
    expect(of('heading').slice(0, 3)).toEqual(['ctfix apply: raise, timeouts', 'Recap', 'What needs a look'])
    expect(of('table').length).toBeGreaterThan(5)
    expect(of('table').filter(name => name === '')).toEqual([])
    expect(of('SvgRoot')).toEqual([])
    expect(of('rowheader')).toContain('edge-001.example.net')
  })
})
