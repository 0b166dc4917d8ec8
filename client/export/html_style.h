// The look of the HTML report: colours for light and dark, and the classes that its SVG uses. Text, no code.
#ifndef HFTMON_CLIENT_EXPORT_HTML_STYLE_H_
#define HFTMON_CLIENT_EXPORT_HTML_STYLE_H_

namespace hftmon {

// Of a class: s-* states, b* parts of a budget, h* heat, on-h* text on heat, t text of SVG (m muted, e at its end, c centred).
inline constexpr char kHtmlStyle[] = R"css(
:root { --paper: #ffffff; --card: #f7f8fa; --ink: #1b1f27; --muted: #5a6372; --line: #d8dde6; --warn: #8a4b00; --warn-paper: #fff4e0;
  --running: #4f9d69; --waiting: #e08a1e; --blocked: #b7bfcc; --interrupted: #cf3f34; --unknown: #8b74d6; --kernel: #3d7fc4;
  --h0: #eef0f4; --h1: #fdebc3; --h2: #fbd08a; --h3: #f7ad57; --h4: #ea7f35; --h5: #cf4f22; --h6: #962015;
  --on-low: #1b1f27; --on-high: #ffffff;
  --b0: #3d7fc4; --b1: #e08a1e; --b2: #4f9d69; --b3: #cf3f34; --b4: #2ba3a8; --b5: #b5679d; --b6: #8f8350; --b7: #6b7789; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171d; --card: #1c2028; --ink: #e6e9ef; --muted: #9aa4b4; --line: #343b48; --warn: #ffcf8a; --warn-paper: #33270f;
    --running: #4c9a68; --waiting: #e5973a; --blocked: #59626f; --interrupted: #e05a50; --unknown: #9c86e6; --kernel: #5597da;
    --h0: #232832; --h1: #45351b; --h2: #6a4a18; --h3: #946319; --h4: #c0801f; --h5: #e5a437; --h6: #ffd98c;
    --on-low: #e6e9ef; --on-high: #14171d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1120px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 0 0 8px; } h3 { font-size: 15px; margin: 18px 0 6px; }
p { margin: 4px 0 10px; } .muted { color: var(--muted); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px; margin: 16px 0; }
section.notes { background: var(--warn-paper); color: var(--warn); border-color: var(--warn); } .notes ul { margin: 0; padding-left: 20px; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; margin: 14px 0; }
.tile { flex: 1 1 130px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
.tile b { display: block; font-size: 21px; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: left; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--muted); font-weight: 600; white-space: nowrap; } td.n, th.n { text-align: right; white-space: nowrap; }
td { overflow-wrap: anywhere; } td.k { white-space: nowrap; }
svg { display: block; width: 100%; height: auto; }
.key { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; color: var(--muted); margin: 0 0 6px; }
.key span::before { content: ""; display: inline-block; width: 12px; height: 12px; margin-right: 6px; vertical-align: -1px; background: var(--c); }
.t { font-size: 12.5px; fill: var(--ink); } .tm { fill: var(--muted); } .te { text-anchor: end; } .tc { text-anchor: middle; }
.strong { font-weight: 700; } .axis { stroke: var(--muted); stroke-width: 1; } .box { stroke: var(--line); }
.mark { fill: none; stroke: var(--ink); stroke-width: 1.2; stroke-dasharray: 4 3; }
.s-running { fill: var(--running); } .s-waiting { fill: var(--waiting); } .s-blocked { fill: var(--blocked); }
.s-interrupted { fill: var(--interrupted); } .s-unknown { fill: var(--unknown); } .s-kernel { fill: var(--kernel); }
.b0 { fill: var(--b0); } .b1 { fill: var(--b1); } .b2 { fill: var(--b2); } .b3 { fill: var(--b3); }
.b4 { fill: var(--b4); } .b5 { fill: var(--b5); } .b6 { fill: var(--b6); } .b7 { fill: var(--b7); }
.h0 { fill: var(--h0); } .h1 { fill: var(--h1); } .h2 { fill: var(--h2); } .h3 { fill: var(--h3); }
.h4 { fill: var(--h4); } .h5 { fill: var(--h5); } .h6 { fill: var(--h6); }
.on-h0, .on-h1, .on-h2, .on-h3 { fill: var(--on-low); } .on-h4, .on-h5, .on-h6 { fill: var(--on-high); }
@media print { section { break-inside: avoid; } }
)css";

}  // namespace hftmon

#endif  // HFTMON_CLIENT_EXPORT_HTML_STYLE_H_
