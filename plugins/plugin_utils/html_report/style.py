# Copyright (c) 2026, The kubemysql.replication authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page's style sheet: light, dark, narrow and printed."""

from __future__ import annotations

__all__ = ["STYLE"]

STYLE = """
:root {
  --page: #f3f4f6; --card: #ffffff; --text: #16191d; --faint: #566070; --line: #d5dae1;
  --good: #14713a; --warn: #8a5300; --bad: #b3161b; --calm: #4a5565; --info: #1c5fb0;
  --good-tint: #e6f4ea; --warn-tint: #fdf1dc; --bad-tint: #fde8e8; --calm-tint: #eceff3; --on: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101317; --card: #1a1f25; --text: #e7eaee; --faint: #9da8b6; --line: #343c46;
    --good: #5bd287; --warn: #f2b450; --bad: #ff8480; --calm: #a9b4c2; --info: #7fb4f5;
    --good-tint: #14291c; --warn-tint: #2d2312; --bad-tint: #351a1c; --calm-tint: #232a32; --on: #101317;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 16px; max-width: 1280px; background: var(--page); color: var(--text);
  font: 16px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
h1, h2, h3, p, ul, dl, dd { margin: 0; }
h2 { font-size: 1.15rem; margin-bottom: 10px; }
code, svg .name { font-family: ui-monospace, "DejaVu Sans Mono", monospace; }

.healthy, .ok { --tone: var(--good); --tint: var(--good-tint); }
.degraded, .warning { --tone: var(--warn); --tint: var(--warn-tint); }
.failed, .lost, .critical, .trouble, .unreachable { --tone: var(--bad); --tint: var(--bad-tint); }
.unknown { --tone: var(--info); --tint: var(--calm-tint); }
.incomplete { --tone: var(--info); --tint: var(--calm-tint); }
.offline, .ignored { --tone: var(--calm); --tint: var(--calm-tint); }

.banner, section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 16px 20px; }
.banner { border-left: 10px solid var(--tone); background: var(--tint); margin-bottom: 16px; }
.banner h1 { display: flex; align-items: center; gap: 12px; font-size: 2.2rem; line-height: 1.3; color: var(--tone); }
.banner .symbol { display: inline-grid; place-items: center; width: 2.6rem; height: 2.6rem; border-radius: 50%;
  background: var(--tone); color: var(--on); font-size: 1.6rem; line-height: 1; }
.banner dl { display: flex; flex-wrap: wrap; gap: 8px 28px; margin-top: 12px; }
dt { font-size: .8rem; color: var(--faint); }
dd { font-weight: 600; }
dd .small { font-weight: 400; }

main { display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr) minmax(300px, 430px); }
.instances { grid-column: 1 / -1; }
.finding { border: 1px solid var(--line); border-left: 6px solid var(--tone); border-radius: 8px; padding: 10px 14px;
  break-inside: avoid; }
.finding + .finding { margin-top: 12px; }
.finding h3 { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; font-size: 1.05rem; }
.finding ul { margin: 8px 0; padding: 0; list-style: none; }
.finding li { padding: 3px 0; }
.badge { display: inline-block; padding: 1px 9px; border-radius: 999px; background: var(--tone); color: var(--on);
  font-size: .8rem; font-weight: 700; white-space: nowrap; }
.remedy { padding: 8px 12px; border-radius: 6px; background: var(--tint); }
.since, .small { display: block; font-size: .85rem; color: var(--faint); }
.finding.ignored { opacity: .85; }
.nothing { color: var(--faint); }

svg { display: block; width: 100%; height: auto; margin-bottom: 8px; }
svg path { fill: none; stroke: var(--tone); stroke-width: 3; }
svg path.head { fill: var(--tone); stroke: none; }
svg path.trunk { stroke: var(--faint); stroke-width: 1.5; }
svg .runs { --tone: var(--good); }
svg .broken { --tone: var(--bad); }
svg .broken path:not(.trunk) { stroke-dasharray: 4 3; }
svg rect { fill: var(--tint); stroke: var(--tone); stroke-width: 1.5; }
svg circle { fill: var(--tone); }
svg .symbol { fill: var(--on); font-size: 17px; font-weight: 700; text-anchor: middle; }
svg .name { fill: var(--text); font-size: 14px; font-weight: 700; }
svg .caption { fill: var(--text); font-size: 13px; }

table { width: 100%; border-collapse: collapse; font-size: .92rem; }
th { text-align: left; font-size: .8rem; color: var(--faint); font-weight: 600; }
th, td { padding: 8px 10px; vertical-align: top; border-bottom: 1px solid var(--line); min-width: 7em; }
td:nth-child(3), td:nth-child(5) { min-width: 12em; }
td:nth-child(6) { min-width: 10em; }
tbody tr:last-child td { border-bottom: 0; }
td:first-child { border-left: 4px solid var(--tone); }
.gtids { max-height: 7.5em; overflow: auto; }
.gtids code { display: block; font-size: .8rem; }
.bar { display: block; height: 7px; max-width: 10em; margin-top: 4px; border-radius: 4px; background: var(--line); }
.bar span { display: block; height: 100%; border-radius: 4px; background: var(--faint); }
footer { margin-top: 16px; font-size: .85rem; color: var(--faint); }

@media screen and (max-width: 1000px) {
  body { padding: 10px; }
  .banner, section { padding: 12px 14px; }
  main { grid-template-columns: minmax(0, 1fr); }
  table, tbody, tr, td { display: block; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { border: 1px solid var(--line); border-left: 6px solid var(--tone); border-radius: 8px; padding: 6px 12px; }
  tr + tr { margin-top: 12px; }
  td { border: 0; min-width: 0 !important; padding: 4px 0; display: grid; grid-template-columns: 8.5em minmax(0, 1fr); }
  td:first-child { display: block; border: 0; padding-bottom: 8px; font-size: 1rem; }
  td:first-child::before { display: none; }
  td::before { content: attr(data-label); color: var(--faint); font-size: .85rem; }
}
@page { size: landscape; margin: 12mm; }
@media print {
  :root { --page: #ffffff; }
  html { font-size: 11px; }
  body { padding: 0; max-width: none; font-size: 1rem; }
  * { print-color-adjust: exact; }
  main { grid-template-columns: minmax(0, 1fr) 300px; }
  .gtids { max-height: none; }
  tr { break-inside: avoid; }
}
"""
