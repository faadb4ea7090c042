"""How the page of a report looks: light and dark, nothing from elsewhere."""

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --card: #fff; --line: #e3e6ea; --text: #1c2127; --soft: #646d78;
  --complete: #2f9e6e; --some: #e2b23c; --much: #e0703c; --nothing: #b3263a;
  --open: #5f9fce; --counted: #8a94c9; --quiet: #dfe5e9; --uncounted: transparent;
  --bar: #2f9e6e;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #111418; --card: #1a1f25; --line: #2c333b; --text: #e4e8ed; --soft: #97a1ad;
    --complete: #2c8f66; --some: #c99a2e; --much: #cc6434; --nothing: #c43a4c;
    --open: #437fae; --counted: #5f69a3; --quiet: #2a3138; --bar: #2c8f66;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); }
main { max-width: 80rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .7rem; }
h3 { font-size: .95rem; margin: 1.2rem 0 .4rem; color: var(--soft); font-weight: 600; }
p { margin: .3rem 0; }
.soft { color: var(--soft); }
.head { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: baseline; }
.badge { padding: .15rem .7rem; border-radius: 1rem; color: #fff; font-size: .85rem;
  font-weight: 600; }
.badge.good { background: var(--complete); }
.badge.bad { background: var(--nothing); }
.badge.none { background: #646d78; }
.tiles { display: grid; gap: .8rem; margin: 1.4rem 0;
  grid-template-columns: repeat(auto-fit, minmax(max(9rem, 22%), 1fr)); }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.tile { padding: .8rem 1rem; }
.tile b { display: block; font-size: 1.35rem; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .85rem; }
.tile.bad b { color: var(--nothing); }
.card { padding: .8rem 1rem; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
tr:last-child td { border-bottom: 0; }
th { color: var(--soft); font-weight: 600; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.why { white-space: normal; min-width: 18rem; }
td small { display: block; color: var(--soft); }
td.bad { color: var(--nothing); font-weight: 600; }
.map { border-collapse: separate; border-spacing: 2px; table-layout: fixed; min-width: 58rem; }
.map col.symbol { width: 11rem; }
.map col.type { width: 17rem; }
.map col.share { width: 6.5rem; }
.map th, .map td { border: 0; padding: 0; }
.map th { font-weight: 400; font-size: .75rem; }
.map td.name { padding-right: .8rem; overflow: hidden; text-overflow: ellipsis; }
.map td.share { padding-left: .8rem; text-align: right; font-variant-numeric: tabular-nums; }
.map .c { height: 1.25rem; border-radius: 3px; }
.complete { background: var(--complete); }
.some { background: var(--some); }
.much { background: repeating-linear-gradient(135deg, var(--much) 0 5px, #0003 5px 7px),
  var(--much); }
.nothing { background: repeating-linear-gradient(45deg, var(--nothing) 0 3px, #0004 3px 6px),
  var(--nothing); }
.open { background: repeating-linear-gradient(90deg, var(--open) 0 3px, #fff5 3px 5px),
  var(--open); }
.counted { background: var(--counted); }
.quiet { background: var(--quiet); }
.uncounted { background: var(--uncounted); box-shadow: inset 0 0 0 1px var(--line); }
.key { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: .8rem 0 0; font-size: .85rem; }
.key i { display: inline-block; width: .95em; height: .95em; margin-right: .4em; border-radius: 3px;
  vertical-align: -.1em; }
.pill { padding: .05rem .55rem; border-radius: 1rem; font-size: .8rem; color: #fff; }
.pill.open { background: var(--open); }
.pill.filling { background: var(--counted); }
.pill.filled { background: var(--complete); }
.pill.unfillable { background: var(--nothing); }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
svg .bar { fill: var(--bar); }
svg .lost { fill: var(--nothing); }
svg .axis { stroke: var(--line); }
@media print { body { background: #fff; } main { max-width: none; } }
"""
