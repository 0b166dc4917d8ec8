#include "client/export/svg_heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "client/export/html_text.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int kColumns = 80;
constexpr double kLeft = 90;
constexpr double kTop = 10;
constexpr double kCellWidth = 11.5;
constexpr double kCellHeight = 20;
constexpr double kWidth = kLeft + kColumns * kCellWidth + 30;

// Row 0 begins at 1 us; each half a decade: 1, 3.2, 10, 32 …
constexpr int kRowsMax = 15;
int RowOf(int64_t duration_ns) {
  const double rows = 2 * std::log10(static_cast<double>(std::max<int64_t>(duration_ns, 1)) / 1'000);
  return std::clamp(static_cast<int>(std::floor(rows + 1e-9)), 0, kRowsMax - 1);
}

std::string RowLabel(int row) {
  static const char* const kHalves[] = {"1", "3", "10", "30", "100", "300"};
  static const char* const kUnits[] = {"us", "ms", "s"};
  return std::string(kHalves[row % 6]) + kUnits[std::min(row / 6, 2)];
}

int ColumnOf(const Recording& recording, int64_t time_ns) {
  const double share =
      static_cast<double>(time_ns - recording.begin_ns) / static_cast<double>(std::max<int64_t>(1, recording.duration_ns()));
  return std::clamp(static_cast<int>(share * kColumns), 0, kColumns - 1);
}

std::string Axis(const Recording& recording, double y) {
  std::string svg;
  for (int tick = 0; tick <= 4; ++tick) {
    const double x = kLeft + kColumns * kCellWidth * tick / 4;
    svg += fmt::format("<line x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\" class=\"axis\"/>\n", x, y, y + 5);
    const char* anchor = tick == 0 ? "t tm" : tick == 4 ? "t tm te" : "t tm tc";
    svg += SvgText(x, y + 19, anchor, tick == 0 ? "0" : "+" + FormatDuration(recording.duration_ns() / 4 * tick));
  }
  return svg;
}

std::string Legend(double y, int64_t largest) {
  std::string svg = SvgText(kLeft, y + 11, "t tm", "spikes in a cell:");
  double x = kLeft + 110;
  std::string last;
  for (int level = 1; level <= 6; ++level) {
    const auto count = static_cast<int64_t>(std::ceil(static_cast<double>(largest) / std::pow(4.0, 7 - level) + 1e-9));
    // Of small numbers several colours are not used.
    if (HeatClass(static_cast<double>(count), static_cast<double>(largest)) != fmt::format("h{}", level)) continue;
    svg += SvgRect(x, y, 18, 13, fmt::format("h{}", level));
    svg += SvgText(x + 23, y + 11, "t tm", fmt::format("{}{}", count, level == 6 && count == largest ? "" : "+"));
    x += 75;
  }
  return svg;
}

}  // namespace

std::string SvgHeatMap(const Recording& recording) {
  if (recording.spikes.empty()) return "";
  int lowest = kRowsMax;
  int highest = 0;
  std::vector<std::vector<int64_t>> cells(kRowsMax, std::vector<int64_t>(kColumns));
  for (const RecordedSpike& spike : recording.spikes) {
    const int row = RowOf(spike.duration_ns);
    lowest = std::min(lowest, row);
    highest = std::max(highest, row);
    ++cells[static_cast<size_t>(row)][static_cast<size_t>(ColumnOf(recording, spike.start_ns))];
  }
  int64_t largest = 0;
  for (const auto& row : cells) largest = std::max(largest, *std::max_element(row.begin(), row.end()));
  const int rows = highest - lowest + 1;
  const double bottom = kTop + rows * kCellHeight;
  std::string svg = fmt::format("<svg id=\"heat-map-svg\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\" aria-label=\"latency heat map\">\n",
                                kWidth, bottom + 52);
  for (int row = lowest; row <= highest; ++row) {
    const double y = bottom - (row - lowest + 1) * kCellHeight;
    svg += SvgText(kLeft - 8, y + kCellHeight - 5, "t tm te", (row == kRowsMax - 1 ? "over " : "from ") + RowLabel(row));
    for (int column = 0; column < kColumns; ++column) {
      const int64_t count = cells[static_cast<size_t>(row)][static_cast<size_t>(column)];
      const std::string title =
          count == 0 ? ""
                     : fmt::format("{} from {}, at +{}", count, RowLabel(row), FormatDuration(recording.duration_ns() / kColumns * column));
      svg += SvgRect(kLeft + column * kCellWidth, y, kCellWidth - 1, kCellHeight - 1,
                     HeatClass(static_cast<double>(count), static_cast<double>(largest)), title);
    }
  }
  return svg + Axis(recording, bottom) + Legend(bottom + 34, largest) + "</svg>\n";
}

}  // namespace hftmon
