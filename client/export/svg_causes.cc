#include "client/export/svg_causes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "client/export/counted_stalls.h"
#include "client/export/html_text.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr size_t kBarsMax = 16;
constexpr double kNames = 330;
constexpr double kBars = 520;
constexpr double kWidth = 1040;
constexpr double kRow = 24;
constexpr size_t kNameCharactersMax = 46;

struct Bar {
  std::string name;
  std::string kind;
  double ns = 0;
};

std::vector<Bar> BarsOf(const Recording& recording, const std::set<std::string>& kinds) {
  std::map<std::string, Bar> bars;
  const auto add = [&bars](const std::string& kind, const std::string& actor, double ns) {
    const std::string name = actor.empty() ? kind : fmt::format("{}: {}", kind, actor);
    Bar& bar = bars[name];
    bar = {name, kind, bar.ns + ns};
  };
  for (const CountedStall& stall : CountedStalls(recording, kinds)) {
    for (const RecordedCause& cause : stall.spike->causes) add(cause.kind, ActorName(cause), stall.Part(cause.duration_ns));
    if (stall.spike->unexplained_ns > 0) add("unexplained", "", stall.Part(stall.spike->unexplained_ns));
  }
  std::vector<Bar> sorted;
  for (auto& [name, bar] : bars) sorted.push_back(std::move(bar));
  std::stable_sort(sorted.begin(), sorted.end(), [](const Bar& a, const Bar& b) { return a.ns > b.ns; });
  if (sorted.size() > kBarsMax) {
    Bar others{.name = fmt::format("{} others", sorted.size() - kBarsMax + 1), .kind = "others"};
    for (size_t i = kBarsMax - 1; i < sorted.size(); ++i) others.ns += sorted[i].ns;
    sorted.resize(kBarsMax - 1);
    sorted.push_back(std::move(others));
  }
  return sorted;
}

std::string ColourOf(const std::string& kind) {
  if (kind == "hard_irq" || kind == "softirq" || kind == "nmi") return "s-interrupted";
  if (kind == "thread" || kind == "runnable" || kind == "waking" || kind == "migrating") return "s-waiting";
  if (kind == "blocked") return "s-blocked";
  if (kind == "unexplained") return "s-unknown";
  if (kind == "running") return "s-running";
  return "s-kernel";
}

}  // namespace

std::string SvgCauses(const Recording& recording, const std::set<std::string>& kinds) {
  const std::vector<Bar> bars = BarsOf(recording, kinds);
  double sum_ns = 0;
  for (const Bar& bar : bars) sum_ns += bar.ns;
  if (sum_ns <= 0) return "";
  const double largest_ns = std::max_element(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) { return a.ns < b.ns; })->ns;
  std::string svg = fmt::format("<svg viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"causes\">\n", kWidth,
                                static_cast<double>(bars.size()) * kRow + 6);
  for (size_t i = 0; i < bars.size(); ++i) {
    const double y = 4 + static_cast<double>(i) * kRow;
    const double length = std::max(1.0, kBars * bars[i].ns / largest_ns);
    svg += SvgText(kNames - 10, y + 15, "t te", Shortened(bars[i].name, kNameCharactersMax));
    svg += SvgRect(kNames, y + 2, length, kRow - 6, ColourOf(bars[i].kind), bars[i].name);
    svg +=
        SvgText(kNames + length + 8, y + 15, "t tm",
                fmt::format("{}  {:.1f} %", FormatDuration(static_cast<int64_t>(std::min(bars[i].ns, 1e18))), 100 * bars[i].ns / sum_ns));
  }
  return svg + "</svg>\n";
}

}  // namespace hftmon
