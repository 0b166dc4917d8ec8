#include "client/top/top_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "client/top/screen_text.h"
#include "common/duration.h"

namespace hftmon {

struct TopColumn {
  const char* title;
  int width;
  bool left;
  int order;  // in which they are given room
  bool of_threads;
  bool of_targets;
  std::string (*cell)(const TopRow&);
};

namespace {

constexpr char kNone[] = "-";
constexpr int kSplitColumns = 20;

std::string Percent(const std::optional<double>& share) {
  return share.has_value() ? fmt::format("{:.1f}", *share * 100) : kNone;
}
std::string Duration(const std::optional<double>& ns) {
  return ns.has_value() ? FormatDuration(std::llround(*ns)) : kNone;
}
std::string Rate(const std::optional<double>& hz) {
  if (!hz.has_value()) return kNone;
  if (*hz >= 1e6) return fmt::format("{:.2f}M", *hz / 1e6);
  if (*hz >= 1e5) return fmt::format("{:.0f}k", *hz / 1e3);
  return fmt::format("{:.{}f}", *hz, *hz < 10 && *hz > 0 ? 1 : 0);
}
std::string Number(int32_t number) {
  return number > 0 ? std::to_string(number) : kNone;
}

// Where its time went, as `threads` draws it; each kind that took any has one column at least where there is room.
std::string Split(const TopRow& row) {
  if (!row.cpu_share.has_value()) return {};
  std::string bar;
  const auto add = [&bar](const std::optional<double>& share, char sign) {
    const int room = kSplitColumns - static_cast<int>(bar.size());
    const int columns =
        std::clamp(static_cast<int>(std::lround(share.value_or(0) * kSplitColumns)), share.value_or(0) > 0.001 ? 1 : 0, kSplitColumns);
    bar += std::string(static_cast<size_t>(std::min(columns, room)), sign);
  };
  add(row.interrupted_share, '!');
  add(row.wait_share, '=');
  add(row.cpu_share, '#');
  add(row.blocked_share, '.');
  return bar;
}

constexpr std::array kColumns = {
    TopColumn{"tid", 7, false, 0, true, false, [](const TopRow& row) { return Number(row.tid); }},
    TopColumn{"pid", 7, false, 0, false, true, [](const TopRow& row) { return Number(row.pid); }},
    TopColumn{"name", 15, true, 0, true, true, [](const TopRow& row) { return row.name.empty() ? std::string(kNone) : row.name; }},
    TopColumn{"pid", 7, false, 6, true, false, [](const TopRow& row) { return Number(row.pid); }},
    TopColumn{"state", 7, true, 6, false, true, [](const TopRow& row) { return row.state; }},
    TopColumn{"threads", 7, false, 5, false, true,
              [](const TopRow& row) { return row.thread_count.has_value() ? std::to_string(*row.thread_count) : std::string(kNone); }},
    TopColumn{"policy", 9, true, 8, true, false, [](const TopRow& row) { return row.state; }},
    TopColumn{"cpu %", 5, false, 3, true, true, [](const TopRow& row) { return Percent(row.cpu_share); }},
    TopColumn{"wait %", 6, false, 5, true, true, [](const TopRow& row) { return Percent(row.wait_share); }},
    TopColumn{"irq %", 5, false, 10, true, true, [](const TopRow& row) { return Percent(row.interrupted_share); }},
    TopColumn{"sw/s", 6, false, 4, true, true, [](const TopRow& row) { return Rate(row.switches_hz); }},
    TopColumn{"inv/s", 6, false, 7, true, true, [](const TopRow& row) { return Rate(row.involuntary_hz); }},
    TopColumn{"p50", 7, false, 9, true, true, [](const TopRow& row) { return Duration(row.p50_ns); }},
    TopColumn{"p99", 7, false, 3, true, true, [](const TopRow& row) { return Duration(row.p99_ns); }},
    TopColumn{"max", 7, false, 2, true, true, [](const TopRow& row) { return Duration(row.max_ns); }},
    TopColumn{"spikes", 6, false, 1, true, true,
              [](const TopRow& row) { return fmt::format("{}{}", row.spike_count, row.spikes_at_least ? "+" : ""); }},
    TopColumn{"time", kSplitColumns, true, 11, true, false, [](const TopRow& row) { return Split(row); }},
};

std::string Aligned(const TopColumn& column, const std::string& cell) {
  return column.left ? LeftAligned(cell, column.width) : RightAligned(cell, column.width);
}

std::string ActorText(const v1::Cause& cause) {
  if (!cause.has_actor()) return cause.kind();
  const v1::Actor& actor = cause.actor();
  const std::string& name = actor.name().empty() ? actor.comm() : actor.name();
  return actor.tid() > 0 ? fmt::format("{}[{}]", name, actor.tid()) : name;
}

// How many columns of the thread's name and tid there is room for.
int ThreadColumns(int width) {
  return width >= 76 ? 23 : width >= 56 ? 16 : 0;
}
int TimeColumns(int width) {
  return width >= 76 ? 15 : 8;
}
int KindColumns(int width) {
  return width >= 66 ? 11 : width >= 40 ? 9 : 0;
}

}  // namespace

TopTable::TopTable(bool threads, int width, bool utf8) : utf8_(utf8) {
  std::vector<const TopColumn*> by_order;
  for (const TopColumn& column : kColumns) {
    if (threads ? column.of_threads : column.of_targets) by_order.push_back(&column);
  }
  std::stable_sort(by_order.begin(), by_order.end(), [](const TopColumn* a, const TopColumn* b) { return a->order < b->order; });
  int used = 0;
  for (const TopColumn* column : by_order) {
    if (used + column->width + 1 > width) break;
    used += column->width + 1;
    columns_.push_back(column);
  }
  std::sort(columns_.begin(), columns_.end());  // all are of one array
}

std::string TopTable::Titles() const {
  std::string line;
  for (const TopColumn* column : columns_) line += (line.empty() ? "" : " ") + Aligned(*column, column->title);
  return line;
}

std::string TopTable::Line(const TopRow& row) const {
  std::string line;
  for (const TopColumn* column : columns_) line += (line.empty() ? "" : " ") + Aligned(*column, OneColumnEach(column->cell(row), utf8_));
  return line;
}

std::string LargestCause(const v1::Spike& spike) {
  const auto percent = [](double share) { return fmt::format("{:.0f} %", share * 100); };
  const double unexplained = static_cast<double>(spike.unexplained_ns()) / static_cast<double>(std::max<int64_t>(spike.duration_ns(), 1));
  if (spike.causes().empty() || spike.causes(0).share() < unexplained) return percent(unexplained) + " unexplained";
  return percent(spike.causes(0).share()) + " " + ActorText(spike.causes(0));
}

TopLine SpikeLine(const v1::Spike& spike, const std::string& time_of_day, int width, bool utf8) {
  // Of a time of day in little room the seconds are left, not a sign that something is missing.
  const std::string began = OneColumnEach(time_of_day.substr(0, static_cast<size_t>(TimeColumns(width))), utf8);
  const char* mark = spike.inconclusive() ? "?" : spike.in_progress() ? "+" : " ";
  TopLine line = {{LeftAligned(began, TimeColumns(width)) + " ", TopStyle::kPlain},
                  {RightAligned(FormatDuration(spike.duration_ns()), 7) + mark + " ", TopStyle::kStrong}};
  if (KindColumns(width) > 0) {
    line.push_back({LeftAligned(OneColumnEach(spike.kind(), utf8), KindColumns(width)) + " ", TopStyle::kKind});
  }
  if (const int columns = ThreadColumns(width); columns > 0) {
    const std::string tid = fmt::format("[{}]", spike.thread().tid());
    const std::string name = Clipped(OneColumnEach(spike.thread().comm(), utf8), columns - ColumnsOf(tid));
    line.push_back({LeftAligned(name + tid, columns) + " ", TopStyle::kPlain});
  }
  int used = 0;
  for (const TopSpan& span : line) used += ColumnsOf(span.text);
  line.push_back({Clipped(OneColumnEach(LargestCause(spike), utf8), width - used), TopStyle::kPlain});
  return line;
}

std::string SpikeTitles(int width) {
  std::string line = LeftAligned("began", TimeColumns(width)) + " " + RightAligned("took", 7) + "  ";
  if (KindColumns(width) > 0) line += LeftAligned("kind", KindColumns(width)) + " ";
  if (ThreadColumns(width) > 0) line += LeftAligned("thread", ThreadColumns(width)) + " ";
  return Clipped(line + "largest cause", width);
}

}  // namespace hftmon
