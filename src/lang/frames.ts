/**
 * How a script's output travels: sections behind header lines that carry a nonce of the run, and a closing line.
 * A host can print what it likes between them; without the nonce it is only content, and without the end it is cut off.
 *
 *   @@<nonce> name
 *   …raw lines…
 *   @@<nonce> end
 */

/** Why an output is not what the script prints. */
export class FrameError extends Error {
  override readonly name = 'FrameError' as const
}

/** Sections by name, in order; a name may come once only. Text before the first header (a motd) is dropped. */
export function parseFrames(output: string, nonce: string): ReadonlyMap<string, string> {
  const header = `@@${nonce} `
  const sections = new Map<string, string>()
  const chunks = `\n${output}`.split(`\n${header}`).slice(1)
  const last = chunks.pop()
  if (last === undefined) throw new FrameError('no framed output at all')
  if (last.split('\n', 1)[0] !== 'end') throw new FrameError('the output is cut off: its last line is missing')
  for (const chunk of chunks) {
    const cut = chunk.indexOf('\n')
    const name = cut === -1 ? chunk : chunk.slice(0, cut)
    if (sections.has(name)) throw new FrameError(`section ${name} came twice`)
    sections.set(name, cut === -1 ? '' : chunk.slice(cut + 1))
  }
  return sections
}
