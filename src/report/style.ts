/** How the page looks: on a wide screen, on a phone, in the dark, and on paper. Nothing is said by colour alone. */
import { html } from './html.ts'

interface Colours {
  readonly back: string
  readonly card: string
  readonly line: string
  readonly text: string
  readonly soft: string
  readonly good: string
  readonly warn: string
  readonly bad: string
  readonly mark: string
}

/** Each text stands out from both grounds by at least 4.5 to 1; a test computes it. */
export const LIGHT: Colours = {
  ...{ back: '#ffffff', card: '#f5f7f9', line: '#c9d1d9', text: '#1b2128', soft: '#4f5a66' },
  ...{ good: '#116329', warn: '#7a4b00', bad: '#a8071a', mark: '#0a56a8' },
}

export const DARK: Colours = {
  ...{ back: '#0f141a', card: '#182029', line: '#3a4652', text: '#e6ebf0', soft: '#a5b1bd' },
  ...{ good: '#5fd07a', warn: '#e8b64c', bad: '#ff8f8a', mark: '#7ab8ff' },
}

function variables(colours: Colours): string {
  return Object.entries(colours)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';')
}

const SHEET = html`
*{box-sizing:border-box}
html{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;background:var(--back);color:var(--text)}
body{max-width:80rem;margin:0 auto;padding:1.5rem 1.25rem 3rem}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 .75rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.25rem 0 .6rem;padding-bottom:.25rem;border-bottom:2px solid var(--line)}
h3{font-size:1rem;margin:0;font-weight:600}
.card .error{margin:.5rem 0 .2rem}
p{margin:.4rem 0}
a{color:var(--mark)}
code,pre{font:.86em/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.range{overflow-wrap:anywhere;font-weight:600}
small,.note,.count,.key,caption,footer{color:var(--soft)}
small,.count,.key{font-size:.85rem;font-weight:400}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.good{--tone:var(--good)}.warn{--tone:var(--warn)}.bad{--tone:var(--bad)}.calm{--tone:var(--soft)}
.mark{color:var(--tone);font-weight:700;white-space:nowrap}
.mark i,.verdict i{font-style:normal;display:inline-block;min-width:1em;text-align:center}
b.warn{color:var(--warn)}
.verdict{font-size:1.2rem;font-weight:700;color:var(--tone);background:var(--card);border:1px solid var(--line);border-left:.5rem solid var(--tone);border-radius:.3rem;padding:.7rem 1rem;margin:0 0 1rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.5rem 1.5rem;margin:0}
.facts dt{color:var(--soft);font-size:.85rem}
.facts dd{margin:0;overflow-wrap:anywhere}
.facts dd code{white-space:nowrap}
nav{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;margin-top:1.1rem}
.tiles{list-style:none;padding:0;margin:0 0 1rem;display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:.6rem}
.tiles li{border:1px solid var(--line);border-left:.35rem solid var(--tone);border-radius:.3rem;padding:.5rem .8rem;background:var(--card)}
.tiles b{font-size:1.6rem;line-height:1.2;margin-right:.35rem}
.tiles small{display:block}
.figures{display:flex;flex-wrap:wrap;gap:1.25rem 2.5rem;align-items:flex-start}
.figures table{flex:1 1 24rem}
.figures .fleet{flex-basis:100%}
.figures .pairs{max-width:46rem}
.fleet td{overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:.2rem 0 .4rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .7rem .35rem 0;border-bottom:1px solid var(--line)}
thead th{font-size:.82rem;font-weight:600;color:var(--soft);vertical-align:bottom}
tbody th{font-weight:600}
.n{text-align:right;white-space:nowrap}
.bar{width:30%;min-width:5rem;padding-right:0}
.bars,.stretch{display:block;width:100%;height:15px;background:var(--card);overflow:visible}
.stretch{height:10px;margin-top:.45rem}
.bars rect{height:6px}
.bars .b{fill:none;stroke:var(--text);stroke-width:1.2px;y:.5px}
.bars .a{y:9px}
.a{fill:var(--mark);height:10px}
.limit{stroke:var(--bad);stroke-width:1.5px;stroke-dasharray:2 2}
.key{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center}
.key svg{width:6rem;flex:none}
.hosts .bars{width:8.5rem;max-width:100%;margin:.25rem 0 .2rem}
.hosts>tbody>tr>th{overflow-wrap:anywhere;min-width:7rem}
.hosts td:not(:last-child),.hosts thead th{white-space:nowrap}
.hosts small a{margin-right:.5rem}
.hosts td:not(:nth-child(3))>b{display:block}
.hosts td small{display:block}
.hosts .states>td{padding:0 0 .35rem;white-space:normal}
.timeline tbody th{font-weight:400}
.hosts tr:has(+.states) :is(td,th){border-bottom:0}
.pairs td,.pairs th{padding-top:.2rem;padding-bottom:.2rem}
.pairs :is(th:first-child,td){white-space:nowrap}
.pairs :is(td,th):is(:nth-child(2),:nth-child(3)){text-align:right;width:6rem}
.pairs :is(td,th):last-child{width:40%;padding-right:0;vertical-align:middle}
.states .pairs{max-width:44rem;margin:.4rem 0 .6rem}
.outside>tbody>tr>th{overflow-wrap:anywhere}
.outside :is(td,th):last-child{width:18%;padding-right:0}
.card{border:1px solid var(--line);border-radius:.3rem;padding:.6rem .9rem;margin:.6rem 0;background:var(--card)}
summary{cursor:pointer;overflow-wrap:anywhere}
.states summary,.card details summary{color:var(--soft);font-size:.88rem}
:is(a,summary,pre):focus-visible{outline:3px solid var(--mark);outline-offset:2px}
:target{outline:3px solid var(--mark)}
pre{background:var(--back);border:1px solid var(--line);border-radius:.3rem;padding:.6rem .8rem;margin:.5rem 0;overflow-x:auto;tab-size:4}
ins,del{text-decoration:none}
ins{color:var(--good)}del{color:var(--bad)}.diff i{color:var(--soft)}
.error{color:var(--bad);font-weight:600;overflow-wrap:anywhere}
.checks,.notes,.back,.rules{padding:0;margin:.4rem 0;list-style:none;overflow-wrap:anywhere}
.checks li,.notes li,.back li{padding:.18rem 0}
.back{font:.86em/1.5 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.checks .mark{display:inline-block;min-width:6rem}
.more>summary{padding:.7rem 0;font-weight:600}
footer{margin-top:2.5rem;border-top:1px solid var(--line);font-size:.85rem;overflow-wrap:anywhere}
@media screen and (max-width:48rem){
body{padding:1rem .8rem 2rem}
.facts{grid-template-columns:repeat(auto-fit,minmax(10rem,1fr))}
.tiles{grid-template-columns:repeat(auto-fill,minmax(10rem,1fr))}
:is(.hosts,.timeline)>caption{display:block}
.hosts thead,.timeline thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.hosts,.hosts>tbody,.timeline,.timeline tbody{display:block}
.hosts>tbody>tr,.timeline tr{display:block;padding:.5rem 0;border-bottom:1px solid var(--line)}
.hosts>tbody>tr:has(+.states){padding-bottom:0;border-bottom:0}
.hosts>tbody>tr>*,.timeline tr>*{display:block;border:0;padding:.1rem 0;text-align:left}
.hosts td[data-l],.timeline td[data-l]{display:grid;grid-template-columns:8rem 1fr;white-space:normal}
.hosts td[data-l]::before,.timeline td[data-l]::before{content:attr(data-l);color:var(--soft);grid-row:1/9}
.hosts td[data-l]>*,.timeline td[data-l]>*{grid-column:2;justify-self:start}
.hosts td:not(:last-child){white-space:normal}
.timeline td[data-l]:empty{display:none}
.timeline .bar{width:100%}
.hosts tbody th{font-size:1.05rem}
.pairs :is(td,th):is(:nth-child(2),:nth-child(3)){width:auto}
.pairs th:first-child{white-space:normal;overflow-wrap:anywhere}
.pairs :is(td,th):last-child{width:22%}
.outside td{overflow-wrap:anywhere}
.outside,.pairs{font-size:.85rem}
}
@media print{
@page{margin:14mm}
html{font-size:10.5px}
body{max-width:none;padding:0}
nav,.states summary{display:none}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}
details::details-content{display:block;content-visibility:visible;block-size:auto;opacity:1}
.card,tr,.tiles li{break-inside:avoid}
h2,h3,caption,summary{break-after:avoid}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
th,td{padding:.2rem .5rem .2rem 0}
.states .pairs{margin:0}
.states .pairs :is(td,th){padding:0 .4rem 0 0;border:0}
thead{display:table-header-group}
}
`

/** All of it; paper is light whatever the screen is. */
export const STYLE = html`:root{color-scheme:light dark;${variables(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${variables(DARK)}}}
@media print{:root{color-scheme:light;${variables(LIGHT)}}}
${SHEET}`
