/** The look of the page: light, dark, narrow and on paper. */
import { type Theme, themes } from './palette.ts';

const variables = (theme: Theme): string =>
  ['ink', 'muted', 'grid', 'surface', 'band', 'oracle', 'learned', 'bestHeuristic']
    .map((name) => `--${name}:${theme[name as keyof Theme]}`)
    .join(';');

export const pageStyle = `
:root{color-scheme:light dark;${variables(themes.light)};--ground:#f6f7f9}
@media screen and (prefers-color-scheme:dark){:root{${variables(themes.dark)};--ground:#0f1216}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);line-height:1.55;
font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
main,header,footer{max-width:1200px;margin:0 auto;padding:0 20px}
header{padding-top:40px}
h1{font-size:1.05rem;font-weight:600;color:var(--muted);margin:0 0 .4rem;overflow-wrap:anywhere}
.headline{font-size:clamp(1.25rem,1rem + 1.6vw,1.9rem);line-height:1.3;font-weight:650;margin:0;
max-width:46ch;text-wrap:balance;overflow-wrap:anywhere}
.lead{color:var(--muted);margin:.7rem 0 0;max-width:75ch}
h2{font-size:1.25rem;margin:2.6rem 0 .8rem}
section,figure{margin:0}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin:1.8rem 0 0;padding:0}
.facts div,.card{background:var(--surface);border:1px solid var(--grid);border-radius:10px;padding:14px 16px}
.facts dt{font-size:.82rem;color:var(--muted);overflow-wrap:anywhere}
.facts dd{margin:.15rem 0 0;font-size:1.5rem;font-weight:650;font-variant-numeric:tabular-nums}
.facts dd small{font-size:.8rem;font-weight:400;color:var(--muted);display:block;line-height:1.4}
.scroll{overflow-x:auto;background:var(--surface);border:1px solid var(--grid);border-radius:10px}
.scroll:focus-visible{outline:2px solid var(--bestHeuristic);outline-offset:2px}
table{border-collapse:collapse;width:100%;font-size:.84rem;font-variant-numeric:tabular-nums}
caption{text-align:left;padding:12px 14px;color:var(--muted);font-size:.85rem}
th,td{padding:6px 10px;text-align:right;white-space:nowrap;border-top:1px solid var(--grid)}
thead th{border-top:0;vertical-align:bottom;font-weight:600}
thead small{display:block;font-weight:400;color:var(--muted)}
th:first-child{text-align:left;position:sticky;left:0;background:var(--surface);max-width:22rem;
overflow:hidden;text-overflow:ellipsis}
tbody th{font-weight:500}
tr.marked th,tr.marked td{background:var(--band)}
tr.marked th{font-weight:700}
td small{display:block;color:var(--muted);font-size:.86em;line-height:1.2}
.tag{display:inline-block;padding:0 .5em;border-radius:99px;font-size:.72rem;font-weight:600;
border:1px solid currentColor}
.tag.oracle{color:var(--oracle)}.tag.learned{color:var(--learned)}.tag.best{color:var(--bestHeuristic)}
.charts{display:grid;gap:18px}
figure.card h3{font-size:1.02rem;margin:0;overflow-wrap:anywhere}
figure.card p{margin:.15rem 0 .6rem;font-size:.85rem;color:var(--muted)}
.chart{position:relative;width:100%}
.method{display:grid;grid-template-columns:max-content 1fr;gap:8px 22px;margin:0}
.method dt{font-weight:600}.method dd{margin:0;overflow-wrap:anywhere;max-width:80ch}
.terms{font-size:.9rem}
code{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:.92em}
footer{padding-top:30px;padding-bottom:40px;color:var(--muted);font-size:.85rem}
@media(max-width:640px){header{padding-top:24px}main,header,footer{padding-left:14px;padding-right:14px}
.facts{grid-template-columns:1fr 1fr;gap:10px}.facts dd{font-size:1.2rem}.card,.facts div{padding:12px}
.method{display:block}.method dd{margin:0 0 .7rem}th:first-child{max-width:9.5rem}th,td{padding:7px 9px}}
@media print{:root{--ground:#fff}body{font-size:10pt}main,header,footer{max-width:none;padding:0}
figure,.facts div,tr{break-inside:avoid}h2{break-after:avoid}.scroll{overflow:visible;border:0}
table{font-size:6.6pt}.tag{font-size:5.5pt}th,td{padding:3px 4px}th:first-child{position:static;max-width:none}
.facts{grid-template-columns:repeat(4,1fr)}}
`;
