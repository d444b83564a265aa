import fc from 'fast-check'
import { expect, it } from 'vitest'
import { html } from '../../../src/report/html.ts'
import { everyElement, parsePage, textIn } from '../../support/markup.ts'

it('what is put into it is text, in an element and in an attribute; lists follow one another, nothing is nothing', () => {
  const rows = ['<a>', '"b"'].map(text => html`<li title="${text}">${text}</li>`)
  expect(html`<ul>${rows}${null}${false}${0}</ul>`.text).toBe(
    '<ul><li title="&lt;a&gt;">&lt;a&gt;</li><li title="&quot;b&quot;">&quot;b&quot;</li>0</ul>',
  )
})

it('whatever a text is, the page around it stays as it was', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      const page = parsePage(
        html`<!DOCTYPE html>
<html><body title="${text}"><p>${[text, html`<b>${text}</b>`]}</p></body></html>`.text,
      )
      expect(everyElement(page).map(({ name }) => name)).toEqual(['html', 'body', 'p', 'b'])
      const [, body, , bold] = everyElement(page)
      expect(body?.attributes.title).toBe(bold?.children.join(''))
    }),
  )
})

it('and the reader that says so finds what is wrong', () => {
  const within = (text: string): string => `<!DOCTYPE html>\n<html><body>${text}</body></html>`
  for (const wrong of ['<p>', '</p>', '<b><i></b></i>', '<p a=b></p>', 'a & b', '&nbsp;', '<p a="1" a="2"></p>', '<']) {
    expect(() => parsePage(within(wrong)), wrong).toThrow()
  }
  expect(textIn(parsePage(within('<p a="1">a &amp; b<br/></p>')))).toBe('a & b')
})
